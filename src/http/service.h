/* service.h - what the handlers of requests see of a service. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SERVICE_H
#define HTTP_SERVICE_H

#include "http/proxy.h"
#include "http/server.h"

#include <stdatomic.h>

/* Immutable but for the count. */
struct service {
    struct settings *settings;
    struct store *store;
    struct userdb *userdb;
    struct resolver *resolver;
    struct profile_signer *signer; /* NULL: profiles go out unsigned */
    struct proxies proxies;
    struct arena *arena;        /* of proxies and texts */
    const char *document_cache; /* Cache-Control of a document that is the same for everybody */
    struct check *check;        /* check.h; NULL: not started */
    atomic_uint references;
};

#endif
