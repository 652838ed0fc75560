/* placeholder.h - stored text taken apart into literal runs and placeholders. */
/* SPDX-License-Identifier: MIT */
#ifndef ACCOUNT_PLACEHOLDER_H
#define ACCOUNT_PLACEHOLDER_H

#include "account/account.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum part_kind {
    PART_TEXT,     /* literal, as it stands */
    PART_ADDRESS,  /* %EMAILADDRESS% */
    PART_LOCAL,    /* %EMAILLOCALPART% */
    PART_DOMAIN,   /* %EMAILDOMAIN% */
    PART_VARIABLE, /* %{name}: name is what stands between the braces */
};

struct part {
    enum part_kind kind;
    const char *text; /* the whole part, into the text that is read */
    size_t length;
    const char *name; /* PART_VARIABLE only */
    size_t name_length;
};

/* The next part of *cursor, which moves behind it; false at the end. Spelling matters, because it does to the clients:
 * %emailaddress% is literal text, and so is a % that begins nothing known. */
bool placeholder_next(const char **cursor, struct part *part_r);

/* What a placeholder stands for in this account; NULL when that is not known, and for PART_TEXT. */
const char *placeholder_value(const struct account *account, const struct part *part);

/* Fills in everything; false when something is not known (out holds the beginning then). */
bool placeholder_expand(const struct account *account, const char *text, struct buf *out);

/* True for the placeholders that stand for a person, which a client can fill in by itself. */
bool part_is_person(const struct part *part);

#endif
