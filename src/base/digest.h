/* digest.h - hashes that name or tag something; signatures are elsewhere (format/signer.h). */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

enum { DIGEST_SHA1_SIZE = 20, DIGEST_SHA256_SIZE = 32, DIGEST_SHA256_TEXT_SIZE = 44 + 1 };

/* Any thread; none can fail. */
void digest_sha256(const void *bytes, size_t length, unsigned char digest_r[DIGEST_SHA256_SIZE]);

/* The same in base64. */
void digest_sha256_text(const void *bytes, size_t length, char text_r[DIGEST_SHA256_TEXT_SIZE]);

/* Of two parts, one behind the other. For the UUIDs that are made so; it protects nothing. */
void digest_sha1(const void *first, size_t first_length, const void *second, size_t second_length,
                 unsigned char digest_r[DIGEST_SHA1_SIZE]);

#endif
