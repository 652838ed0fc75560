/* acceptor.h - takes new connections from the listening sockets, on a thread of its own. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_ACCEPTOR_H
#define HTTP_ACCEPTOR_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* libmicrohttpd could do this itself, but (0.9.75) its threads spin while no descriptor is left, and telling it to stop
 * accepting races with its threads, which ends the process when it goes wrong. */
struct acceptor;

enum { ACCEPTOR_TICK_MS = 1000 };

struct acceptor_handler {
    /* Whether one more connection may be taken now. If not, clients wait in the system's queue and it is asked again a
     * little later. On the acceptor's thread. */
    bool (*has_room)(void *context);
    /* The descriptor (non-blocking, close-on-exec) becomes the callee's. which: index of the listening socket. On the
     * acceptor's thread. */
    void (*take)(void *context, size_t which, int fd, const struct sockaddr *from, socklen_t length);
    /* Every ACCEPTOR_TICK_MS or a little later, for what the callee has to do now and then. On the acceptor's thread.
     */
    void (*tick)(void *context);
    void *context;
};

/* sockets: listening and non-blocking; they stay the caller's and must outlive the acceptor. Starts the thread. */
enum status acceptor_start(const int *sockets, size_t count, const struct acceptor_handler *handler,
                           struct acceptor **acceptor_r, struct error *error_r);

/* After it nothing more is taken; what was taken before stays with its taker. NULL is fine. */
void acceptor_stop(struct acceptor **acceptor);

#endif
