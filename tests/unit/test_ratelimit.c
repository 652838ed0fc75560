/* test_ratelimit.c - http/ratelimit.h. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "http/ratelimit.h"

enum { PER_MINUTE = 600, INTERVAL_MS = 100, START = 1000000 };

static struct net_address address(const char *text)
{
    struct net_address address = {.family = NET_NONE};
    if (strcmp(text, "unix") == 0)
        address.family = NET_LOCAL;
    else if (text[0])
        assert_true(net_address_parse((struct slice){text, strlen(text)}, &address));
    return address;
}

static void charge(struct ratelimit *ratelimit, const char *client, unsigned times, int64_t now)
{
    struct net_address who = address(client);
    for (unsigned i = 0; i < times; i++)
        ratelimit_charge(ratelimit, &who, PER_MINUTE, 1, now);
}

static int64_t wait(struct ratelimit *ratelimit, const char *client, int64_t now)
{
    struct net_address who = address(client);
    return ratelimit_wait(ratelimit, &who, PER_MINUTE, now);
}

static void a_burst_passes_and_what_follows_waits(void **state)
{
    struct ratelimit *ratelimit = ratelimit_new();
    charge(ratelimit, "192.0.2.1", RATELIMIT_BURST - 1, START);
    assert_true(ratelimit_is_quiet(ratelimit));
    assert_int_equal(wait(ratelimit, "192.0.2.1", START), 0);
    charge(ratelimit, "192.0.2.1", 1, START);
    assert_false(ratelimit_is_quiet(ratelimit));
    assert_int_equal(wait(ratelimit, "192.0.2.1", START), INTERVAL_MS);
    assert_int_equal(wait(ratelimit, "192.0.2.2", START), 0);
    assert_int_equal(wait(ratelimit, "192.0.2.1", START + INTERVAL_MS), 0);
    /* One has come back, and is spent. */
    charge(ratelimit, "192.0.2.1", 1, START + INTERVAL_MS);
    assert_int_equal(wait(ratelimit, "192.0.2.1", START + INTERVAL_MS), INTERVAL_MS);
    ratelimit_free(&ratelimit);
}

static void a_bucket_fills_up_and_no_further(void **state)
{
    struct ratelimit *ratelimit = ratelimit_new();
    charge(ratelimit, "192.0.2.1", RATELIMIT_BURST, START);
    int64_t later = START + 3600 * 1000;
    assert_int_equal(wait(ratelimit, "192.0.2.1", later), 0);
    assert_true(ratelimit_is_quiet(ratelimit));
    charge(ratelimit, "192.0.2.1", RATELIMIT_BURST, later);
    assert_int_equal(wait(ratelimit, "192.0.2.1", later), INTERVAL_MS);
    ratelimit_free(&ratelimit);
}

static void a_debt_is_bounded(void **state)
{
    struct ratelimit *ratelimit = ratelimit_new();
    charge(ratelimit, "192.0.2.1", 100000, START);
    assert_in_range(wait(ratelimit, "192.0.2.1", START), 1, 2 * RATELIMIT_BURST * INTERVAL_MS);
    assert_int_equal(wait(ratelimit, "192.0.2.1", START + 2 * RATELIMIT_BURST * INTERVAL_MS), 0);
    ratelimit_free(&ratelimit);
}

static void networks_are_told_apart(void **state)
{
    static const struct {
        const char *client, *other;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"192.0.2.1", "c000:201::", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ratelimit *ratelimit = ratelimit_new();
        charge(ratelimit, rows[i].client, RATELIMIT_BURST, START);
        check_number(i, wait(ratelimit, rows[i].other, START) > 0, rows[i].same);
        ratelimit_free(&ratelimit);
    }
}

static void a_flood_of_networks_needs_no_more_room(void **state)
{
    struct ratelimit *ratelimit = ratelimit_new();
    charge(ratelimit, "192.0.2.1", RATELIMIT_BURST * 2, START);
    for (unsigned i = 0; i < 500000; i++) {
        struct net_address who = {NET_IPV6,
                                  {0x20, 1, (unsigned char)(i >> 16), (unsigned char)(i >> 8), (unsigned char)i}};
        ratelimit_charge(ratelimit, &who, PER_MINUTE, 1, START);
    }
    /* The emptiest bucket of all outlives those that were touched once. */
    assert_true(wait(ratelimit, "192.0.2.1", START) > 0);
    ratelimit_free(&ratelimit);
}

static void only_clients_that_can_be_told_apart_pay(void **state)
{
    static const struct {
        unsigned proxy_count;
        const char *trusted, *peer, *client;
        bool through_proxy, applies;
    } rows[] = {
        {0, NULL, "192.0.2.1", "192.0.2.1", false, true},
        {0, NULL, "2001:db8::1", "2001:db8::1", false, true},
        {0, NULL, "127.0.0.1", "127.0.0.1", false, false},
        {0, NULL, "::1", "::1", false, false},
        {0, NULL, "unix", "unix", false, false},
        {0, NULL, "", "", false, false},
        /* a proxy that nobody told us of */
        {0, NULL, "10.0.0.1", "10.0.0.1", false, false},
        {0, NULL, "172.17.0.1", "172.17.0.1", false, false},
        {0, NULL, "172.32.0.1", "172.32.0.1", false, true},
        {0, NULL, "192.168.1.1", "192.168.1.1", false, false},
        {0, NULL, "100.64.0.1", "100.64.0.1", false, false},
        {0, NULL, "100.128.0.1", "100.128.0.1", false, true},
        {0, NULL, "fd00::1", "fd00::1", false, false},
        {0, NULL, "fe80::1", "fe80::1", false, false},
        /* one that says who asks, also within the company */
        {0, "127.0.0.1", "127.0.0.1", "192.0.2.1", true, true},
        {0, "127.0.0.1", "127.0.0.1", "10.0.0.1", true, true},
        {0, "127.0.0.1", "unix", "192.0.2.1", true, true},
        {0, "127.0.0.1", "127.0.0.1", "127.0.0.1", true, false},
        {1, NULL, "10.0.0.9", "10.0.0.1", true, true},
        /* one that is trusted and says nothing */
        {0, "192.0.2.9", "192.0.2.9", "192.0.2.9", true, false},
        {1, NULL, "10.0.0.9", "10.0.0.9", true, false},
        {0, "127.0.0.1", "127.0.0.1", "", true, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena *arena = arena_new(65536);
        struct proxies proxies = {.count = rows[i].proxy_count};
        assert_int_equal(networks_parse(arena, rows[i].trusted, &proxies.networks, &proxies.network_count, NULL),
                         STATUS_OK);
        struct net_address peer = address(rows[i].peer);
        struct origin origin = {.client = address(rows[i].client), .through_proxy = rows[i].through_proxy};
        check_number(i, ratelimit_applies(&proxies, &peer, &origin), rows[i].applies);
        arena_free(&arena);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_what_follows_waits),
        cmocka_unit_test(a_bucket_fills_up_and_no_further),
        cmocka_unit_test(a_debt_is_bounded),
        cmocka_unit_test(networks_are_told_apart),
        cmocka_unit_test(a_flood_of_networks_needs_no_more_room),
        cmocka_unit_test(only_clients_that_can_be_told_apart_pay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
