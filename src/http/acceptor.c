/* acceptor.c - takes new connections from the listening sockets, on a thread of its own. */
/* SPDX-License-Identifier: MIT */
#include "http/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    BATCH = 64,     /* connections from one socket before the others have their turn */
    NO_ROOM_MS = 5, /* until it is looked again whether a connection has ended */
    NO_DESCRIPTOR_MS = 50,
};

struct acceptor {
    pthread_t thread;
    struct acceptor_handler handler;
    int stop; /* an eventfd that becomes readable */
    size_t count;
    struct pollfd polled[]; /* the sockets, then stop */
};

/* Milliseconds for which nothing more should be taken; 0: go on. */
static int accept_some(struct acceptor *acceptor, size_t which)
{
    for (unsigned i = 0; i < BATCH; i++) {
        if (!acceptor->handler.has_room(acceptor->handler.context))
            return NO_ROOM_MS;
        struct sockaddr_storage from = {0};
        socklen_t length = sizeof from;
        int fd = accept4(acceptor->polled[which].fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            acceptor->handler.take(acceptor->handler.context, which, fd, (struct sockaddr *)&from, length);
            continue;
        }
        switch (errno) {
        case EAGAIN:
            return 0;
        case EINVAL: /* somebody who shares the socket has shut it down: poll() passes over it from now on */
            acceptor->polled[which].fd = -1;
            return 0;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            log_warning_once("cannot take a connection: %s; clients wait. Raise the limit of open files (LimitNOFILE=, "
                             "ulimit -n) or lower 'connections'",
                             strerror(errno));
            return NO_DESCRIPTOR_MS;
        default: /* this one client's connection has failed already: the next */
            break;
        }
    }
    return 0;
}

static void *run(void *context)
{
    struct acceptor *acceptor = context;
    struct pollfd *stop = &acceptor->polled[acceptor->count];
    int pause = 0;
    int64_t last_tick = clock_ms();

    for (;;) {
        /* While there is a pause only the end is waited for. */
        int ready = pause > 0 ? poll(stop, 1, pause) : poll(acceptor->polled, acceptor->count + 1, ACCEPTOR_TICK_MS);
        if (ready < 0 && errno != EINTR)
            log_warning_once("waiting for connections: %s", strerror(errno));
        if (ready > 0 && stop->revents)
            return NULL;
        if (clock_ms() - last_tick >= ACCEPTOR_TICK_MS) {
            acceptor->handler.tick(acceptor->handler.context);
            last_tick = clock_ms();
        }
        bool paused = pause > 0;
        pause = 0;
        for (size_t i = 0; i < acceptor->count; i++) {
            if (acceptor->polled[i].fd >= 0 && (paused || (ready > 0 && acceptor->polled[i].revents))) {
                int wanted = accept_some(acceptor, i);
                pause = wanted > pause ? wanted : pause;
            }
        }
    }
}

enum status acceptor_start(const int *sockets, size_t count, const struct acceptor_handler *handler,
                           struct acceptor **acceptor_r, struct error *error_r)
{
    *acceptor_r = NULL;
    struct acceptor *acceptor = calloc(1, sizeof *acceptor + (count + 1) * sizeof acceptor->polled[0]);
    if (!acceptor)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    acceptor->handler = *handler;
    acceptor->count = count;
    for (size_t i = 0; i < count; i++)
        acceptor->polled[i] = (struct pollfd){.fd = sockets[i], .events = POLLIN};
    acceptor->stop = eventfd(0, EFD_CLOEXEC);
    acceptor->polled[count] = (struct pollfd){.fd = acceptor->stop, .events = POLLIN};
    int failure = acceptor->stop < 0 ? errno : pthread_create(&acceptor->thread, NULL, run, acceptor);
    if (failure != 0) {
        if (acceptor->stop >= 0)
            close(acceptor->stop);
        free(acceptor);
        return error_set(error_r, STATUS_BACKEND, "cannot start the thread that takes connections: %s",
                         strerror(failure));
    }
    *acceptor_r = acceptor;
    return STATUS_OK;
}

void acceptor_stop(struct acceptor **acceptor_pointer)
{
    struct acceptor *acceptor = *acceptor_pointer;
    *acceptor_pointer = NULL;
    if (!acceptor)
        return;
    /* An eventfd at 0 takes this without fail. */
    while (eventfd_write(acceptor->stop, 1) != 0 && errno == EINTR)
        continue;
    pthread_join(acceptor->thread, NULL);
    close(acceptor->stop);
    free(acceptor);
}
