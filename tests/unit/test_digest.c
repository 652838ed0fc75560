/* test_digest.c - hashes, against what the standards publish. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "base/digest.h"

static void write_hex(const unsigned char *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void sha256_is_that_of_the_standard(void **state)
{
    static const struct {
        const char *text, *hex, *base64;
    } rows[] = {
        /* FIPS 180-4's examples, and of nothing at all */
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
         "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE="},
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        unsigned char digest[DIGEST_SHA256_SIZE];
        char hex[2 * DIGEST_SHA256_SIZE + 1], base64[DIGEST_SHA256_TEXT_SIZE];

        digest_sha256(rows[i].text, strlen(rows[i].text), digest);
        write_hex(digest, sizeof digest, hex);
        check_text(i, hex, rows[i].hex);
        digest_sha256_text(rows[i].text, strlen(rows[i].text), base64);
        check_text(i, base64, rows[i].base64);
    }
}

static void sha1_takes_two_parts_as_one(void **state)
{
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"; /* FIPS 180-4 */

    for (size_t cut = 0; cut < sizeof text; cut++) {
        unsigned char digest[DIGEST_SHA1_SIZE];
        char hex[2 * DIGEST_SHA1_SIZE + 1];

        digest_sha1(text, cut, text + cut, sizeof text - 1 - cut, digest);
        write_hex(digest, sizeof digest, hex);
        check_text(cut, hex, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_that_of_the_standard),
        cmocka_unit_test(sha1_takes_two_parts_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
