/* cms.h - the module "signer": OpenSSL behind three functions. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_CMS_H
#define FORMAT_CMS_H

#include "format/signer.h"

/* As the functions of signer.h; load is called with certificate and key set. */
struct cms_calls {
    enum status (*load)(const struct settings *settings, struct profile_signer **signer_r, struct error *error_r);
    void (*free)(struct profile_signer **signer);
    enum status (*sign)(const struct profile_signer *signer, const struct buf *document, struct buf *out,
                        struct error *error_r);
};

#endif
