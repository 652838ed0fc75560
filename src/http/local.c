/* local.c - requests of processes on this machine, who may more than others. */
/* SPDX-License-Identifier: MIT */
#include "http/local.h"

#include <string.h>

#include "base/text.h"
#include "http/host.h"

static bool host_is_here(const struct request *request)
{
    const char *header = request->headers.host;
    return host_is_loopback(request->host) && (!header || host_is_loopback((struct slice){header, strlen(header)}));
}

const char *local_refusal(const struct request *request)
{
    if (!net_address_is_loopback(&request->peer))
        return "It is for processes on this machine: connect to 127.0.0.1, ::1 or the unix socket.";
    if (request->headers.forwarded)
        return "It is for processes on this machine, and this request came through a proxy.";
    /* nginx tells nobody that it is a proxy unless it is told to, but up to 1.29.6 it speaks HTTP/1.0 then. */
    if (strcmp(request->version, MHD_HTTP_VERSION_1_1) != 0)
        return "It is for processes on this machine that speak HTTP/1.1; HTTP/1.0 is what a proxy would speak.";
    if (!host_is_here(request))
        return "It is for processes on this machine: the Host must be localhost or a loopback address.";
    if (request->headers.origin)
        return "It is not for web pages: this request has an Origin header.";
    if (request->headers.fetch_site && !text_equal_nocase(request->headers.fetch_site, "none"))
        return "It is not for web pages: this request was made by one.";
    return NULL;
}
