/* proxy.c - who asks, for which host and how, seen through the proxies that are trusted. */
/* SPDX-License-Identifier: MIT */
#include "http/proxy.h"

#include <limits.h>
#include <string.h>

/* Walks a comma-separated list from its right end. */
struct from_right {
    const char *start;
    size_t left; /* bytes that were not looked at */
    bool end;
};

static struct from_right from_right(const char *list)
{
    return (struct from_right){list ? list : "", list ? strlen(list) : 0, list == NULL};
}

static bool previous(struct from_right *walk, struct slice *entry_r)
{
    if (walk->end)
        return false;
    size_t begin = walk->left;
    while (begin > 0 && walk->start[begin - 1] != ',')
        begin--;
    *entry_r = slice_trim((struct slice){walk->start + begin, walk->left - begin});
    walk->end = begin == 0;
    walk->left = begin > 0 ? begin - 1 : 0;
    return true;
}

/* The entry that the hops-th proxy from here wrote. A shorter list was written by the outermost proxy alone and passed
 * on unchanged by the others, which they are free to do for host and protocol. */
static struct slice entry_of(const char *list, unsigned hops)
{
    struct from_right walk = from_right(list);
    struct slice entry = {"", 0};
    struct slice last = {"", 0};
    for (unsigned i = 0; i < hops && previous(&walk, &entry); i++) {
        if (entry.length > 0)
            last = entry;
    }
    return last;
}

bool proxies_configured(const struct proxies *proxies)
{
    return proxies->count > 0 || proxies->network_count > 0;
}

bool proxies_trust(const struct proxies *proxies, const struct net_address *peer)
{
    if (proxies->network_count == 0)
        return false;
    if (peer->family == NET_LOCAL)
        return true;
    for (size_t i = 0; i < proxies->network_count; i++) {
        if (network_has(&proxies->networks[i], peer))
            return true;
    }
    return false;
}

struct origin proxies_origin(const struct proxies *proxies, const struct net_address *peer,
                             const struct forwarding *forwarding)
{
    struct origin origin = {.client = *peer, .host = {"", 0}, .protocol = {"", 0}};
    if (!proxies_configured(proxies) || (proxies->network_count > 0 && !proxies_trust(proxies, peer)))
        return origin;
    origin.through_proxy = true;

    /* Each step reads what one more trusted proxy saw. Without networks the count alone says how many there are. */
    unsigned most = proxies->count > 0 ? proxies->count : UINT_MAX;
    struct from_right walk = from_right(forwarding->clients);
    struct slice entry;
    unsigned hops = 0;
    while (hops < most && previous(&walk, &entry)) {
        struct net_address client;
        hops++;
        if (!net_address_parse_port(entry, &client)) {
            origin.client = (struct net_address){.family = NET_NONE}; /* "unknown", "_hidden" */
            break;
        }
        origin.client = client;
        if (proxies->network_count > 0 && !proxies_trust(proxies, &client))
            break;
    }
    /* As with automx2: a list shorter than proxy_count did not come through all the proxies. */
    if (proxies->network_count == 0 && hops < proxies->count)
        origin.client = *peer;

    unsigned believed = proxies->network_count > 0 ? (hops > 0 ? hops : 1) : proxies->count;
    origin.host = entry_of(forwarding->hosts, believed);
    origin.protocol = entry_of(forwarding->protocols, believed);
    return origin;
}
