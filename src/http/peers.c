/* peers.c - how many connections each address has. */
/* SPDX-License-Identifier: MIT */
#include "http/peers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUCKETS = 1024 };

struct peer {
    struct peer *next;
    struct net_address address;
    unsigned connections; /* never 0 */
};

struct peers {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose addresses of one bucket */
    struct peer *buckets[BUCKETS];
};

struct peers *peers_new(void)
{
    struct peers *peers = calloc(1, sizeof *peers);
    if (!peers)
        return NULL;
    pthread_mutex_init(&peers->lock, NULL);
    if (getrandom(&peers->seed, sizeof peers->seed, GRND_NONBLOCK) != sizeof peers->seed)
        peers->seed = (uint64_t)(uintptr_t)peers;
    return peers;
}

void peers_free(struct peers **peers)
{
    if (!*peers)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while ((*peers)->buckets[i]) {
            struct peer *peer = (*peers)->buckets[i];
            (*peers)->buckets[i] = peer->next;
            free(peer);
        }
    }
    pthread_mutex_destroy(&(*peers)->lock);
    free(*peers);
    *peers = NULL;
}

static struct net_address counted_as(const struct net_address *address)
{
    struct net_address counted = *address;
    if (counted.family == NET_IPV6)
        memset(counted.bytes + 8, 0, 8);
    return counted;
}

/* Where the pointer to the peer is, or would be. */
static struct peer **find(struct peers *peers, const struct net_address *address)
{
    uint64_t hash = peers->seed;
    for (size_t i = 0; i < sizeof address->bytes; i++)
        hash = (hash ^ address->bytes[i]) * 1099511628211u;
    struct peer **place = &peers->buckets[(hash ^ hash >> 32) % BUCKETS];
    while (*place && !net_address_equal(&(*place)->address, address))
        place = &(*place)->next;
    return place;
}

bool peers_has_room(struct peers *peers, const struct net_address *address, unsigned limit)
{
    struct net_address counted = counted_as(address);
    pthread_mutex_lock(&peers->lock);
    const struct peer *peer = *find(peers, &counted);
    bool room = !peer || peer->connections < limit;
    pthread_mutex_unlock(&peers->lock);
    return room;
}

bool peers_enter(struct peers *peers, const struct net_address *address)
{
    struct net_address counted = counted_as(address);
    pthread_mutex_lock(&peers->lock);
    struct peer **place = find(peers, &counted);
    if (!*place) {
        *place = calloc(1, sizeof **place);
        if (*place)
            (*place)->address = counted;
    }
    struct peer *peer = *place;
    if (peer)
        peer->connections++;
    pthread_mutex_unlock(&peers->lock);
    return peer != NULL;
}

void peers_leave(struct peers *peers, const struct net_address *address)
{
    struct net_address counted = counted_as(address);
    pthread_mutex_lock(&peers->lock);
    struct peer **place = find(peers, &counted);
    struct peer *peer = *place;
    if (peer && --peer->connections == 0) {
        *place = peer->next;
        free(peer);
    }
    pthread_mutex_unlock(&peers->lock);
}
