/* server_state.h - what the requests of a server share. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SERVER_STATE_H
#define HTTP_SERVER_STATE_H

#include "http/acceptor.h"
#include "http/connections.h"
#include "http/listen.h"
#include "http/peers.h"
#include "http/ratelimit.h"
#include "http/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/* One socket with the threads that serve it. */
struct listener {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    struct listen_socket socket;
};

struct http_server {
    pthread_mutex_t lock;    /* guards service */
    struct service *service; /* for new requests */
    struct peers *peers;
    struct connections *open; /* what is cut when it takes too long */
    struct ratelimit *ratelimit;
    struct acceptor *acceptor;
    unsigned connections_max;
    atomic_uint connections; /* that the library has */
    unsigned crowd;          /* the most of them since memory was returned; the acceptor's thread's */
    atomic_bool stopping;    /* connections are closed behind their answer */
    atomic_uint active;      /* requests between their first line and their completion */
    atomic_uint suspended;   /* of them, those that wait for a look-up */
    struct arena *arena;     /* of the listeners */
    struct listener *listeners;
    size_t listener_count;
};

#endif
