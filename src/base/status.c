/* status.c - the sentence that goes with a failure. */
/* SPDX-License-Identifier: MIT */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum status(error_set)(struct error *error_r, enum status status, const char *format, ...)
{
    if (!error_r)
        return status;
    /* By way of a second buffer, because an argument may be the old sentence. */
    char text[sizeof error_r->text];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used >= sizeof text)
        used = text_utf8_cut(text, sizeof text - 1);
    text[text_make_harmless(text, used)] = '\0';
    memcpy(error_r->text, text, sizeof text);
    return status;
}

void error_prefix(struct error *error_r, const char *format, ...)
{
    if (!error_r)
        return;
    char text[sizeof error_r->text];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        return;
    size_t used = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    size_t rest = strlen(error_r->text);
    size_t room = sizeof text - 1 - used;
    bool cut = (size_t)length > used || rest > room;
    if (rest > room)
        rest = room;
    memcpy(text + used, error_r->text, rest);
    used += rest;
    if (cut)
        used = text_utf8_cut(text, used);
    used = text_make_harmless(text, used);
    text[used] = '\0';
    memcpy(error_r->text, text, used + 1);
}
