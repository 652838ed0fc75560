/* redirects.c - /.well-known/caldav, carddav and jmap: where the real service is. */
/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "account/account.h"
#include "base/log.h"
#include "base/text.h"
#include "http/handlers.h"
#include "http/host.h"
#include "http/lookup.h"
#include "http/reply.h"

static const auth_set any_method = (1u << AUTH_COUNT) - 1;

/* RFC 6764 section 5: the well-known URL must not be the service itself; a client would go round for ever. */
static bool points_here(struct request *request, const char *url)
{
    const char *start = strstr(url, "://");
    const char *host = host_name(request->arena, request->host);
    if (!start || !host)
        return false;
    start += strlen("://");
    size_t length = strcspn(start, "/");
    const char *there = host_name(request->arena, (struct slice){start, length});
    const char *path = start + length;
    size_t path_length = strcspn(path, "?#");
    if (path_length > 1 && path[path_length - 1] == '/')
        path_length--;
    return there && strcmp(host, there) == 0 && path_length == strlen(request->route->path) &&
           strncasecmp(path, request->route->path, path_length) == 0;
}

/* 307 keeps the method: clients ask with PROPFIND. */
static enum MHD_Result redirect(struct request *request, const char *url)
{
    struct buf body;
    buf_init(&body, 0);
    buf_adds(&body, "The service is elsewhere.\n");
    size_t length = body.length;
    struct MHD_Response *response = reply_new(&body, "text/plain; charset=utf-8", request->service->document_cache);
    buf_free(&body);
    if (response)
        reply_header(response, MHD_HTTP_HEADER_LOCATION, url);
    return reply_send(request, MHD_HTTP_TEMPORARY_REDIRECT, response, length);
}

static enum MHD_Result redirect_answer(struct request *request)
{
    enum MHD_Result result;
    if (lookup_replied(request, &result))
        return result;
    const struct account *account = lookup_accounts(request);
    if (!account)
        return reply_unavailable(request, "This request needs more memory than there is.");

    struct buf url;
    buf_init(&url, 4096);
    const struct server *server = account_best_server(account, request->route->server_type, any_method);
    bool known = server && account_url(account, server, &url) && !buf_failed(&url) && url.length > 0 &&
                 !text_has_control(url.data, url.length);
    bool here = known && points_here(request, url.data);
    if (here)
        log_warning_once("%s %lld of %s names its own well-known URL; clients cannot be redirected to it",
                         server->table, (long long)server->id, account->domain);
    if (known && !here)
        result = redirect(request, url.data);
    else
        result = reply_text(request, MHD_HTTP_NOT_FOUND, "%s has no such service.", account->domain);
    buf_free(&url);
    return result;
}

enum MHD_Result handle_redirect(struct request *request)
{
    const char *domain = request_host_domain(request);
    if (!domain)
        return reply_text(request, MHD_HTTP_NOT_FOUND, "The host of this request names no mail domain.");
    struct lookup *lookup = lookup_new(request, 1);
    if (!lookup)
        return reply_unavailable(request, "This request needs more memory than there is.");
    lookup->domain = domain;
    return lookup_ask(request, false, redirect_answer);
}
