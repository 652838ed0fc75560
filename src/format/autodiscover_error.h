/* autodiscover_error.h - the error documents of Autodiscover (sent with status 200, or 400 for v2). */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_AUTODISCOVER_ERROR_H
#define FORMAT_AUTODISCOVER_ERROR_H

#include "base/buf.h"

#include <time.h>

/* code: 500, 600, 601, 603; the message is the documented one for the code. now: for the Time attribute. */
void autodiscover_error_write(struct buf *out, unsigned code, const struct timespec *now);

/* v2: {"ErrorCode": code, "ErrorMessage": message}. Never reflects input. */
enum autodiscover2_error {
    AUTODISCOVER2_MANDATORY_PARAMETER_MISSING,
    AUTODISCOVER2_MISSING_PROTOCOL,
    AUTODISCOVER2_PROTOCOL_NOT_SUPPORTED,
};
void autodiscover2_error_write(struct buf *out, enum autodiscover2_error code);

#endif
