/* person.c - a person found by a user look-up, counted; and the answer that holds one. */
/* SPDX-License-Identifier: MIT */
#include "resolve/person.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "resolve/resolver.h"

struct person_entry {
    atomic_uint references;
    struct arena *arena;
    struct person person;
};

struct person_entry *person_entry_new(struct arena *arena, const struct person *person)
{
    struct person_entry *entry = malloc(sizeof *entry);
    if (!entry) {
        arena_free(&arena);
        return NULL;
    }
    atomic_init(&entry->references, 1);
    entry->arena = arena;
    entry->person = *person;
    return entry;
}

struct person_entry *person_entry_ref(struct person_entry *entry)
{
    if (entry)
        atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
    return entry;
}

void person_entry_unref(struct person_entry **entry_at)
{
    struct person_entry *entry = *entry_at;
    *entry_at = NULL;
    if (!entry || atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) > 1)
        return;
    arena_free(&entry->arena);
    free(entry);
}

void answer_clear(struct answer *answer)
{
    snapshot_unref(&answer->snapshot);
    person_entry_unref(&answer->person);
    *answer = (struct answer){0};
}

const struct person *answer_person(const struct answer *answer)
{
    return answer->person ? &answer->person->person : NULL;
}
