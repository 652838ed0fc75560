/* pool.h - worker threads with a bounded queue. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_POOL_H
#define RESOLVE_POOL_H

#include "resolve/list.h"

#include <stdbool.h>
#include <stddef.h>

struct pool;

/* What a worker does once; part of whatever it is about. */
struct pool_job {
    struct list link;
    /* session: the worker's own, NULL until a job opens one; the worker closes it at its end. */
    void (*run)(struct pool_job *job, void **session);
    /* The pool stopped before the job was begun. */
    void (*drop)(struct pool_job *job);
};

struct pool_plan {
    const char *name; /* of the threads, at most 15 bytes */
    unsigned threads; /* at most; each is made when there is first something for it to do */
    size_t queue;     /* waiting jobs at most */
    void (*close_session)(void *session);
};

/* NULL when memory is out. */
struct pool *pool_new(const struct pool_plan *plan);

/* False when limit jobs (or as many as the plan allows) wait already, when the pool is stopping, or when not one thread
 * can be made. Any thread. */
bool pool_submit(struct pool *pool, struct pool_job *job, size_t limit);

/* True when the job was still waiting: it is the caller's again. Any thread. */
bool pool_cancel(struct pool *pool, struct pool_job *job);

size_t pool_waiting(struct pool *pool);

/* Drops what waits, lets what runs finish, frees the pool. Not on a worker's thread. */
void pool_stop(struct pool **pool);

#endif
