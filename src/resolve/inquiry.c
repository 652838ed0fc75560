/* inquiry.c - the way of a question: the domain, what else may serve it, then the person. */
/* SPDX-License-Identifier: MIT */
#include "resolve/inquiry.h"

#include <stdlib.h>
#include <string.h>

/* A rule ("*." and a name), a blank, an address. */
enum { KEY_MAX = 2 + DOMAIN_NAME_MAX + 1 + ADDRESS_MAX };

/* Copies a text (NULL stays NULL) to *at and moves *at past it. */
static const char *keep_text(char **at, const char *text)
{
    if (!text)
        return NULL;
    char *copy = *at;
    *at = stpcpy(copy, text) + 1;
    return copy;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t address_size(const struct address *address)
{
    return address ? text_size(address->text) + text_size(address->local) + text_size(address->domain) : 0;
}

static struct address keep_address(char **at, const struct address *address)
{
    return (struct address){
        .text = keep_text(at, address->text),
        .local = keep_text(at, address->local),
        .domain = keep_text(at, address->domain),
    };
}

size_t question_size(const struct question *question)
{
    return text_size(question->domain) + text_size(question->fallback_domain) + address_size(question->address);
}

void question_copy(struct question *copy, struct address *address, char *room, const struct question *question)
{
    copy->domain = keep_text(&room, question->domain);
    copy->fallback_domain = keep_text(&room, question->fallback_domain);
    copy->address = NULL;
    if (question->address) {
        *address = keep_address(&room, question->address);
        copy->address = address;
    }
}

static void *subject_new(const void *source)
{
    const struct inquiry *inquiry = source;
    struct subject *subject = malloc(sizeof *subject + address_size(inquiry->question.address));
    if (!subject)
        return NULL;
    char *at = subject->texts;
    subject->address = keep_address(&at, inquiry->question.address);
    subject->snapshot = snapshot_ref(inquiry->answer.snapshot);
    return subject;
}

void subject_free(void *value)
{
    struct subject *subject = value;
    snapshot_unref(&subject->snapshot);
    free(subject);
}

/* The key of what is asked in this phase. A rule holds no blank, so rule and address cannot be taken for others. */
static struct cache_key inquiry_key(const struct sources *sources, const struct inquiry *inquiry,
                                    char buffer[KEY_MAX + 1])
{
    if (inquiry->phase == PHASE_PERSON) {
        char *end = stpcpy(buffer, snapshot_domain(inquiry->answer.snapshot)->name);
        *end++ = ' ';
        end = stpcpy(end, inquiry->question.address->text);
        return lookups_key(sources->persons, buffer, (size_t)(end - buffer));
    }
    const char *name = inquiry->phase == PHASE_DOMAIN ? inquiry->question.domain : inquiry->question.fallback_domain;
    return lookups_key(sources->domains, name, strlen(name));
}

/* What a phase's finding means: the outcome, or RESOLVE_PENDING when a next phase has begun. */
static enum resolve_outcome understand(const struct sources *sources, struct inquiry *inquiry,
                                       const struct finding *finding)
{
    const struct question *question = &inquiry->question;

    inquiry->answer.stale = inquiry->answer.stale || finding->stale;
    if (inquiry->phase == PHASE_PERSON) {
        if (finding->result == LOOKUP_PRESENT)
            inquiry->answer.person = finding->value;
        /* A failed look-up never refuses: set-up goes on working while a directory is down. */
        if (finding->result != LOOKUP_ABSENT || !sources->settings->unknown_users_refused)
            return RESOLVE_FOUND;
        answer_clear(&inquiry->answer);
        return RESOLVE_REFUSED;
    }

    switch (finding->result) {
    case LOOKUP_PRESENT:
        inquiry->answer.snapshot = finding->value;
        inquiry->answer.fallback = inquiry->phase == PHASE_FALLBACK;
        if (!question->address || !userdb_applies(sources->userdb, snapshot_domain(finding->value)))
            return RESOLVE_FOUND;
        inquiry->phase = PHASE_PERSON;
        return RESOLVE_PENDING;
    case LOOKUP_ABSENT:
        if (inquiry->phase == PHASE_FALLBACK || !question->fallback_domain)
            return RESOLVE_NOT_SERVED;
        inquiry->phase = PHASE_FALLBACK;
        return RESOLVE_PENDING;
    case LOOKUP_BUSY:
        return RESOLVE_BUSY;
    default:
        return RESOLVE_UNAVAILABLE;
    }
}

struct lookups *inquiry_lookups(const struct sources *sources, const struct inquiry *inquiry)
{
    return inquiry->phase == PHASE_PERSON ? sources->persons : sources->domains;
}

static struct finding find_locally(const struct sources *sources, struct inquiry *inquiry, const struct cache_key *key,
                                   int64_t now)
{
    struct snapshot *snapshot;
    unsigned round = lookups_round(sources->domains);
    if (inquiry->phase == PHASE_PERSON || !sources->local || !local_find(sources->local, key->bytes, &snapshot))
        return (struct finding){.result = LOOKUP_UNKNOWN};
    inquiry->answer.asked = true;
    return lookups_put(sources->domains, key, snapshot, round, now);
}

enum resolve_outcome inquiry_at_once(const struct sources *sources, struct inquiry *inquiry, int64_t now)
{
    for (;;) {
        char buffer[KEY_MAX + 1];
        struct cache_key key = inquiry_key(sources, inquiry, buffer);
        struct lookups *lookups = inquiry_lookups(sources, inquiry);
        struct finding finding = lookups_get(lookups, &key, now);
        if (finding.result == LOOKUP_UNKNOWN)
            finding = find_locally(sources, inquiry, &key, now);
        if (finding.result == LOOKUP_UNKNOWN)
            return RESOLVE_PENDING;
        enum resolve_outcome outcome = understand(sources, inquiry, &finding);
        if (outcome != RESOLVE_PENDING)
            return outcome;
    }
}

enum resolve_outcome inquiry_go_on(const struct sources *sources, struct inquiry *inquiry, struct lookup_waiter *waiter,
                                   bool late, int64_t now)
{
    for (;;) {
        char buffer[KEY_MAX + 1];
        struct cache_key key = inquiry_key(sources, inquiry, buffer);
        struct lookups *lookups = inquiry_lookups(sources, inquiry);
        void *(*make_subject)(const void *) = inquiry->phase == PHASE_PERSON ? subject_new : NULL;
        struct finding finding = late ? lookups_last_known(lookups, &key, now)
                                      : lookups_ask(lookups, &key, now, make_subject, inquiry, waiter);
        if (finding.result == LOOKUP_WAITING)
            return RESOLVE_PENDING;
        enum resolve_outcome outcome = understand(sources, inquiry, &finding);
        if (outcome != RESOLVE_PENDING)
            return outcome;
    }
}

enum resolve_outcome inquiry_take(const struct sources *sources, struct inquiry *inquiry, const struct finding *finding,
                                  struct lookup_waiter *waiter, bool late, int64_t now)
{
    enum resolve_outcome outcome = understand(sources, inquiry, finding);
    return outcome == RESOLVE_PENDING ? inquiry_go_on(sources, inquiry, waiter, late, now) : outcome;
}
