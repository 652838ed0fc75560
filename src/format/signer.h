/* signer.h - signs configuration profiles (DER CMS with the profile inside). */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_SIGNER_H
#define FORMAT_SIGNER_H

#include "base/buf.h"
#include "base/settings.h"
#include "base/status.h"

/* Immutable after loading; signing is possible from any thread. */
struct profile_signer;

/* Loads key, certificate and chain from the settings' files, checks that the key file is not readable by others, that
 * key and certificate belong together, and that one test signature verifies; warns when the certificate ends within 14
 * days. A file that cannot be read is STATUS_INVALID like any other fault of the configuration. *signer_r is NULL with
 * STATUS_OK when signing is not configured. */
enum status profile_signer_load(const struct settings *settings, struct profile_signer **signer_r,
                                struct error *error_r);
void profile_signer_free(struct profile_signer **signer);

/* STATUS_BACKEND when the certificate has expired: a profile is never sent unsigned where signing is configured. */
enum status profile_signer_sign(const struct profile_signer *signer, const struct buf *document, struct buf *out,
                                struct error *error_r);

#endif
