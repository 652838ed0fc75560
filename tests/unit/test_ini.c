/* test_ini.c - base/ini.h; what is expected was taken from Python 3.11's configparser. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

#include "base/ini.h"

enum { LIMIT = 16 * 1024 * 1024 };

/* "key=value;" for each entry, as one text. */
static void join_entries(const struct ini *ini, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < ini->count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s=%s;", ini->entries[i].key, ini->entries[i].value);
    }
}

static void good_files_are_read_as_configparser_does(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"[automx2]\n", ""},
        {"[automx2]\na=1\nb = 2\nc: 3\nd:=4\ne ==5\n", "a=1;b=2;c=3;d==4;e==5;"},
        {"[automx2]\nLogLevel = DEBUG\nDB_URI=x", "loglevel=DEBUG;db_uri=x;"},
        {"\xef\xbb\xbf[automx2]\r\na = 1\r\nb = 2\r\n", "a=1;b=2;"},
        {"[automx2]\ra=1\rb=2\r", "a=1;b=2;"},
        {"# c\n; c\n  # c\n[automx2]\n;x=1\na = 1 ; no comment # neither\n", "a=1 ; no comment # neither;"},
        {"[automx2]\nempty =\nb=\n", "empty=;b=;"},
        {"  [automx2]\n  a = 1\n  b = 2\n", "a=1;b=2;"},
        {"[automx2] what follows is ignored\na=1\n", "a=1;"},
        {"[automx2]\nkey with blanks = 1\n", "key with blanks=1;"},
        {"[automx2]\nurl = a:b=c\n", "url=a:b=c;"},
        /* continuation */
        {"[automx2]\na = 1\n  2\n\t3\nb = 4\n", "a=1\n2\n3;b=4;"},
        {"[automx2]\na =\n  1,\n  2\n", "a=\n1,\n2;"},
        {"[automx2]\na = 1\n\n  2\n\n\nb=3\n", "a=1\n\n2;b=3;"},
        {"[automx2]\na = 1\n  # comment\n  2\n", "a=1\n2;"},
        {"[automx2]\n  a = 1\n  b = 2\n   3\n", "a=1;b=2\n3;"},
        {"[automx2]\n  a = 1\nb = 2\n 3\n", "a=1;b=2\n3;"},
        {"[automx2]\na = 1\n  b = 2\n", "a=1\nb = 2;"},
        {"[automx2]\na = 1\n  [other]\n", "a=1\n[other];"},
        {"[automx2]\n\u00a0a = 1\n", "a=1;"},
        {"[automx2]\na =\u00a0\u2003x\u00a0\n", "a=x;"},
        /* interpolation */
        {"[automx2]\na = 100%%\nb = %%(a)s\n", "a=100%;b=%(a)s;"},
        {"[automx2]\na = p%%40ss\nb = <%(A)s>\n", "a=p%40ss;b=<p%40ss>;"},
        {"[automx2]\nb = %(a)s%(a)s\na = x\n", "b=xx;a=x;"},
        {"[automx2]\na=x\nb=%(a)s1\nc=%(b)s2\nd=%(c)s3\n", "a=x;b=x1;c=x12;d=x123;"},
        /* [DEFAULT] */
        {"[DEFAULT]\ndir = /srv\n[automx2]\na = %(dir)s/x\n", "dir=/srv;a=/srv/x;"},
        {"[DEFAULT]\na = 1\nb = <%(a)s>\n[automx2]\na = 2\n", "b=<2>;a=2;"},
        {"[automx2]\na = 1\n[DEFAULT]\nb = 2\n[DEFAULT]\nc = 3\n", "a=1;b=2;c=3;"},
        /* other sections */
        {"[Automx2]\nz=1\n[automx2]\na=1\n[x]\na=2\nz = 100%\n", "a=1;"},
        {"[]]\na=1\n[automx2]\na=2\n", "a=2;"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena *arena = arena_new(LIMIT);
        struct error error = {{0}};
        struct ini ini;
        char text[512];
        enum status status = ini_parse(arena, "f", rows[i].text, strlen(rows[i].text), "automx2", &ini, &error);
        check_text(i, error.text, "");
        check_number(i, status, STATUS_OK);
        join_entries(&ini, text, sizeof text);
        check_text(i, text, rows[i].want);
        arena_free(&arena);
    }
}

static void faults_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text;
        enum status status;
        const char *part;
    } rows[] = {
        {"", STATUS_NOT_FOUND, "f: there is no section [automx2]"},
        {"[Automx2]\na=1\n", STATUS_NOT_FOUND, "no section [automx2]"},
        {"# only\n\na = 1\n", STATUS_INVALID, "f:3: no section before"},
        {"[automx2]\na=1\n[automx2]\n", STATUS_INVALID, "f:3: section [automx2]"},
        {"[x]\n[x]\n[automx2]\n", STATUS_INVALID, "f:2: section [x]"},
        {"[automx2]\na=1\n\nA=2\n", STATUS_INVALID, "f:4: key 'a' is in line 2 already"},
        {"[DEFAULT]\na=1\n[DEFAULT]\na=2\n[automx2]\n", STATUS_INVALID, "f:4: key 'a'"},
        {"[automx2]\nnothing here\n", STATUS_INVALID, "f:2: neither"},
        {"[automx2]\n[]\n", STATUS_INVALID, "f:2: neither"},
        {"[automx2]\n= 1\n", STATUS_INVALID, "f:2: the key before '='"},
        {"[automx2]\r\r\n: 1\n", STATUS_INVALID, "f:3: the key before ':'"},
        {"[automx2]\na = 50% off\n", STATUS_INVALID, "f:2: a lone %"},
        {"[automx2]\na = %", STATUS_INVALID, "f:2: a lone %"},
        {"[automx2]\na = %%%\n", STATUS_INVALID, "f:2: a lone %"},
        {"[automx2]\na = %()s\n", STATUS_INVALID, "f:2: a lone %"},
        {"[automx2]\nb=1\na = %(b)\n", STATUS_INVALID, "f:3: a lone %"},
        {"[automx2]\nb=1\na = secret%(x)sword\n", STATUS_INVALID, "f:3: %(x)s in the value of 'a' names no key"},
        {"[automx2]\na = %(a)s\n", STATUS_INVALID, "f:2: the references in 'a' go deeper"},
        {"[automx2]\na=%(b)s\nb=%(a)s\n", STATUS_INVALID, "f:2: the references in 'a' go deeper"},
        {"[automx2]\na=1\nb=\xfc\n", STATUS_INVALID, "f:3: a byte that is not UTF-8"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena *arena = arena_new(LIMIT);
        struct error error = {{0}};
        struct ini ini;
        enum status status = ini_parse(arena, "f", rows[i].text, strlen(rows[i].text), "automx2", &ini, &error);
        check_number(i, status, rows[i].status);
        check_part(i, error.text, rows[i].part);
        if (strstr(error.text, "secret"))
            fail_msg("row %zu: shows what may be a password: %s", i, error.text);
        arena_free(&arena);
    }
}

static void a_nul_byte_is_refused(void **state)
{
    static const char text[] = "[automx2]\r\na=1\n\0b=2\n";
    struct arena *arena = arena_new(LIMIT);
    struct error error;
    struct ini ini;
    assert_int_equal(ini_parse(arena, "f", text, sizeof text - 1, "automx2", &ini, &error), STATUS_INVALID);
    assert_string_equal(error.text, "f:3: a NUL byte");
    arena_free(&arena);
}

static void entries_know_line_and_origin(void **state)
{
    static const char text[] = "[DEFAULT]\nd=0\n[automx2]\na=1\n  2\n\nb=3\n";
    struct arena *arena = arena_new(LIMIT);
    struct ini ini;
    assert_int_equal(ini_parse(arena, "f", text, sizeof text - 1, "automx2", &ini, NULL), STATUS_OK);
    assert_int_equal(ini.count, 3);
    assert_string_equal(ini.file, "f");
    static const struct {
        unsigned line;
        bool inherited;
    } rows[] = {{2, true}, {4, false}, {7, false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        check_number(i, ini.entries[i].line, rows[i].line);
        check_number(i, ini.entries[i].inherited, rows[i].inherited);
    }
    arena_free(&arena);
}

/* Ten levels of references are configparser's bound. */
static void references_go_ten_levels_deep(void **state)
{
    for (int levels = 9; levels <= 11; levels++) {
        char text[512];
        int used = snprintf(text, sizeof text, "[automx2]\n");
        for (int i = 0; i < levels; i++)
            used += snprintf(text + used, sizeof text - (size_t)used, "k%d = %%(k%d)s\n", i, i + 1);
        used += snprintf(text + used, sizeof text - (size_t)used, "k%d = 100%%%%\n", levels);
        struct arena *arena = arena_new(LIMIT);
        struct ini ini;
        enum status status = ini_parse(arena, "f", text, (size_t)used, "automx2", &ini, NULL);
        check_number(levels, status, levels < 10 ? STATUS_OK : STATUS_INVALID);
        if (status == STATUS_OK)
            assert_string_equal(ini.entries[0].value, "100%");
        arena_free(&arena);
    }
}

static void what_would_grow_without_end_is_refused(void **state)
{
    /* Ten levels of ten references each are 10^10 pieces, here of nothing: no limit of length ends it. */
    char text[4096];
    int used = snprintf(text, sizeof text, "[automx2]\n");
    for (int level = 0; level < 9; level++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "k%d = ", level);
        for (int i = 0; i < 10; i++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%%(k%d)s", level + 1);
        used += snprintf(text + used, sizeof text - (size_t)used, "\n");
    }
    used += snprintf(text + used, sizeof text - (size_t)used, "k9 =\n");
    struct arena *arena = arena_new(LIMIT);
    struct error error;
    struct ini ini;
    assert_int_equal(ini_parse(arena, "f", text, (size_t)used, "automx2", &ini, &error), STATUS_LIMIT);
    check_part(0, error.text, "make too much text");
    arena_free(&arena);

    static char many[65536];
    used = snprintf(many, sizeof many, "[automx2]\n");
    for (int i = 0; i < 4097; i++)
        used += snprintf(many + used, sizeof many - (size_t)used, "k%d=\n", i);
    arena = arena_new(LIMIT);
    assert_int_equal(ini_parse(arena, "f", many, (size_t)used, "automx2", &ini, &error), STATUS_LIMIT);
    assert_string_equal(error.text, "f:4098: more than 4096 keys");
    arena_free(&arena);
}

static void files_are_bounded(void **state)
{
    struct arena *arena = arena_new(LIMIT);
    struct error error;
    struct ini ini;
    assert_int_equal(ini_read(arena, "/nonexistent/automx2.conf", "automx2", &ini, &error), STATUS_BACKEND);
    assert_string_equal(error.text, "cannot open /nonexistent/automx2.conf: No such file or directory");
    assert_int_equal(ini_read(arena, "/", "automx2", &ini, &error), STATUS_BACKEND);
    assert_int_equal(ini_read(arena, "/dev/zero", "automx2", &ini, &error), STATUS_LIMIT);
    assert_string_equal(error.text, "/dev/zero: longer than 1024 KiB");

    char path[] = "/tmp/test_ini.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] = "[automx2]\na = 1\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    assert_int_equal(ini_read(arena, path, "automx2", &ini, &error), STATUS_OK);
    unlink(path);
    assert_int_equal(ini.count, 1);
    assert_string_equal(ini.entries[0].value, "1");
    assert_string_equal(ini.file, path);
    arena_free(&arena);

    arena = arena_new(16);
    assert_int_equal(ini_parse(arena, "f", text, sizeof text - 1, "automx2", &ini, &error), STATUS_LIMIT);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read_as_configparser_does),
        cmocka_unit_test(faults_are_named_with_their_line),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(entries_know_line_and_origin),
        cmocka_unit_test(references_go_ten_levels_deep),
        cmocka_unit_test(what_would_grow_without_end_is_refused),
        cmocka_unit_test(files_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
