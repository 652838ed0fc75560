/* address.h - e-mail addresses as clients send them. */
/* SPDX-License-Identifier: MIT */
#ifndef ACCOUNT_ADDRESS_H
#define ACCOUNT_ADDRESS_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>

enum { ADDRESS_MAX = 254 + 66, LOCAL_PART_MAX = 64 * 4 };

struct address {
    const char *text;   /* local@domain with the domain as below */
    const char *local;  /* kept as given, quoted or not */
    const char *domain; /* lower-case A-label */
};

/* Accepts RFC 5321 and 6531 local parts: dot-atoms (also with the odd dots of the field: leading, final, doubled),
 * quoted strings, UTF-8. Surrounding blanks and one pair of angle brackets are cut. Control characters, invalid UTF-8,
 * a second unquoted @, an empty part and overlong text are STATUS_INVALID. Lives in the arena. */
enum status address_parse(struct arena *arena, const char *text, size_t length, struct address *address_r,
                          struct error *error_r);

#endif
