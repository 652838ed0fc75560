/* resolver.c - turns a question (this domain, this address) into an answer, without ever making the asker wait. */
/* SPDX-License-Identifier: MIT */
#include "resolve/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "resolve/deadline.h"
#include "resolve/lookups.h"
#include "resolve/person.h"
#include "resolve/task.h"

enum {
    DOMAIN_ARENA_MAX = 4 << 20, /* a provider with consent texts and thousands of servers; far more than any has */
    PERSON_ARENA_MAX = 64 << 10,
    PERSON_FAILURE_MS = 1000, /* a dead directory costs one request a second its time-out, not each */
    KEY_MAX = DOMAIN_NAME_MAX + 1 + ADDRESS_MAX,
};

struct resolver {
    const struct settings *settings;
    struct store *store;
    struct userdb *userdb;
    pthread_mutex_t lock; /* of flights, tickets, tasks and deadlines; never held while asking or calling back */
    struct lookups *domains;
    struct lookups *persons;
    struct deadlines *deadlines;
    struct task_place tasks;
    bool stopping;
};

/* How far a question has come. */
struct inquiry {
    struct question question;
    enum { PHASE_DOMAIN, PHASE_FALLBACK, PHASE_PERSON } phase;
    struct answer answer;
};

/* A question that waits, with the texts it is made of. */
struct ticket {
    struct resolver *resolver;
    struct deadline deadline;
    struct lookup_waiter waiter;
    struct inquiry inquiry;
    enum resolve_outcome outcome;
    resolve_callback callback;
    void *context;
    struct address address;
    char texts[];
};

/* What a person's flight carries: whom to ask about, by which rule. */
struct subject {
    struct snapshot *snapshot;
    struct address address;
    char texts[];
};

/* ---- the values of the two caches ---- */

static void *domain_ref(void *value)
{
    return snapshot_ref(value);
}

static void domain_unref(void *value)
{
    struct snapshot *snapshot = value;
    snapshot_unref(&snapshot);
}

static void *person_ref(void *value)
{
    return person_entry_ref(value);
}

static void person_unref(void *value)
{
    struct person_entry *entry = value;
    person_entry_unref(&entry);
}

static const struct cache_type domain_type = {domain_ref, domain_unref};
static const struct cache_type person_type = {person_ref, person_unref};

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

static void subject_free(void *value)
{
    struct subject *subject = value;
    snapshot_unref(&subject->snapshot);
    free(subject);
}

/* ---- the way of a question ---- */

/* The key of what is asked in this phase. A rule holds no blank, so rule and address cannot be taken for others. */
static struct cache_key inquiry_key(struct resolver *resolver, const struct inquiry *inquiry, char buffer[KEY_MAX + 1])
{
    if (inquiry->phase == PHASE_PERSON) {
        char *end = stpcpy(buffer, snapshot_domain(inquiry->answer.snapshot)->name);
        *end++ = ' ';
        end = stpcpy(end, inquiry->question.address->text);
        return lookups_key(resolver->persons, buffer, (size_t)(end - buffer));
    }
    const char *name = inquiry->phase == PHASE_DOMAIN ? inquiry->question.domain : inquiry->question.fallback_domain;
    return lookups_key(resolver->domains, name, strlen(name));
}

/* What a phase's finding means: the outcome, or RESOLVE_PENDING when a next phase has begun. */
static enum resolve_outcome inquiry_take(struct resolver *resolver, struct inquiry *inquiry,
                                         const struct finding *finding)
{
    const struct question *question = &inquiry->question;

    inquiry->answer.stale = inquiry->answer.stale || finding->stale;
    if (inquiry->phase == PHASE_PERSON) {
        if (finding->result == LOOKUP_PRESENT)
            inquiry->answer.person = finding->value;
        /* A failed look-up never refuses: set-up goes on working while a directory is down. */
        if (finding->result != LOOKUP_ABSENT || !resolver->settings->unknown_users_refused)
            return RESOLVE_FOUND;
        answer_clear(&inquiry->answer);
        return RESOLVE_REFUSED;
    }

    switch (finding->result) {
    case LOOKUP_PRESENT:
        inquiry->answer.snapshot = finding->value;
        inquiry->answer.fallback = inquiry->phase == PHASE_FALLBACK;
        if (!question->address || !userdb_applies(resolver->userdb, snapshot_domain(finding->value)))
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

/* From the cache alone; RESOLVE_PENDING when that is not enough. */
static enum resolve_outcome inquiry_from_cache(struct resolver *resolver, struct inquiry *inquiry, int64_t now)
{
    for (;;) {
        char buffer[KEY_MAX + 1];
        struct cache_key key = inquiry_key(resolver, inquiry, buffer);
        struct lookups *lookups = inquiry->phase == PHASE_PERSON ? resolver->persons : resolver->domains;
        struct finding finding = lookups_get(lookups, &key, now);
        if (finding.result == LOOKUP_UNKNOWN)
            return RESOLVE_PENDING;
        enum resolve_outcome outcome = inquiry_take(resolver, inquiry, &finding);
        if (outcome != RESOLVE_PENDING)
            return outcome;
    }
}

/* Goes on with what is known, joining flights where something is not; after the deadline (late), without waiting.
 * RESOLVE_PENDING: the ticket waits for a flight. With the lock. */
static enum resolve_outcome ticket_go_on(struct ticket *ticket, bool late, int64_t now)
{
    struct resolver *resolver = ticket->resolver;
    struct inquiry *inquiry = &ticket->inquiry;

    for (;;) {
        char buffer[KEY_MAX + 1];
        struct cache_key key = inquiry_key(resolver, inquiry, buffer);
        bool person = inquiry->phase == PHASE_PERSON;
        struct lookups *lookups = person ? resolver->persons : resolver->domains;
        struct finding finding =
            late ? lookups_last_known(lookups, &key, now)
                 : lookups_ask(lookups, &key, now, person ? subject_new : NULL, inquiry, &ticket->waiter);
        if (finding.result == LOOKUP_WAITING)
            return RESOLVE_PENDING;
        enum resolve_outcome outcome = inquiry_take(resolver, inquiry, &finding);
        if (outcome != RESOLVE_PENDING)
            return outcome;
    }
}

/* The same, beginning with what a flight or the deadline brought for this phase. */
static enum resolve_outcome ticket_take(struct ticket *ticket, const struct finding *finding, bool late, int64_t now)
{
    enum resolve_outcome outcome = inquiry_take(ticket->resolver, &ticket->inquiry, finding);
    return outcome == RESOLVE_PENDING ? ticket_go_on(ticket, late, now) : outcome;
}

/* Without the lock; the ticket is in no list any more. */
static void ticket_deliver(struct ticket *ticket)
{
    ticket->callback(ticket->context, ticket->outcome, &ticket->inquiry.answer);
    free(ticket);
}

static void ticket_expire(struct deadline *deadline)
{
    struct ticket *ticket = LIST_ITEM(deadline, struct ticket, deadline);
    struct resolver *resolver = ticket->resolver;
    struct lookups *lookups = ticket->inquiry.phase == PHASE_PERSON ? resolver->persons : resolver->domains;
    int64_t now = clock_ms();

    if (resolver->stopping) {
        lookups_leave(&ticket->waiter);
        answer_clear(&ticket->inquiry.answer);
        ticket->outcome = RESOLVE_UNAVAILABLE;
    } else {
        struct finding finding = lookups_give_up(lookups, &ticket->waiter, now);
        ticket->outcome = ticket_take(ticket, &finding, true, now);
    }
    pthread_mutex_unlock(&resolver->lock);
    ticket_deliver(ticket);
    pthread_mutex_lock(&resolver->lock);
}

static struct ticket *ticket_new(struct resolver *resolver, const struct inquiry *inquiry, resolve_callback callback,
                                 void *context)
{
    const struct question *question = &inquiry->question;
    struct ticket *ticket = malloc(sizeof *ticket + text_size(question->domain) + text_size(question->fallback_domain) +
                                   address_size(question->address));
    if (!ticket)
        return NULL;
    *ticket = (struct ticket){.resolver = resolver, .inquiry = *inquiry, .callback = callback, .context = context};
    list_init(&ticket->deadline.link);
    list_init(&ticket->waiter.link);
    ticket->deadline.expire = ticket_expire;

    char *at = ticket->texts;
    struct question *copy = &ticket->inquiry.question;
    copy->domain = keep_text(&at, question->domain);
    copy->fallback_domain = keep_text(&at, question->fallback_domain);
    if (question->address) {
        ticket->address = keep_address(&at, question->address);
        copy->address = &ticket->address;
    }
    return ticket;
}

enum resolve_outcome resolver_ask(struct resolver *resolver, const struct question *question, struct answer *answer_r,
                                  resolve_callback callback, void *context)
{
    struct inquiry inquiry = {.question = *question, .phase = PHASE_DOMAIN};
    *answer_r = (struct answer){0};
    /* Overlong names can be neither in the store nor in a key. */
    if (strlen(question->domain) > DOMAIN_NAME_MAX)
        return RESOLVE_NOT_SERVED;
    if (question->fallback_domain && strlen(question->fallback_domain) > DOMAIN_NAME_MAX)
        inquiry.question.fallback_domain = NULL;
    if (question->address && strlen(question->address->text) > ADDRESS_MAX)
        inquiry.question.address = NULL;

    int64_t now = clock_ms();
    enum resolve_outcome outcome = inquiry_from_cache(resolver, &inquiry, now);
    if (outcome != RESOLVE_PENDING) {
        *answer_r = inquiry.answer;
        return outcome;
    }

    struct ticket *ticket = ticket_new(resolver, &inquiry, callback, context);
    if (!ticket) {
        answer_clear(&inquiry.answer);
        return RESOLVE_BUSY;
    }
    pthread_mutex_lock(&resolver->lock);
    if (resolver->stopping) {
        answer_clear(&ticket->inquiry.answer);
        outcome = RESOLVE_UNAVAILABLE;
    } else {
        outcome = ticket_go_on(ticket, false, now);
    }
    if (outcome == RESOLVE_PENDING) {
        ticket->deadline.at = clock_ms() + resolver->settings->lookup_timeout;
        deadlines_add(resolver->deadlines, &ticket->deadline);
    }
    pthread_mutex_unlock(&resolver->lock);
    if (outcome == RESOLVE_PENDING)
        return outcome; /* the ticket may be gone already */
    *answer_r = ticket->inquiry.answer;
    free(ticket);
    return outcome;
}

/* ---- on the workers ---- */

/* The flight is over: those who waited go on, and who has an answer gets it. */
static void land(struct resolver *resolver, struct flight *flight, enum status status, void *value,
                 const struct cache_type *type, const struct error *error)
{
    struct list waiters, answered;
    struct list *link;
    list_init(&waiters);
    list_init(&answered);

    pthread_mutex_lock(&resolver->lock);
    int64_t now = clock_ms();
    struct finding finding = flight_land(flight, status, value, error, now, &waiters);
    while ((link = list_take(&waiters)) != NULL) {
        struct ticket *ticket = LIST_ITEM(link, struct ticket, waiter.link);
        struct finding own = finding;
        if (own.value)
            own.value = type->ref(own.value);
        ticket->outcome = ticket_take(ticket, &own, false, now);
        if (ticket->outcome != RESOLVE_PENDING) {
            deadlines_remove(&ticket->deadline);
            list_append(&answered, &ticket->waiter.link);
        }
    }
    pthread_mutex_unlock(&resolver->lock);

    flight_free(flight);
    while ((link = list_take(&answered)) != NULL)
        ticket_deliver(LIST_ITEM(link, struct ticket, waiter.link));
}

static void close_store_session(void *session)
{
    struct store_session *opened = session;
    store_session_close(&opened);
}

static void close_userdb_session(void *session)
{
    struct userdb_session *opened = session;
    userdb_session_close(&opened);
}

static enum status find_domain(struct store_session *session, const char *name, struct snapshot **snapshot_r,
                               struct error *error)
{
    const struct domain *domain = NULL;

    struct arena *arena = arena_new(DOMAIN_ARENA_MAX);
    if (!arena)
        return error_set(error, STATUS_LIMIT, "out of memory");
    enum status status = store_find(session, arena, name, &domain, error);
    if (status != STATUS_OK) {
        arena_free(&arena);
        return status;
    }
    *snapshot_r = snapshot_new(arena, domain);
    return *snapshot_r ? STATUS_OK : error_set(error, STATUS_LIMIT, "out of memory");
}

static void run_domain(struct pool_job *job, void **session)
{
    struct flight *flight = flight_of(job);
    struct resolver *resolver = flight_context(flight);
    struct snapshot *snapshot = NULL;
    struct error error = {0};
    enum status status = STATUS_BACKEND;

    struct store_session *store = worker_store(resolver->store, session, &error);
    if (store)
        status = find_domain(store, flight_key(flight), &snapshot, &error);
    land(resolver, flight, status, snapshot, &domain_type, &error);
}

static enum status find_person(const struct resolver *resolver, struct userdb_session *session,
                               const struct subject *subject, struct person_entry **entry_r, struct error *error)
{
    struct person person = {0};

    struct arena *arena = arena_new(PERSON_ARENA_MAX);
    if (!arena)
        return error_set(error, STATUS_LIMIT, "out of memory");
    enum status status = userdb_find(session, arena, snapshot_domain(subject->snapshot), &subject->address,
                                     clock_ms() + resolver->settings->lookup_timeout, &person, error);
    if (status != STATUS_OK) {
        arena_free(&arena);
        return status;
    }
    if (!resolver->settings->publish_names)
        person.full_name = NULL;
    *entry_r = person_entry_new(arena, &person);
    return *entry_r ? STATUS_OK : error_set(error, STATUS_LIMIT, "out of memory");
}

static void run_person(struct pool_job *job, void **session)
{
    struct flight *flight = flight_of(job);
    struct resolver *resolver = flight_context(flight);
    struct person_entry *entry = NULL;
    struct error error = {0};
    enum status status = STATUS_OK;

    struct userdb_session *userdb = *session;
    if (!userdb) {
        status = userdb_session_open(resolver->userdb, &userdb, &error);
        *session = status == STATUS_OK ? userdb : NULL;
    }
    if (status == STATUS_OK)
        status = find_person(resolver, userdb, flight_subject(flight), &entry, &error);
    land(resolver, flight, status, entry, &person_type, &error);
}

bool resolver_run(struct resolver *resolver, const struct resolver_work *work, void *context)
{
    pthread_mutex_lock(&resolver->lock);
    bool accepted = !resolver->stopping && task_submit(&resolver->tasks, work, context);
    pthread_mutex_unlock(&resolver->lock);
    return accepted;
}

/* ---- the whole ---- */

static bool start_lookups(struct resolver *resolver)
{
    const struct settings *settings = resolver->settings;
    struct lookups_plan plan = {
        .what = "domain",
        .type = &domain_type,
        .entries = settings->cache_entries,
        .fresh_for = settings->cache_ttl,
        .stale_for = settings->stale_ttl,
        .timeout = settings->lookup_timeout,
        .pool = {"domains", settings->lookup_workers, settings->lookup_queue, close_store_session},
        .run = run_domain,
        .context = resolver,
        .lock = &resolver->lock,
    };
    resolver->domains = lookups_new(&plan);

    /* Persons have threads of their own: a directory that hangs holds up nobody who asks for a domain. */
    plan.what = "user";
    plan.type = &person_type;
    plan.fresh_for = settings->user_cache_ttl;
    plan.failure_for = PERSON_FAILURE_MS;
    plan.pool.name = "users";
    plan.pool.close_session = close_userdb_session;
    plan.run = run_person;
    plan.free_subject = subject_free;
    resolver->persons = lookups_new(&plan);
    return resolver->domains && resolver->persons;
}

static void resolver_free(struct resolver *resolver)
{
    deadlines_stop(&resolver->deadlines);
    lookups_stop(&resolver->domains);
    lookups_stop(&resolver->persons);
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

enum status resolver_start(const struct settings *settings, struct store *store, struct userdb *userdb,
                           struct resolver **resolver_r, struct error *error_r)
{
    *resolver_r = NULL;
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (!resolver)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    resolver->settings = settings;
    resolver->store = store;
    resolver->userdb = userdb;
    pthread_mutex_init(&resolver->lock, NULL);

    enum status status = deadlines_start(&resolver->lock, &resolver->deadlines, error_r);
    if (status == STATUS_OK && !start_lookups(resolver))
        status = error_set(error_r, STATUS_LIMIT, "out of memory: lower cache_entries (%u)", settings->cache_entries);
    if (status != STATUS_OK) {
        resolver_free(resolver);
        return status;
    }
    resolver->tasks = (struct task_place){
        .lock = &resolver->lock,
        .deadlines = resolver->deadlines,
        .pool = lookups_pool(resolver->domains),
        .store = store,
        .timeout = settings->lookup_timeout,
    };
    *resolver_r = resolver;
    return STATUS_OK;
}

void resolver_stop(struct resolver **resolver_at)
{
    struct resolver *resolver = *resolver_at;
    if (!resolver)
        return;
    *resolver_at = NULL;

    /* Everything that waits has a deadline: once none is left and no more is taken, nobody waits. */
    pthread_mutex_lock(&resolver->lock);
    resolver->stopping = true;
    for (struct deadline *deadline; (deadline = deadlines_take(resolver->deadlines)) != NULL;)
        deadline->expire(deadline);
    pthread_mutex_unlock(&resolver->lock);
    resolver_free(resolver);
}

void resolver_forget(struct resolver *resolver)
{
    lookups_forget(resolver->domains);
    lookups_forget(resolver->persons);
}

void resolver_counts(const struct resolver *resolver, struct resolver_counts *counts_r)
{
    struct lookups_counts domains, persons;
    lookups_counts(resolver->domains, &domains);
    lookups_counts(resolver->persons, &persons);
    *counts_r = (struct resolver_counts){
        .hits = domains.hits + persons.hits,
        .misses = domains.misses + persons.misses,
        .stale = domains.stale + persons.stale,
        .failures = domains.failures + persons.failures,
        .timeouts = domains.timeouts + persons.timeouts,
        .busy = domains.busy + persons.busy,
        .domains = domains.entries,
        .persons = persons.entries,
        .queued = domains.waiting + persons.waiting,
    };
}
