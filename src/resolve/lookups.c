/* lookups.c - answers by key from a cache; what is not there is asked for by a worker, once for all who want it. */
/* SPDX-License-Identifier: MIT */
#include "resolve/lookups.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum {
    RETRY_PAUSE = 1000,      /* between two look-ups in the background for one key */
    COMPLAINT_PAUSE = 60000, /* between two lines in the log about the same trouble */
    COMPLAINTS = 16,         /* how many troubles are told apart */
    ABOUT_MAX = 64,
};

/* What the log has been told. One broken directory must not keep the fault of another one out of it. */
struct complaint {
    char about[ABOUT_MAX]; /* a message up to its first colon, "ldapserver 3"; empty: free */
    int64_t at;
    bool lasts; /* nothing has been found since */
};

struct flight {
    struct pool_job job;
    struct lookups *lookups;
    struct flight *next; /* in the bucket */
    struct list waiters;
    void *subject;
    void *value;     /* what was found, until flight_free() */
    bool background; /* looked up even if nobody waits */
    bool forgotten;  /* begun before lookups_forget() */
    uint64_t hash;
    size_t length;
    char key[];
};

struct lookups {
    struct lookups_plan plan;
    struct cache *cache;
    struct pool *pool;

    /* with the lock */
    struct flight **buckets; /* flights that can be joined */
    size_t mask;
    bool down;       /* the last look-up that came to an end failed or took too long */
    bool complained; /* and the log says so */
    struct complaint complaints[COMPLAINTS];

    atomic_uint round; /* counts lookups_forget(); changed with the lock */
    atomic_uint_fast64_t misses, stale, failures, timeouts, busy;
};

static void count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

struct lookups *lookups_new(const struct lookups_plan *plan)
{
    struct lookups *lookups = calloc(1, sizeof *lookups);
    if (!lookups)
        return NULL;
    lookups->plan = *plan;
    size_t buckets = 64;
    while (buckets < plan->pool.queue + plan->pool.threads)
        buckets *= 2;
    lookups->mask = buckets - 1;
    lookups->buckets = calloc(buckets, sizeof(struct flight *));
    lookups->cache = cache_new(plan->entries, plan->type);
    lookups->pool = pool_new(&plan->pool);
    if (!lookups->buckets || !lookups->cache || !lookups->pool)
        lookups_stop(&lookups);
    return lookups;
}

void lookups_stop(struct lookups **lookups_at)
{
    struct lookups *lookups = *lookups_at;
    if (!lookups)
        return;
    pool_stop(&lookups->pool); /* until then, what still runs may come here through *lookups_at */
    *lookups_at = NULL;
    cache_free(&lookups->cache);
    free(lookups->buckets);
    free(lookups);
}

struct cache_key lookups_key(const struct lookups *lookups, const char *bytes, size_t length)
{
    return cache_key(lookups->cache, bytes, length);
}

struct pool *lookups_pool(struct lookups *lookups)
{
    return lookups->pool;
}

static struct finding finding_of(enum cache_state state, const struct cached *cached)
{
    static const enum lookup_result results[] = {
        [CACHE_PRESENT] = LOOKUP_PRESENT, [CACHE_ABSENT] = LOOKUP_ABSENT, [CACHE_FAILED] = LOOKUP_FAILED};
    return (struct finding){results[cached->kind], cached->value, state == CACHE_STALE};
}

struct finding lookups_get(struct lookups *lookups, const struct cache_key *key, int64_t now)
{
    struct cached cached;
    if (cache_get(lookups->cache, key, now, &cached) == CACHE_FRESH)
        return finding_of(CACHE_FRESH, &cached);
    if (cached.value)
        lookups->plan.type->unref(cached.value);
    return (struct finding){.result = LOOKUP_UNKNOWN};
}

struct finding lookups_last_known(struct lookups *lookups, const struct cache_key *key, int64_t now)
{
    struct cached cached;
    enum cache_state state = cache_get(lookups->cache, key, now, &cached);
    if (state == CACHE_UNKNOWN)
        return (struct finding){.result = LOOKUP_FAILED};
    if (state == CACHE_STALE)
        count(&lookups->stale);
    return finding_of(state, &cached);
}

/* Where a joinable flight for the key is linked, or would be. */
static struct flight **flight_find(struct lookups *lookups, const struct cache_key *key)
{
    struct flight **at = &lookups->buckets[key->hash & lookups->mask];
    while (*at && ((*at)->hash != key->hash || (*at)->length != key->length ||
                   memcmp((*at)->key, key->bytes, key->length) != 0))
        at = &(*at)->next;
    return at;
}

static void flight_drop(struct pool_job *job)
{
    flight_free(flight_of(job));
}

/* A new flight in the queue, or NULL when the queue (up to limit) is full or memory is out. */
static struct flight *flight_begin(struct lookups *lookups, const struct cache_key *key,
                                   void *(*make_subject)(const void *source), const void *source, size_t limit)
{
    struct flight *flight = calloc(1, sizeof *flight + key->length + 1);
    if (!flight)
        return NULL;
    list_init(&flight->job.link);
    list_init(&flight->waiters);
    flight->job.run = lookups->plan.run;
    flight->job.drop = flight_drop;
    flight->lookups = lookups;
    flight->hash = key->hash;
    flight->length = key->length;
    memcpy(flight->key, key->bytes, key->length);
    if (make_subject && !(flight->subject = make_subject(source)))
        goto fail;
    if (!pool_submit(lookups->pool, &flight->job, limit))
        goto fail;
    /* Only now: a worker that is quicker waits for the lock before it lands. */
    struct flight **bucket = &lookups->buckets[key->hash & lookups->mask];
    flight->next = *bucket;
    *bucket = flight;
    return flight;
fail:
    flight_free(flight);
    return NULL;
}

/* Takes it from those that can be joined. */
static void flight_close(struct flight *flight)
{
    if (flight->forgotten)
        return;
    struct flight **at = &flight->lookups->buckets[flight->hash & flight->lookups->mask];
    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
}

struct finding lookups_ask(struct lookups *lookups, const struct cache_key *key, int64_t now,
                           void *(*make_subject)(const void *source), const void *source, struct lookup_waiter *waiter)
{
    struct cached cached;
    enum cache_state state = cache_get(lookups->cache, key, now, &cached);
    if (state == CACHE_FRESH)
        return finding_of(state, &cached);

    struct flight *flight = *flight_find(lookups, key);
    if (state == CACHE_STALE && (cached.failing || lookups->down)) {
        /* Nobody waits for a back end that is known to be down. Half of the queue is left to those who do wait. */
        if (!flight && cache_may_retry(lookups->cache, key, now, RETRY_PAUSE)) {
            flight = flight_begin(lookups, key, make_subject, source, lookups->plan.pool.queue / 2 + 1);
            if (flight)
                flight->background = true;
        }
        count(&lookups->stale);
        return finding_of(state, &cached);
    }

    if (!flight)
        flight = flight_begin(lookups, key, make_subject, source, SIZE_MAX);
    if (!flight) {
        count(&lookups->busy);
        if (state != CACHE_STALE)
            return (struct finding){.result = LOOKUP_BUSY};
        count(&lookups->stale);
        return finding_of(state, &cached);
    }
    if (cached.value)
        lookups->plan.type->unref(cached.value);
    count(&lookups->misses);
    waiter->flight = flight;
    list_append(&flight->waiters, &waiter->link);
    return (struct finding){.result = LOOKUP_WAITING};
}

void lookups_leave(struct lookup_waiter *waiter)
{
    struct flight *flight = waiter->flight;
    waiter->flight = NULL;
    list_remove(&waiter->link);
    if (list_empty(&flight->waiters) && !flight->background && pool_cancel(flight->lookups->pool, &flight->job)) {
        flight_close(flight);
        flight_free(flight);
    }
}

/* The entry for what the message is about: the one that is there, or else the oldest, emptied. */
static struct complaint *complaint_for(struct lookups *lookups, const char *why)
{
    struct complaint *oldest = lookups->complaints;
    char about[ABOUT_MAX];

    snprintf(about, sizeof about, "%.*s", (int)strcspn(why, ":"), why);
    for (struct complaint *entry = lookups->complaints; entry < lookups->complaints + COMPLAINTS; entry++) {
        if (strcmp(entry->about, about) == 0)
            return entry;
        if (entry->at < oldest->at)
            oldest = entry;
    }
    *oldest = (struct complaint){0};
    memcpy(oldest->about, about, sizeof about);
    return oldest;
}

/* Says that look-ups fail, once when it begins and not more often than now and then. */
static void complain(struct lookups *lookups, int64_t now, const char *why)
{
    struct complaint *complaint = complaint_for(lookups, why);

    lookups->down = true;
    if (complaint->lasts || (complaint->at && now - complaint->at < COMPLAINT_PAUSE))
        return;
    complaint->at = now;
    complaint->lasts = true;
    lookups->complained = true;
    log_error("%s look-ups fail, what was known goes on being served: %s", lookups->plan.what, why);
}

static void rejoice(struct lookups *lookups)
{
    lookups->down = false;
    if (lookups->complained)
        log_info("%s look-ups work again", lookups->plan.what);
    lookups->complained = false;
    for (size_t i = 0; i < COMPLAINTS; i++)
        lookups->complaints[i].lasts = false;
}

/* What is known is served at once from now on; where nothing is, that is remembered for a moment. */
static void note_failure(const struct flight *flight, const struct cache_key *key, int64_t now)
{
    const struct lookups_plan *plan = &flight->lookups->plan;
    int64_t until = now + plan->failure_for;

    if (flight->forgotten || cache_fail(flight->lookups->cache, key, now, now + RETRY_PAUSE))
        return;
    if (plan->failure_for > 0)
        cache_put(flight->lookups->cache, key, CACHE_FAILED, NULL, until, until, now);
}

struct finding lookups_give_up(struct lookups *lookups, struct lookup_waiter *waiter, int64_t now)
{
    const struct flight *flight = waiter->flight;
    struct cache_key key = {flight->key, flight->length, flight->hash};
    char why[100];

    count(&lookups->timeouts);
    snprintf(why, sizeof why, "no answer within lookup_timeout (%" PRId64 " ms)", lookups->plan.timeout);
    complain(lookups, now, why);
    note_failure(flight, &key, now);
    struct finding finding = lookups_last_known(lookups, &key, now);
    lookups_leave(waiter); /* last: the key may go with the flight */
    return finding;
}

struct flight *flight_of(struct pool_job *job)
{
    return LIST_ITEM(job, struct flight, job);
}

void *flight_context(const struct flight *flight)
{
    return flight->lookups->plan.context;
}

const char *flight_key(const struct flight *flight)
{
    return flight->key;
}

void *flight_subject(const struct flight *flight)
{
    return flight->subject;
}

static void put(struct lookups *lookups, const struct cache_key *key, void *value, int64_t now)
{
    const struct lookups_plan *plan = &lookups->plan;
    cache_put(lookups->cache, key, CACHE_PRESENT, value, now + plan->fresh_for, now + plan->fresh_for + plan->stale_for,
              now);
}

struct finding flight_land(struct flight *flight, enum status status, void *value, const struct error *error,
                           int64_t now, struct list *waiters)
{
    struct lookups *lookups = flight->lookups;
    const struct lookups_plan *plan = &lookups->plan;
    struct cache_key key = {flight->key, flight->length, flight->hash};
    struct finding finding = {.result = LOOKUP_FAILED};

    if (status == STATUS_OK) {
        rejoice(lookups);
        finding = (struct finding){LOOKUP_PRESENT, value, false};
        if (!flight->forgotten)
            put(lookups, &key, plan->type->ref(value), now);
    } else if (status == STATUS_NOT_FOUND) {
        rejoice(lookups);
        finding.result = LOOKUP_ABSENT;
        if (!flight->forgotten)
            cache_put(lookups->cache, &key, CACHE_ABSENT, NULL, now + plan->fresh_for, now + plan->fresh_for, now);
    } else {
        count(&lookups->failures);
        complain(lookups, now, error->text);
        note_failure(flight, &key, now);
        finding = lookups_last_known(lookups, &key, now);
    }
    flight->value = finding.value;
    list_join(waiters, &flight->waiters);
    flight_close(flight);
    return finding;
}

void flight_free(struct flight *flight)
{
    const struct lookups_plan *plan = &flight->lookups->plan;
    if (flight->value)
        plan->type->unref(flight->value);
    if (flight->subject && plan->free_subject)
        plan->free_subject(flight->subject);
    free(flight);
}

unsigned lookups_round(const struct lookups *lookups)
{
    return atomic_load_explicit(&lookups->round, memory_order_acquire);
}

struct finding lookups_put(struct lookups *lookups, const struct cache_key *key, void *value, unsigned round,
                           int64_t now)
{
    count(&lookups->misses);
    pthread_mutex_lock(lookups->plan.lock);
    if (lookups->down)
        rejoice(lookups);
    if (round == lookups_round(lookups))
        put(lookups, key, lookups->plan.type->ref(value), now);
    pthread_mutex_unlock(lookups->plan.lock);
    return (struct finding){LOOKUP_PRESENT, value, false};
}

void lookups_forget(struct lookups *lookups)
{
    pthread_mutex_lock(lookups->plan.lock);
    atomic_fetch_add_explicit(&lookups->round, 1, memory_order_release);
    for (size_t i = 0; i <= lookups->mask; i++) {
        for (struct flight *flight = lookups->buckets[i]; flight; flight = flight->next)
            flight->forgotten = true;
        lookups->buckets[i] = NULL;
    }
    pthread_mutex_unlock(lookups->plan.lock);
    /* From here on only flights that begin now fill the cache; clearing what they bring does no harm. */
    cache_clear(lookups->cache);
}

void lookups_counts(struct lookups *lookups, struct lookups_counts *counts_r)
{
    struct cache_counts cache;
    cache_counts(lookups->cache, &cache);
    *counts_r = (struct lookups_counts){
        .hits = cache.hits,
        .misses = lookups->misses,
        .stale = lookups->stale,
        .failures = lookups->failures,
        .timeouts = lookups->timeouts,
        .busy = lookups->busy,
        .entries = cache.entries,
        .waiting = pool_waiting(lookups->pool),
    };
}
