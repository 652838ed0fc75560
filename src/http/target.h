/* target.h - request targets and queries, decoded once and by our own rule. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* A run of bytes that is not NUL-terminated. */
struct slice {
    const char *bytes;
    size_t length;
};

struct target {
    struct slice authority; /* of the absolute form ("http://host:port/..."), else bytes is NULL */
    const char *path;       /* decoded; it begins with '/' and holds no NUL */
    const char *query;      /* undecoded, without the '?'; "" when there is none */
};

/* text: the target as it came; it is decoded in place, and target_r borrows it. False for what is neither in origin
 * form ("/path") nor an absolute http or https URL without user information, and for a path with %00 in it. Delta Chat
 * 2.11 to 2.58 sends the absolute form. */
bool target_parse(char *text, struct target *target_r);

struct parameter {
    struct slice name;  /* undecoded */
    struct slice value; /* undecoded */
};

/* The next "name=value" of a query; *cursor begins as target.query and moves on. False at the end. */
bool query_next(const char **cursor, struct parameter *parameter_r);

/* Whether the parameter has this name, letter case aside. */
bool parameter_is(const struct parameter *parameter, const char *name);

/* Whether '+' means a blank. In an address it never does: GNOME Online Accounts, FairEmail and Nextcloud send
 * "a+b@example.com" as it is. */
enum plus {
    PLUS_IS_PLUS,
    PLUS_IS_BLANK,
};

/* The value with %XX decoded once, in the arena, with a NUL behind it (it may hold others). A '%' that starts no
 * escape stays. bytes is NULL when memory is out. */
struct slice parameter_value(struct arena *arena, const struct parameter *parameter, enum plus plus);

/* Cuts ASCII blanks at both ends. */
struct slice slice_trim(struct slice slice);

#endif
