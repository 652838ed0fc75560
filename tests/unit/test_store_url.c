/* test_store_url.c - URLs, hosts and issuers as rows have them. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "store/url.h"

static void test_issuers(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"https://id.example.com", true},
        {"https://id.example.com/", true},
        {"https://id.example.com/realms/a%20b", true},
        {"https://id.example.com:8443/x", true},
        {"https://[2001:db8::1]/x", true},
        {"https://192.0.2.1/", true},
        {"https://id.example.com/a..b/.well", true},
        {"http://id.example.com", false},
        {"HTTPS://id.example.com", false},
        {"https://", false},
        {"https://user@id.example.com", false},
        {"https://id.example.com?", false},
        {"https://id.example.com/x?y", false},
        {"https://id.example.com#", false},
        {"https://id.example.com/./x", false},
        {"https://id.example.com/x/..", false},
        {"https://id.example.com/..", false},
        {"https://id.example.com/%41", false},
        {"https://id.example.com/%2e%2e/", false},
        {"https://id.example.com/%7E", false},
        {"https://id.example.com/%", false},
        {"https://id.example.com/%4", false},
        {"https://id.example.com/%zz", false},
        {"https://id.example.com/a b", false},
        {" https://id.example.com", false},
        {"https://id.example.com/\\", false},
        {"https://b\xc3\xbc"
         "cher.example",
         false},
        {"https://id_x.example.com", false},
        {"https://id.example.com:0/", false},
        {"https://id.example.com:/", false},
        {"https://id.example.com:99999", false},
        {"https://[2001:db8::1", false},
        {"https://id.example.com/\x7f", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if ((issuer_check(rows[i].text, NULL) == STATUS_OK) != rows[i].good)
            fail_msg("row %zu: %s", i, rows[i].text);
}

static void test_urls(void **state)
{
    static const struct {
        const char *text;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"https://Example.COM", "https://example.com"},
        {"https://example.com:443/x", "https://example.com/x"},
        {"http://example.com:443/", "http://example.com:443/"},
        {"https://example.com:/", "https://example.com/"},
        {"https://b\xc3\xbc"
         "cher.example/\xc3\xa4?q=1#f",
         "https://xn--bcher-kva.example/%C3%A4?q=1#f"},
        {"https://dav.%EMAILDOMAIN%:8443/%EMAILLOCALPART%/%{home}",
         "https://dav.%EMAILDOMAIN%:8443/%EMAILLOCALPART%/%{home}"},
        {"https://[2001:DB8::1]/", "https://[2001:db8::1]/"},
        {"https://a_b.example/", NULL},
        {"https://%EMAILADDRES%/", NULL},
        {"https://exa mple.com/", NULL},
        {"https://example.com/a b", NULL},
        {"https://example.com/\"", NULL},
        {"https://example.com:0/", NULL},
        {"https://example.com:65536/", NULL},
        {"https://a@example.com/", NULL},
        {"https://[::1/", NULL},
        {"https://[::1]x/", NULL},
        {"https:example.com", NULL},
        {"javascript:alert(1)", NULL},
        {"https:///x", NULL},
        {"https://example.com/\xff", NULL},
        {"https://example.com/\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new(65536);
        struct url url;
        const char *text = NULL;
        if (url_parse(arena, rows[i].text, &url, NULL) == STATUS_OK)
            text = url_text(arena, &url);
        if ((text == NULL) != (rows[i].want == NULL) || (text != NULL && strcmp(text, rows[i].want) != 0))
            fail_msg("row %zu: %s gives %s", i, rows[i].text, text != NULL ? text : "nothing");
        arena_free(&arena);
    }
}

/* Three bytes stand for one that is not ASCII; what is taken is short enough to be taken again. */
static void test_encoded_urls_are_bounded(void **state)
{
    bool taken = false, refused = false;
    for (size_t count = 300; count <= 1000; count++) {
        char text[2048] = "https://example.com/";
        for (size_t i = 0; i < count; i++)
            strcat(text, "\xc3\xa4");
        struct arena *arena = arena_new(65536);
        struct url url;
        if (url_parse(arena, text, &url, NULL) == STATUS_OK) {
            taken = true;
            assert_int_equal(url_parse(arena, url_text(arena, &url), &url, NULL), STATUS_OK);
        } else {
            refused = true;
        }
        arena_free(&arena);
    }
    assert_true(taken && refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issuers),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_encoded_urls_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
