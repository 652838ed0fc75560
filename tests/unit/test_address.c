/* test_address.c - what is an address, and that its local part is never touched. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "account/address.h"
#include "base/arena.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

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

static void addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        const char *local;
        const char *domain;
    } rows[] = {
        {"user@example.com", "user", "example.com"},
        {"User@EXAMPLE.com", "User", "example.com"},
        {"user+tag@example.com", "user+tag", "example.com"},
        {"first.last@example.com", "first.last", "example.com"},
        {".odd..dots.@example.com", ".odd..dots.", "example.com"},
        {"a_b-c=d@example.com", "a_b-c=d", "example.com"},
        {"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~", "example.com"},
        {"%EMAILDOMAIN%@example.com", "%EMAILDOMAIN%", "example.com"},
        {"\"john doe\"@example.com", "\"john doe\"", "example.com"},
        {"\"a@b\"@example.com", "\"a@b\"", "example.com"},
        {"\"a\\\"b\\\\\"@example.com", "\"a\\\"b\\\\\"", "example.com"},
        {"\"\"@example.com", "\"\"", "example.com"},
        {"\"a\".b@example.com", "\"a\".b", "example.com"},
        {"j\xc3\xb6rg@example.com", "j\xc3\xb6rg", "example.com"},
        {"j\xc3\xb6rg@m\xc3\xbcnchen.de", "j\xc3\xb6rg", "xn--mnchen-3ya.de"},
        {"user@xn--mnchen-3ya.de", "user", "xn--mnchen-3ya.de"},
        {"user@example.com.", "user", "example.com"},
        {"user@under_score.example", "user", "under_score.example"},
        {"user@localhost", "user", "localhost"},
        {"  user@example.com\r\n\t", "user", "example.com"},
        {"<user@example.com>", "user", "example.com"},
        {" < user@example.com > ", "user", "example.com"},
        {"EVOLUTIONUSER@example.com", "EVOLUTIONUSER", "example.com"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address address;
        struct error error;
        if (address_parse(*state, rows[i].text, strlen(rows[i].text), &address, &error) != STATUS_OK)
            fail_msg("row %zu: %s: %s", i, rows[i].text, error.text);
        size_t local_length = strlen(rows[i].local);
        if (strcmp(address.local, rows[i].local) != 0 || strcmp(address.domain, rows[i].domain) != 0 ||
            strncmp(address.text, rows[i].local, local_length) != 0 || address.text[local_length] != '@' ||
            strcmp(address.text + local_length + 1, rows[i].domain) != 0)
            fail_msg("row %zu: %s became %s", i, rows[i].text, address.text);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t length; /* 0: strlen */
    } rows[] = {
        {"", 0},
        {"   ", 0},
        {"user", 0},
        {"@", 0},
        {"@example.com", 0},
        {"user@", 0},
        {"user@@example.com", 0},
        {"user@example.com@example.net", 0},
        {"us er@example.com", 0},
        {"user @example.com", 0},
        {"user@ example.com", 0},
        {"mailto:user@example.com", 0},
        {"User <user@example.com>", 0},
        {"<user@example.com", 0},
        {"<<user@example.com>>", 0},
        {"<>", 0},
        {"a,b@example.com", 0},
        {"a;b@example.com", 0},
        {"a(b)@example.com", 0},
        {"a\\@b@example.com", 0},
        {"\"a@example.com", 0},
        {"\"a\"b@example.com", 0},
        {"a\"b\"@example.com", 0},
        {"\"a\\\"@example.com", 0},
        {"user@[192.0.2.1]", 0},
        {"user@192.0.2.1", 0},
        {"user@exa mple.com", 0},
        {"user@-example.com", 0},
        {"user@example.com/path", 0},
        {"us\ner@example.com", 0},
        {"\"us\ner\"@example.com", 0},
        {"us\0er@example.com", 17},
        {"user@example.com\0", 17},
        {"us\xc2\x85"
         "er@example.com",
         0}, /* C1 control */
        {"us\xff"
         "er@example.com",
         0},
        {"us\xc0\x80"
         "er@example.com",
         0}, /* overlong NUL */
        {"user@\xc3", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address address = {"", "", ""};
        struct error error = {""};
        size_t length = rows[i].length != 0 ? rows[i].length : strlen(rows[i].text);
        if (address_parse(*state, rows[i].text, length, &address, &error) != STATUS_INVALID)
            fail_msg("row %zu: %s became %s", i, rows[i].text, address.text);
        if (error.text[0] == '\0')
            fail_msg("row %zu: no reason given", i);
    }
}

static enum status parse_with_local(struct arena *arena, size_t local_length)
{
    static const char domain[] = "@example.com";
    char text[2000];
    struct address address;
    memset(text, 'a', local_length);
    memcpy(text + local_length, domain, sizeof(domain));
    return address_parse(arena, text, local_length + sizeof(domain) - 1, &address, NULL);
}

static void length_is_bounded(void **state)
{
    assert_int_equal(parse_with_local(*state, 64), STATUS_OK);
    assert_int_equal(parse_with_local(*state, LOCAL_PART_MAX), STATUS_OK);
    assert_int_equal(parse_with_local(*state, LOCAL_PART_MAX + 1), STATUS_INVALID);
    assert_int_equal(parse_with_local(*state, 1900), STATUS_INVALID);

    /* each part is legal, both together are not */
    char text[LOCAL_PART_MAX + 200];
    struct address address;
    memset(text, 'a', sizeof(text));
    text[LOCAL_PART_MAX] = '@';
    for (size_t i = LOCAL_PART_MAX + 50; i < sizeof(text); i += 50)
        text[i] = '.';
    assert_int_equal(address_parse(*state, text, sizeof(text) - 1, &address, NULL), STATUS_INVALID);
}

static void exhausted_arena_is_no_address(void **state)
{
    struct arena *arena = arena_new(16);
    struct address address;
    assert_int_equal(address_parse(arena, "somebody@example.com", 20, &address, NULL), STATUS_LIMIT);
    arena_free(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_are_taken_apart, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(what_is_no_address_is_refused, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(length_is_bounded, make_arena, free_arena),
        cmocka_unit_test(exhausted_arena_is_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
