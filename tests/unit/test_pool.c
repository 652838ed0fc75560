/* test_pool.c - workers and their queue: what stops, what is dropped, and who is told. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "resolve/pool.h"
#include "resolve/task.h"

enum { AN_HOUR = 3600 * 1000 };

/* Keeps the only worker busy until it may go on. */
struct blocker {
    struct pool_job job;
    sem_t begun, go_on;
};

static void block(struct pool_job *job, void **session)
{
    struct blocker *blocker = LIST_ITEM(job, struct blocker, job);
    sem_post(&blocker->begun);
    sem_wait(&blocker->go_on);
}

struct note {
    struct pool_job job;
    unsigned ran, dropped;
};

static void note_run(struct pool_job *job, void **session)
{
    LIST_ITEM(job, struct note, job)->ran++;
}

static void note_drop(struct pool_job *job)
{
    LIST_ITEM(job, struct note, job)->dropped++;
}

static struct pool *one_thread(size_t queue)
{
    const struct pool_plan plan = {.name = "test", .threads = 1, .queue = queue};
    struct pool *pool = pool_new(&plan);
    assert_non_null(pool);
    return pool;
}

static void begin_block(struct pool *pool, struct blocker *blocker)
{
    *blocker = (struct blocker){.job = {.run = block}};
    list_init(&blocker->job.link);
    sem_init(&blocker->begun, 0, 0);
    sem_init(&blocker->go_on, 0, 0);
    assert_true(pool_submit(pool, &blocker->job, SIZE_MAX));
    sem_wait(&blocker->begun);
}

static void *stop(void *context)
{
    pool_stop(context);
    return NULL;
}

/* Stops the pool while its worker is busy: what waits is dropped before the worker is waited for. */
static void stop_behind(struct pool **pool, struct blocker *blocker, const atomic_uint *dropped)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop, pool), 0);
    while (atomic_load(dropped) == 0)
        sched_yield();
    sem_post(&blocker->go_on);
    pthread_join(thread, NULL);
    assert_null(*pool);
}

static atomic_uint drops;

static void count_drop(struct pool_job *job)
{
    note_drop(job);
    atomic_fetch_add(&drops, 1);
}

static void what_waits_at_the_stop_is_dropped(void **state)
{
    struct pool *pool = one_thread(8);
    struct blocker blocker;
    struct note notes[3] = {{.ran = 0}};
    begin_block(pool, &blocker);
    for (size_t i = 0; i < 3; i++) {
        notes[i].job = (struct pool_job){.run = note_run, .drop = count_drop};
        list_init(&notes[i].job.link);
        assert_true(pool_submit(pool, &notes[i].job, SIZE_MAX));
    }
    assert_true(pool_cancel(pool, &notes[1].job)); /* the caller's again: neither run nor dropped */
    assert_false(pool_cancel(pool, &blocker.job));
    assert_int_equal(pool_waiting(pool), 2);
    atomic_store(&drops, 0);
    stop_behind(&pool, &blocker, &drops);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(notes[i].ran, 0);
        assert_int_equal(notes[i].dropped, i == 1 ? 0 : 1);
    }
    pool_stop(&pool); /* no pool is fine */
}

static void the_queue_has_a_bound(void **state)
{
    struct pool *pool = one_thread(2);
    struct blocker blocker;
    struct note notes[3] = {{.ran = 0}};
    begin_block(pool, &blocker);
    for (size_t i = 0; i < 3; i++) {
        notes[i].job = (struct pool_job){.run = note_run, .drop = note_drop};
        list_init(&notes[i].job.link);
    }
    assert_true(pool_submit(pool, &notes[0].job, 1));
    assert_false(pool_submit(pool, &notes[1].job, 1)); /* the caller's own limit */
    assert_true(pool_submit(pool, &notes[1].job, SIZE_MAX));
    assert_false(pool_submit(pool, &notes[2].job, SIZE_MAX));
    sem_post(&blocker.go_on);
    while (pool_waiting(pool) > 0)
        sched_yield();
    pool_stop(&pool); /* what runs finishes */
    assert_int_equal(notes[0].ran, 1);
    assert_int_equal(notes[1].ran, 1);
    assert_int_equal(notes[2].ran + notes[2].dropped, 0);
}

struct outcome {
    unsigned ran, released;
    atomic_uint done, expired;
};

static void never_run(void *context, struct store_session *session, const struct error *no_session)
{
    ((struct outcome *)context)->ran++;
}

static void told(void *context, bool expired)
{
    struct outcome *outcome = context;
    if (expired)
        atomic_fetch_add(&outcome->expired, 1);
    atomic_fetch_add(&outcome->done, 1);
}

static void released(void *context)
{
    ((struct outcome *)context)->released++;
}

/* Its client is told once, as if the time were over, and the context is given back once. */
static void a_task_that_waits_at_the_stop_is_over(void **state)
{
    static const struct resolver_work work = {.run = never_run, .done = told, .release = released};
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct task_place place = {.lock = &lock, .pool = one_thread(8), .timeout = AN_HOUR};
    struct error error = {""};
    struct outcome outcome = {.ran = 0};
    struct blocker blocker;
    assert_int_equal(deadlines_start(&lock, &place.deadlines, &error), STATUS_OK);
    begin_block(place.pool, &blocker);
    pthread_mutex_lock(&lock);
    assert_true(task_submit(&place, &work, &outcome));
    pthread_mutex_unlock(&lock);
    stop_behind(&place.pool, &blocker, &outcome.done);
    assert_int_equal(outcome.done, 1);
    assert_int_equal(outcome.expired, 1);
    assert_int_equal(outcome.released, 1);
    assert_int_equal(outcome.ran, 0);
    pthread_mutex_lock(&lock);
    assert_null(deadlines_take(place.deadlines));
    pthread_mutex_unlock(&lock);
    deadlines_stop(&place.deadlines);
    deadlines_stop(&place.deadlines); /* none is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_at_the_stop_is_dropped),
        cmocka_unit_test(the_queue_has_a_bound),
        cmocka_unit_test(a_task_that_waits_at_the_stop_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
