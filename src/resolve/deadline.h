/* deadline.h - a thread that ends what took too long. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_DEADLINE_H
#define RESOLVE_DEADLINE_H

#include "base/status.h"
#include "resolve/list.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct deadlines;

/* Part of whatever waits. expire is called with the lock held, the deadline removed already; it may let go of the lock
 * for a while. */
struct deadline {
    struct list link;
    int64_t at; /* clock_ms() */
    void (*expire)(struct deadline *deadline);
};

/* All functions but start and stop are called with lock held. The lock must outlive it. */
enum status deadlines_start(pthread_mutex_t *lock, struct deadlines **deadlines_r, struct error *error_r);

/* Deadlines must be added in their order in time (all are equally far away, so they are by nature). */
void deadlines_add(struct deadlines *deadlines, struct deadline *deadline);

/* Also fine for one that is not there (after list_init()). */
void deadlines_remove(struct deadline *deadline);

/* Takes out the next one, however far away; NULL when there is none. */
struct deadline *deadlines_take(struct deadlines *deadlines);

/* Without the lock. What is still there is forgotten. */
void deadlines_stop(struct deadlines **deadlines);

#endif
