/* hash.h - a keyed hash, so that nobody outside can choose names that collide. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_HASH_H
#define RESOLVE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_seed {
    uint64_t words[2];
};

/* A seed that was never used before. */
void hash_seed_init(struct hash_seed *seed);

/* SipHash with one compression round and three final ones, as Rust and Python use it for their tables. */
uint64_t hash_bytes(const struct hash_seed *seed, const void *bytes, size_t length);

#endif
