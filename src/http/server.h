/* server.h - the HTTP service: listens, takes requests, answers. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/settings.h"
#include "base/status.h"
#include "format/signer.h"
#include "resolve/resolver.h"
#include "store/store.h"

#include <stdbool.h>

struct http_server;

/* One configuration's working parts: settings, store, user databases, resolver, signer. Counted: requests in flight
 * keep the one they began with, so that SIGHUP swaps in a new one without losing a request. */
struct service;

/* Takes over the settings when it succeeds. during_outage: a database that cannot be reached now is no failure but an
 * error in the log; what is asked meanwhile gets 503. For the start, when there is nothing older that could stay. */
enum status service_new(struct settings *settings, bool during_outage, struct service **service_r,
                        struct error *error_r);
struct service *service_ref(struct service *service);

/* The last one frees everything and waits for the look-ups of the resolver: it must not be an HTTP thread's, so whoever
 * made a service gives it up when nobody else has it. */
void service_unref(struct service **service);

/* Whether the caller's reference is the only one. */
bool service_is_idle(const struct service *service);

const struct settings *service_settings(const struct service *service);

/* For --check-config: judges what is left to judge before listening, and calls fault for each fault in the accounts, at
 * most max times. When there is none, what formats have to say of the domains is warned of in the log. */
enum status service_examine(struct service *service, size_t max, store_fault fault, void *context,
                            struct error *error_r);

/* Warns of every fault in the accounts, on a thread of its own. By the service's maker, once. */
void service_check(struct service *service);

/* Opens the sockets of settings.listen, or takes those that systemd passed, and begins to answer. The service stays the
 * caller's (the server takes a reference of its own). STATUS_INVALID: a bad listen entry; STATUS_BACKEND: an address
 * cannot be bound. */
enum status http_server_start(struct service *service, struct http_server **server_r, struct error *error_r);

/* New requests use this service from now on. Changes of listen and sandbox need a restart (warned). */
void http_server_swap(struct http_server *server, struct service *service);

/* The service for a new request, with a reference of the caller's. */
struct service *http_server_service(struct http_server *server);

/* Stops accepting, lets what runs finish (as long as look-ups take; requests whose client is slow, at most 3 s), closes
 * every connection. */
void http_server_stop(struct http_server **server);

#endif
