/* ratelimit.c - how much each network of clients has cost lately. */
/* SPDX-License-Identifier: MIT */
#include "http/ratelimit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/hash.h"

/* The table never grows: 65,536 buckets of 16 bytes. A flood from more networks than that pushes out the fullest
 * buckets, whose owners lose the least. */
enum {
    SETS = 16384,
    WAYS = 4,
};

enum { MINUTE_US = 60 * 1000 * 1000 };

/* A token bucket as one number: when it will be full again. One that is full may be forgotten. */
struct bucket {
    uint64_t client; /* the client's keyed hash */
    int64_t full_at; /* microseconds of clock_ms() */
};

struct ratelimit {
    /* Nobody has to wait after this moment; 0: nobody has. */
    _Atomic int64_t empty_until;
    pthread_mutex_t lock; /* guards the buckets; held for a few instructions */
    struct hash_seed seed;
    struct bucket buckets[SETS][WAYS];
};

struct ratelimit *ratelimit_new(void)
{
    struct ratelimit *ratelimit = calloc(1, sizeof *ratelimit);
    if (!ratelimit)
        return NULL;
    pthread_mutex_init(&ratelimit->lock, NULL);
    hash_seed_init(&ratelimit->seed);
    return ratelimit;
}

void ratelimit_free(struct ratelimit **ratelimit)
{
    if (!*ratelimit)
        return;
    pthread_mutex_destroy(&(*ratelimit)->lock);
    free(*ratelimit);
    *ratelimit = NULL;
}

static bool is_private(const struct net_address *address)
{
    const unsigned char *bytes = address->bytes;
    if (address->family == NET_IPV4)
        return bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) || (bytes[0] == 192 && bytes[1] == 168) ||
               (bytes[0] == 100 && (bytes[1] & 0xc0) == 64) || (bytes[0] == 169 && bytes[1] == 254);
    return (bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

bool ratelimit_applies(const struct proxies *proxies, const struct net_address *peer, const struct origin *origin)
{
    const struct net_address *client = &origin->client;
    if (client->family != NET_IPV4 && client->family != NET_IPV6)
        return false;
    if (net_address_is_loopback(client) || proxies_trust(proxies, client))
        return false;
    bool is_told = origin->through_proxy && !net_address_equal(client, peer);
    return is_told || !is_private(client);
}

static uint64_t client_hash(const struct ratelimit *ratelimit, const struct net_address *client)
{
    /* The lengths differ, so that 192.0.2.1 is not c000:201::. */
    return hash_bytes(&ratelimit->seed, client->bytes, client->family == NET_IPV4 ? 4 : 8);
}

static struct bucket *find(struct bucket *set, uint64_t hash)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].client == hash)
            return &set[i];
    }
    return NULL;
}

/* The bucket that is missed the least: a full one, or the one that will be full first. */
static struct bucket *find_or_evict(struct bucket *set, uint64_t hash)
{
    struct bucket *bucket = find(set, hash);
    if (bucket)
        return bucket;
    bucket = &set[0];
    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].full_at < bucket->full_at)
            bucket = &set[i];
    }
    *bucket = (struct bucket){.client = hash};
    return bucket;
}

/* When a bucket that is full at this moment has something in it again. */
static int64_t not_empty_at(int64_t full_at, int64_t interval)
{
    return full_at - (RATELIMIT_BURST - 1) * interval;
}

bool ratelimit_is_quiet(const struct ratelimit *ratelimit)
{
    return atomic_load_explicit(&ratelimit->empty_until, memory_order_relaxed) == 0;
}

int64_t ratelimit_wait(struct ratelimit *ratelimit, const struct net_address *client, unsigned per_minute, int64_t now)
{
    int64_t until = atomic_load_explicit(&ratelimit->empty_until, memory_order_relaxed);
    int64_t now_us = now * 1000;
    if (until <= now_us) {
        /* Whoever emptied a bucket meanwhile has set another value, which stays. */
        if (until != 0)
            atomic_compare_exchange_strong(&ratelimit->empty_until, &until, 0);
        return 0;
    }
    int64_t interval = MINUTE_US / per_minute;
    uint64_t hash = client_hash(ratelimit, client);
    pthread_mutex_lock(&ratelimit->lock);
    const struct bucket *bucket = find(ratelimit->buckets[hash % SETS], hash);
    int64_t full_at = bucket ? bucket->full_at : 0;
    pthread_mutex_unlock(&ratelimit->lock);
    int64_t wait = not_empty_at(full_at, interval) - now_us;
    return wait > 0 ? (wait + 999) / 1000 : 0;
}

void ratelimit_charge(struct ratelimit *ratelimit, const struct net_address *client, unsigned per_minute, unsigned cost,
                      int64_t now)
{
    int64_t interval = MINUTE_US / per_minute;
    int64_t now_us = now * 1000;
    uint64_t hash = client_hash(ratelimit, client);
    pthread_mutex_lock(&ratelimit->lock);
    struct bucket *bucket = find_or_evict(ratelimit->buckets[hash % SETS], hash);
    if (bucket->full_at < now_us)
        bucket->full_at = now_us;
    bucket->full_at += interval * cost;
    /* Requests that were let in together may take more than there is; one debt is enough. */
    if (bucket->full_at > now_us + 2 * RATELIMIT_BURST * interval)
        bucket->full_at = now_us + 2 * RATELIMIT_BURST * interval;
    int64_t empty_until = not_empty_at(bucket->full_at, interval);
    if (empty_until > now_us && empty_until > atomic_load_explicit(&ratelimit->empty_until, memory_order_relaxed))
        atomic_store_explicit(&ratelimit->empty_until, empty_until, memory_order_relaxed);
    pthread_mutex_unlock(&ratelimit->lock);
}
