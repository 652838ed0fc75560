/* digest.c - hashes that name or tag something, by libnettle. */
/* SPDX-License-Identifier: MIT */
#include "base/digest.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

/* Not by OpenSSL's libcrypto, which takes 3 MiB of memory in each process to begin with; libnettle is there already,
 * for libmicrohttpd needs it. */

void digest_sha256(const void *bytes, size_t length, unsigned char digest_r[DIGEST_SHA256_SIZE])
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, length, bytes);
    sha256_digest(&context, DIGEST_SHA256_SIZE, digest_r);
}

void digest_sha256_text(const void *bytes, size_t length, char text_r[DIGEST_SHA256_TEXT_SIZE])
{
    unsigned char digest[DIGEST_SHA256_SIZE];

    digest_sha256(bytes, length, digest);
    base64_encode_raw(text_r, sizeof digest, digest);
    text_r[DIGEST_SHA256_TEXT_SIZE - 1] = '\0';
}

void digest_sha1(const void *first, size_t first_length, const void *second, size_t second_length,
                 unsigned char digest_r[DIGEST_SHA1_SIZE])
{
    struct sha1_ctx context;

    sha1_init(&context);
    sha1_update(&context, first_length, first);
    sha1_update(&context, second_length, second);
    sha1_digest(&context, DIGEST_SHA1_SIZE, digest_r);
}
