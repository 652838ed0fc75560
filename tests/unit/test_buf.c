/* test_buf.c - base/buf.h, base/arena.h and base/status.h. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

static void appends_grow_the_text(void **state)
{
    struct buf buf;
    buf_init(&buf, 0);
    assert_null(buf.data);
    for (int i = 0; i < 1000; i++) {
        buf_adds(&buf, "ab");
        buf_addc(&buf, 'c');
        buf_addf(&buf, "%d", i % 10);
        buf_add(&buf, "\0", 1);
    }
    assert_false(buf_failed(&buf));
    assert_int_equal(buf.length, 5000);
    assert_memory_equal(buf.data + 4995, "abc9\0", 6);
    buf_clear(&buf);
    assert_int_equal(buf.length, 0);
    assert_string_equal(buf.data, "");
    buf_free(&buf);
}

static void the_limit_is_a_sticky_failure(void **state)
{
    struct buf buf;
    buf_init(&buf, 8);
    buf_adds(&buf, "12345678");
    assert_false(buf_failed(&buf));
    buf_addc(&buf, '9');
    assert_true(buf_failed(&buf));
    buf_add(&buf, "", 0);
    assert_int_equal(buf.length, 8);
    assert_string_equal(buf.data, "12345678");
    size_t length = 1;
    assert_null(buf_steal(&buf, &length));
    assert_int_equal(length, 0);
    /* A failed one can be used again. */
    buf_addf(&buf, "%s", "123456789");
    assert_true(buf_failed(&buf));
    buf_clear(&buf);
    buf_addf(&buf, "%s", "12345678");
    assert_false(buf_failed(&buf));
    buf_free(&buf);
}

static void steal_hands_the_bytes_over(void **state)
{
    struct buf buf;
    buf_init(&buf, 0);
    size_t length;
    char *text = buf_steal(&buf, &length);
    assert_string_equal(text, "");
    free(text);
    buf_adds(&buf, "mine");
    text = buf_steal(&buf, &length);
    assert_int_equal(length, 4);
    assert_null(buf.data);
    buf_adds(&buf, "other");
    assert_string_equal(text, "mine");
    free(text);
    buf_free(&buf);
}

static void an_arena_hands_out_zeroed_aligned_memory(void **state)
{
    struct arena *arena = arena_new(1024 * 1024);
    assert_non_null(arena);
    size_t before = arena_size(arena);
    for (size_t i = 0; i < 300; i++) {
        assert_string_equal(arena_copy(arena, "abcdef", 3), "abc");
        unsigned char *bytes = arena_alloc(arena, i);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
        for (size_t j = 0; j < i; j++)
            assert_int_equal(bytes[j], 0);
        memset(bytes, 0xff, i);
    }
    assert_string_equal(arena_format(arena, "%s-%d", "x", 7), "x-7");
    assert_null(arena_text(arena, NULL));
    assert_false(arena_failed(arena));
    assert_true(arena_size(arena) > before);
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void an_arena_keeps_its_limit(void **state)
{
    struct arena *arena = arena_new(100);
    assert_non_null(arena_alloc(arena, 100));
    assert_null(arena_alloc(arena, 1));
    assert_true(arena_failed(arena));
    assert_null(arena_text(arena, ""));
    arena_free(&arena);

    arena = arena_new(SIZE_MAX);
    assert_null(arena_array(arena, SIZE_MAX / 2, 3));
    assert_true(arena_failed(arena));
    arena_free(&arena);

    arena = arena_new(SIZE_MAX);
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_alloc(arena, 1));
    arena_free(&arena);
}

static void an_error_is_one_bounded_sentence(void **state)
{
    struct error error = {{0}};
    assert_int_equal(error_set(NULL, STATUS_LIMIT, "x"), STATUS_LIMIT);
    error_prefix(NULL, "x");
    assert_int_equal(error_set(&error, STATUS_INVALID, "port %d", 7), STATUS_INVALID);
    assert_string_equal(error.text, "port 7");
    error_prefix(&error, "server %d: ", 3);
    assert_string_equal(error.text, "server 3: port 7");
    error_set(&error, STATUS_INVALID, "again: %s", error.text);
    assert_string_equal(error.text, "again: server 3: port 7");

    /* Cut between characters: 511 is odd. */
    char umlauts[1201];
    for (size_t i = 0; i < 1200; i += 2)
        memcpy(umlauts + i, "\u00e4", 2);
    umlauts[1200] = '\0';
    error_set(&error, STATUS_INVALID, "%s", umlauts);
    assert_int_equal(strlen(error.text), 510);
    error_prefix(&error, "x");
    assert_int_equal(strlen(error.text), 511);
    error_prefix(&error, "x");
    assert_int_equal(strlen(error.text), 510);
    error_prefix(&error, "%s", umlauts);
    assert_int_equal(strlen(error.text), 510);
}

/* A sentence that quotes what somebody sent goes to terminals and into answers. */
static void an_error_is_harmless(void **state)
{
    struct error error = {{0}};
    error_set(&error, STATUS_INVALID, "no member \x1b[2J%s", "\xc3\xa4\xff\n\x7f");
    assert_string_equal(error.text, "no member ?[2J\xc3\xa4???");
    error_prefix(&error, "line\r%d: ", 1);
    assert_string_equal(error.text, "line?1: no member ?[2J\xc3\xa4???");
}

static void a_descriptor_is_read_to_its_end(void **state)
{
    static const struct {
        const char *path;
        size_t limit;
        bool good, failed;
        int reason;
    } rows[] = {
        {"/dev/null", 0, true, false, 0},
        {"/proc/self/maps", 0, true, false, 0},
        {"/dev/zero", 100000, false, true, 0}, /* has no end */
        {"/", 0, false, false, EISDIR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf buf;
        int fd = open(rows[i].path, O_RDONLY | O_CLOEXEC);
        buf_init(&buf, rows[i].limit);
        buf_adds(&buf, "x");
        errno = 0;
        bool good = buf_read(&buf, fd);
        if (good != rows[i].good || buf_failed(&buf) != rows[i].failed || (rows[i].reason && errno != rows[i].reason))
            fail_msg("row %zu: %d, failed %d: %m", i, good, buf_failed(&buf));
        assert_int_equal(buf.data[0], 'x');
        close(fd);
        buf_free(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_grow_the_text),
        cmocka_unit_test(a_descriptor_is_read_to_its_end),
        cmocka_unit_test(the_limit_is_a_sticky_failure),
        cmocka_unit_test(steal_hands_the_bytes_over),
        cmocka_unit_test(an_arena_hands_out_zeroed_aligned_memory),
        cmocka_unit_test(an_arena_keeps_its_limit),
        cmocka_unit_test(an_error_is_one_bounded_sentence),
        cmocka_unit_test(an_error_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
