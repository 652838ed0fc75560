/* test_routes.c - which path belongs to which row of the table. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/handlers.h"
#include "http/routes.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void paths_find_their_routes(void **state)
{
    static const struct {
        const char *path;
        const char *route; /* NULL: there is none */
        const char *rest;
    } rows[] = {
        {"/", "/", ""},
        {"/mail/config-v1.1.xml", "/mail/config-v1.1.xml", ""},
        {"/mail/config-v1.1.xml/", "/mail/config-v1.1.xml", ""},
        {"/Mail/Config-V1.1.XML", "/mail/config-v1.1.xml", ""},
        {"/.well-known/autoconfig/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml", ""},
        {"/.well-known/mail-v1.xml", "/.well-known/mail-v1.xml", ""},
        {"/v1.1/mail/config-v1.1.xml", "/v1.1/mail/config-v1.1.xml", ""},
        {"/v1.1/example.com", "/v1.1", "example.com"},
        {"/V1.1/Example.com/", "/v1.1", "Example.com/"},
        {"/AutoDiscover/AutoDiscover.xml", "/autodiscover/autodiscover.xml", ""},
        {"/autodiscover/autodiscover.json", "/autodiscover/autodiscover.json", ""},
        {"/Autodiscover/autodiscover.json/v1.0/a/b@example.com", "/autodiscover/autodiscover.json/v1.0",
         "a/b@example.com"},
        {"/mobileconfig/", "/mobileconfig", ""},
        {"/.well-known/user-agent-configuration.json", "/.well-known/user-agent-configuration.json", ""},
        {"/.Well-Known/CalDAV/", "/.well-known/caldav", ""},
        {"/.well-known/carddav", "/.well-known/carddav", ""},
        {"/.well-known/jmap", "/.well-known/jmap", ""},
        {"/initdb/", "/initdb", ""},
        {"/healthz", "/healthz", ""},
        {"/readyz", "/readyz", ""},
        {"/ask", "/ask", ""},
        {"/v1.1", NULL, NULL},
        {"/v1.1/", NULL, NULL},
        {"/autodiscover/autodiscover.json/v1.0", NULL, NULL},
        {"/autodiscover/autodiscover.json/v1.0/", NULL, NULL},
        {"/mail/config-v1.1.xml//", NULL, NULL},
        {"/mail/config-v1.1.xmlx", NULL, NULL},
        {"/mail/config-v1.1.xml/x", NULL, NULL},
        {"/mail/config-v1.1.xm", NULL, NULL},
        {"/autodiscover/autodiscover.svc", NULL, NULL},
        {"/v1.1x/example.com", NULL, NULL},
        {"/../initdb", NULL, NULL},
        {"//initdb", NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *rest = NULL;
        const struct route *route = route_find(rows[i].path, &rest);
        bool same = rows[i].route ? route && strcmp(route->path, rows[i].route) == 0 && strcmp(rest, rows[i].rest) == 0
                                  : !route;
        if (!same)
            fail_msg("row %zu (%s): %s, rest '%s'", i, rows[i].path, route ? route->path : "none", rest ? rest : "");
    }
}

static void methods_are_allowed_or_named(void **state)
{
    static const struct {
        const char *path;
        const char *method;
        bool allowed;
        const char *allow;
    } rows[] = {
        {"/mail/config-v1.1.xml", "GET", true, "GET, HEAD"},
        {"/mail/config-v1.1.xml", "HEAD", true, "GET, HEAD"},
        {"/mail/config-v1.1.xml", "POST", false, "GET, HEAD"},
        {"/mail/config-v1.1.xml", "get", false, "GET, HEAD"},
        {"/mail/config-v1.1.xml", "OPTIONS", false, "GET, HEAD"},
        {"/autodiscover/autodiscover.xml", "POST", true, "GET, HEAD, POST"},
        {"/autodiscover/autodiscover.xml", "HEAD", true, "GET, HEAD, POST"},
        {"/autodiscover/autodiscover.xml", "DELETE", false, "GET, HEAD, POST"},
        {"/initdb", "DELETE", true, "GET, HEAD, POST, DELETE"},
        {"/initdb", "PUT", false, "GET, HEAD, POST, DELETE"},
        {"/.well-known/caldav", "PROPFIND", true, NULL},
        {"/.well-known/carddav", "OPTIONS", true, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *rest;
        const struct route *route = route_find(rows[i].path, &rest);
        assert_non_null(route);
        if (route_allows(route, rows[i].method) != rows[i].allowed ||
            (rows[i].allow && strcmp(route_allow(route), rows[i].allow) != 0))
            fail_msg("row %zu (%s %s)", i, rows[i].method, rows[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_routes),
        cmocka_unit_test(methods_are_allowed_or_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
