/* test_target.c - request targets and queries: decoded once, '+' left alone in addresses. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/target.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void targets_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        const char *authority; /* NULL: origin form */
        const char *path;      /* NULL: refused */
        const char *query;
    } rows[] = {
        {"/", NULL, "/", ""},
        {"/mail/config-v1.1.xml", NULL, "/mail/config-v1.1.xml", ""},
        {"/mail/config-v1.1.xml?emailaddress=a+b@example.com", NULL, "/mail/config-v1.1.xml",
         "emailaddress=a+b@example.com"},
        {"/a?", NULL, "/a", ""},
        {"/a?b?c=%3f", NULL, "/a", "b?c=%3f"},
        {"/m%61il%2Fx", NULL, "/mail/x", ""},
        {"/a%2561", NULL, "/a%61", ""}, /* once, not twice */
        {"/a%zz%4", NULL, "/a%zz%4", ""},
        {"/a+b", NULL, "/a+b", ""},
        {"http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=a%40b", "autoconfig.example.com",
         "/mail/config-v1.1.xml", "emailaddress=a%40b"},
        {"https://example.com:8443/x", "example.com:8443", "/x", ""},
        {"HTTPS://EXAMPLE.com/x", "EXAMPLE.com", "/x", ""},
        {"https://[::1]:4243/x", "[::1]:4243", "/x", ""},
        {"http://example.com", "example.com", "/", ""},
        {"http://example.com?a=b", "example.com", "/", "a=b"},
        {"//example.com/x", NULL, "//example.com/x", ""},
        {"/a%00b", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
        {"*", NULL, NULL, NULL},
        {"example.com:443", NULL, NULL, NULL},
        {"mail/config-v1.1.xml", NULL, NULL, NULL},
        {"http://", NULL, NULL, NULL},
        {"http:///x", NULL, NULL, NULL},
        {"http://user:word@example.com/x", NULL, NULL, NULL},
        {"ftp://example.com/x", NULL, NULL, NULL},
        {"?a=b", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "%s", rows[i].text);
        struct target target;
        bool good = target_parse(text, &target);
        if (good != (rows[i].path != NULL))
            fail_msg("row %zu (%s): %s", i, rows[i].text, good ? "taken" : "refused");
        if (!good)
            continue;
        char authority[64] = "";
        if (target.authority.bytes)
            snprintf(authority, sizeof authority, "%.*s", (int)target.authority.length, target.authority.bytes);
        const char *wanted = rows[i].authority ? rows[i].authority : "";
        if (strcmp(target.path, rows[i].path) != 0 || strcmp(target.query, rows[i].query) != 0 ||
            strcmp(authority, wanted) != 0 || (target.authority.bytes != NULL) != (rows[i].authority != NULL))
            fail_msg("row %zu (%s): '%s' '%s' '%s'", i, rows[i].text, authority, target.path, target.query);
    }
}

static void parameters_are_found_and_decoded(void **state)
{
    static const struct {
        const char *query;
        const char *name;
        enum plus plus;
        const char *value; /* NULL: there is none */
        size_t length;
    } rows[] = {
        {"emailaddress=user@example.com", "emailaddress", PLUS_IS_PLUS, "user@example.com", 16},
        {"emailaddress=a+b%40example.com", "emailaddress", PLUS_IS_PLUS, "a+b@example.com", 15},
        {"emailaddress=a%2Bb@example.com", "emailaddress", PLUS_IS_PLUS, "a+b@example.com", 15},
        {"emailaddress=a%252Bb@x", "emailaddress", PLUS_IS_PLUS, "a%2Bb@x", 7},
        {"emailmd5=1&EmailAddress=a", "emailaddress", PLUS_IS_PLUS, "a", 1},
        {"e%6Dail=a", "email", PLUS_IS_PLUS, "a", 1},
        {"email", "email", PLUS_IS_PLUS, "", 0},
        {"email=", "email", PLUS_IS_PLUS, "", 0},
        {"&&email=a&&", "email", PLUS_IS_PLUS, "a", 1},
        {"email=a=b", "email", PLUS_IS_PLUS, "a=b", 3},
        {"email=a&email=b", "email", PLUS_IS_PLUS, "a", 1},
        {"email=a%00b", "email", PLUS_IS_PLUS, "a\0b", 3},
        {"email=50%off%", "email", PLUS_IS_PLUS, "50%off%", 7},
        {"email=%C3%B6", "email", PLUS_IS_PLUS, "\xc3\xb6", 2},
        {"name=A+B%20C", "name", PLUS_IS_BLANK, "A B C", 5},
        {"name=A%2BB", "name", PLUS_IS_BLANK, "A+B", 3},
        {"", "email", PLUS_IS_PLUS, NULL, 0},
        {"emails=a", "email", PLUS_IS_PLUS, NULL, 0},
        {"emai=a", "email", PLUS_IS_PLUS, NULL, 0},
        {"=a", "email", PLUS_IS_PLUS, NULL, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(4096);
        const char *cursor = rows[i].query;
        struct parameter parameter;
        struct slice value = {NULL, 0};
        while (!value.bytes && query_next(&cursor, &parameter)) {
            if (parameter_is(&parameter, rows[i].name))
                value = parameter_value(arena, &parameter, rows[i].plus);
        }
        bool same = rows[i].value ? value.bytes && value.length == rows[i].length &&
                                        memcmp(value.bytes, rows[i].value, value.length + 1) == 0
                                  : !value.bytes;
        if (!same)
            fail_msg("row %zu (%s): '%s'", i, rows[i].query, value.bytes ? value.bytes : "none");
        arena_free(&arena);
    }
}

static void memory_that_is_out_is_told(void **state)
{
    struct arena *arena = arena_new(8);
    const char *cursor = "email=much-longer-than-eight";
    struct parameter parameter;
    assert_true(query_next(&cursor, &parameter));
    assert_null(parameter_value(arena, &parameter, PLUS_IS_PLUS).bytes);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_taken_apart),
        cmocka_unit_test(parameters_are_found_and_decoded),
        cmocka_unit_test(memory_that_is_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
