/* job.h - work for a request that needs the store itself: initdb, readiness. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_JOB_H
#define HTTP_JOB_H

#include "base/status.h"
#include "http/request.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

/* Lives in the request's arena. */
struct job_result {
    bool expired; /* the deadline passed; the work may still be done */
    enum status status;
    struct error error;
    bool seeded; /* store_seed() */
};

/* Called on a worker thread. text: the bytes given to job_start(), or NULL. */
typedef void (*job_work)(struct store_session *session, const char *text, size_t length, struct job_result *result);

/* Runs work and goes on with step, which finds the outcome in request->job. edits: the cache is forgotten afterwards.
 * text, when not NULL, was allocated with malloc() and is taken over. Replies 503 when no worker is free. */
enum MHD_Result job_start(struct request *request, job_work work, bool edits, char *text, size_t length,
                          request_step step);

#endif
