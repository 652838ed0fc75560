/* test_sqlite.c - SQLite as administrators keep it: locked, replaced, read-only, broken, in memory. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sql/sql.h"

static char directory[40];
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/automxd-sqlite-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/db.sqlite", directory);
    return 0;
}

static int remove_directory(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", directory, directory);
    return system(command);
}

static enum status open_with(const char *file, struct sql_options options, struct sql **sql_r, struct error *error_r)
{
    const struct sql_uri uri = {.scheme = "sqlite", .database = file};

    return sql_open(&uri, &options, sql_r, error_r);
}

static struct sql *open_new(const char *file)
{
    struct error error = {""};
    struct sql *sql;

    if (open_with(file, (struct sql_options){.timeout = 2000, .create = true}, &sql, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    return sql;
}

static void run(struct sql *sql, const char *statements)
{
    struct error error = {""};

    if (sql_run(sql, statements, &error) != STATUS_OK)
        fail_msg("%s: %s", statements, error.text);
}

static enum status ask(struct sql *sql, const char *question, int64_t *number_r, struct error *error_r)
{
    struct sql_statement *statement;
    bool row = false;
    enum status status = sql_prepare(sql, question, &statement, error_r);

    *number_r = -1;
    if (status != STATUS_OK)
        return status;
    status = sql_step(statement, &row, error_r);
    if (status == STATUS_OK && row)
        *number_r = sql_number(statement, 0);
    sql_reset(statement);
    return status;
}

static int64_t number(struct sql *sql, const char *question)
{
    struct error error = {""};
    int64_t answer;

    if (ask(sql, question, &answer, &error) != STATUS_OK)
        fail_msg("%s: %s", question, error.text);
    return answer;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void says_why_it_cannot_open(void **state)
{
    (void)state;
    char missing[160], below_file[160], text[160];
    struct {
        const char *file;
        bool create;
        enum status status;
        const char *says;
    } rows[] = {
        {path, false, STATUS_BACKEND, "there is no file"},
        {missing, true, STATUS_INVALID, "there is no directory"},
        {missing, false, STATUS_INVALID, "there is no directory"},
        {directory, true, STATUS_INVALID, "is a directory"},
        {below_file, true, STATUS_INVALID, "Not a directory"},
        {text, false, STATUS_BACKEND, "no SQLite database"},
    };

    snprintf(missing, sizeof(missing), "%s/none/db.sqlite", directory);
    snprintf(below_file, sizeof(below_file), "%s/text/db.sqlite", directory);
    snprintf(text, sizeof(text), "%s/text", directory);
    write_file(text,
               "This is a letter and not a database. It is long enough to hold a whole header of a hundred bytes, "
               "so that nobody takes it for an empty file.\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error error = {""};
        struct sql *sql;
        enum status status =
            open_with(rows[i].file, (struct sql_options){.timeout = 100, .create = rows[i].create}, &sql, &error);

        if (status != rows[i].status || !strstr(error.text, rows[i].says))
            fail_msg("row %zu: status %d, '%s'", i, (int)status, error.text);
        assert_null(sql);
    }
}

static void opens_relative_and_empty_files(void **state)
{
    (void)state;
    char *before = getcwd(NULL, 0);
    struct sql *sql;

    assert_int_equal(chdir(directory), 0);
    write_file("empty", "");
    sql = open_new("empty");
    assert_int_equal(number(sql, "SELECT count(*) FROM sqlite_master"), 0);
    sql_close(&sql);
    sql = open_new("file:made");
    run(sql, "CREATE TABLE t(a)");
    sql_close(&sql);
    assert_int_equal(access("made", F_OK), 0);
    assert_int_equal(chdir(before), 0);
    free(before);
}

/* In a child, because root may write everywhere. Returns its exit code. */
static int as_nobody(int (*work)(void))
{
    pid_t child;
    int result;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(work());
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static int reads_but_does_not_write(void)
{
    struct sql *sql;
    struct error error = {""};
    int64_t answer;

    if (open_with(path, (struct sql_options){.timeout = 500}, &sql, &error) != STATUS_OK)
        return 1;
    if (!sql_read_only(sql))
        return 2;
    if (ask(sql, "SELECT a FROM t", &answer, &error) != STATUS_OK || answer != 7)
        return 3;
    if (sql_run(sql, "DELETE FROM t", &error) == STATUS_OK)
        return 4;
    sql_close(&sql);
    return 0;
}

static int is_told_of_wal(void)
{
    struct sql *sql;
    struct error error = {""};

    if (open_with(path, (struct sql_options){.timeout = 500}, &sql, &error) != STATUS_BACKEND)
        return 1;
    return strstr(error.text, "WAL") ? 0 : 2;
}

static int is_told_of_rights(void)
{
    struct sql *sql;
    struct error error = {""};

    if (open_with(path, (struct sql_options){.timeout = 500}, &sql, &error) != STATUS_BACKEND)
        return 1;
    return strstr(error.text, "Permission denied") ? 0 : 2;
}

static void reads_what_it_may_not_write(void **state)
{
    (void)state;
    struct sql *sql = open_new(path);

    run(sql, "CREATE TABLE t(a); INSERT INTO t VALUES(7)");
    assert_false(sql_read_only(sql));
    sql_close(&sql);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(directory, 0555), 0);
    assert_int_equal(as_nobody(reads_but_does_not_write), 0);
    /* The file may be written, but no journal beside it. */
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(as_nobody(reads_but_does_not_write), 0);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(as_nobody(is_told_of_rights), 0);

    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(directory, 0755), 0);
    sql = open_new(path);
    run(sql, "PRAGMA journal_mode=WAL; INSERT INTO t VALUES(8)");
    sql_close(&sql);
    assert_int_equal(chmod(directory, 0555), 0);
    assert_int_equal(as_nobody(is_told_of_wal), 0);
}

static void opens_for_reading_when_told(void **state)
{
    (void)state;
    const struct sql_uri_option option = {"mode", "ro"};
    const struct sql_uri uri = {.scheme = "sqlite", .database = path, .options = &option, .option_count = 1};
    struct sql *sql = open_new(path);
    struct error error = {""};

    run(sql, "CREATE TABLE t(a)");
    sql_close(&sql);
    assert_int_equal(sql_open(&uri, &(struct sql_options){.timeout = 500}, &sql, &error), STATUS_OK);
    assert_true(sql_read_only(sql));
    assert_int_equal(sql_run(sql, "INSERT INTO t VALUES(1)", &error), STATUS_REFUSED);
    sql_close(&sql);
}

static void waits_for_a_lock_and_no_longer(void **state)
{
    (void)state;
    struct sql *writer = open_new(path), *other;
    struct error error = {""};
    int64_t answer, began;

    run(writer, "CREATE TABLE t(a); INSERT INTO t VALUES(7)");
    run(writer, "BEGIN EXCLUSIVE");
    /* Opening looks into the file, so it has to wait as well. */
    began = clock_ms();
    assert_int_equal(open_with(path, (struct sql_options){.timeout = 200}, &other, &error), STATUS_BACKEND);
    assert_non_null(strstr(error.text, "locked"));
    assert_in_range(clock_ms() - began, 190, 1000);
    run(writer, "COMMIT");

    assert_int_equal(open_with(path, (struct sql_options){.timeout = 200}, &other, &error), STATUS_OK);
    assert_int_equal(sql_begin(writer, &error), STATUS_OK);
    run(writer, "INSERT INTO t VALUES(8)");
    /* A writer that has not committed disturbs no reader, and holds up a second writer. */
    assert_int_equal(number(other, "SELECT count(*) FROM t"), 1);
    began = clock_ms();
    assert_int_equal(sql_begin(other, &error), STATUS_BACKEND);
    assert_in_range(clock_ms() - began, 190, 1000);
    assert_int_equal(sql_commit(writer, &error), STATUS_OK);
    assert_int_equal(number(other, "SELECT count(*) FROM t"), 2);
    assert_int_equal(ask(other, "SELECT count(*) FROM t", &answer, &error), STATUS_OK);
    sql_close(&other);
    sql_close(&writer);
}

static void stops_a_long_statement(void **state)
{
    (void)state;
    struct sql *sql = open_new(":memory:");
    struct error error = {""};
    int64_t answer, began = clock_ms();

    sql_set_timeout(sql, 150);
    assert_int_equal(ask(sql, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n",
                         &answer, &error),
                     STATUS_BACKEND);
    assert_non_null(strstr(error.text, "longer than 150 ms"));
    assert_in_range(clock_ms() - began, 140, 1000);
    assert_int_equal(number(sql, "SELECT 5"), 5);
    sql_close(&sql);
}

static void sees_edits_and_new_files(void **state)
{
    (void)state;
    static const char question[] = "SELECT a FROM t";
    char next[160];
    struct sql *reader, *editor = open_new(path);

    run(editor, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    reader = open_new(path);
    assert_int_equal(number(reader, question), 1);
    run(editor, "UPDATE t SET a = 2");
    assert_int_equal(number(reader, question), 2);
    run(editor, "DROP TABLE t; CREATE TABLE t(b, a); INSERT INTO t VALUES(0, 3)");
    assert_int_equal(number(reader, question), 3);
    run(editor, "PRAGMA journal_mode=WAL; UPDATE t SET a = 4");
    assert_int_equal(number(reader, question), 4);
    /* Back again: SQLite forbids to replace a file beside which a write-ahead log lies. */
    sql_close(&reader);
    run(editor, "PRAGMA journal_mode=DELETE");
    reader = open_new(path);
    assert_int_equal(number(reader, question), 4);
    sql_close(&editor);

    snprintf(next, sizeof(next), "%s/next", directory);
    editor = open_new(next);
    run(editor, "CREATE TABLE t(a); INSERT INTO t VALUES(5)");
    sql_close(&editor);
    assert_int_equal(rename(next, path), 0);
    assert_int_equal(number(reader, question), 5);
    /* Gone is not replaced: what was known goes on being served. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(number(reader, question), 5);
    editor = open_new(path);
    run(editor, "CREATE TABLE t(a); INSERT INTO t VALUES(6)");
    assert_int_equal(number(reader, question), 6);
    sql_close(&editor);
    sql_close(&reader);
}

static void tells_of_damage(void **state)
{
    (void)state;
    struct sql *sql = open_new(path);
    struct error error = {""};
    int64_t answer;
    FILE *file;

    run(sql, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    sql_close(&sql);
    file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 4096, SEEK_SET);
    for (int i = 0; i < 4096; i++)
        fputc('x', file);
    fclose(file);
    sql = open_new(path);
    assert_int_equal(ask(sql, "SELECT a FROM t", &answer, &error), STATUS_BACKEND);
    assert_non_null(strstr(error.text, "damaged"));
    sql_close(&sql);
}

enum { THREADS = 4, ROUNDS = 200 };

static const struct sql_options shared = {.timeout = 5000, .memory = "shared ?#%1"};

static const char *read_or_write_rows(bool writes)
{
    struct sql *sql;
    struct sql_statement *statement;
    bool row;

    if (open_with(":memory:", shared, &sql, NULL) != STATUS_OK)
        return "cannot open";
    for (int i = 0; i < ROUNDS; i++) {
        if (writes) {
            if (sql_begin(sql, NULL) != STATUS_OK)
                return "cannot begin";
            if (sql_run(sql, "INSERT INTO t VALUES(1); INSERT INTO t VALUES(1)", NULL) != STATUS_OK)
                return "cannot write";
            if (sql_commit(sql, NULL) != STATUS_OK)
                return "cannot commit";
        } else {
            if (sql_prepare(sql, "SELECT count(*) FROM t", &statement, NULL) != STATUS_OK ||
                sql_step(statement, &row, NULL) != STATUS_OK || !row)
                return "cannot read";
            if (sql_number(statement, 0) % 2 != 0)
                return "read half a transaction";
            sql_reset(statement);
        }
    }
    sql_close(&sql);
    return NULL;
}

static void *read_or_write(void *argument)
{
    static const char *faults[THREADS];
    const size_t thread = (size_t)(uintptr_t)argument;

    faults[thread] = read_or_write_rows(thread < 2);
    return &faults[thread];
}

static void shares_memory_among_threads(void **state)
{
    (void)state;
    struct sql *sql, *alone;
    pthread_t threads[THREADS];

    assert_int_equal(open_with(NULL, shared, &sql, NULL), STATUS_OK);
    run(sql, "CREATE TABLE t(a)");
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_or_write, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *fault;

        pthread_join(threads[i], &fault);
        if (*(const char **)fault)
            fail_msg("thread %zu %s", i, *(const char **)fault);
    }
    assert_int_equal(number(sql, "SELECT count(*) FROM t"), 2 * 2 * ROUNDS);
    alone = open_new(":memory:");
    assert_int_equal(number(alone, "SELECT count(*) FROM sqlite_master"), 0);
    sql_close(&alone);
    assert_int_equal(open_with(NULL, (struct sql_options){.memory = "other"}, &alone, NULL), STATUS_OK);
    assert_int_equal(number(alone, "SELECT count(*) FROM sqlite_master"), 0);
    sql_close(&alone);
    sql_close(&sql);
    /* With the last connection the database goes. */
    assert_int_equal(open_with(NULL, shared, &sql, NULL), STATUS_OK);
    assert_int_equal(number(sql, "SELECT count(*) FROM sqlite_master"), 0);
    sql_close(&sql);
}

static void reads_words_for_truth(void **state)
{
    (void)state;
    struct sql *sql = open_new(":memory:");

    run(sql, "CREATE TABLE t(a BOOLEAN); INSERT INTO t VALUES('true')");
    assert_int_equal(number(sql, "SELECT a FROM t"), 1);
    run(sql, "UPDATE t SET a = 'false'");
    assert_int_equal(number(sql, "SELECT a FROM t"), 0);
    run(sql, "UPDATE t SET a = TRUE");
    assert_int_equal(number(sql, "SELECT a FROM t"), 1);
    sql_close(&sql);
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTORY(says_why_it_cannot_open),        WITH_DIRECTORY(opens_relative_and_empty_files),
        WITH_DIRECTORY(reads_what_it_may_not_write),    WITH_DIRECTORY(opens_for_reading_when_told),
        WITH_DIRECTORY(waits_for_a_lock_and_no_longer), WITH_DIRECTORY(stops_a_long_statement),
        WITH_DIRECTORY(sees_edits_and_new_files),       WITH_DIRECTORY(tells_of_damage),
        WITH_DIRECTORY(shares_memory_among_threads),    WITH_DIRECTORY(reads_words_for_truth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
