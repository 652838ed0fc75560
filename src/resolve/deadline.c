/* deadline.c - a thread that ends what took too long. */
/* SPDX-License-Identifier: MIT */
#include "resolve/deadline.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

struct deadlines {
    pthread_mutex_t *lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct list list; /* soonest first */
    int64_t wakes_at; /* when the thread looks by itself: nobody needs to wake it for anything later */
    bool stopping;
};

static void wait_until(struct deadlines *deadlines, int64_t now, int64_t at)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + (at - now) % 1000 * 1000000;
    until.tv_sec += (time_t)((at - now) / 1000 + nanoseconds / 1000000000);
    until.tv_nsec = (long)(nanoseconds % 1000000000);
    pthread_cond_timedwait(&deadlines->changed, deadlines->lock, &until);
}

static void *watch(void *argument)
{
    struct deadlines *deadlines = argument;

    pthread_mutex_lock(deadlines->lock);
    while (!deadlines->stopping) {
        if (list_empty(&deadlines->list)) {
            deadlines->wakes_at = INT64_MAX;
            pthread_cond_wait(&deadlines->changed, deadlines->lock);
            continue;
        }
        struct deadline *first = LIST_ITEM(deadlines->list.next, struct deadline, link);
        int64_t now = clock_ms();
        if (first->at > now) {
            deadlines->wakes_at = first->at;
            wait_until(deadlines, now, first->at);
            continue;
        }
        list_remove(&first->link);
        first->expire(first);
    }
    pthread_mutex_unlock(deadlines->lock);
    return NULL;
}

enum status deadlines_start(pthread_mutex_t *lock, struct deadlines **deadlines_r, struct error *error_r)
{
    *deadlines_r = NULL;
    struct deadlines *deadlines = calloc(1, sizeof *deadlines);
    if (!deadlines)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    deadlines->lock = lock;
    deadlines->wakes_at = INT64_MAX;
    list_init(&deadlines->list);

    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&deadlines->changed, &attributes);
    pthread_condattr_destroy(&attributes);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&deadlines->thread, NULL, watch, deadlines);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure) {
        pthread_cond_destroy(&deadlines->changed);
        free(deadlines);
        return error_set(error_r, STATUS_LIMIT, "cannot start a thread: %s", strerror(failure));
    }
    pthread_setname_np(deadlines->thread, "deadlines");
    *deadlines_r = deadlines;
    return STATUS_OK;
}

void deadlines_add(struct deadlines *deadlines, struct deadline *deadline)
{
    list_append(&deadlines->list, &deadline->link);
    if (deadline->at < deadlines->wakes_at) {
        deadlines->wakes_at = deadline->at;
        pthread_cond_signal(&deadlines->changed);
    }
}

void deadlines_remove(struct deadline *deadline)
{
    list_remove(&deadline->link);
}

struct deadline *deadlines_take(struct deadlines *deadlines)
{
    struct list *link = list_take(&deadlines->list);
    return link ? LIST_ITEM(link, struct deadline, link) : NULL;
}

void deadlines_stop(struct deadlines **deadlines_at)
{
    struct deadlines *deadlines = *deadlines_at;
    if (!deadlines)
        return;
    *deadlines_at = NULL;
    pthread_mutex_lock(deadlines->lock);
    deadlines->stopping = true;
    pthread_cond_signal(&deadlines->changed);
    pthread_mutex_unlock(deadlines->lock);
    pthread_join(deadlines->thread, NULL);
    pthread_cond_destroy(&deadlines->changed);
    free(deadlines);
}
