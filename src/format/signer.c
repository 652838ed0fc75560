/* signer.c - whether profiles are signed; how, knows the module that has OpenSSL. */
/* SPDX-License-Identifier: MIT */
#include "format/signer.h"

#include <stddef.h>

#include "base/module.h"
#include "format/cms.h"

static struct module signer_module = {.name = "signer"};

enum status profile_signer_load(const struct settings *settings, struct profile_signer **signer_r,
                                struct error *error_r)
{
    const void *loaded;

    *signer_r = NULL;
    if (settings->profile_certificate == NULL && settings->profile_key == NULL) {
        if (settings->profile_chain != NULL || settings->profile_key_password_file != NULL)
            return error_set(error_r, STATUS_INVALID,
                             "%s is set, but profile_certificate and profile_key are not; profiles would not be signed",
                             settings->profile_chain != NULL ? "profile_chain" : "profile_key_password_file");
        return STATUS_OK;
    }
    if (settings->profile_certificate == NULL || settings->profile_key == NULL)
        return error_set(error_r, STATUS_INVALID, "%s is set, but %s is not; signing profiles needs both",
                         settings->profile_key == NULL ? "profile_certificate" : "profile_key",
                         settings->profile_key == NULL ? "profile_key" : "profile_certificate");

    enum status status = module_load(&signer_module, &loaded, error_r);
    if (status != STATUS_OK)
        return status;
    const struct cms_calls *calls = loaded;
    return calls->load(settings, signer_r, error_r);
}

void profile_signer_free(struct profile_signer **signer)
{
    const struct cms_calls *calls = module_calls(&signer_module);

    if (*signer != NULL)
        calls->free(signer);
}

enum status profile_signer_sign(const struct profile_signer *signer, const struct buf *document, struct buf *out,
                                struct error *error_r)
{
    const struct cms_calls *calls = module_calls(&signer_module);

    return calls->sign(signer, document, out, error_r);
}
