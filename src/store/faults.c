/* faults.c - hands sentences about faulty rows on. */
/* SPDX-License-Identifier: MIT */
#include "store/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void faults_add(struct faults *faults, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    if (faults->say == NULL) {
        log_warning_once("%s", sentence);
    } else if (faults->left > 0) {
        faults->left--;
        faults->say(faults->context, sentence);
    }
}
