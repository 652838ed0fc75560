/* lookups.h - answers by key from a cache; what is not there is asked for by a worker, once for all who want it. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_LOOKUPS_H
#define RESOLVE_LOOKUPS_H

#include "base/status.h"
#include "resolve/cache.h"
#include "resolve/list.h"
#include "resolve/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One kind of look-up: of domains, or of persons. */
struct lookups;

/* One look-up under way. */
struct flight;

/* Who waits for a flight; part of a ticket. */
struct lookup_waiter {
    struct list link;
    struct flight *flight;
};

struct lookups_plan {
    const char *what;              /* for the log: "domain" */
    const struct cache_type *type; /* of the values */
    size_t entries;
    int64_t fresh_for;
    int64_t stale_for;   /* how long a value is of use while nothing newer can be had */
    int64_t failure_for; /* how long a failure is remembered for a key without a value */
    int64_t timeout;     /* named in a message */
    struct pool_plan pool;
    void (*run)(struct pool_job *job, void **session); /* flight_of() its job, look up, flight_land(), flight_free() */
    void (*free_subject)(void *subject);               /* may be NULL */
    void *context;
    pthread_mutex_t *lock; /* "with the lock" below means this one */
};

enum lookup_result {
    LOOKUP_UNKNOWN,
    LOOKUP_PRESENT, /* value is a reference of the caller's */
    LOOKUP_ABSENT,
    LOOKUP_FAILED,
    LOOKUP_BUSY,    /* the queue is full */
    LOOKUP_WAITING, /* the waiter is among those of a flight */
};

struct finding {
    enum lookup_result result;
    void *value;
    bool stale;
};

/* NULL when memory is out. */
struct lookups *lookups_new(const struct lookups_plan *plan);

/* Waits for the workers and frees everything; nobody may wait for a flight any more. Without the lock. */
void lookups_stop(struct lookups **lookups);

struct cache_key lookups_key(const struct lookups *lookups, const char *bytes, size_t length);

/* What is fresh in the cache, else LOOKUP_UNKNOWN. Without the lock. */
struct finding lookups_get(struct lookups *lookups, const struct cache_key *key, int64_t now);

/* For a value that somebody found without a flight: lookups_round() before looking, then lookups_put(), which takes
 * over the value and keeps it unless lookups_forget() was called in between. Returns it as found. Without the lock. */
unsigned lookups_round(const struct lookups *lookups);
struct finding lookups_put(struct lookups *lookups, const struct cache_key *key, void *value, unsigned round,
                           int64_t now);

/* The same as lookups_get(), then what is stale but usable, else LOOKUP_FAILED: never waits. */
struct finding lookups_last_known(struct lookups *lookups, const struct cache_key *key, int64_t now);

/* The same as lookups_get(), then: a stale value while look-ups fail (and a look-up in the background, one a second and
 * key); else the waiter joins a flight for this key or a new one; else, with the queue full, a stale value or
 * LOOKUP_BUSY. make_subject(source) makes what a new flight carries besides its key (NULL: nothing). With the lock. */
struct finding lookups_ask(struct lookups *lookups, const struct cache_key *key, int64_t now,
                           void *(*make_subject)(const void *source), const void *source, struct lookup_waiter *waiter);

/* The waiter waits no longer; the finding is what was known of its key. With the lock. */
struct finding lookups_give_up(struct lookups *lookups, struct lookup_waiter *waiter, int64_t now);

/* The waiter leaves without wanting to know anything. With the lock. */
void lookups_leave(struct lookup_waiter *waiter);

/* Everything known is forgotten, and what flights find that are under way is given to their waiters only. Takes the
 * lock itself. */
void lookups_forget(struct lookups *lookups);

/* For other work on the same threads. */
struct pool *lookups_pool(struct lookups *lookups);

struct flight *flight_of(struct pool_job *job);
void *flight_context(const struct flight *flight);
const char *flight_key(const struct flight *flight);
void *flight_subject(const struct flight *flight);

/* Puts what was found into the cache, and the waiters into waiters. status: of the look-up; value: with STATUS_OK, the
 * flight's reference, which goes to the cache. The finding for each waiter (value borrowed until flight_free()) may be
 * a stale one when the look-up failed. With the lock. */
struct finding flight_land(struct flight *flight, enum status status, void *value, const struct error *error,
                           int64_t now, struct list *waiters);
void flight_free(struct flight *flight);

struct lookups_counts {
    uint64_t hits, misses, stale, failures, timeouts, busy;
    uint64_t entries, waiting; /* now */
};
void lookups_counts(struct lookups *lookups, struct lookups_counts *counts_r);

#endif
