/* autodiscover_request.h - reads the XML that an Autodiscover client posts. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_AUTODISCOVER_REQUEST_H
#define FORMAT_AUTODISCOVER_REQUEST_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>

enum autodiscover_schema {
    AUTODISCOVER_OUTLOOK,    /* also when no AcceptableResponseSchema is given, */
    AUTODISCOVER_MOBILESYNC, /* unless the request is in MobileSync's namespace */
    AUTODISCOVER_OTHER,      /* answer 601 */
};

struct autodiscover_request {
    const char *address; /* as sent, trimmed; NULL: none (LegacyDN only, or empty) */
    enum autodiscover_schema schema;
};

/* Elements are matched by local name; both namespaces, http and https, are known. Blanks and a BOM before the
 * declaration are forgiven, and so is an & that stands for itself (Thunderbird sends the address unescaped); a DOCTYPE,
 * more than 16 levels, none or more than one Request, or text that is not well-formed is STATUS_INVALID (answer 600).
 * Lives in the arena. */
enum status autodiscover_request_parse(struct arena *arena, const char *body, size_t length,
                                       struct autodiscover_request *request_r, struct error *error_r);

#endif
