/* task.h - other work on the store's threads, with a deadline: initdb, readyz. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_TASK_H
#define RESOLVE_TASK_H

#include "base/status.h"
#include "resolve/deadline.h"
#include "resolve/pool.h"
#include "resolve/resolver.h"
#include "store/store.h"

#include <pthread.h>
#include <stdbool.h>

/* Where tasks are done; must outlive them. */
struct task_place {
    pthread_mutex_t *lock;
    struct deadlines *deadlines;
    struct pool *pool;
    struct store *store;
    int64_t timeout;
};

/* False when the queue is full. With the lock. */
bool task_submit(struct task_place *place, const struct resolver_work *work, void *context);

/* The session of the worker that runs a job; NULL and an error when there is none now. */
struct store_session *worker_store(struct store *store, void **session, struct error *error_r);

#endif
