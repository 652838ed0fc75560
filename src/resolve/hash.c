/* hash.c - a keyed hash, so that nobody outside can choose names that collide. */
/* SPDX-License-Identifier: MIT */
#include "resolve/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

void hash_seed_init(struct hash_seed *seed)
{
    if (getrandom(seed, sizeof *seed, 0) == (ssize_t)sizeof *seed)
        return;
    /* No kernel of the last ten years comes here; the time and an address of this process are better than nothing. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    seed->words[0] = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u + (uint64_t)now.tv_sec;
    seed->words[1] = (uint64_t)(uintptr_t)seed;
}

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t hash_bytes(const struct hash_seed *seed, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t v[4] = {
        seed->words[0] ^ 0x736f6d6570736575u,
        seed->words[1] ^ 0x646f72616e646f6du,
        seed->words[0] ^ 0x6c7967656e657261u,
        seed->words[1] ^ 0x7465646279746573u,
    };
    uint64_t last = (uint64_t)length << 56;

    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        v[3] ^= word;
        mix(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < length; i++)
        last |= (uint64_t)at[i] << (8 * i);
    v[3] ^= last;
    mix(v);
    v[0] ^= last;

    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
