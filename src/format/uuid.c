/* uuid.c - name-based UUIDs (RFC 9562, version 5): the same name always gets the same one. */
/* SPDX-License-Identifier: MIT */
#include "format/uuid.h"

#include <stddef.h>
#include <string.h>

#include <openssl/evp.h>

enum { SHA1_SIZE = 20 };

static bool hash_name(const unsigned char *space, const char *name, unsigned char digest_r[SHA1_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
                EVP_DigestUpdate(context, space, UUID_SIZE) == 1 &&
                EVP_DigestUpdate(context, name, strlen(name)) == 1 && EVP_DigestFinal_ex(context, digest_r, NULL) == 1;

    EVP_MD_CTX_free(context);
    return good;
}

bool uuid_from_name(const unsigned char space[UUID_SIZE], const char *name, char text_r[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char uuid[SHA1_SIZE]; /* of which the first 16 bytes are used */
    char *next = text_r;

    text_r[0] = '\0';
    if (!hash_name(space, name, uuid))
        return false;
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x50); /* version 5 */
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80); /* the RFC's variant */

    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *next++ = '-';
        *next++ = digits[uuid[i] >> 4];
        *next++ = digits[uuid[i] & 0x0f];
    }
    *next = '\0';
    return true;
}
