/* fuzz_query.c - request targets, queries, hosts and forwarding headers under any bytes: one line each. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "account/address.h"
#include "account/domain.h"
#include "base/arena.h"
#include "http/host.h"
#include "http/proxy.h"
#include "http/routes.h"
#include "http/target.h"
#include "oracle.h"

static void check_domain(struct arena *arena, const char *domain)
{
    const char *again;
    demand_domain(domain);
    demand(domain_name_normalize(arena, domain, strlen(domain), &again, NULL) == STATUS_OK);
    demand(strcmp(domain, again) == 0);
}

static void check_query(struct arena *arena, const char *query)
{
    const char *cursor = query;
    struct parameter parameter;
    while (query_next(&cursor, &parameter)) {
        demand(cursor <= query + strlen(query));
        demand(!memchr(parameter.value.bytes, '&', parameter.value.length));
        (void)parameter_is(&parameter, "emailaddress");
        for (int plus = PLUS_IS_PLUS; plus <= PLUS_IS_BLANK; plus++) {
            struct slice value = slice_trim(parameter_value(arena, &parameter, (enum plus)plus));
            struct address address;
            if (!value.bytes)
                return; /* the arena is full */
            demand(value.length <= parameter.value.length);
            if (address_parse(arena, value.bytes, value.length, &address, NULL) == STATUS_OK)
                check_domain(arena, address.domain);
        }
    }
}

static void check_target(struct arena *arena, char *text)
{
    struct target target;
    const char *rest;
    if (!target_parse(text, &target))
        return;
    demand(target.path[0] == '/');
    const struct route *route = route_find(target.path, &rest);
    demand(!route || route->takes_rest == (rest[0] != '\0'));
    check_query(arena, target.query);
}

static void check_host(struct arena *arena, const char *text)
{
    struct slice host = slice_trim((struct slice){text, strlen(text)});
    const char *domain = host_domain(arena, host);
    (void)host_is_loopback(host);
    if (domain)
        check_domain(arena, domain);
}

static void check_proxies(struct arena *arena, const char *setting, const struct forwarding *forwarding)
{
    static const struct net_address peer = {.family = NET_IPV4, .bytes = {10, 0, 0, 1}};
    struct proxies proxies = {.count = (unsigned)strlen(setting) % 4};
    if (networks_parse(arena, setting, &proxies.networks, &proxies.network_count, NULL) != STATUS_OK)
        proxies.network_count = 0;
    struct origin origin = proxies_origin(&proxies, &peer, forwarding);
    char text[NET_ADDRESS_TEXT_MAX];
    demand(strlen(net_address_text(&origin.client, text)) < sizeof text);
    struct net_address again;
    if (origin.client.family != NET_NONE) {
        demand(net_address_parse((struct slice){text, strlen(text)}, &again));
        demand(net_address_equal(&again, &origin.client));
    }
    demand(origin.host.length == 0 || (forwarding->hosts && origin.host.length <= strlen(forwarding->hosts)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 16 * 1024)
        return 0;
    char *text = input_text(data, size), *rest = text;
    struct arena *arena = arena_new(256 * 1024);
    demand(arena != NULL);
    check_target(arena, next_line(&rest));
    check_host(arena, next_line(&rest));
    const char *networks = next_line(&rest);
    struct forwarding forwarding;
    forwarding.clients = next_line(&rest);
    forwarding.hosts = next_line(&rest);
    forwarding.protocols = next_line(&rest);
    check_proxies(arena, networks, &forwarding);

    arena_free(&arena);
    free(text);
    return 0;
}
