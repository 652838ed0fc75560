/* job.c - work for a request that needs the store itself: initdb, readiness. */
/* SPDX-License-Identifier: MIT */
#include "http/job.h"

#include <stdlib.h>

#include "http/reply.h"
#include "resolve/resolver.h"

/* Outlives the request when the deadline passes first, so the worker touches nothing of the request. */
struct job {
    struct request *request; /* until done */
    struct resolver *resolver;
    job_work work;
    bool edits;
    char *text;
    size_t length;
    struct job_result result;
};

static void job_run(void *context, struct store_session *session, const struct error *no_session)
{
    struct job *job = context;
    if (!session) {
        job->result.status = STATUS_BACKEND;
        job->result.error = *no_session;
        return;
    }
    job->work(session, job->text, job->length, &job->result);
    if (job->edits && job->result.status == STATUS_OK)
        resolver_forget(job->resolver);
}

static void job_done(void *context, bool expired)
{
    struct job *job = context;
    struct request *request = job->request;
    if (expired)
        request->job->expired = true;
    else
        *request->job = job->result;
    request_answered(request);
}

static void job_release(void *context)
{
    struct job *job = context;
    free(job->text);
    free(job);
}

enum MHD_Result job_start(struct request *request, job_work work, bool edits, char *text, size_t length,
                          request_step step)
{
    static const struct resolver_work calls = {job_run, job_done, job_release};
    struct job *job = calloc(1, sizeof *job);
    request->job = arena_alloc(request->arena, sizeof *request->job);
    if (!job || !request->job) {
        free(job);
        free(text);
        return reply_unavailable(request, "This request needs more memory than there is.");
    }
    *job = (struct job){
        .request = request,
        .resolver = request->service->resolver,
        .work = work,
        .edits = edits,
        .text = text,
        .length = length,
    };
    request_charge(request, 1);
    request_expect(request, 1);
    if (!resolver_run(job->resolver, &calls, job)) {
        job_release(job);
        return reply_unavailable(request, "Too many look-ups are waiting. Try again in a few seconds.");
    }
    return request_wait(request, step);
}
