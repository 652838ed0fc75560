/* test_log.c - base/log.h. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#include "base/log.h"

static FILE *captured;
static int kept_stderr;

/* stderr goes to a file from here on, ... */
static void capture(void)
{
    captured = tmpfile();
    assert_non_null(captured);
    kept_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

/* ... and up to here; returns the number of bytes, NUL-terminated. */
static size_t release(char *text, size_t size)
{
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    rewind(captured);
    size_t length = fread(text, 1, size - 1, captured);
    text[length] = '\0';
    fclose(captured);
    return length;
}

static void lines_have_time_name_and_level(void **state)
{
    char text[1024];
    capture();
    log_open("tester");
    log_set_level(LOG_LEVEL_INFO);
    errno = ENOENT;
    log_debug("not said");
    log_info("one %d", 1);
    log_critical("two: %m");
    assert_int_equal(errno, ENOENT);
    release(text, sizeof text);
    int year, month, day, hour, minute, second, used = 0;
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute, &second, &used),
                     6);
    assert_int_equal(used, 20);
    check_part(0, text, "Z tester INFO: one 1\n");
    check_part(1, text, "Z tester CRITICAL: two: No such file or directory\n");
    assert_null(strstr(text, "not said"));
    assert_true(log_enabled(LOG_LEVEL_INFO));
    assert_false(log_enabled(LOG_LEVEL_DEBUG));
}

static void nobody_forges_a_line(void **state)
{
    static const struct {
        const char *argument, *want;
    } rows[] = {
        {"a\nb", "[a?b]\n"},
        {"a\r\n2026-01-01T00:00:00Z x", "[a??2026-01-01T00:00:00Z x]\n"},
        {"\x1b[31m\x7f", "[?[31m?]\n"},
        {"\xc2\x9b"
         "31m",
         "[?31m]\n"},
        {"M\xfcller", "[M?ller]\n"},
        {"\xe2\x80\xa8", "[?]\n"},
        {"M\u00fcller \u20ac", "[M\u00fcller \u20ac]\n"},
    };
    log_open("tester");
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[1024];
        capture();
        log_error("[%s]", rows[i].argument);
        release(text, sizeof text);
        check_part(i, text, rows[i].want);
        if (strchr(text, '\n') != text + strlen(text) - 1)
            fail_msg("row %zu: more than one line: [%s]", i, text);
    }
}

static void a_long_line_is_cut(void **state)
{
    static char argument[10001], text[16384];
    for (size_t i = 0; i < 10000; i += 2)
        memcpy(argument + i, "\u00e4", 2);
    capture();
    log_error("%s", argument);
    log_error("y%s", argument);
    size_t length = release(text, sizeof text);
    assert_true(length <= 2 * 4096);
    assert_true(length > 2 * 4090);
    assert_null(strchr(text, '?')); /* cut between characters */
    char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_memory_equal(end - 3, "...", 3);
    assert_string_equal(text + length - 4, "...\n");
}

static void the_journal_gets_priorities(void **state)
{
    char text[1024], stream[64];
    struct stat st;
    capture();
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_open("tester");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("d");
    log_info("i");
    log_warning("w");
    log_error("e");
    log_critical("c");
    release(text, sizeof text);
    assert_string_equal(text, "<7>d\n<6>i\n<4>w\n<3>e\n<2>c\n");

    /* Of another file, the variable says nothing. */
    setenv("JOURNAL_STREAM", "1:1", 1);
    capture();
    log_open("tester");
    log_error("e");
    release(text, sizeof text);
    check_part(0, text, "Z tester ERROR: e\n");
    unsetenv("JOURNAL_STREAM");
    log_open("tester");
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void a_sentence_is_said_once(void **state)
{
    char text[4096];
    log_forget();
    capture();
    for (int i = 0; i < 10; i++)
        log_warning_once("server %d: unknown word", i % 2);
    log_forget();
    log_warning_once("server %d: unknown word", 1);
    log_set_level(LOG_LEVEL_ERROR);
    log_warning_once("below the level");
    log_set_level(LOG_LEVEL_WARNING);
    log_warning_once("below the level");
    release(text, sizeof text);
    assert_int_equal(count_lines(text), 4);
}

static void the_memory_for_sentences_is_bounded(void **state)
{
    static char text[4096 * 128];
    log_forget();
    capture();
    for (int i = 0; i < 4096; i++)
        log_warning_once("n %d", i);
    log_warning_once("n %d", 0);    /* still known */
    log_warning_once("n %d", 4096); /* one too many: all are forgotten */
    log_warning_once("n %d", 0);
    release(text, sizeof text);
    assert_int_equal(count_lines(text), 4098);
}

enum { THREADS = 4, LINES = 200 };

static void *chatter(void *context)
{
    for (int i = 0; i < LINES; i++) {
        log_warning("thread %s says a sentence that is long enough to be torn apart", (const char *)context);
        log_warning_once("once %d", i);
    }
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    static char text[THREADS * LINES * 256];
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    log_forget();
    capture();
    /* A file's position is shared; only O_APPEND makes one write(2) one piece, as a pipe or terminal does. */
    fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, chatter, names[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    release(text, sizeof text);
    size_t whole = 0, once = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strstr(line, " tester WARNING: once "))
            once++;
        else if (strstr(line, " tester WARNING: thread ") && strstr(line, "torn apart") == line + strlen(line) - 10)
            whole++;
    }
    assert_int_equal(whole, THREADS * LINES);
    assert_int_equal(once, LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_time_name_and_level),
        cmocka_unit_test(nobody_forges_a_line),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(the_journal_gets_priorities),
        cmocka_unit_test(a_sentence_is_said_once),
        cmocka_unit_test(the_memory_for_sentences_is_bounded),
        cmocka_unit_test(threads_do_not_mix_their_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
