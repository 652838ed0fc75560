/* arena.h - memory that is given back all at once: for one request, one snapshot, one configuration. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* An arena is used by one thread at a time; what was allocated may be read by any thread once it is published.
 * Allocation failure is sticky: after the first NULL every further call returns NULL and arena_failed() is true, so a
 * builder may check once at its end. */
struct arena;

/* limit: bytes that the arena hands out at most. Returns NULL when memory is out. */
struct arena *arena_new(size_t limit);

/* Frees everything, unless somebody shares it, and sets the caller's pointer to NULL. A NULL pointer is fine. */
void arena_free(struct arena **arena);

/* Another reference to an arena that is finished: nothing is allocated from it any more, and any thread may free its
 * reference. */
struct arena *arena_share(struct arena *arena);

/* The same, kept by holder until that is freed. An arena holds one other at most. */
void arena_hold(struct arena *holder, struct arena *arena);

/* Zeroed memory aligned for any type; NULL past the limit or when memory is out. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same for count elements; NULL when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of length bytes. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

/* A copy of a string; NULL stays NULL and is no failure. */
char *arena_text(struct arena *arena, const char *text);

[[gnu::format(printf, 2, 3)]] char *arena_format(struct arena *arena, const char *format, ...);

bool arena_failed(const struct arena *arena);

/* Bytes taken from the system so far. */
size_t arena_size(const struct arena *arena);

#endif
