/* local.c - looks domains up in a database that is a file of this machine, on the thread that asks. */
/* SPDX-License-Identifier: MIT */
#include "resolve/local.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum {
    SLOW_MS = 10, /* a look-up that takes longer waited for the disk, or for a processor */
    PAUSE = 5,    /* nobody tries for so many times as long then: others wait for that a sixth of the time at most */
    HOLD_MS = 2,
    BEGIN_TRIES = 50,
};

/* A session, and whether a thread has it now. */
struct seat {
    atomic_flag taken;
    bool reading; /* the session is in a transaction */
    int64_t last; /* clock_ms() of the last look-up */
    struct store_session *session;
};

/* To begin and end a transaction costs SQLite more system calls than to look up a domain. When look-ups follow each
 * other closely, one lasts for those of HOLD_MS; a thread ends it when no further one does. A program that wants to
 * write waits as long, and then goes first: but only if all of our transactions end before the next one begins, since
 * this process has one lock for all of its connections. */
struct local {
    struct store *store;
    _Atomic int64_t again_at; /* clock_ms() from which it is tried */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread; /* these two with the lock */
    bool stopping;
    atomic_bool awake; /* the thread will look at all seats soon */

    unsigned reading;      /* seats that are; with the lock */
    _Atomic int64_t since; /* clock_ms() when the first of them began; written with the lock */

    unsigned count;
    struct seat seats[];
};

static struct seat *take_seat(struct local *local)
{
    for (unsigned i = 0; i < local->count; i++)
        if (!atomic_flag_test_and_set_explicit(&local->seats[i].taken, memory_order_acquire))
            return &local->seats[i];
    return NULL;
}

static void leave_seat(struct seat *seat)
{
    atomic_flag_clear_explicit(&seat->taken, memory_order_release);
}

static bool has_lasted(const struct local *local, int64_t now)
{
    return now - atomic_load_explicit(&local->since, memory_order_relaxed) >= HOLD_MS;
}

static void rest(struct local *local, struct seat *seat)
{
    if (!seat->reading)
        return;
    store_session_rest(seat->session);
    seat->reading = false;
    pthread_mutex_lock(&local->lock);
    local->reading--;
    pthread_mutex_unlock(&local->lock);
}

/* Ends what has lasted long enough in seats where nobody is. False: there is something left to end. */
static bool sweep(struct local *local)
{
    bool done = true;
    int64_t now = clock_ms();
    for (unsigned i = 0; i < local->count; i++) {
        struct seat *seat = &local->seats[i];
        if (atomic_flag_test_and_set_explicit(&seat->taken, memory_order_acquire)) {
            done = false;
            continue;
        }
        if (has_lasted(local, now))
            rest(local, seat);
        done = done && !seat->reading;
        leave_seat(seat);
    }
    return done;
}

/* False when the transactions that have lasted long enough do not end. They do at the end of a look-up, which is near.
 */
static bool begin(struct local *local, struct seat *seat, int64_t now)
{
    for (int tries = 0; tries < BEGIN_TRIES; tries++) {
        pthread_mutex_lock(&local->lock);
        if (local->reading == 0)
            atomic_store_explicit(&local->since, now, memory_order_relaxed);
        seat->reading = !has_lasted(local, now);
        local->reading += seat->reading;
        pthread_mutex_unlock(&local->lock);
        if (seat->reading)
            return true;
        sweep(local);
        sched_yield();
    }
    return false;
}

static void *watch(void *argument)
{
    struct local *local = argument;
    pthread_mutex_lock(&local->lock);
    while (!local->stopping) {
        if (!atomic_load(&local->awake)) {
            pthread_cond_wait(&local->changed, &local->lock);
            continue;
        }
        pthread_mutex_unlock(&local->lock);
        nanosleep(&(struct timespec){.tv_nsec = HOLD_MS * 1000000L}, NULL);
        atomic_store(&local->awake, false); /* before looking: who leaves a transaction from now on says so again */
        bool done = sweep(local);
        pthread_mutex_lock(&local->lock);
        if (!done)
            atomic_store(&local->awake, true);
    }
    pthread_mutex_unlock(&local->lock);
    return NULL;
}

/* False when no thread can be made. */
static bool wake(struct local *local)
{
    if (atomic_exchange(&local->awake, true))
        return true;
    pthread_mutex_lock(&local->lock);
    if (!local->has_thread) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        local->has_thread = pthread_create(&local->thread, NULL, watch, local) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (local->has_thread)
            pthread_setname_np(local->thread, "transactions");
    }
    bool has_thread = local->has_thread;
    if (!has_thread)
        atomic_store(&local->awake, false);
    pthread_cond_signal(&local->changed);
    pthread_mutex_unlock(&local->lock);
    return has_thread;
}

struct local *local_new(struct store *store, unsigned sessions)
{
    struct local *local = calloc(1, sizeof *local + sessions * sizeof local->seats[0]);
    if (!local)
        return NULL;
    local->store = store;
    local->count = sessions;
    for (unsigned i = 0; i < sessions; i++)
        atomic_flag_clear(&local->seats[i].taken);
    pthread_cond_init(&local->changed, NULL);
    pthread_mutex_init(&local->lock, NULL);
    return local;
}

void local_free(struct local **local_at)
{
    struct local *local = *local_at;
    if (!local)
        return;
    *local_at = NULL;
    pthread_mutex_lock(&local->lock);
    local->stopping = true;
    pthread_cond_signal(&local->changed);
    pthread_mutex_unlock(&local->lock);
    if (local->has_thread)
        pthread_join(local->thread, NULL);
    for (unsigned i = 0; i < local->count; i++)
        store_session_close(&local->seats[i].session);
    pthread_cond_destroy(&local->changed);
    pthread_mutex_destroy(&local->lock);
    free(local);
}

static enum status find_in_seat(struct local *local, struct seat *seat, const char *domain, int64_t now,
                                struct arena **arena_r, const struct domain **domain_r)
{
    struct error error;
    enum status status = STATUS_OK;
    if (!seat->session)
        status = store_session_open_brief(local->store, SLOW_MS, &seat->session, &error);
    if (status != STATUS_OK)
        return status;
    if (has_lasted(local, now))
        rest(local, seat);
    if (!seat->reading && !begin(local, seat, now))
        return STATUS_NOT_FOUND;
    status = store_find_present(seat->session, domain, arena_r, domain_r, &error);
    bool follows = now - seat->last <= 1;
    seat->last = now;
    if (!follows || has_lasted(local, clock_ms()) || (status != STATUS_OK && status != STATUS_NOT_FOUND) ||
        !wake(local))
        rest(local, seat);
    return status;
}

bool local_find(struct local *local, const char *domain, struct snapshot **snapshot_r)
{
    int64_t begun = clock_ms();
    struct arena *arena = NULL;
    const struct domain *found = NULL;
    *snapshot_r = NULL;
    if (begun < atomic_load_explicit(&local->again_at, memory_order_relaxed))
        return false;
    struct seat *seat = take_seat(local);
    if (!seat)
        return false;
    enum status status = find_in_seat(local, seat, domain, begun, &arena, &found);
    leave_seat(seat);

    int64_t took = clock_ms() - begun;
    if ((status != STATUS_OK && status != STATUS_NOT_FOUND) || took > SLOW_MS)
        atomic_store_explicit(&local->again_at, begun + took + PAUSE * (took > 1 ? took : 1), memory_order_relaxed);
    if (status == STATUS_OK)
        *snapshot_r = snapshot_new(arena, found);
    return *snapshot_r != NULL;
}
