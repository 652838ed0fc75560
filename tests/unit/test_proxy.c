/* test_proxy.c - networks, and what is seen through trusted proxies. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/proxy.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct net_address address(const char *text)
{
    struct net_address result = {.family = NET_NONE};
    if (strcmp(text, "unix") == 0)
        result.family = NET_LOCAL;
    else
        assert_true(net_address_parse((struct slice){text, strlen(text)}, &result));
    return result;
}

static void networks_hold_addresses(void **state)
{
    static const struct {
        const char *network;
        const char *address;
        bool inside;
    } rows[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.129", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"127.0.0.0/8", "::ffff:127.0.0.1", true}, /* as a dual-stack socket names an IPv4 peer */
        {"127.0.0.0/8", "unix", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        const struct network *networks;
        size_t count;
        struct net_address who = address(rows[i].address);
        assert_int_equal(networks_parse(arena, rows[i].network, &networks, &count, NULL), STATUS_OK);
        assert_int_equal(count, 1);
        if (network_has(networks, &who) != rows[i].inside)
            fail_msg("row %zu: %s in %s", i, rows[i].address, rows[i].network);
        arena_free(&arena);
    }
}

static void wrong_networks_are_named(void **state)
{
    static const char *const rows[] = {
        "10.0.0.0/33", "10.0.0.0/",         "10.0.0.0/-1", "10.0.0.0/8/8",
        "::/129",      "proxy.example.com", "10.0.0",      "1.2.3.4/0x8",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        const struct network *networks;
        size_t count;
        struct error error = {""};
        char list[64];
        snprintf(list, sizeof list, "127.0.0.1, %s", rows[i]);
        if (networks_parse(arena, list, &networks, &count, &error) != STATUS_INVALID || !strstr(error.text, rows[i]))
            fail_msg("row %zu (%s): %s", i, rows[i], error.text);
        arena_free(&arena);
    }
}

static void proxies_are_seen_through(void **state)
{
    static const struct {
        unsigned count;
        const char *networks;
        const char *peer;
        const char *clients, *hosts, *protocols; /* NULL: no such header */
        const char *client, *host, *protocol;
        bool through;
    } rows[] = {
        /* nobody is trusted */
        {0, NULL, "127.0.0.1", "203.0.113.7", "evil.example", "https", "127.0.0.1", "", "", false},
        {0, NULL, "unix", "203.0.113.7", "evil.example", "https", "unix", "", "", false},
        /* proxy_count alone: the n-th from the right, whoever the peer is (as automx2 has it) */
        {1, NULL, "192.0.2.1", "203.0.113.7", "a.example", "https", "203.0.113.7", "a.example", "https", true},
        {1, NULL, "192.0.2.1", "10.9.9.9, 203.0.113.7", "evil.example, a.example", "http, https", "203.0.113.7",
         "a.example", "https", true},
        {2, NULL, "192.0.2.1", "10.9.9.9, 203.0.113.7,10.0.0.1", "evil.example,a.example,b.example", "http,https,http",
         "203.0.113.7", "a.example", "https", true},
        {2, NULL, "192.0.2.1", "203.0.113.7", NULL, NULL, "192.0.2.1", "", "", true},
        {1, NULL, "192.0.2.1", NULL, NULL, NULL, "192.0.2.1", "", "", true},
        {1, NULL, "192.0.2.1", "unknown", "a.example", NULL, "-", "a.example", "", true},
        {1, NULL, "192.0.2.1", "203.0.113.7:4711", NULL, NULL, "203.0.113.7", "", "", true},
        {1, NULL, "192.0.2.1", "[2001:db8::7]:4711", NULL, NULL, "2001:db8::7", "", "", true},
        /* networks: right to left, as long as the addresses are trusted */
        {0, "10.0.0.0/8", "10.0.0.1", "203.0.113.7", "a.example", "https", "203.0.113.7", "a.example", "https", true},
        {0, "10.0.0.0/8", "10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", "evil.example, a.example, b.example", NULL,
         "203.0.113.7", "a.example", "", true},
        {0, "10.0.0.0/8", "10.0.0.1", "10.0.0.3, 10.0.0.2", NULL, NULL, "10.0.0.3", "", "", true},
        {0, "10.0.0.0/8", "192.0.2.1", "203.0.113.7", "a.example", "https", "192.0.2.1", "", "", false},
        {0, "10.0.0.0/8", "unix", "203.0.113.7", "a.example", NULL, "203.0.113.7", "a.example", "", true},
        {0, "2001:db8::/32, 10.0.0.1", "2001:db8::5", "203.0.113.7", NULL, NULL, "203.0.113.7", "", "", true},
        /* the inner proxy passes on what the outer one wrote */
        {0, "10.0.0.0/8", "10.0.0.1", "203.0.113.7, 10.0.0.2", "a.example", "https", "203.0.113.7", "a.example",
         "https", true},
        /* both: no more hops than the count */
        {1, "10.0.0.0/8", "10.0.0.1", "203.0.113.7, 10.0.0.2", "a.example, b.example", NULL, "10.0.0.2", "b.example",
         "", true},
        {1, "10.0.0.0/8", "192.0.2.1", "203.0.113.7", "a.example", NULL, "192.0.2.1", "", "", false},
        /* odd lists */
        {1, NULL, "192.0.2.1", "", "", "", "-", "", "", true},
        {1, NULL, "192.0.2.1", ",", ",", ",", "-", "", "", true},
        {1, NULL, "192.0.2.1", "203.0.113.7,", "a.example,", NULL, "-", "", "", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        struct proxies proxies = {.count = rows[i].count};
        assert_int_equal(networks_parse(arena, rows[i].networks, &proxies.networks, &proxies.network_count, NULL),
                         STATUS_OK);
        struct net_address peer = address(rows[i].peer);
        struct forwarding forwarding = {rows[i].clients, rows[i].hosts, rows[i].protocols};
        struct origin origin = proxies_origin(&proxies, &peer, &forwarding);
        char client[NET_ADDRESS_TEXT_MAX], host[64], protocol[16];
        snprintf(host, sizeof host, "%.*s", (int)origin.host.length, origin.host.bytes);
        snprintf(protocol, sizeof protocol, "%.*s", (int)origin.protocol.length, origin.protocol.bytes);
        const char *text = net_address_text(&origin.client, client);
        if (strcmp(text, rows[i].client) != 0 || strcmp(host, rows[i].host) != 0 ||
            strcmp(protocol, rows[i].protocol) != 0 || origin.through_proxy != rows[i].through)
            fail_msg("row %zu: client %s, host '%s', protocol '%s', %s", i, text, host, protocol,
                     origin.through_proxy ? "through a proxy" : "directly");
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_addresses),
        cmocka_unit_test(wrong_networks_are_named),
        cmocka_unit_test(proxies_are_seen_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
