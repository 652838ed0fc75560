/* fuzz_uri.c - URLs of rows, host names, issuers and the URLs of databases under any bytes: one line each. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "account/domain.h"
#include "oracle.h"
#include "sql/uri.h"
#include "store/url.h"

/* What was put together again is the same when it is taken apart once more. */
static void check_url(struct arena *arena, const char *text)
{
    struct url url, again;
    struct error error = {""};
    enum status status = url_parse(arena, text, &url, &error);
    demand((status == STATUS_OK) == (error.text[0] == '\0'));
    if (status != STATUS_OK)
        return;
    const char *whole = url_text(arena, &url);
    demand(whole != NULL);
    demand_url(whole);
    demand(url_parse(arena, whole, &again, &error) == STATUS_OK);
    demand(again.https == url.https && strcmp(again.host, url.host) == 0 && strcmp(again.rest, url.rest) == 0);
    demand(strcmp(whole, url_text(arena, &again)) == 0);
}

static void check_host(struct arena *arena, const char *text)
{
    const char *host, *again;
    if (host_parse(arena, text, &host, NULL) != STATUS_OK)
        return;
    demand(host_parse(arena, host, &again, NULL) == STATUS_OK && strcmp(host, again) == 0);
    demand(strchr(host, '%') || host_name_legal(host));
}

/* Whatever is an issuer is a URL that says the same. */
static void check_issuer(struct arena *arena, const char *text)
{
    struct url url;
    if (issuer_check(text, NULL) != STATUS_OK)
        return;
    demand_url(text);
    demand(url_parse(arena, text, &url, NULL) == STATUS_OK && url.https);
}

static bool has(const char *text, const char *bytes)
{
    return text && strpbrk(text, bytes);
}

static void check_database(struct arena *arena, const char *text)
{
    struct sql_uri uri, again;
    struct error error = {""};
    if (sql_uri_parse(arena, text, &uri, &error) != STATUS_OK) {
        demand(error.text[0] != '\0');
        demand_text(error.text, strlen(error.text));
        return;
    }
    const char *shown = sql_uri_shown(arena, &uri);
    demand(shown != NULL && strstr(shown, "://"));
    demand(!uri.password || strstr(shown, ":***@"));
    /* It can be read again, if nothing in it needs to be encoded. */
    if (!has(uri.user, "%:/?@#[]") && !has(uri.host, "[]") && !has(uri.database, "?@")) {
        demand(sql_uri_parse(arena, shown, &again, NULL) == STATUS_OK);
        demand(strcmp(uri.scheme, again.scheme) == 0 && uri.port == again.port);
        demand(!uri.host == !again.host && (!uri.host || strcmp(uri.host, again.host) == 0));
        demand(!uri.database == !again.database && (!uri.database || strcmp(uri.database, again.database) == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size), *rest = text;
    struct arena *arena = arena_new(1024 * 1024);
    demand(arena != NULL);
    check_url(arena, next_line(&rest));
    check_host(arena, next_line(&rest));
    check_issuer(arena, next_line(&rest));
    check_database(arena, next_line(&rest));
    arena_free(&arena);
    free(text);
    return 0;
}
