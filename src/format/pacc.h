/* pacc.h - the digest of a PACC document, by which clients check it in the DNS. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PACC_H
#define FORMAT_PACC_H

#include "base/buf.h"

#include <stdbool.h>

enum { PACC_DIGEST_SIZE = 44 + 1 };

/* Base64 of the SHA-256 of the document. False when the library cannot hash. */
bool pacc_digest(const struct buf *document, char digest_r[PACC_DIGEST_SIZE]);

/* The text of the TXT record at _ua-auto-config.DOMAIN ("v=UAAC1; a=sha256; d=..."), without quotes. False when the
 * library cannot hash. */
bool pacc_txt_record(const struct buf *document, struct buf *out);

#endif
