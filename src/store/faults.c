/* faults.c - hands sentences about faulty rows on. */
/* SPDX-License-Identifier: MIT */
#include "store/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"

void faults_add(struct faults *faults, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    size_t used = (size_t)length < sizeof(sentence) ? (size_t)length : text_utf8_cut(sentence, sizeof(sentence) - 1);
    sentence[text_make_harmless(sentence, used)] = '\0';
    if (faults->say == NULL) {
        log_warning_once("%s", sentence);
    } else if (faults->left > 0) {
        faults->left--;
        faults->say(faults->context, sentence);
    }
}
