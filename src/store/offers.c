/* offers.c - what was put together for one domain, for the next domain to which the same rows belong. */
/* SPDX-License-Identifier: MIT */
#include "store/offers.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 64 };

struct offer {
    struct offer_key key;
    struct arena *holder; /* keeps domain; NULL: the place is free */
    const struct domain *domain;
};

struct offers {
    struct offer places[PLACES];
};

struct offers *offers_new(void)
{
    return calloc(1, sizeof(struct offers));
}

void offers_free(struct offers **offers)
{
    if (*offers == NULL)
        return;
    for (unsigned i = 0; i < PLACES; i++)
        arena_free(&(*offers)->places[i].holder);
    free(*offers);
    *offers = NULL;
}

/* The administrator's ids, so nobody chooses them to collide; and a collision costs one more look at the rows. */
static struct offer *place_of(struct offers *offers, const struct offer_key *key)
{
    uint64_t sum = (uint64_t)key->provider * 31 + (uint64_t)key->ldap;
    for (int64_t i = 0; i < key->server_count; i++)
        sum = (sum * 31 + (uint64_t)key->servers[i].id) * 31 + (uint64_t)key->servers[i].table;
    return &offers->places[sum % PLACES];
}

const struct domain *offers_get(struct offers *offers, const struct offer_key *key, struct arena *arena)
{
    struct offer *offer = place_of(offers, key);
    if (offer->holder == NULL || memcmp(&offer->key, key, sizeof *key) != 0)
        return NULL;
    arena_hold(arena, offer->holder);
    return offer->domain;
}

void offers_put(struct offers *offers, const struct offer_key *key, const struct domain *domain, struct arena *whole)
{
    struct offer *offer = place_of(offers, key);
    arena_free(&offer->holder);
    *offer = (struct offer){.key = *key, .holder = arena_share(whole), .domain = domain};
}
