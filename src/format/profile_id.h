/* profile_id.h - identifiers of configuration profiles and their payloads. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PROFILE_ID_H
#define FORMAT_PROFILE_ID_H

#include "account/address.h"
#include "base/buf.h"
#include "format/uuid.h"

#include <stddef.h>

/* A device replaces a profile of the same identifier, and updates a payload whose identifier and UUID are both known;
 * anything else is installed once more. So both are made from the address and the kind of payload alone. */

/* "com.example.automxd.LOCAL.KIND" for LOCAL@example.com; kind is a word of lower-case letters and digits. No two pairs
 * of address and kind share an identifier, even when letter case is ignored: read from its end, an identifier gives
 * kind, local part and domain back. Local parts that differ in letter case only are different addresses (RFC 5321). */
void profile_id_add(struct buf *out, const struct address *address, const char *kind);

/* The identifier of a profile for several addresses, the same in whatever order they come: sorts addresses. Adds
 * nothing when memory is out. */
void profile_id_add_set(struct buf *out, const struct address **addresses, size_t count);

/* The UUID of an identifier, in automxd's own name space. */
void profile_id_uuid(const char *identifier, char uuid_r[UUID_TEXT_SIZE]);

#endif
