/* routes.c - the table of paths. */
/* SPDX-License-Identifier: MIT */
#include "http/routes.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "http/handlers.h"

/* The busiest first. Two rows may match the same path only where one takes more; the exact one stands first then. */
static const struct route routes[] = {
    {"/mail/config-v1.1.xml", false, METHOD_GET, &format_autoconfig, handle_document, 0},
    {"/.well-known/autoconfig/mail/config-v1.1.xml", false, METHOD_GET, &format_autoconfig, handle_document, 0},
    {"/autodiscover/autodiscover.xml", false, METHOD_GET | METHOD_POST, &format_autodiscover, handle_autodiscover, 0},
    {"/autodiscover/autodiscover.json", false, METHOD_GET, &format_autodiscover2, handle_autodiscover2, 0},
    {"/autodiscover/autodiscover.json/v1.0", true, METHOD_GET, &format_autodiscover2, handle_autodiscover2, 0},
    {"/mobileconfig", false, METHOD_GET, &format_mobileconfig, handle_document, 0},
    {"/.well-known/user-agent-configuration.json", false, METHOD_GET, &format_pacc, handle_host_document, 0},
    /* The path of the autoconfig draft, which GNOME Online Accounts asks. */
    {"/.well-known/mail-v1.xml", false, METHOD_GET, &format_autoconfig, handle_document, 0},
    /* Nine for Android asks this one, sic. */
    {"/v1.1/mail/config-v1.1.xml", false, METHOD_GET, &format_autoconfig, handle_document, 0},
    /* For Thunderbird's mailnews.auto_config_url. */
    {"/v1.1", true, METHOD_GET, &format_autoconfig, handle_domain_document, 0},
    /* RFC 6764: clients send PROPFIND here. */
    {"/.well-known/caldav", false, METHOD_ANY, NULL, handle_redirect, SERVER_CALDAV},
    {"/.well-known/carddav", false, METHOD_ANY, NULL, handle_redirect, SERVER_CARDDAV},
    {"/.well-known/jmap", false, METHOD_ANY, NULL, handle_redirect, SERVER_JMAP},
    {"/", false, METHOD_GET, NULL, handle_page, 0},
    {"/healthz", false, METHOD_GET, NULL, handle_health, 0},
    {"/readyz", false, METHOD_GET, NULL, handle_ready, 0},
    {"/ask", false, METHOD_GET, NULL, handle_ask, 0},
    {"/initdb", false, METHOD_GET | METHOD_POST | METHOD_DELETE, NULL, handle_initdb, 0},
};

const struct route *route_find(const char *path, const char **rest_r)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const struct route *route = &routes[i];
        if (!text_starts_nocase(path, route->path))
            continue;
        const char *rest = path + strlen(route->path);
        if (route->takes_rest ? rest[0] == '/' && rest[1] != '\0' : rest[0] == '\0' || strcmp(rest, "/") == 0) {
            *rest_r = route->takes_rest ? rest + 1 : "";
            return route;
        }
    }
    return NULL;
}

bool route_allows(const struct route *route, const char *method)
{
    if (route->methods & METHOD_ANY)
        return true;
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        return route->methods & METHOD_GET;
    if (strcmp(method, MHD_HTTP_METHOD_POST) == 0)
        return route->methods & METHOD_POST;
    return strcmp(method, MHD_HTTP_METHOD_DELETE) == 0 && route->methods & METHOD_DELETE;
}

const char *route_allow(const struct route *route)
{
    static const char *const values[] = {
        [METHOD_GET] = "GET, HEAD",
        [METHOD_GET | METHOD_POST] = "GET, HEAD, POST",
        [METHOD_GET | METHOD_POST | METHOD_DELETE] = "GET, HEAD, POST, DELETE",
    };
    return values[route->methods];
}
