/* pool.c - worker threads with a bounded queue. */
/* SPDX-License-Identifier: MIT */
#include "resolve/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct pool {
    struct pool_plan plan;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list queue;
    size_t waiting;   /* jobs in the queue */
    unsigned idle;    /* threads that wait for one */
    unsigned started; /* threads made */
    bool stopping;
    pthread_t threads[];
};

struct pool *pool_new(const struct pool_plan *plan)
{
    struct pool *pool = calloc(1, sizeof *pool + plan->threads * sizeof *pool->threads);
    if (!pool)
        return NULL;
    pool->plan = *plan;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    list_init(&pool->queue);
    return pool;
}

static void *worker(void *argument)
{
    struct pool *pool = argument;
    void *session = NULL;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct list *link = list_take(&pool->queue);
        if (link) {
            pool->waiting--;
            pthread_mutex_unlock(&pool->lock);
            struct pool_job *job = LIST_ITEM(link, struct pool_job, link);
            job->run(job, &session);
            pthread_mutex_lock(&pool->lock);
        } else if (pool->stopping) {
            break;
        } else {
            pool->idle++;
            pthread_cond_wait(&pool->work, &pool->lock);
            pool->idle--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    if (session)
        pool->plan.close_session(session);
    return NULL;
}

/* With the lock held. Signals are the main thread's business, so a worker blocks them all. */
static void start_worker(struct pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&pool->threads[pool->started], NULL, worker, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        log_warning_once("cannot start another look-up thread (%s): look-ups may be slow; raise the limit of threads",
                         strerror(error));
        return;
    }
    pthread_setname_np(pool->threads[pool->started], pool->plan.name);
    pool->started++;
}

bool pool_submit(struct pool *pool, struct pool_job *job, size_t limit)
{
    if (limit > pool->plan.queue)
        limit = pool->plan.queue;
    pthread_mutex_lock(&pool->lock);
    bool accepted = !pool->stopping && pool->waiting < limit;
    if (accepted) {
        if (pool->waiting >= pool->idle && pool->started < pool->plan.threads)
            start_worker(pool);
        accepted = pool->started > 0;
    }
    if (accepted) {
        list_append(&pool->queue, &job->link);
        pool->waiting++;
        if (pool->idle)
            pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return accepted;
}

bool pool_cancel(struct pool *pool, struct pool_job *job)
{
    pthread_mutex_lock(&pool->lock);
    bool waited = !list_empty(&job->link);
    if (waited) {
        list_remove(&job->link);
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return waited;
}

size_t pool_waiting(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}

void pool_stop(struct pool **pool_at)
{
    struct pool *pool = *pool_at;
    if (!pool)
        return;
    *pool_at = NULL;

    struct list dropped;
    list_init(&dropped);
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    list_join(&dropped, &pool->queue);
    pool->waiting = 0;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);

    for (struct list *link; (link = list_take(&dropped)) != NULL;) {
        struct pool_job *job = LIST_ITEM(link, struct pool_job, link);
        job->drop(job);
    }
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
