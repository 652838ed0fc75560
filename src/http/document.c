/* document.c - sends the document of a format for accounts that were found. */
/* SPDX-License-Identifier: MIT */
#include "http/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "http/lookup.h"
#include "http/reply.h"
#include "resolve/hash.h"

enum {
    DOCUMENT_MAX = 4 * 1024 * 1024,
    ETAG_SIZE = 16 + 3, /* hexadecimal digits, quotes, NUL */
};

/* A finished answer that is kept with its snapshot. */
struct kept {
    struct MHD_Response *response;
    size_t length;
    char etag[ETAG_SIZE];
};

static void kept_free(void *document)
{
    struct kept *kept = document;
    MHD_destroy_response(kept->response);
    free(kept);
}

/* Two documents that one URL gave one after the other must differ in it, here and on the machine beside this one: a
 * good hash of 64 bits with a seed that everybody has. */
static void make_etag(const struct buf *body, char *etag)
{
    static const struct hash_seed seed = {{0x6175746f6d786400, 1}};
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = hash_bytes(&seed, body->data, body->length);
    *etag++ = '"';
    for (unsigned shift = 64; shift > 0; shift -= 4)
        *etag++ = digits[hash >> (shift - 4) & 15];
    *etag++ = '"';
    *etag = '\0';
}

/* The longest that a copy of a PACC document may live is bound to the life of its digest in the DNS: 300 seconds
 * (protocols: the roll-over of the TXT record). */
static const char *cache_control(const struct request *request)
{
    return request->format == &format_pacc ? "public, max-age=300" : request->service->document_cache;
}

static struct kept *keep(struct request *request, struct buf *body)
{
    struct kept *kept = calloc(1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->length = body->length;
    make_etag(body, kept->etag);
    kept->response = reply_new(body, request->format->content_type, cache_control(request));
    if (!kept->response) {
        free(kept);
        return NULL;
    }
    reply_header(kept->response, MHD_HTTP_HEADER_ETAG, kept->etag);
    /* Nothing personal is in it, so web mail clients of any origin may read it. */
    reply_header(kept->response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    return kept;
}

static bool is_unchanged(const struct request *request, const struct kept *kept)
{
    const char *known = request->headers.if_none_match;
    return known && (strcmp(known, "*") == 0 || strstr(known, kept->etag));
}

static enum MHD_Result send_kept(struct request *request, const struct kept *kept)
{
    /* 304 has the headers of the 200 that it stands for, Content-Length too, and no body (RFC 9110 section 8.6). */
    if (is_unchanged(request, kept))
        return reply_share(request, MHD_HTTP_NOT_MODIFIED, kept->response, 0);
    return reply_share(request, MHD_HTTP_OK, kept->response, kept->length);
}

static enum MHD_Result reply_shared(struct request *request, struct buf *body)
{
    struct kept *kept = keep(request, body);
    if (!kept)
        return MHD_NO;
    struct snapshot *snapshot = request->lookups[0].answer.snapshot;
    if (snapshot_put(snapshot, request->format->slot, kept, kept_free))
        return send_kept(request, kept);
    /* Asked for the first time, which is not worth the memory, or another thread was first with the same bytes. */
    enum MHD_Result result = send_kept(request, kept);
    kept_free(kept);
    return result;
}

static enum MHD_Result reply_personal(struct request *request, struct buf *body)
{
    size_t length = body->length;
    struct MHD_Response *response = reply_new(body, request->format->content_type, reply_no_store);
    if (response && request->format == &format_mobileconfig) {
        char disposition[sizeof "attachment; filename=\".mobileconfig\"" + DOMAIN_NAME_MAX];
        snprintf(disposition, sizeof disposition, "attachment; filename=\"%s.mobileconfig\"",
                 request->lookups[0].domain);
        reply_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
    }
    return reply_send(request, MHD_HTTP_OK, response, length);
}

static enum MHD_Result reply_failure(struct request *request, enum status status, const struct error *error,
                                     request_step not_found)
{
    if (status == STATUS_NOT_FOUND)
        return not_found ? not_found(request) : reply_text(request, MHD_HTTP_NOT_FOUND, "%s", error->text);
    if (status == STATUS_INVALID)
        return not_found ? not_found(request) : reply_text(request, MHD_HTTP_BAD_REQUEST, "%s", error->text);
    if (status == STATUS_BACKEND) /* the signer said why in the log, and what a person may know here */
        return reply_unavailable(request, error->text);
    log_warning_once("%s for %s: %s", request->format->name, request->lookups[0].domain, error->text);
    return reply_unavailable(request, "This document cannot be made at the moment.");
}

enum MHD_Result document_reply(struct request *request, struct document_request *document, request_step not_found)
{
    const struct format *format = request->format;
    document->signer = request->service->signer;

    /* An answer that others send, too, cannot say that this connection ends. */
    bool shared = format->is_shared && document->account_count == 1 && lookup_is_own(&request->lookups[0]) &&
                  !request_is_last(request) && format->is_shared(document);
    if (shared) {
        const struct kept *kept = snapshot_get(request->lookups[0].answer.snapshot, format->slot);
        if (kept)
            return send_kept(request, kept);
    }

    struct error error = {""};
    struct buf body;
    buf_init(&body, DOCUMENT_MAX);
    if (document->signer && format == &format_mobileconfig)
        request_charge(request, 1); /* a signature takes as long as many other answers */
    enum MHD_Result result;
    enum status status = format->render(document, &body, &error);
    if (status != STATUS_OK)
        result = reply_failure(request, status, &error, not_found);
    else if (shared && !reply_lacks_memory(request))
        result = reply_shared(request, &body);
    else
        result = reply_personal(request, &body);
    buf_free(&body);
    return result;
}
