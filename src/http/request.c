/* request.c - one request from its first line to its last byte. */
/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/access.h"
#include "http/handlers.h"
#include "http/host.h"
#include "http/lookup.h"
#include "http/reply.h"
#include "http/server_state.h"

enum {
    ARENA_MAX = 512 * 1024,
    SEED_BODY_MAX = 1024 * 1024, /* /initdb: a hoster's whole list of domains */
    /* What is read and thrown away so that the client gets to read the 413; beyond it the connection is cut. */
    DISCARD_MAX = 1024 * 1024,
};

/* Lets the library see no query. It would make a record of each parameter, for nobody, in memory that it has not got
 * for many of them, and then (0.9.75) neither answer nor ever tell that the request has ended. The target is the
 * library's own buffer, where it searches for parameters once this callback has returned. */
static void hide_query(const char *target)
{
    char *query = strchr((char *)(uintptr_t)target, '?');
    if (query)
        query[1] = '\0';
}

void *request_new(void *closure, const char *target, struct MHD_Connection *connection)
{
    struct listener *listener = closure;
    const union MHD_ConnectionInfo *context = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *owner = context ? context->socket_context : NULL;
    struct arena *arena = owner ? arena_new(ARENA_MAX) : NULL;
    if (!arena)
        return NULL;
    request_abandon(owner);
    struct request *request = arena_alloc(arena, sizeof *request);
    char *text = arena_text(arena, target);
    if (!request || !text) {
        arena_free(&arena);
        return NULL;
    }
    request->arena = arena;
    request->server = listener->server;
    request->connection = connection;
    request->owner = owner;
    owner->request = request;
    hide_query(target);
    request->target_good = target_parse(text, &request->target);
    request->began = log_enabled(LOG_LEVEL_INFO) ? clock_ms() : 0;
    if (listener->socket.path) {
        request->peer.family = NET_LOCAL;
    } else {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        request->peer = net_address_from(info ? info->client_addr : NULL);
    }
    atomic_fetch_add(&listener->server->active, 1);
    return request;
}

/* Whether the client's network pays for what its requests cost. */
static bool pays(const struct request *request)
{
    return request->service->settings->rate_limit > 0 &&
           ratelimit_applies(&request->service->proxies, &request->peer, &request->origin);
}

void request_charge(struct request *request, unsigned cost)
{
    request->charged = true;
    if (pays(request))
        ratelimit_charge(request->server->ratelimit, &request->origin.client, request->service->settings->rate_limit,
                         cost, clock_ms());
}

/* Seconds until the client may ask, or 0. */
static int64_t must_wait(const struct request *request)
{
    if (ratelimit_is_quiet(request->server->ratelimit) || !pays(request))
        return 0;
    int64_t wait = ratelimit_wait(request->server->ratelimit, &request->origin.client,
                                  request->service->settings->rate_limit, clock_ms());
    return (wait + 999) / 1000;
}

static bool is_client_error(unsigned status)
{
    return status >= 400 && status < 500 && status != MHD_HTTP_TOO_MANY_REQUESTS;
}

static void finish(struct request *request, bool complete)
{
    if (request->began)
        access_log(request, complete);
    struct http_server *server = request->server;
    if (!request->charged && is_client_error(request->status))
        request_charge(request, 1);
    lookup_clear(request);
    service_unref(&request->service);
    buf_free(&request->body);
    request->owner->request = NULL;
    connections_advance(request->owner);
    struct arena *arena = request->arena;
    arena_free(&arena);
    atomic_fetch_sub(&server->active, 1);
}

/* The library takes no answer for a request that it has not read to its end, and is about to close the connection. */
static void say_timeout(struct request *request)
{
    static const char answer[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info && send(info->connect_fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        request->status = MHD_HTTP_REQUEST_TIMEOUT;
}

void request_completed(void *closure, struct MHD_Connection *connection, void **context,
                       enum MHD_RequestTerminationCode how)
{
    struct request *request = *context;
    *context = NULL;
    if (!request)
        return;
    if (request->begun && request->status == 0 && atomic_load(&request->owner->expired))
        say_timeout(request);
    finish(request, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

void request_abandon(struct http_connection *connection)
{
    if (connection->request)
        finish(connection->request, false);
}

/* Several headers of one name are one list (RFC 9110 section 5.3). */
static void join(struct request *request, const char **list, const char *value)
{
    *list = *list ? arena_format(request->arena, "%s,%s", *list, value) : value;
}

static void see_proxy_header(struct request *request, const char *name, const char *value)
{
    /* What proxies add, and so what tells that somebody else is asking through one. */
    static const char *const proxy_headers[] = {
        "Forwarded",      "Via",    "X-Real-IP",      "X-Client-IP",      "X-Cluster-Client-IP", "X-Original-Host",
        "X-Original-URL", "X-Host", "True-Client-IP", "CF-Connecting-IP", "X-ProxyUser-Ip",      "X-Forwarded",
    };
    static const char x_forwarded[] = "X-Forwarded-";
    struct request_headers *headers = &request->headers;
    for (size_t i = 0; i < sizeof proxy_headers / sizeof proxy_headers[0] && !headers->forwarded; i++)
        headers->forwarded = text_equal_nocase(name, proxy_headers[i]);
    if (!text_starts_nocase(name, x_forwarded))
        return;
    headers->forwarded = true;
    const char *what = name + strlen(x_forwarded);
    if (text_equal_nocase(what, "For"))
        join(request, &headers->forwarding.clients, value);
    else if (text_equal_nocase(what, "Host"))
        join(request, &headers->forwarding.hosts, value);
    else if (text_equal_nocase(what, "Proto"))
        join(request, &headers->forwarding.protocols, value);
}

static enum MHD_Result see_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *request = context;
    struct request_headers *headers = &request->headers;
    if (!value)
        value = "";
    /* Most headers are of no interest here and are told apart by their first letter. */
    switch (name[0] | 0x20) {
    case 'h':
        if (text_equal_nocase(name, "Host")) {
            headers->host = value;
            headers->host_count++;
        }
        break;
    case 'o':
        if (text_equal_nocase(name, "Origin"))
            headers->origin = value;
        break;
    case 's':
        if (text_equal_nocase(name, "Sec-Fetch-Site"))
            headers->fetch_site = value;
        break;
    case 'i':
        if (text_equal_nocase(name, "If-None-Match"))
            join(request, &headers->if_none_match, value);
        break;
    case 'c':
        if (text_equal_nocase(name, "Content-Length")) {
            headers->content_length = value;
            headers->length_count++;
        } else {
            see_proxy_header(request, name, value);
        }
        break;
    case 'e':
        if (text_equal_nocase(name, "Expect"))
            headers->expects = true;
        break;
    case 't':
        if (text_equal_nocase(name, "Transfer-Encoding"))
            headers->length_count++;
        else
            see_proxy_header(request, name, value);
        break;
    case 'f':
    case 'v':
    case 'x':
        see_proxy_header(request, name, value);
        break;
    default:
        break;
    }
    return MHD_YES;
}

/* RFC 9112 section 3.2.2: the authority of an absolute target counts, not the Host header. */
static struct slice effective_host(const struct request *request)
{
    if (request->origin.host.length > 0)
        return request->origin.host;
    if (request->target.authority.bytes)
        return request->target.authority;
    const char *host = request->headers.host ? request->headers.host : "";
    return slice_trim((struct slice){host, strlen(host)});
}

static enum MHD_Result refuse_target(struct request *request)
{
    return reply_text(request, MHD_HTTP_BAD_REQUEST, "This request target is neither a path nor an http or https URL.");
}

static enum MHD_Result refuse_target_length(struct request *request)
{
    return reply_text(request, MHD_HTTP_URI_TOO_LONG, "The request target is longer than %d bytes.",
                      REQUEST_HEADER_MAX / 2);
}

static enum MHD_Result refuse_headers(struct request *request)
{
    return reply_text(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
                      "The request line and headers are longer than %d bytes.", REQUEST_HEADER_MAX);
}

static enum MHD_Result refuse_hosts(struct request *request)
{
    return reply_text(request, MHD_HTTP_BAD_REQUEST, "There must be one Host header, and there %s.",
                      request->headers.host_count > 1 ? "are several" : "is none");
}

static enum MHD_Result refuse_path(struct request *request)
{
    return reply_text(request, MHD_HTTP_NOT_FOUND, "There is nothing at this path.");
}

static enum MHD_Result refuse_method(struct request *request)
{
    return reply_text(request, MHD_HTTP_METHOD_NOT_ALLOWED, "This path takes %s only.", route_allow(request->route));
}

static enum MHD_Result refuse_lengths(struct request *request)
{
    return reply_text(request, MHD_HTTP_BAD_REQUEST, "The length of the body is given more than once.");
}

static enum MHD_Result refuse_body(struct request *request)
{
    if (request->body_lost)
        return reply_unavailable(request, "This request needs more memory than there is.");
    return reply_text(request, MHD_HTTP_CONTENT_TOO_LARGE, "The body is longer than %zu bytes.", request->body.limit);
}

static enum MHD_Result refuse_now(struct request *request)
{
    if (request->headers.forwarded && !request->origin.through_proxy)
        log_warning_once(
            "a client that is answered 429 (rate_limit) sends headers of a proxy: if it is yours, name it in "
            "trusted_proxies, so that those behind it are told apart");
    return reply_too_many(request, request->too_many);
}

static size_t header_size(const struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

/* RFC 9112 section 3.2: HTTP/1.1 needs exactly one. */
static bool has_good_host(const struct request *request)
{
    unsigned count = request->headers.host_count;
    return count == 1 || (count == 0 && strcmp(request->version, MHD_HTTP_VERSION_1_1) != 0);
}

static request_step first_step(const struct request *request)
{
    if (request->too_many > 0)
        return refuse_now;
    if (!request->target_good)
        return refuse_target;
    if (strlen(request->target.path) + strlen(request->target.query) > REQUEST_HEADER_MAX / 2)
        return refuse_target_length;
    if (header_size(request) > REQUEST_HEADER_MAX || arena_failed(request->arena))
        return refuse_headers;
    if (!has_good_host(request))
        return refuse_hosts;
    if (!request->route)
        return refuse_path;
    if (!route_allows(request->route, request->method))
        return refuse_method;
    return request->route->handle;
}

static size_t body_limit(const struct request *request)
{
    bool seed = request->step == handle_initdb && !initdb_refusal(request);
    return seed ? SEED_BODY_MAX : REQUEST_BODY_MAX;
}

/* The line and the headers are there, the body is not. */
static enum MHD_Result begin(struct request *request, const char *method, const char *version)
{
    request->begun = true;
    request->method = method;
    request->version = version;
    request->is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    request->service = http_server_service(request->server);
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, see_header, request);
    request->origin = proxies_origin(&request->service->proxies, &request->peer, &request->headers.forwarding);
    request->host = effective_host(request);
    if (request->target_good)
        request->route = route_find(request->target.path, &request->rest);
    request->format = request->route ? request->route->format : NULL;
    request->too_many = must_wait(request);
    request->step = first_step(request);
    buf_init(&request->body, body_limit(request));

    /* An answer at this point makes MHD close the connection, which is right for a body that nobody will read, and for
     * one whose end a proxy in front may see elsewhere (RFC 9112 section 11.2, request smuggling). */
    if (request->headers.length_count > 1)
        return refuse_lengths(request);
    unsigned long length = 0;
    if (request->headers.content_length && (!text_parse_unsigned(request->headers.content_length, SIZE_MAX, &length) ||
                                            length > request->body.limit + DISCARD_MAX))
        return refuse_body(request);
    /* Whoever expects 100 is told by the library (0.9.75) to go on, body or not, and then it takes the next request
     * that is there for the body, and loses both. */
    bool has_body = length > 0 || (request->headers.length_count > 0 && !request->headers.content_length);
    return request->headers.expects && !has_body ? request->step(request) : MHD_YES;
}

static enum MHD_Result collect(struct request *request, const char *upload, size_t size)
{
    if (!request->body_too_large) {
        buf_add(&request->body, upload, size);
        if (buf_failed(&request->body)) {
            request->body_too_large = true;
            request->body_lost = reply_lacks_memory(request);
            buf_free(&request->body);
        }
        return MHD_YES;
    }
    request->discarded += size;
    return request->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result request_handle(void *closure, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **context)
{
    struct request *request = *context;
    if (!request)
        return MHD_NO; /* memory was out */
    request->memory_mark = memory_failures();
    if (!request->begun)
        return begin(request, method, version);
    if (*upload_size > 0) {
        size_t size = *upload_size;
        *upload_size = 0;
        return collect(request, upload, size);
    }
    if (request->body_too_large)
        return refuse_body(request);
    return request->step(request);
}

void request_expect(struct request *request, size_t answers)
{
    /* One stands for this thread, so that nobody resumes the connection before it is suspended. */
    atomic_store(&request->waiting, (unsigned)answers + 1);
}

void request_answered(struct request *request)
{
    if (atomic_fetch_sub(&request->waiting, 1) > 1)
        return;
    struct http_server *server = request->server;
    MHD_resume_connection(request->connection);
    /* From here on the request may be gone. The server is there until this count is 0. */
    atomic_fetch_sub(&server->suspended, 1);
}

enum MHD_Result request_wait(struct request *request, request_step step)
{
    request->step = step;
    atomic_fetch_add(&request->server->suspended, 1);
    MHD_suspend_connection(request->connection);
    request_answered(request);
    return MHD_YES;
}

bool request_is_last(const struct request *request)
{
    return atomic_load_explicit(&request->server->stopping, memory_order_relaxed);
}

bool request_parameter(const struct request *request, const char *name, struct parameter *parameter_r)
{
    const char *cursor = request->target.query;
    while (query_next(&cursor, parameter_r)) {
        if (parameter_is(parameter_r, name))
            return true;
    }
    return false;
}

const char *request_host_domain(struct request *request)
{
    return host_domain(request->arena, request->host);
}

bool request_is_direct(const struct request *request)
{
    if (request->headers.forwarded)
        return false;
    return net_address_is_loopback(&request->peer) || proxies_trust(&request->service->proxies, &request->peer);
}
