/* record.h - the PACC document of a domain as it is served, and the DNS record that goes with it. */
/* SPDX-License-Identifier: MIT */
#ifndef CTL_RECORD_H
#define CTL_RECORD_H

#include "base/buf.h"
#include "store/store.h"

/* Adds the document to one buffer and the text of the TXT record to the other. domain: a lower-case A-label.
 * STATUS_NOT_FOUND when the domain is not served or has no such document. */
enum status record_make(struct store_session *session, const char *domain, struct buf *document, struct buf *record,
                        struct error *error_r);

/* The record as a line of a zone file, without a newline. */
void record_print(const char *domain, const char *record);

#endif
