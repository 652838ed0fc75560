/* filter.h - search filters with a person's address in them. */
/* SPDX-License-Identifier: MIT */
#ifndef USERDB_FILTER_H
#define USERDB_FILTER_H

#include "account/address.h"
#include "base/arena.h"

enum { FILTER_MAX = 4096 };

/* Puts the address for {0}, its parts for {local} and {domain}, each escaped so that it is a value and never a part of
 * the filter (RFC 4515, section 3); {{ and }} are braces, as in Python's format(), which automx2 uses. Single pass.
 * NULL when the result is longer than FILTER_MAX. */
const char *filter_expand(struct arena *arena, const char *filter, const struct address *address);

#endif
