/* cache.c - a bounded table from names to counted values, with the moments until which they are fresh and usable. */
/* SPDX-License-Identifier: MIT */
#include "resolve/cache.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARDS_MAX = 8,        /* a power of two */
    SHARDED_FROM = 2048,   /* entries; with fewer, one shard keeps the bound exact */
    CLEAR_BATCH = 64,      /* values let go between two locks, so that forgetting stops nobody */
    ENTRIES_MAX = 1 << 27, /* indexes are 32 bits wide */
};

/* Indexes are one more than a position; 0 is none. */
struct slot {
    uint64_t hash;
    char *key; /* NULL: the slot is free */
    void *value;
    int64_t fresh_until;
    int64_t stale_until;
    int64_t retry_at;
    uint32_t next; /* in the bucket, or among the free */
    uint16_t key_length;
    uint8_t kind;    /* enum cache_kind */
    bool referenced; /* asked for since the hand passed: a second chance */
    bool failing;
};

/* A run of slots with a clock's hand that looks for one to give up. */
struct ring {
    uint32_t first, size, used, hand, free;
};
enum { RING_PRESENT, RING_OTHER, RING_COUNT };

struct shard {
    /* On a cache line of its own. Adaptive: it is held for less time than sleeping takes. */
    alignas(64) pthread_mutex_t lock;
    struct slot *slots;
    uint32_t *buckets;
    uint32_t mask;
    uint32_t count;
    struct ring rings[RING_COUNT];
    uint64_t hits;
};

struct cache {
    struct hash_seed seed;
    const struct cache_type *type;
    unsigned shard_count;
    struct shard shards[];
};

static bool shard_init(struct shard *shard, size_t present, size_t other)
{
    size_t size = present + other;
    uint32_t buckets = 16;
    while (buckets < size)
        buckets *= 2;

    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&shard->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);

    /* The system gives zeroed pages when they are touched: an empty cache costs nothing, whatever its bound. */
    shard->slots = calloc(size, sizeof *shard->slots);
    shard->buckets = calloc(buckets, sizeof *shard->buckets);
    shard->mask = buckets - 1;
    shard->rings[RING_PRESENT] = (struct ring){.first = 0, .size = (uint32_t)present};
    shard->rings[RING_OTHER] = (struct ring){.first = (uint32_t)present, .size = (uint32_t)other};
    return shard->slots && shard->buckets;
}

struct cache *cache_new(size_t entries, const struct cache_type *type)
{
    if (entries < 1)
        entries = 1;
    if (entries > ENTRIES_MAX)
        entries = ENTRIES_MAX;
    unsigned shard_count = entries < SHARDED_FROM ? 1 : SHARDS_MAX;
    size_t size = sizeof(struct cache) + shard_count * sizeof(struct shard);
    size = (size + 63) / 64 * 64;
    struct cache *cache = aligned_alloc(64, size);
    if (!cache)
        return NULL;
    memset(cache, 0, size);
    hash_seed_init(&cache->seed);
    cache->type = type;
    cache->shard_count = shard_count;

    size_t present = (entries + shard_count - 1) / shard_count;
    size_t other = (present + 3) / 4;
    bool good = true;
    for (unsigned i = 0; i < shard_count; i++)
        good = shard_init(&cache->shards[i], present, other) && good;
    if (!good)
        cache_free(&cache);
    return cache;
}

void cache_free(struct cache **cache_at)
{
    struct cache *cache = *cache_at;
    if (!cache)
        return;
    *cache_at = NULL;
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        for (unsigned r = 0; r < RING_COUNT && shard->slots; r++) {
            for (uint32_t j = 0; j < shard->rings[r].used; j++) {
                struct slot *slot = &shard->slots[shard->rings[r].first + j];
                if (slot->key && slot->value)
                    cache->type->unref(slot->value);
                free(slot->key);
            }
        }
        free(shard->slots);
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    free(cache);
}

struct cache_key cache_key(const struct cache *cache, const char *bytes, size_t length)
{
    return (struct cache_key){bytes, length, hash_bytes(&cache->seed, bytes, length)};
}

/* The bucket comes from the low bits of the hash, so the shard is taken from the high ones. */
static struct shard *shard_of(struct cache *cache, const struct cache_key *key)
{
    return &cache->shards[(key->hash >> 56) & (cache->shard_count - 1)];
}

static struct slot *shard_find(struct shard *shard, const struct cache_key *key)
{
    for (uint32_t i = shard->buckets[key->hash & shard->mask]; i; i = shard->slots[i - 1].next) {
        struct slot *slot = &shard->slots[i - 1];
        if (slot->hash == key->hash && slot->key_length == key->length && !memcmp(slot->key, key->bytes, key->length))
            return slot;
    }
    return NULL;
}

static struct ring *shard_ring(struct shard *shard, enum cache_kind kind)
{
    return &shard->rings[kind == CACHE_PRESENT ? RING_PRESENT : RING_OTHER];
}

/* Takes a slot out of its bucket and empties it; its value is the caller's. The slot stays in no list. */
static void *shard_empty(struct shard *shard, struct slot *slot)
{
    uint32_t index = (uint32_t)(slot - shard->slots) + 1;
    uint32_t *at = &shard->buckets[slot->hash & shard->mask];
    while (*at != index)
        at = &shard->slots[*at - 1].next;
    *at = slot->next;
    void *value = slot->value;
    free(slot->key);
    *slot = (struct slot){0};
    shard->count--;
    return value;
}

static void shard_give_back(struct shard *shard, struct ring *ring, struct slot *slot)
{
    slot->next = ring->free;
    ring->free = (uint32_t)(slot - shard->slots) + 1;
}

static void *shard_remove(struct shard *shard, struct slot *slot)
{
    struct ring *ring = shard_ring(shard, slot->kind);
    void *value = shard_empty(shard, slot);
    shard_give_back(shard, ring, slot);
    return value;
}

/* An empty slot: a free one, one never used, or that of the first value under the hand that nobody asked for since the
 * hand passed it (or that is of no use any more). What it held goes to *evicted_r. */
static struct slot *shard_take(struct shard *shard, struct ring *ring, int64_t now, void **evicted_r)
{
    if (ring->free) {
        struct slot *slot = &shard->slots[ring->free - 1];
        ring->free = slot->next;
        return slot;
    }
    if (ring->used < ring->size)
        return &shard->slots[ring->first + ring->used++];
    for (;;) {
        struct slot *slot = &shard->slots[ring->first + ring->hand];
        ring->hand = (ring->hand + 1) % ring->size;
        if (slot->referenced && now < slot->stale_until) {
            slot->referenced = false;
            continue;
        }
        *evicted_r = shard_empty(shard, slot);
        return slot;
    }
}

enum cache_state cache_get(struct cache *cache, const struct cache_key *key, int64_t now, struct cached *cached_r)
{
    enum cache_state state = CACHE_UNKNOWN;
    *cached_r = (struct cached){.kind = CACHE_ABSENT};

    struct shard *shard = shard_of(cache, key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = shard_find(shard, key);
    if (slot && now < slot->fresh_until) {
        state = CACHE_FRESH;
        shard->hits++;
    } else if (slot && slot->kind == CACHE_PRESENT && now < slot->stale_until) {
        state = CACHE_STALE;
    }
    if (state != CACHE_UNKNOWN) {
        slot->referenced = true;
        cached_r->kind = slot->kind;
        cached_r->failing = slot->failing;
        cached_r->value = slot->value ? cache->type->ref(slot->value) : NULL;
    }
    pthread_mutex_unlock(&shard->lock);
    return state;
}

void cache_put(struct cache *cache, const struct cache_key *key, enum cache_kind kind, void *value, int64_t fresh_until,
               int64_t stale_until, int64_t now)
{
    void *replaced = NULL, *evicted = NULL;

    struct shard *shard = shard_of(cache, key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = shard_find(shard, key);
    if (slot && shard_ring(shard, slot->kind) == shard_ring(shard, kind)) {
        replaced = slot->value;
    } else {
        if (slot)
            replaced = shard_remove(shard, slot);
        char *copy = malloc(key->length + 1);
        if (copy) {
            memcpy(copy, key->bytes, key->length);
            slot = shard_take(shard, shard_ring(shard, kind), now, &evicted);
            uint32_t *bucket = &shard->buckets[key->hash & shard->mask];
            *slot = (struct slot){.hash = key->hash, .key = copy, .key_length = (uint16_t)key->length, .next = *bucket};
            *bucket = (uint32_t)(slot - shard->slots) + 1;
            shard->count++;
        } else {
            slot = NULL;
            evicted = value; /* without memory it is not kept */
        }
    }
    if (slot) {
        slot->kind = (uint8_t)kind;
        slot->value = value;
        slot->fresh_until = fresh_until;
        slot->stale_until = stale_until;
        slot->failing = false;
        slot->retry_at = 0;
    }
    pthread_mutex_unlock(&shard->lock);

    if (replaced)
        cache->type->unref(replaced);
    if (evicted)
        cache->type->unref(evicted);
}

bool cache_fail(struct cache *cache, const struct cache_key *key, int64_t now, int64_t retry_at)
{
    struct shard *shard = shard_of(cache, key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = shard_find(shard, key);
    bool usable = slot && slot->kind == CACHE_PRESENT && now < slot->stale_until;
    if (usable) {
        slot->failing = true;
        slot->retry_at = retry_at;
    }
    pthread_mutex_unlock(&shard->lock);
    return usable;
}

bool cache_may_retry(struct cache *cache, const struct cache_key *key, int64_t now, int64_t pause)
{
    struct shard *shard = shard_of(cache, key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = shard_find(shard, key);
    bool due = slot && now >= slot->retry_at;
    if (due)
        slot->retry_at = now + pause;
    pthread_mutex_unlock(&shard->lock);
    return due;
}

void cache_clear(struct cache *cache)
{
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        uint32_t size = shard->rings[RING_PRESENT].size + shard->rings[RING_OTHER].size;
        for (uint32_t at = 0; at < size;) {
            void *values[CLEAR_BATCH];
            size_t count = 0;
            pthread_mutex_lock(&shard->lock);
            for (; at < size && count < CLEAR_BATCH; at++) {
                /* Past the used part of a ring nothing was ever written: do not touch those pages. */
                struct ring *ring = &shard->rings[at < shard->rings[RING_OTHER].first ? RING_PRESENT : RING_OTHER];
                if (at - ring->first >= ring->used) {
                    at = ring->first + ring->size - 1;
                    continue;
                }
                struct slot *slot = &shard->slots[at];
                void *value = slot->key ? shard_remove(shard, slot) : NULL;
                if (value)
                    values[count++] = value;
            }
            pthread_mutex_unlock(&shard->lock);
            for (size_t j = 0; j < count; j++)
                cache->type->unref(values[j]);
        }
    }
}

void cache_counts(struct cache *cache, struct cache_counts *counts_r)
{
    *counts_r = (struct cache_counts){0};
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_lock(&shard->lock);
        counts_r->entries += shard->count;
        counts_r->hits += shard->hits;
        pthread_mutex_unlock(&shard->lock);
    }
}
