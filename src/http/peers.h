/* peers.h - how many connections each address has. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include "http/network.h"

#include <stdbool.h>

/* Any thread. An IPv6 network of 64 bits counts as one address: that is what one customer gets. */
struct peers;

struct peers *peers_new(void);
void peers_free(struct peers **peers);

bool peers_has_room(struct peers *peers, const struct net_address *address, unsigned limit);

/* One connection more or less. False when memory is out: it is not counted then. */
bool peers_enter(struct peers *peers, const struct net_address *address);
void peers_leave(struct peers *peers, const struct net_address *address);

#endif
