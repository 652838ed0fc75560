/* snapshot.h - what was known of a domain at one moment: immutable, counted, with room for finished documents. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_SNAPSHOT_H
#define RESOLVE_SNAPSHOT_H

#include "account/domain.h"
#include "base/arena.h"

#include <stdatomic.h>
#include <stdint.h>

enum { SNAPSHOT_SLOT_COUNT = 16 };

struct snapshot;

/* Takes over the arena in which domain (NULL: not served) lives. One reference belongs to the caller. NULL when memory
 * is out (the arena is freed then). */
struct snapshot *snapshot_new(struct arena *arena, const struct domain *domain);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot **snapshot);

const struct domain *snapshot_domain(const struct snapshot *snapshot);

/* A finished document that is the same for everybody who asks for the same name may be kept with the snapshot, one a
 * slot. get: NULL when there is none. put: false when another thread was first, and for the first document of a slot
 * (most of a million domains are asked for once in a long while, and then keeping costs more than it gives); the
 * document stays the caller's then. free_document runs when the snapshot's last reference goes. Any thread, without a
 * lock. */
void *snapshot_get(struct snapshot *snapshot, unsigned slot);
bool snapshot_put(struct snapshot *snapshot, unsigned slot, void *document, void (*free_document)(void *document));

#endif
