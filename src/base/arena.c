/* arena.c - memory that is given back all at once. */
/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_CHUNKS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define OWN_CHUNKS 1
#endif

/* The first chunk is small because the cache keeps one arena for each domain; later ones double. Under AddressSanitizer
 * every allocation has its own chunk, so that a write past its end is seen. */
enum {
#ifdef OWN_CHUNKS
    CHUNK_FIRST = 0,
#else
    CHUNK_FIRST = 1024,
#endif
    CHUNK_MAX = 64 * 1024,
};

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

struct arena {
    atomic_uint owners;
    struct arena *held;
    struct chunk *chunks; /* the newest first */
    size_t handed_out, limit;
    size_t taken;
    size_t next_size;
    bool failed;
};

struct arena *arena_new(size_t limit)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena) {
        memory_note_failure();
        return NULL;
    }
    atomic_init(&arena->owners, 1);
    arena->limit = limit;
    arena->taken = sizeof *arena;
    size_t first = CHUNK_FIRST;
    arena->next_size = limit < first ? limit + sizeof(struct chunk) : first;
    return arena;
}

struct arena *arena_share(struct arena *arena)
{
    atomic_fetch_add_explicit(&arena->owners, 1, memory_order_relaxed);
    return arena;
}

void arena_hold(struct arena *holder, struct arena *arena)
{
    arena_free(&holder->held);
    holder->held = arena_share(arena);
}

static void release(struct arena *arena)
{
    struct chunk *chunk = arena->chunks;
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(arena);
}

void arena_free(struct arena **arena_at)
{
    struct arena *arena = *arena_at;
    *arena_at = NULL;
    while (arena && atomic_fetch_sub_explicit(&arena->owners, 1, memory_order_acq_rel) == 1) {
        struct arena *held = arena->held;
        release(arena);
        arena = held;
    }
}

static struct chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t wanted = sizeof(struct chunk) + size;
    size_t bytes = wanted > arena->next_size ? wanted : arena->next_size;
    struct chunk *chunk = calloc(1, bytes);
    if (!chunk) {
        memory_note_failure();
        return NULL;
    }
    chunk->size = bytes - sizeof(struct chunk);
    arena->taken += bytes;
    if (arena->next_size < CHUNK_MAX)
        arena->next_size *= 2;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

/* alignment is a power of two. */
static void *take(struct arena *arena, size_t size, size_t alignment)
{
    if (arena->failed)
        return NULL;
    if (size == 0)
        size = 1;
    if (size > arena->limit - arena->handed_out || size > SIZE_MAX / 2)
        goto fail;
    struct chunk *chunk = arena->chunks;
    size_t start = 0;
    if (chunk)
        start = (chunk->used + alignment - 1) & ~(alignment - 1);
    if (!chunk || start > chunk->size || size > chunk->size - start) {
        chunk = add_chunk(arena, size);
        if (!chunk)
            goto fail;
        start = 0;
    }
    chunk->used = start + size;
    arena->handed_out += size;
    return chunk->bytes + start;
fail:
    arena->failed = true;
    return NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return take(arena, size, alignof(max_align_t));
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        arena->failed = true;
        return NULL;
    }
    return arena_alloc(arena, bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX) {
        arena->failed = true;
        return NULL;
    }
    char *copy = take(arena, length + 1, 1);
    if (copy && length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        arena->failed = true;
        return NULL;
    }
    char *text = take(arena, (size_t)length + 1, 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

bool arena_failed(const struct arena *arena)
{
    return arena->failed;
}

size_t arena_size(const struct arena *arena)
{
    return arena->taken;
}
