/* health.c - /healthz and /readyz, for load balancers and monitoring. */
/* SPDX-License-Identifier: MIT */
#include "http/handlers.h"
#include "http/job.h"
#include "http/local.h"
#include "http/reply.h"

enum MHD_Result handle_health(struct request *request)
{
    return reply_text(request, MHD_HTTP_OK, "ok");
}

static void ping(struct store_session *session, const char *text, size_t length, struct job_result *result)
{
    result->status = store_ping(session, &result->error);
}

static enum MHD_Result ready_answer(struct request *request)
{
    const struct job_result *result = request->job;
    if (!result->expired && result->status == STATUS_OK)
        return reply_text(request, MHD_HTTP_OK, "ready");
    /* The reason may name hosts and files, which is for the administrator alone. */
    if (local_refusal(request))
        return reply_unavailable(request, "The database cannot be asked.");
    return reply_unavailable(request, result->expired ? "The database does not answer in time." : result->error.text);
}

enum MHD_Result handle_ready(struct request *request)
{
    return job_start(request, ping, false, NULL, 0, ready_answer);
}
