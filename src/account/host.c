/* host.c - host names and URLs of servers, filled in and checked. */
/* SPDX-License-Identifier: MIT */
#include "account/account.h"

#include <string.h>

#include "account/placeholder.h"
#include "base/arena.h"
#include "base/text.h"

enum { HOST_MAX = 2048, URL_MAX = 8192, ARENA_MAX = 64 * 1024 };

/* Writes a host name as lower-case A-labels, or an address literal without brackets; false when it is neither. */
static bool add_host(struct arena *arena, const struct account *account, const char *template, struct buf *out)
{
    struct buf text;
    buf_init(&text, HOST_MAX);
    bool legal = placeholder_expand(account, template, &text) && !buf_failed(&text) && text.length > 0;
    if (legal) {
        const char *host = text.data;
        text_lower(text.data);
        if (!host_name_legal(host)) /* not in the one form yet: U-labels, a final dot, or no host at all */
            legal =
                domain_name_normalize(arena, text.data, text.length, &host, NULL) == STATUS_OK && host_name_legal(host);
        if (legal)
            buf_adds(out, host);
    }
    buf_free(&text);
    return legal;
}

bool account_host(const struct account *account, const struct server *server, struct buf *out)
{
    if (server->host == NULL)
        return false;
    struct arena *arena = arena_new(ARENA_MAX);
    bool legal = arena != NULL && add_host(arena, account, server->host, out);
    arena_free(&arena);
    return legal;
}

static void add_percent(char c, struct buf *out)
{
    buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
}

/* A value is data: of RFC 3986 only the unreserved characters stay. */
static void add_value(const char *value, struct buf *out)
{
    for (; *value != '\0'; value++) {
        char c = *value;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL)
            buf_addc(out, c);
        else
            add_percent(c, out);
    }
}

/* The administrator's own text is a URL already; only what can stand in none is encoded. */
static void add_literal(const char *text, size_t length, struct buf *out)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c <= ' ' || c > '~' || strchr("\"<>\\^`{|}", c) != NULL)
            add_percent(c, out);
        else
            buf_addc(out, c);
    }
}

/* Path, query and fragment. */
static bool add_path(const struct account *account, const char *template, struct buf *out)
{
    struct part part;
    while (placeholder_next(&template, &part)) {
        const char *value = placeholder_value(account, &part);
        if (part.kind == PART_TEXT)
            add_literal(part.text, part.length, out);
        else if (value != NULL)
            add_value(value, out);
        else
            return false;
    }
    return true;
}

/* "host", "host:port", "[address]:port"; never "user@host", which would publish a secret or mislead. */
static bool add_authority(struct arena *arena, const struct account *account, char *authority, struct buf *out)
{
    char *host = authority;
    char *rest;
    if (strchr(authority, '@') != NULL)
        return false;
    if (authority[0] == '[') {
        host = authority + 1;
        rest = strchr(host, ']');
        if (rest == NULL)
            return false;
        *rest++ = '\0';
    } else {
        rest = host + strcspn(host, ":");
    }

    unsigned long port = 0;
    if (*rest == ':') {
        *rest++ = '\0';
        if (!text_parse_unsigned(rest, 65535, &port) || port == 0)
            return false;
    } else if (*rest != '\0') {
        return false;
    }

    struct buf name;
    buf_init(&name, HOST_MAX);
    bool legal = add_host(arena, account, host, &name) && !buf_failed(&name);
    if (legal) {
        buf_addf(out, strchr(name.data, ':') != NULL ? "[%s]" : "%s", name.data);
        if (port != 0)
            buf_addf(out, ":%lu", port);
    }
    buf_free(&name);
    return legal;
}

bool account_url(const struct account *account, const struct server *server, struct buf *out)
{
    if (server->url == NULL)
        return false;
    const char *scheme = text_starts_nocase(server->url, "https://")  ? "https://"
                         : text_starts_nocase(server->url, "http://") ? "http://"
                                                                      : NULL;
    if (scheme == NULL)
        return false;

    bool legal = false;
    struct buf url;
    struct arena *arena = arena_new(ARENA_MAX);
    buf_init(&url, URL_MAX);
    if (arena == NULL)
        goto out;

    const char *start = server->url + strlen(scheme);
    size_t length = strcspn(start, "/?#");
    char *authority = arena_copy(arena, start, length);
    if (authority == NULL)
        goto out;

    buf_adds(&url, scheme);
    legal =
        add_authority(arena, account, authority, &url) && add_path(account, start + length, &url) && !buf_failed(&url);
    if (legal)
        buf_add(out, url.data, url.length);
out:
    buf_free(&url);
    arena_free(&arena);
    return legal;
}
