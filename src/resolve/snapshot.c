/* snapshot.c - what was known of a domain at one moment: immutable, counted, with room for finished documents. */
/* SPDX-License-Identifier: MIT */
#include "resolve/snapshot.h"

#include <stdlib.h>

/* A document and what frees it are published together, hence the indirection. */
struct kept {
    void *document;
    void (*free_document)(void *document);
};

/* In a slot whose first document was not kept. */
static struct kept asked_once;

struct snapshot {
    atomic_uint references;
    struct arena *arena;
    const struct domain *domain;
    _Atomic(struct kept *) slots[SNAPSHOT_SLOT_COUNT];
};

struct snapshot *snapshot_new(struct arena *arena, const struct domain *domain)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot) {
        arena_free(&arena);
        return NULL;
    }
    atomic_init(&snapshot->references, 1);
    for (unsigned i = 0; i < SNAPSHOT_SLOT_COUNT; i++)
        atomic_init(&snapshot->slots[i], NULL);
    snapshot->arena = arena;
    snapshot->domain = domain;
    return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    if (snapshot)
        atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_unref(struct snapshot **snapshot_at)
{
    struct snapshot *snapshot = *snapshot_at;
    *snapshot_at = NULL;
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < SNAPSHOT_SLOT_COUNT; i++) {
        struct kept *kept = atomic_load_explicit(&snapshot->slots[i], memory_order_relaxed);
        if (!kept || kept == &asked_once)
            continue;
        if (kept->free_document)
            kept->free_document(kept->document);
        free(kept);
    }
    arena_free(&snapshot->arena);
    free(snapshot);
}

const struct domain *snapshot_domain(const struct snapshot *snapshot)
{
    return snapshot->domain;
}

void *snapshot_get(struct snapshot *snapshot, unsigned slot)
{
    if (slot >= SNAPSHOT_SLOT_COUNT)
        return NULL;
    struct kept *kept = atomic_load_explicit(&snapshot->slots[slot], memory_order_acquire);
    return kept ? kept->document : NULL;
}

bool snapshot_put(struct snapshot *snapshot, unsigned slot, void *document, void (*free_document)(void *document))
{
    if (slot >= SNAPSHOT_SLOT_COUNT)
        return false;
    _Atomic(struct kept *) *at = &snapshot->slots[slot];
    struct kept *there = NULL;
    if (atomic_compare_exchange_strong_explicit(at, &there, &asked_once, memory_order_acq_rel, memory_order_acquire) ||
        there != &asked_once)
        return false;
    struct kept *kept = malloc(sizeof *kept);
    if (!kept)
        return false;
    *kept = (struct kept){document, free_document};
    if (atomic_compare_exchange_strong_explicit(at, &there, kept, memory_order_acq_rel, memory_order_acquire))
        return true;
    free(kept);
    return false;
}
