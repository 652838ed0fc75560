/* ratelimit.h - how much each network of clients has cost lately. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_RATELIMIT_H
#define HTTP_RATELIMIT_H

#include "http/network.h"
#include "http/proxy.h"

#include <stdbool.h>
#include <stdint.h>

/* One bucket an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets. A bucket holds
 * RATELIMIT_BURST and fills at per_minute; what a request costs is taken out of it. Any thread. */
struct ratelimit;

/* Thunderbird alone asks for twelve things that mostly are not there, and an office begins its day at one address. */
enum { RATELIMIT_BURST = 300 };

struct ratelimit *ratelimit_new(void);
void ratelimit_free(struct ratelimit **ratelimit);

/* Whether this client has a bucket. Processes on this machine have none, nor have the proxies themselves; private
 * networks have none unless a trusted proxy names the client: those who connect from there are mostly proxies that
 * nobody told us of, and everybody behind them would share one bucket. */
bool ratelimit_applies(const struct proxies *proxies, const struct net_address *peer, const struct origin *origin);

/* 0: the client may ask; else the milliseconds until it may. now: of clock_ms(). */
int64_t ratelimit_wait(struct ratelimit *ratelimit, const struct net_address *client, unsigned per_minute, int64_t now);

/* A request has cost this much. */
void ratelimit_charge(struct ratelimit *ratelimit, const struct net_address *client, unsigned per_minute, unsigned cost,
                      int64_t now);

/* Whether nobody's bucket is empty, so that neither a clock nor a lock need be asked. */
bool ratelimit_is_quiet(const struct ratelimit *ratelimit);

#endif
