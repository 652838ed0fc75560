/* access.c - one line a request. */
/* SPDX-License-Identifier: MIT */
#include "http/access.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/host.h"

enum { WORD_MAX = 128 };

/* Copies what a logfmt value may hold without quotes; the rest becomes '?'. Writes into and returns out. */
static const char *word(struct slice text, char out[WORD_MAX])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]";
    size_t length = 0;
    for (; length < text.length && length < WORD_MAX - 1; length++) {
        char c = text.bytes[length];
        out[length] = '?';
        if (c != '\0' && strchr(plain, c))
            out[length] = c;
    }
    out[length] = '\0';
    return length > 0 ? out : "-";
}

/* A path that no route has is shown because it helps to find a wrong proxy configuration, unless somebody put an
 * address into it, be it encoded twice. */
static const char *path_word(const struct request *request, char out[WORD_MAX])
{
    if (request->route) {
        if (!request->route->takes_rest)
            return request->route->path;
        snprintf(out, WORD_MAX, "%s/...", request->route->path);
        return out;
    }
    if (!request->target_good || strchr(request->target.path, '@') || strstr(request->target.path, "%40"))
        return "-";
    return word((struct slice){request->target.path, strlen(request->target.path)}, out);
}

static const char *host_word(const struct request *request, char out[WORD_MAX])
{
    const struct slice *host = &request->host;
    if (host->length > 0 && (memchr(host->bytes, '@', host->length) || memchr(host->bytes, '%', host->length)))
        return "-";
    return word(request->host, out);
}

/* The library answers by itself what it cannot read; nobody has answered what was broken off. */
static unsigned status_sent(const struct request *request)
{
    if (request->status != 0)
        return request->status;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    return info ? info->http_status : 0;
}

void access_log(const struct request *request, bool complete)
{
    char peer[NET_ADDRESS_TEXT_MAX], method[WORD_MAX], path[WORD_MAX], host[WORD_MAX];
    const struct net_address *client = request->begun ? &request->origin.client : &request->peer;
    const char *method_text = request->method ? request->method : "";
    log_info("peer=%s method=%s path=%s host=%s domain=%s format=%s status=%u bytes=%" PRIu64 " ms=%" PRId64
             " source=%s%s",
             net_address_text(client, peer), word((struct slice){method_text, strlen(method_text)}, method),
             path_word(request, path), host_word(request, host), request->domain ? request->domain : "-",
             request->format ? request->format->name : "-", status_sent(request), request->bytes,
             clock_ms() - request->began, request->source ? request->source : "-", complete ? "" : " aborted=yes");
}
