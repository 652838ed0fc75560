/* test_host.c - Host headers: the mail domain behind them, and which are loopback. */
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
#include "http/host.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct slice slice(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void hosts_stand_for_domains(void **state)
{
    static const struct {
        const char *host;
        const char *domain; /* NULL: none */
    } rows[] = {
        {"example.com", "example.com"},
        {"Example.COM:4243", "example.com"},
        {"example.com.", "example.com"},
        {"example.com:", "example.com"},
        {"autoconfig.example.com", "example.com"},
        {"AutoConfig.Example.com:443", "example.com"},
        {"autodiscover.example.com", "example.com"},
        {"ua-auto-config.example.com", "example.com"},
        {"autoconfig.autodiscover.example.com", "autodiscover.example.com"}, /* one prefix, not all */
        {"mail.example.com", "mail.example.com"},
        {"xautoconfig.example.com", "xautoconfig.example.com"},
        {"autoconfig.com", "autoconfig.com"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"localhost:4243", "localhost"},
        {"127.0.0.1:4243", NULL},
        {"[::1]:4243", NULL},
        {"", NULL},
        {":80", NULL},
        {"example.com:80x", NULL},
        {"example.com:80:90", NULL},
        {"[::1", NULL},
        {"[::1]x", NULL},
        {"a b", NULL},
        {"user@example.com", NULL},
        {"exa\x01mple.com", NULL},
        {"..", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        const char *domain = host_domain(arena, slice(rows[i].host));
        bool same = rows[i].domain ? domain && strcmp(domain, rows[i].domain) == 0 : !domain;
        if (!same)
            fail_msg("row %zu (%s): '%s'", i, rows[i].host, domain ? domain : "none");
        arena_free(&arena);
    }
}

static void loopback_hosts_are_known(void **state)
{
    static const struct {
        const char *host;
        bool loopback;
    } rows[] = {
        {"localhost", true},
        {"LocalHost:4243", true},
        {"127.0.0.1", true},
        {"127.0.0.1:4243", true},
        {"127.255.0.9:1", true},
        {"[::1]", true},
        {"[::1]:4243", true},
        {"[::ffff:127.0.0.1]:80", true},
        {"", false},
        {"localhost.example.com", false},
        {"localhostx", false},
        {"128.0.0.1", false},
        {"127.0.0.1.example.com", false},
        {"127.1", false},
        {"[::2]", false},
        {"example.com", false},
        {"localhost@evil.example", false},
        {"localhost:80@evil.example", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (host_is_loopback(slice(rows[i].host)) != rows[i].loopback)
            fail_msg("row %zu (%s)", i, rows[i].host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_stand_for_domains),
        cmocka_unit_test(loopback_hosts_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
