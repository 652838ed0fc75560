/* offers.h - what was put together for one domain, for the next domain to which the same rows belong. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_OFFERS_H
#define STORE_OFFERS_H

#include "account/domain.h"
#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { OFFER_SERVERS_MAX = 16 };

/* Which rows make up an offer. Zeroed before it is filled in: it is compared byte by byte. */
struct offer_key {
    int64_t provider, ldap;
    int64_t server_count;
    struct {
        int64_t table, id;
    } servers[OFFER_SERVERS_MAX];
};

/* A hoster's domains have a handful of offers among them. One thread at a time. */
struct offers;

/* NULL when memory is out. */
struct offers *offers_new(void);
void offers_free(struct offers **offers);

/* The domain for which it was put together; arena, which keeps the offer from then on, may outlive the offers and be
 * freed on any thread. NULL: not there. */
const struct domain *offers_get(struct offers *offers, const struct offer_key *key, struct arena *arena);

/* whole is the arena in which domain lies; the offers keep it as well. It may push out another one. */
void offers_put(struct offers *offers, const struct offer_key *key, const struct domain *domain, struct arena *whole);

#endif
