/* proxy.h - who asks, for which host and how, seen through the proxies that are trusted. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include "http/network.h"

/* From the settings proxy_count and trusted_proxies. */
struct proxies {
    unsigned count;                 /* the client is the count-th from the right; 0: said by the networks alone */
    const struct network *networks; /* who may be believed; none: whoever is the peer (automx2's proxy_count) */
    size_t network_count;
};

/* The values of X-Forwarded-For, -Host and -Proto as they came (several headers joined by commas), or NULL. */
struct forwarding {
    const char *clients;
    const char *hosts;
    const char *protocols;
};

struct origin {
    struct net_address client; /* the peer, when no proxy is to be believed */
    bool through_proxy;        /* the peer is a proxy that is to be believed */
    struct slice host;         /* as the proxy says; empty: the Host header counts */
    struct slice protocol;     /* "http", "https", or empty: not known */
};

/* Whether forwarding headers can matter at all; if not, nobody needs to collect them. */
bool proxies_configured(const struct proxies *proxies);

/* Whether this peer is one of the trusted networks' (a unix socket's peer is, when there are any). */
bool proxies_trust(const struct proxies *proxies, const struct net_address *peer);

/* Reads the headers from the right: each trusted proxy adds what it saw at the end. */
struct origin proxies_origin(const struct proxies *proxies, const struct net_address *peer,
                             const struct forwarding *forwarding);

#endif
