/* autodiscover.c - Outlook's Autodiscover: POX (XML) and version 2 (JSON). */
/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/text.h"
#include "format/autodiscover_error.h"
#include "format/autodiscover_request.h"
#include "http/document.h"
#include "http/handlers.h"
#include "http/host.h"
#include "http/lookup.h"
#include "http/reply.h"

enum {
    ERROR_INVALID_REQUEST = 600,
    ERROR_NO_PROVIDER = 601,
};

static enum MHD_Result send_document(struct request *request, unsigned status, const char *content_type,
                                     struct buf *body)
{
    size_t length = body->length;
    struct MHD_Response *response = reply_new(body, content_type, reply_no_store);
    buf_free(body);
    return reply_send(request, status, response, length);
}

/* With status 200: every other one makes clients turn to the next URL, though this one was right. */
static enum MHD_Result pox_error(struct request *request, unsigned code)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct buf body;
    buf_init(&body, 0);
    autodiscover_error_write(&body, code, &now);
    return send_document(request, MHD_HTTP_OK, format_autodiscover.content_type, &body);
}

static enum MHD_Result pox_no_provider(struct request *request)
{
    return pox_error(request, ERROR_NO_PROVIDER);
}

static enum MHD_Result pox_answer(struct request *request)
{
    enum MHD_Result result;
    if (lookup_replied(request, &result))
        return result;
    struct document_request document = {.accounts = lookup_accounts(request), .account_count = 1};
    if (!document.accounts)
        return reply_unavailable(request, "This request needs more memory than there is.");
    /* A provider without ActiveSync is none for that schema; one without mail servers is none at all. */
    return document_reply(request, &document, request->format == &format_mobilesync ? pox_no_provider : NULL);
}

/* Nobody was named (a LegacyDN, which only Exchange knows), so a host that is not ours makes the request wrong. */
static enum MHD_Result pox_nobody_answer(struct request *request)
{
    if (request->lookups[0].outcome == RESOLVE_NOT_SERVED)
        return pox_error(request, ERROR_INVALID_REQUEST);
    return pox_answer(request);
}

/* no_host: what to reply when the host names no domain. */
static enum MHD_Result pox_ask_host(struct request *request, request_step answer, request_step no_host)
{
    const char *domain = request_host_domain(request);
    struct lookup *lookup = lookup_new(request, 1);
    if (!domain || !lookup)
        return no_host(request);
    lookup->domain = domain;
    return lookup_ask(request, false, answer);
}

static enum MHD_Result no_such_host(struct request *request)
{
    return reply_text(
        request, MHD_HTTP_NOT_FOUND,
        "This request names no mail domain: POST an Autodiscover request with an address, or ask the host "
        "autodiscover.example.com.");
}

static enum MHD_Result invalid_request(struct request *request)
{
    return pox_error(request, ERROR_INVALID_REQUEST);
}

static enum MHD_Result pox_post(struct request *request)
{
    struct autodiscover_request wanted;
    const char *body = request->body.data ? request->body.data : "";
    enum status status = autodiscover_request_parse(request->arena, body, request->body.length, &wanted, NULL);
    if (status == STATUS_LIMIT)
        return reply_unavailable(request, "This request needs more memory than there is.");
    if (status != STATUS_OK)
        return pox_error(request, ERROR_INVALID_REQUEST);
    if (wanted.schema == AUTODISCOVER_OTHER)
        return pox_error(request, ERROR_NO_PROVIDER);
    if (wanted.schema == AUTODISCOVER_MOBILESYNC)
        request->format = &format_mobilesync;
    if (!wanted.address)
        return pox_ask_host(request, pox_nobody_answer, invalid_request);

    struct lookup *lookup = lookup_new(request, 1);
    if (!lookup)
        return reply_unavailable(request, "This request needs more memory than there is.");
    if (address_parse(request->arena, wanted.address, strlen(wanted.address), &lookup->address, NULL) != STATUS_OK)
        return pox_error(request, ERROR_INVALID_REQUEST);
    lookup->has_address = true;
    lookup->domain = lookup->address.domain;
    return lookup_ask(request, request->format->wants_person, pox_answer);
}

/* Outlook asks http only to be sent to https, and takes nothing but a redirect there. */
static bool wants_https(const struct request *request)
{
    const struct slice *protocol = &request->origin.protocol;
    return request->service->settings->https_redirect && request->origin.through_proxy &&
           protocol->length == strlen("http") && strncasecmp(protocol->bytes, "http", protocol->length) == 0;
}

static enum MHD_Result redirect_to_https(struct request *request)
{
    const char *host = host_name(request->arena, request->host);
    if (!host)
        return no_such_host(request);
    struct buf body;
    buf_init(&body, 0);
    buf_adds(&body, "This is served by https.\n");
    size_t length = body.length;
    struct MHD_Response *response = reply_new(&body, "text/plain; charset=utf-8", reply_no_store);
    buf_free(&body);
    const char *url = arena_format(request->arena, "https://%s%s", host, request->route->path);
    if (response && url)
        reply_header(response, MHD_HTTP_HEADER_LOCATION, url);
    return reply_send(request, MHD_HTTP_FOUND, response, length);
}

enum MHD_Result handle_autodiscover(struct request *request)
{
    if (strcmp(request->method, MHD_HTTP_METHOD_POST) == 0)
        return pox_post(request);
    if (wants_https(request))
        return redirect_to_https(request);
    /* Delta Chat, MyMail and Spike ask like this, without an address. */
    return pox_ask_host(request, pox_answer, no_such_host);
}

static enum MHD_Result v2_error(struct request *request, enum autodiscover2_error code)
{
    struct buf body;
    buf_init(&body, 0);
    autodiscover2_error_write(&body, code);
    return send_document(request, MHD_HTTP_BAD_REQUEST, format_autodiscover2.content_type, &body);
}

static enum MHD_Result v2_not_supported(struct request *request)
{
    return v2_error(request, AUTODISCOVER2_PROTOCOL_NOT_SUPPORTED);
}

/* The protocol that is asked for, or NULL. One with a NUL in it becomes one that nobody serves. */
static const char *v2_protocol(struct request *request)
{
    struct parameter parameter;
    if (!request_parameter(request, "Protocol", &parameter))
        return NULL;
    struct slice value = slice_trim(parameter_value(request->arena, &parameter, PLUS_IS_PLUS));
    if (value.length == 0)
        return NULL;
    return memchr(value.bytes, '\0', value.length) ? "" : arena_copy(request->arena, value.bytes, value.length);
}

static enum MHD_Result v2_answer(struct request *request)
{
    enum MHD_Result result;
    /* Nothing that came with the request is sent back by this protocol. */
    if (request->lookups[0].outcome == RESOLVE_NOT_SERVED)
        return reply_text(request, MHD_HTTP_NOT_FOUND, "This mail domain is not served here.");
    if (lookup_replied(request, &result))
        return result;
    struct document_request document = {
        .accounts = lookup_accounts(request),
        .account_count = 1,
        .protocol = v2_protocol(request),
    };
    if (!document.accounts)
        return reply_unavailable(request, "This request needs more memory than there is.");
    return document_reply(request, &document, v2_not_supported);
}

/* Behind the path ("/v1.0/ADDRESS") or in the query. */
static struct slice v2_address(struct request *request)
{
    struct parameter parameter;
    if (request->route->takes_rest) {
        size_t length = strlen(request->rest);
        if (request->rest[length - 1] == '/')
            length--;
        return (struct slice){request->rest, length};
    }
    if (!request_parameter(request, "Email", &parameter))
        return (struct slice){"", 0};
    return parameter_value(request->arena, &parameter, PLUS_IS_PLUS);
}

enum MHD_Result handle_autodiscover2(struct request *request)
{
    struct lookup *lookup = lookup_new(request, 1);
    if (!lookup)
        return reply_unavailable(request, "This request needs more memory than there is.");
    struct slice address = v2_address(request);
    if (!address.bytes ||
        address_parse(request->arena, address.bytes, address.length, &lookup->address, NULL) != STATUS_OK)
        return v2_error(request, AUTODISCOVER2_MANDATORY_PARAMETER_MISSING);
    if (!v2_protocol(request))
        return v2_error(request, AUTODISCOVER2_MISSING_PROTOCOL);
    lookup->has_address = true;
    lookup->domain = lookup->address.domain;
    return lookup_ask(request, request->format->wants_person, v2_answer);
}
