/* url.c - takes the URLs of rows apart, and judges issuers. */
/* SPDX-License-Identifier: MIT */
#include "store/url.h"

#include <ctype.h>
#include <string.h>

#include "account/domain.h"
#include "account/placeholder.h"
#include "base/buf.h"
#include "base/text.h"

enum { URL_MAX = 2048 };

static bool has_placeholder(const char *text)
{
    struct part part;
    while (placeholder_next(&text, &part))
        if (part.kind != PART_TEXT)
            return true;
    return false;
}

static bool host_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '-' || byte == '.';
}

/* The literal runs between placeholders are lower-cased; what a placeholder becomes is judged when it is known. */
static enum status pattern_parse(struct arena *arena, const char *text, const char **host_r, struct error *error_r)
{
    char *host = arena_text(arena, text);
    if (host == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    const char *cursor = text;
    struct part part;
    while (placeholder_next(&cursor, &part)) {
        if (part.kind != PART_TEXT)
            continue;
        for (size_t i = 0; i < part.length; i++) {
            char *byte = host + (part.text - text) + i;
            if (!host_byte(*byte))
                return error_set(error_r, STATUS_INVALID, "'%s' has characters that a host name may not have", text);
            *byte = text_lower_byte(*byte);
        }
    }
    *host_r = host;
    return STATUS_OK;
}

enum status host_parse(struct arena *arena, const char *text, const char **host_r, struct error *error_r)
{
    size_t length = strlen(text);
    if (length == 0)
        return error_set(error_r, STATUS_INVALID, "the host name is empty");
    if (length > URL_MAX || !text_utf8_valid(text, length) || text_has_control(text, length))
        return error_set(error_r, STATUS_INVALID,
                         "the host name is too long, or no valid UTF-8, or has control "
                         "characters");
    if (has_placeholder(text))
        return pattern_parse(arena, text, host_r, error_r);

    char *lower = arena_text(arena, text);
    if (lower == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    text_lower(lower);
    if (host_name_legal(lower)) {
        *host_r = lower;
        return STATUS_OK;
    }
    struct error reason = {0};
    enum status status = domain_name_normalize(arena, text, length, host_r, &reason);
    if (status == STATUS_OK && !host_name_legal(*host_r))
        return error_set(error_r, STATUS_INVALID, "'%s' is no legal host name", text);
    if (status != STATUS_OK)
        return error_set(error_r, status, "'%s' is no legal host name (%s)", text, reason.text);
    return STATUS_OK;
}

/* Everything behind the host: what no URL may hold is refused, bytes past ASCII are encoded. */
static enum status rest_parse(struct arena *arena, const char *text, const char **rest_r, struct error *error_r)
{
    struct buf rest;
    buf_init(&rest, 4 * URL_MAX);
    enum status status = STATUS_OK;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte <= ' ' || byte == 0x7f || strchr("\"<>\\^`|", byte) != NULL) {
            status = error_set(error_r, STATUS_INVALID, "a URL may not hold %s",
                               byte == ' ' ? "blanks" : "control characters or any of \"<>\\^`|");
            break;
        }
        if (byte < 0x80)
            buf_addc(&rest, (char)byte);
        else
            buf_addf(&rest, "%%%02X", byte);
    }
    if (status == STATUS_OK) {
        *rest_r = rest.length == 0 ? "" : arena_copy(arena, rest.data, rest.length);
        if (buf_failed(&rest) || *rest_r == NULL)
            status = error_set(error_r, STATUS_LIMIT, "the URL is too long");
    }
    buf_free(&rest);
    return status;
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. A colon inside of %{...} cannot be: names of variables have none. */
static enum status authority_parse(struct arena *arena, char *text, struct url *url, struct error *error_r)
{
    if (strchr(text, '@') != NULL)
        return error_set(error_r, STATUS_INVALID, "a URL may not hold a user name");
    char *port = NULL;
    if (*text == '[') {
        char *close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return error_set(error_r, STATUS_INVALID, "'%s' is no legal host", text);
        if (close[1] == ':')
            port = close + 2;
        *close = '\0';
        text++;
    } else if ((port = strchr(text, ':')) != NULL) {
        *port++ = '\0';
    }
    if (port != NULL && *port != '\0') {
        unsigned long number = 0;
        if (!text_parse_unsigned(port, UINT16_MAX, &number) || number == 0)
            return error_set(error_r, STATUS_INVALID, "port '%s' is not within 1 to 65535", port);
        url->port = (uint16_t)number;
    }
    return host_parse(arena, text, &url->host, error_r);
}

enum status url_parse(struct arena *arena, const char *text, struct url *url_r, struct error *error_r)
{
    struct url url = {0};
    size_t length = strlen(text);
    if (length > URL_MAX || !text_utf8_valid(text, length) || text_has_control(text, length))
        return error_set(error_r, STATUS_INVALID, "the URL is too long, or no valid UTF-8, or has control characters");
    if (text_starts_nocase(text, "https://")) {
        url.https = true;
        text += strlen("https://");
    } else if (text_starts_nocase(text, "http://")) {
        text += strlen("http://");
    } else {
        return error_set(error_r, STATUS_INVALID, "'%s' does not begin with https://", text);
    }
    size_t end = strcspn(text, "/?#");
    char *authority = arena_copy(arena, text, end);
    if (authority == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = authority_parse(arena, authority, &url, error_r);
    if (status == STATUS_OK)
        status = rest_parse(arena, text + end, &url.rest, error_r);
    /* What comes out is taken again when an export is imported, then perhaps with its port. */
    if (status == STATUS_OK && strlen(url.host) + strlen(url.rest) + strlen("https://[]:65535") > URL_MAX)
        status = error_set(error_r, STATUS_INVALID, "the URL is too long, once it is percent-encoded");
    if (status == STATUS_OK)
        *url_r = url;
    return status;
}

const char *url_text(struct arena *arena, const struct url *url)
{
    bool literal = strchr(url->host, ':') != NULL;
    uint16_t own = url->https ? 443 : 80;
    const char *scheme = url->https ? "https" : "http";
    const char *open = literal ? "[" : "";
    const char *close = literal ? "]" : "";
    if (url->port == 0 || url->port == own)
        return arena_format(arena, "%s://%s%s%s%s", scheme, open, url->host, close, url->rest);
    return arena_format(arena, "%s://%s%s%s:%u%s", scheme, open, url->host, close, (unsigned)url->port, url->rest);
}

/* The path of an issuer: RFC 3986 pchar and '/', nothing encoded that need not be, no "." or ".." between slashes. */
static const char *issuer_path_fault(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '%') {
            int byte = text_hex_byte(at + 1, strlen(at + 1));
            if (byte < 0)
                return "a % is not followed by two hexadecimal digits";
            if (byte < 0x80 && (isalnum(byte) || strchr("-._~", byte) != NULL))
                return "it has a percent-encoded unreserved character";
            at += 2;
        } else if (!isalnum((unsigned char)*at) && strchr("-._~!$&'()*+,;=:@/", *at) == NULL) {
            return "it has a character that a URL may not hold";
        }
    }
    while (*path == '/') {
        path++;
        size_t length = strcspn(path, "/");
        if ((length == 1 && path[0] == '.') || (length == 2 && memcmp(path, "..", 2) == 0))
            return "it has a dot segment";
        path += length;
    }
    return NULL;
}

enum status issuer_check(const char *text, struct error *error_r)
{
    static const char scheme[] = "https://";
    const char *fault = NULL;
    if (strncmp(text, scheme, strlen(scheme)) != 0) {
        fault = "it does not begin with https://";
    } else if (strlen(text) > 255) {
        fault = "it is longer than 255 bytes";
    } else if (strchr(text, '?') != NULL || strchr(text, '#') != NULL) {
        fault = "it has a query or fragment";
    } else {
        const char *authority = text + strlen(scheme);
        size_t length = strcspn(authority, "/");
        char host[256];
        memcpy(host, authority, length);
        host[length] = '\0';
        if (strchr(host, '@') != NULL)
            fault = "it has user information";
        char *name = host;
        char *port = NULL;
        if (*host == '[') { /* an IPv6 literal, which host_name_legal() knows without brackets */
            char *close = strchr(host, ']');
            if (close == NULL || (close[1] != '\0' && close[1] != ':')) {
                fault = "its host is no legal host name";
            } else {
                port = close[1] == ':' ? close + 2 : NULL;
                *close = '\0';
                name++;
            }
        } else if ((port = strchr(host, ':')) != NULL) {
            *port++ = '\0';
        }
        unsigned long number = 0;
        if (fault == NULL && port != NULL && (!text_parse_unsigned(port, UINT16_MAX, &number) || number == 0))
            fault = "its port is not within 1 to 65535";
        if (fault == NULL && !host_name_legal(name))
            fault = "its host is no legal host name";
        if (fault == NULL)
            fault = issuer_path_fault(authority + length);
    }
    if (fault != NULL)
        return error_set(error_r, STATUS_INVALID, "'%.200s' is no issuer: %s", text, fault);
    return STATUS_OK;
}
