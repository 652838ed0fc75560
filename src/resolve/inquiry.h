/* inquiry.h - the way of a question: the domain, what else may serve it, then the person. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_INQUIRY_H
#define RESOLVE_INQUIRY_H

#include "resolve/local.h"
#include "resolve/lookups.h"
#include "resolve/resolver.h"

#include <stdbool.h>
#include <stdint.h>

/* Where it is asked. */
struct sources {
    const struct settings *settings;
    const struct userdb *userdb;
    struct lookups *domains;
    struct lookups *persons;
    struct local *local; /* NULL: the store is no file */
};

/* How far a question has come. */
struct inquiry {
    struct question question;
    enum { PHASE_DOMAIN, PHASE_FALLBACK, PHASE_PERSON } phase;
    struct answer answer;
};

/* From the cache, or from a file that is as quick; RESOLVE_PENDING when that is not enough. Without the lookups' lock.
 */
enum resolve_outcome inquiry_at_once(const struct sources *sources, struct inquiry *inquiry, int64_t now);

/* Goes on with what is known, joining flights where something is not; after the deadline (late), without waiting.
 * RESOLVE_PENDING: the waiter waits for a flight of inquiry_lookups(). With the lookups' lock. */
enum resolve_outcome inquiry_go_on(const struct sources *sources, struct inquiry *inquiry, struct lookup_waiter *waiter,
                                   bool late, int64_t now);

/* The same, beginning with what a flight or the deadline brought for this phase; takes over the finding's value. */
enum resolve_outcome inquiry_take(const struct sources *sources, struct inquiry *inquiry, const struct finding *finding,
                                  struct lookup_waiter *waiter, bool late, int64_t now);

/* Which look-ups this phase is about. */
struct lookups *inquiry_lookups(const struct sources *sources, const struct inquiry *inquiry);

/* A copy of a question: its texts are written to room, which holds question_size() bytes. */
size_t question_size(const struct question *question);
void question_copy(struct question *copy, struct address *address, char *room, const struct question *question);

/* What a person's flight carries: whom to ask about, by which rule. */
struct subject {
    struct snapshot *snapshot;
    struct address address;
    char texts[];
};
void subject_free(void *subject);

#endif
