/* format.c - the table of formats. */
/* SPDX-License-Identifier: MIT */
#include "format/format.h"

#include "base/text.h"

const struct format *const formats[] = {
    &format_autoconfig,   &format_autodiscover, &format_mobilesync, &format_autodiscover2,
    &format_mobileconfig, &format_pacc,         &format_qr,         NULL,
};

const struct format *format_find(const char *name)
{
    for (size_t i = 0; formats[i]; i++) {
        if (text_equal_nocase(formats[i]->name, name))
            return formats[i];
    }
    return NULL;
}
