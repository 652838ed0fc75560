/* person.h - a person found by a user look-up, counted. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_PERSON_H
#define RESOLVE_PERSON_H

#include "base/arena.h"
#include "userdb/userdb.h"

struct person_entry;

/* Takes over the arena in which the person's texts live. One reference belongs to the caller. NULL when memory is out
 * (the arena is freed then). */
struct person_entry *person_entry_new(struct arena *arena, const struct person *person);
struct person_entry *person_entry_ref(struct person_entry *entry);
void person_entry_unref(struct person_entry **entry);

#endif
