/* uuid.c - name-based UUIDs (RFC 9562, version 5): the same name always gets the same one. */
/* SPDX-License-Identifier: MIT */
#include "format/uuid.h"

#include <stddef.h>
#include <string.h>

#include "base/digest.h"

void uuid_from_name(const unsigned char space[UUID_SIZE], const char *name, char text_r[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char uuid[DIGEST_SHA1_SIZE]; /* of which the first 16 bytes are used */
    char *next = text_r;

    digest_sha1(space, UUID_SIZE, name, strlen(name), uuid);
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x50); /* version 5 */
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80); /* the RFC's variant */

    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *next++ = '-';
        *next++ = digits[uuid[i] >> 4];
        *next++ = digits[uuid[i] & 0x0f];
    }
    *next = '\0';
}
