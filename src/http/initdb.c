/* initdb.c - /initdb: fills and empties the database, as automx2's scripts do it. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "http/handlers.h"
#include "http/job.h"
#include "http/local.h"
#include "http/reply.h"

const char *initdb_refusal(const struct request *request)
{
    if (!request->service->settings->initdb)
        return "It is turned off: initdb = off in the configuration.";
    if (request->service->settings->accounts)
        return "The accounts come from the file that the setting 'accounts' names: edit it and reload automxd "
               "(SIGHUP).";
    return local_refusal(request);
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
