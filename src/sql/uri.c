/* uri.c - database URLs as SQLAlchemy writes them. */
/* SPDX-License-Identifier: MIT */
#include "sql/uri.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { OPTIONS_MAX = 32 };

static const char *const schemes[] = {"sqlite", "postgresql", "postgres", "mysql", "mariadb", NULL};

/* A % that no two hexadecimal digits follow stays, as in Python's unquote(). NULL when memory is out or a control
 * character comes out, which no server takes and no message should show. */
static const char *decode(struct arena *arena, const char *text, size_t length, bool plus_is_blank)
{
    char *decoded = arena_alloc(arena, length + 1);
    size_t used = 0;

    if (!decoded)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];

        if (byte == '+' && plus_is_blank)
            byte = ' ';
        int encoded = byte == '%' ? text_hex_byte(text + i + 1, length - i - 1) : -1;
        if (encoded >= 0) {
            byte = (char)encoded;
            i += 2;
        }
        decoded[used++] = byte;
    }
    decoded[used] = '\0';
    return strlen(decoded) == used && !text_has_control(decoded, used) ? decoded : NULL;
}

static enum status parse_scheme(struct arena *arena, const char *text, size_t length, struct sql_uri *uri,
                                struct error *error_r)
{
    const char *plus = memchr(text, '+', length);
    char *scheme = arena_copy(arena, text, plus ? (size_t)(plus - text) : length);

    if (!scheme)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    text_lower(scheme);
    for (size_t i = 0; schemes[i]; i++) {
        if (strcmp(scheme, schemes[i]) == 0) {
            uri->scheme = strcmp(scheme, "postgres") == 0 ? "postgresql" : schemes[i];
            return STATUS_OK;
        }
    }
    return error_set(error_r, STATUS_INVALID,
                     "the database URL begins with '%s:', but only sqlite, postgresql, mysql and mariadb are known",
                     scheme);
}

/* SQLAlchemy's grammar: the user name has no ':' and no '/'; the password goes up to the first '@', whatever else is
 * in it. Returns where the host begins. */
static const char *split_credentials(const char *text, size_t *user_length_r, const char **password_r,
                                     size_t *password_length_r)
{
    size_t user_length = strcspn(text, ":/@");

    *password_r = NULL;
    *password_length_r = 0;
    *user_length_r = 0;
    if (text[user_length] == '@') {
        *user_length_r = user_length;
        return text + user_length + 1;
    }
    if (text[user_length] == ':') {
        const char *password = text + user_length + 1;
        const char *at = strchr(password, '@');

        if (at) {
            *user_length_r = user_length;
            *password_r = password;
            *password_length_r = (size_t)(at - password);
            return at + 1;
        }
    }
    return text;
}

static enum status parse_host(struct arena *arena, const char *text, size_t length, struct sql_uri *uri,
                              struct error *error_r)
{
    const char *host = text;
    size_t host_length;
    const char *rest;

    if (length > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', length);

        if (!end)
            return error_set(error_r, STATUS_INVALID, "the database URL has a '[' without ']' in its host");
        host = text + 1;
        host_length = (size_t)(end - host);
        rest = end + 1;
    } else {
        const char *colon = memchr(text, ':', length);

        host_length = colon ? (size_t)(colon - text) : length;
        rest = text + host_length;
    }
    if (memchr(text, '@', length))
        return error_set(error_r, STATUS_INVALID,
                         "the database URL has a second '@'; write an '@' in user name or password as %%40");
    if (rest < text + length) {
        size_t port_length = (size_t)(text + length - rest) - 1;
        char *port_text = arena_copy(arena, rest + 1, port_length);
        unsigned long port = 0;

        if (*rest != ':' || !port_text ||
            (port_length > 0 && (!text_parse_unsigned(port_text, UINT16_MAX, &port) || port == 0)))
            return error_set(error_r, STATUS_INVALID,
                             "the port in the database URL is no number from 1 to 65535 (a ':', '/' or '?' in a "
                             "password is written %%3A, %%2F, %%3F)");
        uri->port = (uint16_t)port;
    }
    if (host_length > 0) {
        uri->host = arena_copy(arena, host, host_length);
        if (!uri->host)
            return error_set(error_r, STATUS_LIMIT, "out of memory");
    }
    return STATUS_OK;
}

static enum status parse_options(struct arena *arena, const char *text, struct sql_uri *uri, struct error *error_r)
{
    struct sql_uri_option *options = arena_array(arena, OPTIONS_MAX, sizeof(*options));
    size_t count = 0;

    if (!options)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    while (*text) {
        size_t length = strcspn(text, "&");
        const char *equals = memchr(text, '=', length);
        size_t name_length = equals ? (size_t)(equals - text) : length;

        if (length > 0) {
            if (count == OPTIONS_MAX)
                return error_set(error_r, STATUS_INVALID, "the database URL has more than %d options", OPTIONS_MAX);
            options[count].name = decode(arena, text, name_length, true);
            options[count].value = equals ? decode(arena, equals + 1, length - name_length - 1, true) : "";
            if (!options[count].name || !options[count].value)
                return error_set(error_r, STATUS_INVALID, "the database URL has an option with a control character");
            count++;
        }
        text += length;
        if (*text)
            text++;
    }
    uri->options = options;
    uri->option_count = count;
    return STATUS_OK;
}

static enum status check_sqlite(const struct sql_uri *uri, struct error *error_r)
{
    /* sqlite://file.db is the usual slip: what stands behind two slashes is a host. */
    if (uri->host || uri->user || uri->port)
        return error_set(error_r, STATUS_INVALID,
                         "an SQLite URL has three slashes before a relative path and four before an absolute one: "
                         "sqlite:///%s or sqlite:////%s",
                         uri->host ? uri->host : "file.db", uri->host ? uri->host : "file.db");
    return STATUS_OK;
}

enum status sql_uri_parse(struct arena *arena, const char *text, struct sql_uri *uri_r, struct error *error_r)
{
    struct sql_uri uri = {0};
    const char *separator = strstr(text, "://");
    const char *password;
    const char *host;
    size_t user_length, password_length, host_length;
    enum status status;

    if (!separator)
        return error_set(error_r, STATUS_INVALID,
                         "the database URL has no '://'; write sqlite:////var/lib/automxd/db.sqlite or "
                         "postgresql://user:password@host/database");
    if (text_has_control(text, strlen(text)))
        return error_set(error_r, STATUS_INVALID, "the database URL has a control character in it");
    status = parse_scheme(arena, text, (size_t)(separator - text), &uri, error_r);
    if (status != STATUS_OK)
        return status;

    const char *authority = separator + 3;

    host = split_credentials(authority, &user_length, &password, &password_length);
    if (user_length > 0)
        uri.user = decode(arena, authority, user_length, false);
    if (password)
        uri.password = decode(arena, password, password_length, false);
    if ((user_length > 0 && !uri.user) || (password && !uri.password))
        return error_set(error_r, STATUS_INVALID,
                         "user name or password of the database URL has a control character in it");

    host_length = strcspn(host, "/?");
    status = parse_host(arena, host, host_length, &uri, error_r);
    if (status != STATUS_OK)
        return status;

    const char *rest = host + host_length;

    if (*rest == '/') {
        size_t length = strcspn(rest + 1, "?");

        /* SQLAlchemy takes path and database name as they stand, without decoding. */
        if (length > 0)
            uri.database = arena_copy(arena, rest + 1, length);
        rest += 1 + length;
    }
    if (*rest == '?') {
        status = parse_options(arena, rest + 1, &uri, error_r);
        if (status != STATUS_OK)
            return status;
    }
    if (arena_failed(arena))
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    if (strcmp(uri.scheme, "sqlite") == 0) {
        status = check_sqlite(&uri, error_r);
        if (status != STATUS_OK)
            return status;
    }
    *uri_r = uri;
    return STATUS_OK;
}

const char *sql_uri_option(const struct sql_uri *uri, const char *name)
{
    for (size_t i = 0; i < uri->option_count; i++) {
        if (strcmp(uri->options[i].name, name) == 0)
            return uri->options[i].value;
    }
    return NULL;
}

const char *sql_uri_shown(struct arena *arena, const struct sql_uri *uri)
{
    const bool brackets = uri->host && strchr(uri->host, ':');
    char port[8] = "";

    if (uri->port)
        snprintf(port, sizeof(port), ":%u", uri->port);
    /* The options are left out: some of them (sslpassword) are secrets too. */
    return arena_format(arena, "%s://%s%s%s%s%s%s%s/%s", uri->scheme, uri->user ? uri->user : "",
                        uri->password ? ":***" : "", uri->user || uri->password ? "@" : "", brackets ? "[" : "",
                        uri->host ? uri->host : "", brackets ? "]" : "", port, uri->database ? uri->database : "");
}

const char *sql_uri_file(const struct sql_uri *uri)
{
    const char *path = uri->database;
    const char *mode = sql_uri_option(uri, "mode");

    /* SQLAlchemy's ?uri=true form names the file as file:PATH. */
    if (path && strncmp(path, "file:", 5) == 0)
        path += 5;
    if (strcmp(uri->scheme, "sqlite") != 0 || !path || *path == '\0' || strcmp(path, ":memory:") == 0 ||
        (mode && strcmp(mode, "memory") == 0))
        return NULL;
    return path;
}
