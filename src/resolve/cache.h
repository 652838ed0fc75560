/* cache.h - a bounded table from names to counted values, with the moments until which they are fresh and usable. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_CACHE_H
#define RESOLVE_CACHE_H

#include "resolve/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

/* How the values are counted. */
struct cache_type {
    void *(*ref)(void *value);
    void (*unref)(void *value);
};

/* A name with its hash, computed once for a question. Borrowed. */
struct cache_key {
    const char *bytes;
    size_t length; /* at most UINT16_MAX */
    uint64_t hash;
};

enum cache_kind {
    CACHE_PRESENT, /* there is a value */
    CACHE_ABSENT,  /* known that there is none */
    CACHE_FAILED,  /* could not be asked a moment ago */
};

enum cache_state {
    CACHE_UNKNOWN,
    CACHE_FRESH,
    CACHE_STALE, /* only what is present: expired, but usable while nothing newer can be had */
};

struct cached {
    enum cache_kind kind;
    void *value;  /* a reference of the caller's when kind is CACHE_PRESENT and it is fresh or stale; else NULL */
    bool failing; /* the last try to renew it failed */
};

/* Holds entries present values, and a quarter as many of the other kinds beside them: a flood of names that do not
 * exist pushes out only its like. NULL when memory is out. Every other function may be called by any thread; each locks
 * one of a few shards for the time of a look into a hash table. */
struct cache *cache_new(size_t entries, const struct cache_type *type);
void cache_free(struct cache **cache);

struct cache_key cache_key(const struct cache *cache, const char *bytes, size_t length);

enum cache_state cache_get(struct cache *cache, const struct cache_key *key, int64_t now, struct cached *cached_r);

/* Takes over a reference to value (NULL unless kind is CACHE_PRESENT). When the table is full, the next value that
 * nobody asked for since the last round gives way. */
void cache_put(struct cache *cache, const struct cache_key *key, enum cache_kind kind, void *value, int64_t fresh_until,
               int64_t stale_until, int64_t now);

/* Notes that a value could not be renewed, so that it is served at once from now on, and that the next try is due at
 * retry_at. False when no usable value is there. */
bool cache_fail(struct cache *cache, const struct cache_key *key, int64_t now, int64_t retry_at);

/* True for one caller once the next try to renew is due, which is put off by pause then. */
bool cache_may_retry(struct cache *cache, const struct cache_key *key, int64_t now, int64_t pause);

/* Forgets everything that was there when it was called. */
void cache_clear(struct cache *cache);

struct cache_counts {
    uint64_t entries; /* now */
    uint64_t hits;    /* fresh answers so far */
};
void cache_counts(struct cache *cache, struct cache_counts *counts_r);

#endif
