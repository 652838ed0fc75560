/* task.c - other work on the store's threads, with a deadline: initdb, readyz. */
/* SPDX-License-Identifier: MIT */
#include "resolve/task.h"

#include <stdlib.h>

#include "base/clock.h"

struct task {
    struct pool_job job;
    struct deadline deadline;
    struct task_place *place;
    struct resolver_work work;
    void *context;
    unsigned holders; /* the queue or the worker is one, the deadline's thread another while it calls done */
    bool over;        /* done is called, or about to be */
};

struct store_session *worker_store(struct store *store, void **session, struct error *error_r)
{
    struct store_session *opened = *session;
    if (!opened && store_session_open(store, &opened, error_r) != STATUS_OK)
        return NULL;
    *session = opened;
    return opened;
}

/* Without the lock. */
static void let_go(struct task *task)
{
    pthread_mutex_lock(task->place->lock);
    bool last = --task->holders == 0;
    pthread_mutex_unlock(task->place->lock);
    if (!last)
        return;
    task->work.release(task->context);
    free(task);
}

/* The worker is done with it, or will never begin it. */
static void finish(struct task *task, bool expired)
{
    pthread_mutex_lock(task->place->lock);
    bool over = task->over;
    task->over = true;
    deadlines_remove(&task->deadline);
    pthread_mutex_unlock(task->place->lock);
    if (!over)
        task->work.done(task->context, expired);
    let_go(task);
}

static void run(struct pool_job *job, void **session)
{
    struct task *task = LIST_ITEM(job, struct task, job);
    struct error error = {0};

    struct store_session *store = worker_store(task->place->store, session, &error);
    task->work.run(task->context, store, store ? NULL : &error);
    finish(task, false);
}

static void expire(struct deadline *deadline)
{
    struct task *task = LIST_ITEM(deadline, struct task, deadline);
    pthread_mutex_t *lock = task->place->lock;

    task->over = true;
    if (!pool_cancel(task->place->pool, &task->job))
        task->holders++; /* a worker has it; else the queue's hold is ours now */
    pthread_mutex_unlock(lock);
    task->work.done(task->context, true);
    let_go(task);
    pthread_mutex_lock(lock);
}

/* The pool stops. What waited has expired before, so this is for what comes in between. */
static void drop(struct pool_job *job)
{
    finish(LIST_ITEM(job, struct task, job), true);
}

bool task_submit(struct task_place *place, const struct resolver_work *work, void *context)
{
    struct task *task = malloc(sizeof *task);
    if (!task)
        return false;
    *task = (struct task){.place = place, .work = *work, .context = context, .holders = 1};
    list_init(&task->job.link);
    list_init(&task->deadline.link);
    task->job.run = run;
    task->job.drop = drop;
    task->deadline.expire = expire;
    task->deadline.at = clock_ms() + place->timeout;
    if (!pool_submit(place->pool, &task->job, SIZE_MAX)) {
        free(task);
        return false;
    }
    deadlines_add(place->deadlines, &task->deadline);
    return true;
}
