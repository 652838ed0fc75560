/* test_text.c - base/text.h. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "base/text.h"

static void utf8_is_strict(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"", true},
        {"plain ascii text, longer than eight bytes", true},
        {"\u00e4\u20ac\U0001f600\U0010ffff", true},
        {"ASCII ASCII ASCII \u00e4", true},
        {"\xed\x9f\xbf", true},      /* U+D7FF */
        {"\xee\x80\x80", true},      /* U+E000 */
        {"\xed\xa0\x80", false},     /* a surrogate */
        {"\xc0\x80", false},         /* NUL the long way */
        {"\xc1\xbf", false},         /* overlong */
        {"\xe0\x9f\xbf", false},     /* overlong */
        {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xf4\x90\x80\x80", false}, /* U+110000 */
        {"\xf5\x80\x80\x80", false},
        {"\x80", false},
        {"abcdefgh\xff", false},
        {"\xc3", false},
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
        {"\xc3\x41", false},
        {"abcdefghijklmnop\xe4xyzabcdef", false}, /* Latin-1 */
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        check_number(i, text_utf8_valid(rows[i].text, strlen(rows[i].text)), rows[i].valid);
    assert_true(text_utf8_valid("\0", 1));
    uint32_t code;
    assert_int_equal(text_utf8_next("\xf0\x9f\x98\x80x", 5, &code), 4);
    assert_int_equal(code, 0x1f600);
    assert_int_equal(text_utf8_next("\xf0\x9f\x98\x80x", 3, &code), 0);
    assert_int_equal(text_utf8_next("", 0, &code), 0);
}

static void a_cut_character_goes_away_whole(void **state)
{
    static const struct {
        const char *text;
        size_t want;
    } rows[] = {{"", 0},
                {"abc", 3},
                {"ab\u00e4", 4},
                {"ab\xc3", 2},
                {"ab\xe2\x82", 2},
                {"ab\xf0\x9f\x98", 2},
                {"a\U0001f600", 5},
                {"\xf0", 0}};
    for (size_t i = 0; i < ROWS(rows); i++)
        check_number(i, text_utf8_cut(rows[i].text, strlen(rows[i].text)), rows[i].want);
}

static void controls_are_found(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } rows[] = {{"a b", false},     {"a\tb", true},      {"a\nb", true},    {"\x7f", true},  {"\xc2\x80", true},
                {"\xc2\x9f", true}, {"\xc2\xa0", false}, {"\u00e4", false}, {"\xc2", false}, {"", false}};
    for (size_t i = 0; i < ROWS(rows); i++)
        check_number(i, text_has_control(rows[i].text, strlen(rows[i].text)), rows[i].want);
    assert_true(text_has_control("a\0", 2));
}

static void case_is_ascii(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal, starts;
    } rows[] = {
        {"IMAP", "imap", true, true},
        {"imap", "imaps", false, false},
        {"imaps", "IMAP", false, true},
        {"", "", true, true},
        {"x", "", false, true},
        {"[", "{", false, false},
        {"\u00c4", "\u00e4", false, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        check_number(i, text_equal_nocase(rows[i].a, rows[i].b), rows[i].equal);
        check_number(i, text_starts_nocase(rows[i].a, rows[i].b), rows[i].starts);
    }
    char text[] = "A-Z[\u00c4]";
    text_lower(text);
    assert_string_equal(text, "a-z[\u00c4]");
}

static void numbers_are_digits_within_bounds(void **state)
{
    static const struct {
        const char *text;
        unsigned long max;
        bool good;
        unsigned long want;
    } rows[] = {
        {"0", 10, true, 0},
        {"10", 10, true, 10},
        {"11", 10, false, 0},
        {"", 10, false, 0},
        {"+1", 10, false, 0},
        {"-1", 10, false, 0},
        {" 1", 10, false, 0},
        {"1 ", 10, false, 0},
        {"0x1", 100, false, 0},
        {"007", 10, true, 7},
        {"1e1", 10, false, 0},
        {"18446744073709551615", (unsigned long)-1, true, (unsigned long)-1},
        {"18446744073709551616", (unsigned long)-1, false, 0},
        {"99999999999999999999999", (unsigned long)-1, false, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        unsigned long value = 0;
        check_number(i, text_parse_unsigned(rows[i].text, rows[i].max, &value), rows[i].good);
        check_number(i, value, rows[i].want);
    }
}

static void near_words_are_suggested(void **state)
{
    static const char *const words[] = {"db_uri", "db_echo", "proxy_count", "loglevel", "ok", NULL};
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"dburi", "db_uri"},
        {"db-uri", "db_uri"},
        {"LOG_LEVEL", "loglevel"},
        {"proxycuont", "proxy_count"},
        {"something", NULL},
        {"", NULL},
        {"ko", "ok"},
        {"xy", NULL},
        {"db_ehco", "db_echo"},
        {"an_endless_key_an_endless_key_an_endless_key_an_endless_key_an_endless_key", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        check_text(i, text_suggest(rows[i].word, words), rows[i].want);
}

static void trim_cuts_both_ends(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {{" \t a b\r\n", "a b"}, {"", ""}, {" \v\f ", ""}, {"x", "x"}, {"\xc2\xa0x", "\xc2\xa0x"}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[32];
        strcpy(text, rows[i].text);
        check_text(i, text_trim(text), rows[i].want);
    }
}

static void test_hex_byte(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        int byte;
    } rows[] = {{"00", 2, 0},  {"fF", 2, 255}, {"a9z", 3, 0xa9}, {"4", 1, -1},  {"", 0, -1},
                {"41", 1, -1}, {"4g", 2, -1},  {"g4", 2, -1},    {"-1", 2, -1}, {" 1", 2, -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int byte = text_hex_byte(rows[i].text, rows[i].length);
        if (byte != rows[i].byte)
            fail_msg("row %zu: %d", i, byte);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(a_cut_character_goes_away_whole),
        cmocka_unit_test(controls_are_found),
        cmocka_unit_test(case_is_ascii),
        cmocka_unit_test(numbers_are_digits_within_bounds),
        cmocka_unit_test(near_words_are_suggested),
        cmocka_unit_test(trim_cuts_both_ends),
        cmocka_unit_test(test_hex_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
