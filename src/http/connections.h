/* connections.h - the connections that are open, and the end of those that take too long. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

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
    unsigned seen; /* of ended */
    int64_t since; /* when that was seen first; 0: never */
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

/* Cuts every connection on which no request has come to its end for this many milliseconds: its HTTP thread finds that
 * there is nothing more to read, and if it does not read but writes, at the next call finds that it cannot write. By
 * one thread, about once a second. now: of clock_ms(). */
void connections_expire(struct connections *connections, int64_t after, int64_t now);

#endif
