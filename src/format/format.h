/* format.h - account -> document: the table of formats. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_FORMAT_H
#define FORMAT_FORMAT_H

#include "account/account.h"
#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct profile_signer; /* format/signer.h */

/* Everything a format may look at. Borrowed for the call. */
struct document_request {
    const struct account *accounts; /* the same format for several addresses: profiles and QR codes; else one */
    size_t account_count;
    const char *base_url; /* "https://autodiscover.example.com" without a final slash, for documents that point back to
                             this service; NULL: made from the domain */
    const char *protocol; /* Autodiscover v2: the protocol asked for */
    const struct profile_signer *signer; /* mobileconfig; NULL: unsigned */
};

/* Where a document that is the same for everybody is kept (snapshot.h); one a format. */
enum format_slot {
    FORMAT_SLOT_AUTOCONFIG,
    FORMAT_SLOT_AUTODISCOVER,
    FORMAT_SLOT_MOBILESYNC,
    FORMAT_SLOT_AUTODISCOVER2,
    FORMAT_SLOT_MOBILECONFIG,
    FORMAT_SLOT_PACC,
    FORMAT_SLOT_QR,
};

struct format {
    const char *name;         /* for automxctl render --format and the log: "autoconfig", "mobileconfig" ... */
    const char *content_type; /* as sent */
    enum format_slot slot;
    bool needs_address; /* no document without one */
    bool wants_person;  /* a user look-up changes what it says */
    /* Whether this account's document is the same for everybody who asks for this domain. NULL: never. */
    bool (*is_shared)(const struct document_request *request);
    /* STATUS_OK; STATUS_NOT_FOUND when the domain has not what the document needs (the error is the sentence for the
     * 404); STATUS_LIMIT when the buffer failed; STATUS_BACKEND: e.g. the signing certificate expired (503).
     * Any thread; the same request gives the same bytes. */
    enum status (*render)(const struct document_request *request, struct buf *out, struct error *error_r);
};

extern const struct format format_autoconfig;
extern const struct format format_autodiscover;  /* POX, Outlook schema */
extern const struct format format_mobilesync;    /* POX, MobileSync schema; STATUS_NOT_FOUND: answer with error 601 */
extern const struct format format_autodiscover2; /* v2 JSON; STATUS_INVALID: answer with autodiscover2_error_write() */
extern const struct format format_mobileconfig;
extern const struct format format_pacc;
extern const struct format format_qr; /* the text of Thunderbird for Android's import code */

/* All of them, NULL-terminated, and one by its name (NULL: none). */
extern const struct format *const formats[];
const struct format *format_find(const char *name);

#endif
