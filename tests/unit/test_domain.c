/* test_domain.c - names come out in one form, and what is no name does not come out. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "account/domain.h"
#include "base/arena.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LABEL63      "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

static int make_arena(void **state)
{
    *state = arena_new(1024 * 1024);
    return *state != NULL ? 0 : -1;
}

static int free_arena(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

static void names_get_one_form(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } rows[] = {
        {"example.com", "example.com"},
        {"EXAMPLE.Com", "example.com"},
        {"example.com.", "example.com"},
        {"localhost", "localhost"},
        {"_dmarc.example.com", "_dmarc.example.com"},
        {"My_Host.example.com", "my_host.example.com"},
        {"1und1.de", "1und1.de"},
        {"1.2.3.4.example", "1.2.3.4.example"},
        {"a--b.example", "a--b.example"},
        {"r3---sn-x.example", "r3---sn-x.example"},
        {"m\xc3\xbcnchen.de", "xn--mnchen-3ya.de"},
        {"M\xc3\x9cNCHEN.DE", "xn--mnchen-3ya.de"},
        {"mu\xcc\x88nchen.de", "xn--mnchen-3ya.de"}, /* decomposed */
        {"m\xc3\xbcnchen.de.", "xn--mnchen-3ya.de"},
        {"XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"},
        {"xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
        {"fa\xc3\x9f.de", "xn--fa-hia.de"}, /* not fass.de: non-transitional */
        {"_x.m\xc3\xbcnchen.de", "_x.xn--mnchen-3ya.de"},
        {"m\xc3\xbcnchen\xe3\x80\x82"
         "de",
         "xn--mnchen-3ya.de"}, /* ideographic full stop */
        {"\xef\xbd\x85xample\xef\xbc\x8e"
         "com\xef\xbc\x8e",
         "example.com"}, /* full-width e and dots */
        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
        {"xn--zzzzz.example", "xn--zzzzz.example"}, /* no punycode, yet it can be asked for */
        {LABEL63 ".example", LABEL63 ".example"},
        {LABEL63 "." LABEL63 "." LABEL63 "."
                 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1",
         LABEL63 "." LABEL63 "." LABEL63 "."
                 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *name = "";
        struct error error;
        if (domain_name_normalize(*state, rows[i].text, strlen(rows[i].text), &name, &error) != STATUS_OK)
            fail_msg("row %zu: %s: %s", i, rows[i].text, error.text);
        if (strcmp(name, rows[i].name) != 0)
            fail_msg("row %zu: %s became %s", i, rows[i].text, name);
    }
}

static void what_is_no_name_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t length; /* 0: strlen */
    } rows[] = {
        {"", 0},
        {".", 0},
        {"..", 0},
        {".example.com", 0},
        {"example..com", 0},
        {"example.com..", 0},
        {"-example.com", 0},
        {"example-.com", 0},
        {"exa mple.com", 0},
        {" example.com", 0},
        {"example.com ", 0},
        {"example.com:443", 0},
        {"user@example.com", 0},
        {"exa/mple.com", 0},
        {"*.example.com", 0},
        {"*", 0},
        {"[192.0.2.1]", 0},
        {"[IPv6:2001:db8::1]", 0},
        {"192.0.2.1", 0},
        {"2001:db8::1", 0},
        {"\xef\xbc\x91.\xef\xbc\x92.\xef\xbc\x93.\xef\xbc\x94", 0}, /* 1.2.3.4 in full width */
        {"a\xef\xbc\xa0"
         "b.example",
         0},                          /* full-width @ */
        {"a\xe2\x84\x80.example", 0}, /* one character that maps to "a/c" */
        {"m\xc3\xbc nchen.de", 0},
        {"\xc2\xad.de", 0}, /* a soft hyphen alone maps to nothing */
        {"example.com\n", 0},
        {"exa\rmple.com", 0},
        {"example\0.com", 12},
        {"ex\x7f"
         "ample.com",
         0},
        {"\xff.example", 0},
        {"\xc3.example", 0},
        {"\xed\xa0\x80.example", 0}, /* surrogate */
        {LABEL63 "4.example", 0},
        {LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, 0}, /* 255 */
        {LABEL63 "." LABEL63 "." LABEL63 "."
                 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12",
         0}, /* 254 */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *name = "";
        struct error error = {""};
        size_t length = rows[i].length != 0 ? rows[i].length : strlen(rows[i].text);
        if (domain_name_normalize(*state, rows[i].text, length, &name, &error) != STATUS_INVALID)
            fail_msg("row %zu: %s became %s", i, rows[i].text, name);
        if (error.text[0] == '\0')
            fail_msg("row %zu: no reason given", i);
    }
}

static void overlong_input_is_refused(void **state)
{
    static char text[100000];
    const char *name;
    memset(text, 'a', sizeof(text));
    assert_int_equal(domain_name_normalize(*state, text, sizeof(text), &name, NULL), STATUS_INVALID);
    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    assert_int_equal(domain_name_normalize(*state, text, sizeof(text), &name, NULL), STATUS_INVALID);
    assert_int_equal(domain_name_normalize(*state, text, 1000, &name, NULL), STATUS_INVALID);
}

static void rules_may_begin_with_a_star(void **state)
{
    static const struct {
        const char *text;
        const char *name; /* NULL: refused */
    } rows[] = {
        {"*", "*"},
        {"*.example.com", "*.example.com"},
        {"*.EXAMPLE.com.", "*.example.com"},
        {"*.m\xc3\xbcnchen.de", "*.xn--mnchen-3ya.de"},
        {"*.com", "*.com"},
        {"example.com", "example.com"},
        {"", NULL},
        {"*.", NULL},
        {"**", NULL},
        {"*example.com", NULL},
        {"*.*.example.com", NULL},
        {"a.*.example.com", NULL},
        {"*..com", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *name = "";
        enum status status = domain_rule_normalize(*state, rows[i].text, strlen(rows[i].text), &name, NULL);
        if ((status == STATUS_OK) != (rows[i].name != NULL))
            fail_msg("row %zu: %s: status %d", i, rows[i].text, (int)status);
        if (rows[i].name != NULL && strcmp(name, rows[i].name) != 0)
            fail_msg("row %zu: %s became %s", i, rows[i].text, name);
    }
}

static void hosts_are_what_thunderbird_takes(void **state)
{
    static const struct {
        const char *host;
        bool legal;
    } rows[] = {
        {"imap.example.com", true},
        {"IMAP.example.com", true},
        {"localhost", true},
        {"192.0.2.1", true},
        {"2001:db8::1", true},
        {"::1", true},
        {"xn--mnchen-3ya.de", true},
        {"", false},
        {"imap_1.example.com", false},
        {"imap.example.com.", false},
        {"[::1]", false},
        {"192.0.2.300", false},
        {"imap..example.com", false},
        {"-imap.example.com", false},
        {"imap.example.com:993", false},
        {"imap example.com", false},
        {"m\xc3\xbcnchen.de", false},
        {"imap.%EMAILDOMAIN%", false},
        {"fe80::1%eth0", false},
        {LABEL63 "4.example", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (host_name_legal(rows[i].host) != rows[i].legal)
            fail_msg("row %zu: %s", i, rows[i].host);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_get_one_form, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(what_is_no_name_is_refused, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(overlong_input_is_refused, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(rules_may_begin_with_a_star, make_arena, free_arena),
        cmocka_unit_test(hosts_are_what_thunderbird_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
