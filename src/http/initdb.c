/* initdb.c - /initdb: fills and empties the database, as automx2's scripts do it. */
/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "http/handlers.h"
#include "http/host.h"
#include "http/job.h"
#include "http/reply.h"

static bool host_is_here(const struct request *request)
{
    const char *header = request->headers.host;
    return host_is_loopback(request->host) && (!header || host_is_loopback((struct slice){header, strlen(header)}));
}

/* There is no password here: whoever can connect from this machine may use it. So nobody else may get through: not by a
 * proxy that passes everything on, not by a web page in a browser on this machine. */
const char *initdb_refusal(const struct request *request)
{
    if (!request->service->settings->initdb)
        return "It is turned off: initdb = off in the configuration.";
    if (request->service->settings->accounts)
        return "The accounts come from the file that the setting 'accounts' names: edit it and reload automxd "
               "(SIGHUP).";
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

static void seed(struct store_session *session, const char *text, size_t length, struct job_result *result)
{
    result->status = store_seed(session, text, length, &result->seeded, &result->error);
}

static void clear(struct store_session *session, const char *text, size_t length, struct job_result *result)
{
    result->status = store_clear(session, &result->error);
}

static enum MHD_Result reply_done(struct request *request)
{
    if (strcmp(request->method, MHD_HTTP_METHOD_DELETE) == 0)
        return reply_text(request, MHD_HTTP_OK, "Database is now empty.");
    if (request->job->seeded)
        return reply_text(request, MHD_HTTP_OK, "Database is now prepared.");
    return reply_text(request, MHD_HTTP_OK,
                      "Database already contains provider data; nothing was written. DELETE it first.");
}

static enum MHD_Result initdb_answer(struct request *request)
{
    const struct job_result *result = request->job;
    if (result->expired)
        return reply_unavailable(request, "The database is slow, and it is not known yet whether the change was made. "
                                          "Ask again.");
    switch (result->status) {
    case STATUS_OK:
        return reply_done(request);
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
        return reply_text(request, MHD_HTTP_BAD_REQUEST, "Nothing was written: %s", result->error.text);
    case STATUS_REFUSED:
        return reply_text(request, MHD_HTTP_FORBIDDEN, "Nothing was written: %s", result->error.text);
    case STATUS_BACKEND:
    case STATUS_LIMIT:
        break;
    }
    return reply_unavailable(request, result->error.text);
}

enum MHD_Result handle_initdb(struct request *request)
{
    const char *refusal = initdb_refusal(request);
    if (refusal)
        return reply_text(request, MHD_HTTP_FORBIDDEN, "/initdb is not for this request. %s", refusal);
    if (request->is_head)
        return reply_text(request, MHD_HTTP_OK, "GET would prepare the database.");
    if (strcmp(request->method, MHD_HTTP_METHOD_DELETE) == 0)
        return job_start(request, clear, true, NULL, 0, initdb_answer);
    if (strcmp(request->method, MHD_HTTP_METHOD_GET) == 0)
        return job_start(request, seed, true, NULL, 0, initdb_answer);

    if (request->body.length == 0)
        return reply_text(request, MHD_HTTP_BAD_REQUEST, "Nothing was written. The body should be JSON and is empty.");
    size_t length;
    char *json = buf_steal(&request->body, &length);
    return job_start(request, seed, true, json, length, initdb_answer);
}
