/* reply.h - answers and their headers. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/buf.h"
#include "http/request.h"

/* All of these queue one answer and return what the handler returns. */

/* One short sentence as text/plain, never cached. HTML or XML here would mislead: Geary parses the body of a 404. */
[[gnu::format(printf, 3, 4)]] enum MHD_Result reply_text(struct request *request, unsigned status, const char *format,
                                                         ...);

/* 503 with Retry-After. */
enum MHD_Result reply_unavailable(struct request *request, const char *sentence);

/* 429 with Retry-After. */
enum MHD_Result reply_too_many(struct request *request, int64_t seconds);

/* A finished answer takes over the bytes of body; NULL when memory is out or body has failed. cache: the value of
 * Cache-Control. */
struct MHD_Response *reply_new(struct buf *body, const char *content_type, const char *cache);

/* Adds a header. */
void reply_header(struct MHD_Response *response, const char *name, const char *value);

/* Sends and forgets it; bytes: of the body, for the log. response may be NULL. What was made while memory was out is
 * not to be trusted, and 503 is sent instead. */
enum MHD_Result reply_send(struct request *request, unsigned status, struct MHD_Response *response, size_t bytes);

/* Sends an answer that others send, too; it stays theirs. */
enum MHD_Result reply_share(struct request *request, unsigned status, struct MHD_Response *response, size_t bytes);

/* Whether memory was out since this request was taken up, so that what was made may lack something. */
bool reply_lacks_memory(const struct request *request);

/* The value of Cache-Control for what is personal, an error or a state. */
extern const char reply_no_store[];

#endif
