/* pacc.h - the digest of a PACC document, by which clients check it in the DNS. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PACC_H
#define FORMAT_PACC_H

#include "base/buf.h"
#include "base/digest.h"

/* Base64 of the SHA-256 of the document. */
void pacc_digest(const struct buf *document, char digest_r[DIGEST_SHA256_TEXT_SIZE]);

/* The text of the TXT record at _ua-auto-config.DOMAIN ("v=UAAC1; a=sha256; d=..."), without quotes. */
void pacc_txt_record(const struct buf *document, struct buf *out);

#endif
