/* network.h - IP addresses and networks. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_NETWORK_H
#define HTTP_NETWORK_H

#include "base/arena.h"
#include "base/status.h"
#include "http/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* An IPv4 address that is mapped into IPv6 (::ffff:192.0.2.1) is held as the IPv4 address that it is. */
struct net_address {
    enum {
        NET_NONE,  /* not known */
        NET_LOCAL, /* a process on this machine, by a unix socket */
        NET_IPV4,
        NET_IPV6,
    } family;
    unsigned char bytes[16];
};

enum { NET_ADDRESS_TEXT_MAX = 48 };

struct net_address net_address_from(const struct sockaddr *address);

/* "192.0.2.1" or "2001:db8::1", nothing else. */
bool net_address_parse(struct slice text, struct net_address *address_r);

/* The same, also with a port or in brackets, as proxies write it: "192.0.2.1:1234", "[2001:db8::1]:1234". */
bool net_address_parse_port(struct slice text, struct net_address *address_r);

bool net_address_equal(const struct net_address *a, const struct net_address *b);

/* 127.0.0.0/8, ::1, or a unix socket. */
bool net_address_is_loopback(const struct net_address *address);

/* "192.0.2.1", "unix", "-". Writes into and returns text, of NET_ADDRESS_TEXT_MAX bytes. */
const char *net_address_text(const struct net_address *address, char *text);

struct network {
    struct net_address address;
    unsigned bits;
};

/* Networks as in the setting trusted_proxies: "127.0.0.1, 10.0.0.0/8, 2001:db8::/32". NULL is an empty list. They live
 * in the arena. STATUS_INVALID names the one that is wrong. */
enum status networks_parse(struct arena *arena, const char *text, const struct network **networks_r, size_t *count_r,
                           struct error *error_r);

bool network_has(const struct network *network, const struct net_address *address);

#endif
