/* document.h - sends the document of a format for accounts that were found. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_DOCUMENT_H
#define HTTP_DOCUMENT_H

#include "format/format.h"
#include "http/request.h"

/* Replies with request->format for accounts of request->lookups, whose first account and signer it fills in itself.
 * Documents that are the same for everybody are kept with the snapshot, as finished answers. not_found replies when
 * the domain has not what the document needs; NULL: 404 with the format's sentence. */
enum MHD_Result document_reply(struct request *request, struct document_request *document, request_step not_found);

#endif
