/* request.h - one request from its first line to its last byte. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "http/connections.h"
#include "http/proxy.h"
#include "http/routes.h"
#include "http/service.h"
#include "http/target.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_HEADER_MAX = 16 * 1024, /* request line and headers */
    REQUEST_BODY_MAX = 64 * 1024,
    REQUEST_ADDRESSES_MAX = 8, /* in one profile */
};

/* The headers that matter, collected in one pass; values are borrowed from the connection or live in the arena. */
struct request_headers {
    const char *host;
    unsigned host_count;
    struct forwarding forwarding;
    bool forwarded; /* any header that a proxy adds is there */
    const char *origin;
    const char *fetch_site;
    const char *if_none_match;
    const char *content_length;
    unsigned length_count; /* of Content-Length and Transfer-Encoding */
    bool expects;          /* 100-continue */
};

/* What goes on when the body is there or a look-up has been answered. Replies, or asks again. */
typedef enum MHD_Result (*request_step)(struct request *request);

struct lookup;

/* Lives in its own arena, from the request line to the completion; used by one thread at a time. */
struct request {
    struct arena *arena;
    struct http_server *server;
    struct service *service;
    struct MHD_Connection *connection;
    struct http_connection *owner;
    struct net_address peer;

    bool target_good;
    struct target target;
    const char *method;
    const char *version;
    bool is_head;
    const struct route *route;   /* NULL: no such path */
    const char *rest;            /* of the path, behind a route that takes more */
    const struct format *format; /* of the document that is asked for */

    struct request_headers headers;
    struct origin origin;
    struct slice host; /* of the proxy, the target or the Host header, in this order; empty: none */

    struct buf body;
    bool begun, body_too_large;
    bool body_lost; /* memory was out */
    size_t discarded;
    request_step step;
    unsigned memory_mark; /* of memory_failures(), when the library called last */

    struct lookup *lookups; /* lookup.h */
    size_t lookup_count;
    struct job_result *job; /* job.h */
    atomic_uint waiting;    /* answers that are not there yet, and one for the HTTP thread while it asks */

    bool charged;     /* request_charge() was called */
    int64_t too_many; /* seconds until the client's network may ask again, or 0 */

    /* For the access line. */
    int64_t began; /* clock_ms(), or 0 when nobody will read it */
    unsigned status;
    uint64_t bytes;
    const char *domain;
    const char *source;
};

/* The callbacks of libmicrohttpd; their closure is the listener. */
void *request_new(void *listener, const char *target, struct MHD_Connection *connection);
enum MHD_Result request_handle(void *listener, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **request);
void request_completed(void *listener, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode how);

/* The connection has been closed. libmicrohttpd (0.9.75) does not tell the end of a request for whose headers or
 * cookies its memory was too small. */
void request_abandon(struct http_connection *connection);

/* Waiting for answers that come on other threads: request_expect() before the first is asked for, request_answered() by
 * each that comes, and request_wait() once all were asked for, whose result the handler returns; step goes on when the
 * last is there. Nothing of the request may be touched after request_answered(). */
void request_expect(struct request *request, size_t answers);
void request_answered(struct request *request);
enum MHD_Result request_wait(struct request *request, request_step step);

/* The request costs more than a glance into the cache: its client pays for it (ratelimit.h). */
void request_charge(struct request *request, unsigned cost);

/* Whether the server stops, so that this is the connection's last request. */
bool request_is_last(const struct request *request);

/* The first parameter of this name; false when there is none. */
bool request_parameter(const struct request *request, const char *name, struct parameter *parameter_r);

/* The mail domain of the host, or NULL. */
const char *request_host_domain(struct request *request);

/* Whether the request came straight from this machine or a trusted proxy's, and was not passed on for somebody else. */
bool request_is_direct(const struct request *request);

#endif
