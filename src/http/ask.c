/* ask.c - /ask?domain=NAME: whether a host name is one of ours, for Caddy's certificates on demand. */
/* SPDX-License-Identifier: MIT */
#include "http/handlers.h"
#include "http/host.h"
#include "http/lookup.h"
#include "http/reply.h"

static enum MHD_Result ask_answer(struct request *request)
{
    enum MHD_Result result;
    if (lookup_replied(request, &result))
        return result;
    return reply_text(request, MHD_HTTP_OK, "%s is served here.", request->lookups[0].domain);
}

enum MHD_Result handle_ask(struct request *request)
{
    if (!request_is_direct(request))
        return reply_text(request, MHD_HTTP_FORBIDDEN,
                          "This is answered only to processes on this machine and to trusted_proxies that ask for "
                          "themselves.");
    struct parameter parameter;
    if (!request_parameter(request, "domain", &parameter))
        return reply_text(request, MHD_HTTP_BAD_REQUEST, "Ask /ask?domain=autoconfig.example.com.");
    struct slice value = parameter_value(request->arena, &parameter, PLUS_IS_PLUS);
    const char *domain = value.bytes ? host_domain(request->arena, slice_trim(value)) : NULL;
    if (!domain)
        return reply_text(request, MHD_HTTP_NOT_FOUND, "This is no domain name.");
    struct lookup *lookup = lookup_new(request, 1);
    if (!lookup)
        return reply_unavailable(request, "This request needs more memory than there is.");
    lookup->domain = domain;
    return lookup_ask(request, false, ask_answer);
}
