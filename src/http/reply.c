/* reply.c - answers and their headers. */
/* SPDX-License-Identifier: MIT */
#include "http/reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const char reply_no_store[] = "no-store";

enum { RETRY_AFTER_SECONDS = 5 };

void reply_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* It fails when memory is out, or for a value with a line break, which no value here can hold. The answer is good
     * without the header then. */
    (void)MHD_add_response_header(response, name, value);
}

struct MHD_Response *reply_new(struct buf *body, const char *content_type, const char *cache)
{
    size_t length;
    char *bytes = buf_steal(body, &length);
    if (!bytes)
        return NULL;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(length, bytes, free);
    if (!response) {
        free(bytes);
        return NULL;
    }
    reply_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache);
    reply_header(response, "X-Content-Type-Options", "nosniff");
    return response;
}

bool reply_lacks_memory(const struct request *request)
{
    return request->memory_mark != memory_failures();
}

static enum MHD_Result reply_no_memory(struct request *request)
{
    return reply_unavailable(request, "This request needs more memory than there is.");
}

enum MHD_Result reply_send(struct request *request, unsigned status, struct MHD_Response *response, size_t bytes)
{
    if (status != MHD_HTTP_SERVICE_UNAVAILABLE && reply_lacks_memory(request)) {
        if (response)
            MHD_destroy_response(response);
        return reply_no_memory(request);
    }
    if (!response)
        return MHD_NO;
    request->status = status;
    request->bytes = request->is_head ? 0 : bytes;
    if (request_is_last(request))
        reply_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result reply_share(struct request *request, unsigned status, struct MHD_Response *response, size_t bytes)
{
    if (reply_lacks_memory(request))
        return reply_no_memory(request);
    request->status = status;
    request->bytes = request->is_head ? 0 : bytes;
    return MHD_queue_response(request->connection, status, response);
}

static struct MHD_Response *text_response(const char *text)
{
    struct buf body;
    buf_init(&body, 0);
    buf_adds(&body, text);
    buf_addc(&body, '\n');
    struct MHD_Response *response = reply_new(&body, "text/plain; charset=utf-8", reply_no_store);
    buf_free(&body);
    return response;
}

enum MHD_Result reply_text(struct request *request, unsigned status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct MHD_Response *response = text_response(text);
    if (response && status == MHD_HTTP_METHOD_NOT_ALLOWED && request->route)
        reply_header(response, MHD_HTTP_HEADER_ALLOW, route_allow(request->route));
    return reply_send(request, status, response, strlen(text) + 1);
}

static enum MHD_Result reply_later(struct request *request, unsigned status, const char *sentence, int64_t seconds)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, seconds);
    struct MHD_Response *response = text_response(sentence);
    if (response)
        reply_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
    return reply_send(request, status, response, strlen(sentence) + 1);
}

enum MHD_Result reply_unavailable(struct request *request, const char *sentence)
{
    return reply_later(request, MHD_HTTP_SERVICE_UNAVAILABLE, sentence, RETRY_AFTER_SECONDS);
}

enum MHD_Result reply_too_many(struct request *request, int64_t seconds)
{
    return reply_later(request, MHD_HTTP_TOO_MANY_REQUESTS,
                       "Your network asks for too much at the moment. Try again later.", seconds);
}
