/* routes.h - the table of paths. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "format/format.h"

#include <microhttpd.h>
#include <stdbool.h>

struct request;

enum route_method {
    METHOD_GET = 1, /* and HEAD */
    METHOD_POST = 2,
    METHOD_DELETE = 4,
    METHOD_ANY = 8,
};

struct route {
    const char *path; /* lower case, without a final slash; compared without letter case */
    bool takes_rest;  /* "PATH/REST" belongs to it, and PATH alone does not */
    unsigned methods;
    const struct format *format; /* for routes that answer with one */
    enum MHD_Result (*handle)(struct request *request);
    enum server_type server_type; /* for routes that redirect to a server */
};

/* The route of a decoded path; *rest_r is what follows a route that takes more, else "". NULL: there is none. */
const struct route *route_find(const char *path, const char **rest_r);

/* Whether the route has this method ("GET", "HEAD", ...). */
bool route_allows(const struct route *route, const char *method);

/* The value of an Allow header. */
const char *route_allow(const struct route *route);

#endif
