/* connections.h - the connections that are open, and the end of those that take too long. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include <stdatomic.h>
#include <stdbool.h>

/* libmicrohttpd (0.9.75) only knows for how long nothing has happened on a connection, so that whoever sends or takes a
 * byte now and then would keep one for ever. Any thread. */
struct connections;

struct request;

/* The library's context of a connection. */
struct http_connection {
    struct request *request; /* which has not ended; the HTTP thread's alone */
    atomic_uint ended;       /* requests that have; written by the HTTP thread alone */
    atomic_bool expired;     /* it was cut */

    /* connections.c's own */
    struct http_connection *next, **place;
    int fd;
    unsigned seen;  /* of ended */
    unsigned looks; /* that have seen no more */
};

struct connections *connections_new(void);

/* When all were removed. */
void connections_free(struct connections **connections);

/* The connection is the list's until it is removed, which must be before its descriptor is closed. NULL: memory is
 * out. */
struct http_connection *connections_add(struct connections *connections, int fd);
void connections_remove(struct connections *connections, struct http_connection **connection);

/* A request has come to its end. By the HTTP thread. */
void connections_advance(struct http_connection *connection);

/* To be called regularly, by one thread. Cuts every connection on which no request has come to its end between so many
 * calls: its HTTP thread finds that there is nothing more to read, and if it does not read but writes, at the next call
 * finds that it cannot write. Calls are counted, not seconds, so that nobody pays for the time in which the whole
 * process or its machine stood still. */
void connections_expire(struct connections *connections, unsigned calls);

#endif
