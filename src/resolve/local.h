/* local.h - looks domains up in a database that is a file of this machine, on the thread that asks. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_LOCAL_H
#define RESOLVE_LOCAL_H

#include "resolve/snapshot.h"
#include "store/store.h"

#include <stdbool.h>

/* Handing a question to a worker and its answer back costs more than SQLite needs to find a domain that is there under
 * its own name. So that is tried first, as long as it takes next to no time; everything else is left to the workers:
 * names that only a rule serves, a locked file, a slow disk. */
struct local;

/* NULL when memory is out. store: a file, which must outlive it. sessions: how many threads will ask at the same time;
 * they are opened when they are needed. */
struct local *local_new(struct store *store, unsigned sessions);
void local_free(struct local **local);

/* True when the domain was found; the snapshot is the caller's. False says nothing about the domain. Any thread; takes
 * some tens of microseconds, and a few milliseconds once in a while when the disk is slow. */
bool local_find(struct local *local, const char *domain, struct snapshot **snapshot_r);

#endif
