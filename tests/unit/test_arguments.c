/* test_arguments.c - the command line of automxctl. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "ctl/arguments.h"

enum { WORDS_MAX = 8 };

static void words_are_sorted_into_options_and_operands(void **state)
{
    static const struct {
        const char *words[WORDS_MAX];
        bool stop;
        int count; /* -1: refused */
        const char *operands[WORDS_MAX];
        const char *format;
        bool help;
        const char *message;
    } rows[] = {
        {{NULL}, false, 0, {NULL}, NULL, false, NULL},
        {{"a", "b"}, false, 2, {"a", "b"}, NULL, false, NULL},
        {{"a", "--format", "x", "b", "--help"}, false, 2, {"a", "b"}, "x", true, NULL},
        {{"--format=x=y", "a"}, false, 1, {"a"}, "x=y", false, NULL},
        {{"--format=", "-"}, false, 1, {"-"}, "", false, NULL},
        {{"--format", "--help"}, false, 0, {NULL}, "--help", false, NULL},
        {{"--", "--help", "--format"}, false, 2, {"--help", "--format"}, NULL, false, NULL},
        {{"--format", "x", "render", "--help"}, true, 2, {"render", "--help"}, "x", false, NULL},
        {{"--format"}, false, -1, {NULL}, NULL, false, "the option --format needs a value"},
        {{"--help=yes"}, false, -1, {NULL}, NULL, false, "the option --help takes no value"},
        {{"--formt", "x"}, false, -1, {NULL}, NULL, false, "unknown option '--formt'; did you mean '--format'?"},
        {{"--zzzzzz=1"}, false, -1, {NULL}, NULL, false, "unknown option '--zzzzzz'"},
        {{"-x"}, false, -1, {NULL}, NULL, false, "unknown option '-x'"},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *format = NULL;
        bool help = false;
        const struct argument table[] = {{"--format", &format, NULL}, {"--help", NULL, &help}, {0}};
        struct error error = {{0}};
        char copies[WORDS_MAX][32], *words[WORDS_MAX + 1] = {0};

        for (size_t j = 0; j < WORDS_MAX && rows[i].words[j] != NULL; j++) {
            snprintf(copies[j], sizeof copies[j], "%s", rows[i].words[j]);
            words[j] = copies[j];
        }
        check_number(i, arguments_parse(table, words, rows[i].stop, &error), rows[i].count);
        if (rows[i].count < 0) {
            check_text(i, error.text, rows[i].message);
            continue;
        }
        for (int j = 0; j <= rows[i].count; j++)
            check_text(i, words[j], rows[i].operands[j]);
        check_text(i, format, rows[i].format);
        check_number(i, help, rows[i].help);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_sorted_into_options_and_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
