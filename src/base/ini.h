/* ini.h - reads the INI dialect of Python's configparser, which automx2's configuration file is written in. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_INI_H
#define BASE_INI_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* configparser's rules: sections; keys in any case; '=' or ':'; comment lines start with # or ; (no comments behind a
 * value); an indented line goes on with the value above; [DEFAULT] gives values to every section; %% is one %, and
 * %(key)s the value of another key. Repeated sections or keys are errors, as there. */
struct ini_entry {
    const char *key;   /* lower case */
    const char *value; /* interpolated; lines of a long value, each trimmed, joined by '\n' */
    unsigned line;     /* where the key stands, from 1 */
    bool inherited;    /* it stands in [DEFAULT], perhaps only for %(key)s in others */
};

struct ini {
    const char *file; /* for messages */
    const struct ini_entry *entries;
    size_t count;
};

/* Entries of one section (with those of [DEFAULT] that it does not have itself) of a text of length bytes. Everything
 * lives in the arena. STATUS_INVALID with "FILE:LINE: why"; STATUS_NOT_FOUND when the section is missing;
 * STATUS_LIMIT past 4096 keys, 256 sections or 1 MiB in a value. */
enum status ini_parse(struct arena *arena, const char *file, const char *text, size_t length, const char *section,
                      struct ini *ini_r, struct error *error_r);

/* Reads the file first (1 MiB at most). STATUS_BACKEND when it cannot be read. */
enum status ini_read(struct arena *arena, const char *file, const char *section, struct ini *ini_r,
                     struct error *error_r);

#endif
