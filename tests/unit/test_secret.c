/* test_secret.c - passwords from files: what is taken, and why the others are not. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static char path[] = "/tmp/automxd-unit-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    return unlink(path);
}

static void write_file(const char *bytes, size_t length, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void the_first_line_is_taken(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *secret; /* NULL: refused with status and these words */
        enum status status;
        const char *said;
    } rows[] = {
        {"s3cret", 6, "s3cret", STATUS_OK, NULL},
        {"s3cret\nmore\n", 12, "s3cret", STATUS_OK, NULL},
        {"s3cret\r\n", 8, "s3cret", STATUS_OK, NULL},
        {" a b \n", 6, " a b ", STATUS_OK, NULL}, /* blanks belong to it */
        {"a\n\0", 3, "a", STATUS_OK, NULL},       /* nobody looks at the rest */
        {"", 0, NULL, STATUS_INVALID, "is empty"},
        {"\r\nx", 3, NULL, STATUS_INVALID, "is empty"},
        {"a\0b\n", 4, NULL, STATUS_INVALID, "NUL byte"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_new(16 * 1024);
        const char *secret = "old";
        struct error error = {""};
        write_file(rows[i].bytes, rows[i].length, 0640);
        enum status status = secret_read(arena, path, &secret, &error);
        if (status != rows[i].status || (secret == NULL) != (rows[i].secret == NULL) ||
            (secret && strcmp(secret, rows[i].secret) != 0) || (rows[i].said && !strstr(error.text, rows[i].said)))
            fail_msg("row %zu: status %d, %s", i, (int)status, error.text);
        assert_true(status == STATUS_OK || strstr(error.text, path));
        arena_free(&arena);
    }
}

static void a_line_has_a_bound(void **state)
{
    struct arena *arena = arena_new(64 * 1024);
    const char *secret;
    struct error error = {""};
    char line[4097];
    memset(line, 'x', sizeof line);
    write_file(line, 4095, 0600);
    assert_int_equal(secret_read(arena, path, &secret, &error), STATUS_OK);
    assert_int_equal(strlen(secret), 4095);
    write_file(line, 4097, 0600);
    assert_int_equal(secret_read(arena, path, &secret, &error), STATUS_LIMIT);
    assert_null(secret);
    assert_non_null(strstr(error.text, "longer than 4095 bytes"));
    arena_free(&arena);
}

static void files_that_cannot_be_trusted_or_read_are_refused(void **state)
{
    struct arena *arena = arena_new(16 * 1024);
    const char *secret;
    struct error error = {""};
    static const mode_t modes[] = {0604, 0602};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_file("s3cret\n", 7, modes[i]);
        assert_int_equal(secret_read(arena, path, &secret, &error), STATUS_REFUSED);
        assert_non_null(strstr(error.text, "chmod o-rw"));
        assert_null(strstr(error.text, "s3cret"));
        assert_int_equal(secret_check_mode(path, &error), STATUS_REFUSED);
    }
    write_file("s3cret\n", 7, 0600);
    assert_int_equal(secret_check_mode(path, &error), STATUS_OK);

    assert_int_equal(secret_read(arena, "/nonexistent/secret", &secret, &error), STATUS_BACKEND);
    assert_non_null(strstr(error.text, "cannot open /nonexistent/secret: "));
    char directory[] = "/tmp/automxd-unit-XXXXXX";
    assert_non_null(mkdtemp(directory)); /* it opens, but does not read */
    assert_int_equal(secret_read(arena, directory, &secret, &error), STATUS_BACKEND);
    assert_non_null(strstr(error.text, "cannot read"));
    rmdir(directory);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_is_taken),
        cmocka_unit_test(a_line_has_a_bound),
        cmocka_unit_test(files_that_cannot_be_trusted_or_read_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
