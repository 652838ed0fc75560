/* test_sql_driver.c - what every database must do alike: SQLite here, the others where a URL names one. */
/* SPDX-License-Identifier: MIT */

/* test_sql_driver runs the cases on $AUTOMXD_TEST_DB_URI, or on SQLite in memory. With arguments, URL MILLISECONDS, it
 * is a session for tests that kill servers: each line of stdin is a command, answered by "STATUS MILLISECONDS TEXT". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sql/driver.h"

static struct arena *arena;
static struct sql *sql;

static enum status open_uri(const char *text, unsigned timeout, struct error *error_r)
{
    struct sql_uri uri;
    enum status status = sql_uri_parse(arena, text, &uri, error_r);
    const struct sql_options options = {.timeout = timeout, .create = true};

    return status == STATUS_OK ? sql_open(&uri, &options, &sql, error_r) : status;
}

static int connect_database(void **state)
{
    const char *uri = getenv("AUTOMXD_TEST_DB_URI");
    struct error error = {""};

    (void)state;
    arena = arena_new(65536);
    if (open_uri(uri ? uri : "sqlite:///:memory:", 5000, &error) == STATUS_OK)
        return 0;
    print_error("%s\n", error.text);
    return -1;
}

static int disconnect_database(void **state)
{
    (void)state;
    sql_close(&sql);
    arena_free(&arena);
    return 0;
}

static void run(const char *statements)
{
    struct error error = {""};

    if (sql_run(sql, statements, &error) != STATUS_OK)
        fail_msg("%s: %s", statements, error.text);
}

static struct sql_statement *prepare(const char *text)
{
    struct sql_statement *statement;
    struct error error = {""};

    if (sql_prepare(sql, text, &statement, &error) != STATUS_OK)
        fail_msg("%s: %s", text, error.text);
    return statement;
}

static bool step(struct sql_statement *statement)
{
    struct error error = {""};
    bool row;

    if (sql_step(statement, &row, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    return row;
}

static int64_t number(const char *question)
{
    struct sql_statement *statement = prepare(question);
    int64_t answer;

    assert_true(step(statement));
    answer = sql_number(statement, 0);
    sql_reset(statement);
    return answer;
}

/* automx2's own words for the dialect: a table with an automatic id and a BOOLEAN. */
static void make_table(void)
{
    static const char *const ids[] = {
        [SQL_SQLITE] = "id INTEGER NOT NULL PRIMARY KEY",
        [SQL_POSTGRESQL] = "id SERIAL NOT NULL PRIMARY KEY",
        [SQL_MYSQL] = "id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY",
    };
    char text[256];

    run("DROP TABLE IF EXISTS item");
    snprintf(text, sizeof(text),
             "CREATE TABLE item (%s, name VARCHAR(32) NOT NULL UNIQUE, flag BOOLEAN NOT NULL, size INTEGER, note TEXT)",
             ids[sql_dialect(sql)]);
    run(text);
}

static void insert(const char *name, bool flag, const char *note)
{
    struct sql_statement *statement = prepare("INSERT INTO item (name, flag, note) VALUES (?, ?, ?)");

    sql_bind_text(statement, 1, name);
    sql_bind_bool(statement, 2, flag);
    sql_bind_text(statement, 3, note);
    assert_false(step(statement));
    sql_reset(statement);
}

static void keeps_values(void **state)
{
    (void)state;
    static const char *const names[] = {"plain",
                                        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xac",
                                        "'; DROP TABLE item; --",
                                        "back\\slash",
                                        "quote\"percent%question?",
                                        ""};
    struct sql_statement *statement;
    char *longer = malloc(50001);

    make_table();
    memset(longer, 'x', 50000);
    longer[50000] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        insert(names[i], i % 2 == 0, i % 2 == 0 ? NULL : longer);

    statement = prepare("SELECT name, flag, size, note FROM item WHERE name = ?");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sql_bind_text(statement, 1, names[i]);
        assert_true(step(statement));
        assert_int_equal(sql_column_count(statement), 4);
        assert_string_equal(sql_column_name(statement, 0), "name");
        assert_string_equal(sql_column_name(statement, 3), "note");
        assert_null(sql_column_name(statement, 4));
        assert_string_equal(sql_text(statement, 0), names[i]);
        assert_int_equal(sql_number(statement, 1), i % 2 == 0);
        assert_null(sql_text(statement, 2));
        assert_int_equal(sql_number(statement, 2), 0);
        if (i % 2 == 0)
            assert_null(sql_text(statement, 3));
        else
            assert_string_equal(sql_text(statement, 3), longer);
        assert_null(sql_text(statement, 4));
        assert_false(step(statement));
        assert_null(sql_text(statement, 0));
        assert_false(step(statement));
        sql_reset(statement);
    }
    /* What was bound is forgotten by the reset: NULL equals nothing. */
    assert_false(step(statement));
    sql_reset(statement);
    free(longer);
}

static void binds_numbers(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 1, -1, 993, INT32_MAX, INT32_MIN};
    struct sql_statement *insertion, *question;

    make_table();
    insertion = prepare("INSERT INTO item (id, name, flag, size) VALUES (?, ?, ?, ?)");
    question = prepare("SELECT size FROM item WHERE id = ?");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char name[8];

        snprintf(name, sizeof(name), "n%zu", i);
        sql_bind_number(insertion, 1, (int64_t)i + 100);
        sql_bind_text(insertion, 2, name);
        sql_bind_bool(insertion, 3, true);
        sql_bind_number(insertion, 4, numbers[i]);
        assert_false(step(insertion));
        sql_reset(insertion);
        sql_bind_number(question, 1, (int64_t)i + 100);
        assert_true(step(question));
        assert_int_equal(sql_number(question, 0), numbers[i]);
        assert_int_equal(strtoll(sql_text(question, 0), NULL, 10), numbers[i]);
        sql_reset(question);
    }
}

static void refuses_wrong_parameters(void **state)
{
    (void)state;
    struct sql_statement *statement = prepare("SELECT 1 WHERE 1 = 1");
    struct error error = {""};
    bool row;

    sql_bind_number(statement, 1, 1);
    assert_int_equal(sql_step(statement, &row, &error), STATUS_INVALID);
    sql_reset(statement);
    assert_true(step(statement));
    sql_reset(statement);
}

static void finds_statements_again(void **state)
{
    (void)state;
    static const char first[] = "SELECT 1";
    char second[] = "SELECT 2";
    struct sql_statement *statement = prepare(first);

    assert_ptr_equal(prepare(first), statement);
    statement = prepare(second);
    second[7] = '3';
    assert_ptr_not_equal(prepare(second), statement);
    assert_int_equal(number(second), 3);
    second[7] = '2';
    assert_ptr_equal(prepare(second), statement);
    assert_int_equal(number(second), 2);
}

static void reads_several_rows_side_by_side(void **state)
{
    (void)state;
    struct sql_statement *outer, *inner;
    unsigned rows = 0;

    make_table();
    insert("a", true, NULL);
    insert("b", false, NULL);
    insert("c", true, NULL);
    outer = prepare("SELECT id, name FROM item ORDER BY name DESC");
    inner = prepare("SELECT name FROM item WHERE id = ?");
    while (step(outer)) {
        sql_bind_number(inner, 1, sql_number(outer, 0));
        assert_true(step(inner));
        assert_string_equal(sql_text(inner, 0), sql_text(outer, 1));
        assert_int_equal(sql_text(outer, 1)[0], 'c' - (int)rows);
        sql_reset(inner);
        rows++;
    }
    assert_int_equal(rows, 3);
    sql_reset(outer);
}

static void commits_and_rolls_back(void **state)
{
    (void)state;
    struct error error = {""};

    make_table();
    assert_int_equal(sql_commit(sql, &error), STATUS_INVALID);
    assert_int_equal(sql_begin(sql, &error), STATUS_OK);
    assert_int_equal(sql_begin(sql, &error), STATUS_INVALID);
    insert("kept", true, NULL);
    assert_int_equal(sql_commit(sql, &error), STATUS_OK);
    assert_int_equal(sql_begin(sql, &error), STATUS_OK);
    insert("dropped", true, NULL);
    assert_int_equal(number("SELECT count(*) FROM item"), 2);
    sql_rollback(sql);
    sql_rollback(sql);
    assert_int_equal(number("SELECT count(*) FROM item"), 1);
}

static void tells_broken_constraints(void **state)
{
    (void)state;
    struct sql_statement *statement;
    struct error error = {""};
    bool row;

    make_table();
    insert("once", true, NULL);
    assert_int_equal(sql_begin(sql, &error), STATUS_OK);
    insert("twice", true, NULL);
    statement = prepare("INSERT INTO item (name, flag, note) VALUES (?, ?, ?)");
    sql_bind_text(statement, 1, "once");
    sql_bind_bool(statement, 2, false);
    assert_int_equal(sql_step(statement, &row, &error), STATUS_INVALID);
    assert_true(strlen(error.text) > 0);
    sql_reset(statement);
    sql_rollback(sql);
    assert_int_equal(number("SELECT count(*) FROM item"), 1);
    insert("again", true, NULL);
}

static void tells_mistakes(void **state)
{
    (void)state;
    static const char *const mistakes[] = {"SELEC 1", "SELECT nothing FROM item", "SELECT 1 FROM no_such_table",
                                           "SELECT (1"};

    make_table();
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct sql_statement *statement;
        struct error error = {""};

        if (sql_prepare(sql, mistakes[i], &statement, &error) != STATUS_INVALID || statement)
            fail_msg("row %zu was prepared (%s)", i, error.text);
        if (sql_run(sql, mistakes[i], &error) != STATUS_INVALID)
            fail_msg("row %zu was run", i);
        if (strchr(error.text, '\n') || strlen(error.text) < 5)
            fail_msg("row %zu: %s", i, error.text);
    }
    assert_int_equal(number("SELECT 7"), 7);
}

static void runs_scripts(void **state)
{
    (void)state;
    struct error error = {""};

    make_table();
    run("INSERT INTO item (name, flag) VALUES ('a;b', TRUE);\n-- one; comment\nSELECT name FROM item;\n"
        "INSERT INTO item (name, flag) VALUES ('c', FALSE);\n");
    assert_int_equal(number("SELECT count(*) FROM item"), 2);
    assert_int_equal(sql_run(sql, "SELECT 1; SELECT nothing; SELECT 2", &error), STATUS_INVALID);
    assert_int_equal(number("SELECT count(*) FROM item"), 2);
}

static void knows_tables_and_columns(void **state)
{
    (void)state;
    static const struct {
        const char *table;
        const char *column;
        bool there;
    } rows[] = {
        {"item", NULL, true},   {"item2", NULL, false}, {"item", "flag", true},   {"item", "prio", false},
        {"item2", "id", false}, {"it'em", NULL, false}, {"a.b.c.d", NULL, false}, {"it\"em", "id", false},
    };
    struct error error = {""};
    bool there;

    make_table();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum status status = rows[i].column ? sql_has_column(sql, rows[i].table, rows[i].column, &there, &error)
                                            : sql_has_table(sql, rows[i].table, &there, &error);

        if (status != STATUS_OK || there != rows[i].there)
            fail_msg("row %zu: %s", i, error.text);
    }
    run("ALTER TABLE item ADD COLUMN prio INTEGER");
    assert_int_equal(sql_has_column(sql, "item", "prio", &there, &error), STATUS_OK);
    assert_true(there);
    run("DROP TABLE item");
    assert_int_equal(sql_has_table(sql, "item", &there, &error), STATUS_OK);
    assert_false(there);
}

static void knows_the_last_id(void **state)
{
    (void)state;
    struct error error = {""};
    int64_t first, second;

    make_table();
    insert("a", true, NULL);
    assert_int_equal(sql_last_id(sql, "item", &first, &error), STATUS_OK);
    assert_int_equal(first, number("SELECT id FROM item WHERE name = 'a'"));
    insert("b", true, NULL);
    assert_int_equal(sql_last_id(sql, "item", &second, &error), STATUS_OK);
    assert_int_equal(second, first + 1);
}

static void survives_a_changed_table(void **state)
{
    (void)state;
    static const char question[] = "SELECT * FROM item";
    struct sql_statement *statement;

    make_table();
    insert("a", true, NULL);
    statement = prepare(question);
    assert_true(step(statement));
    sql_reset(statement);
    run("ALTER TABLE item ADD COLUMN more INTEGER");
    assert_true(step(statement));
    assert_int_equal(sql_column_count(statement), 6);
    assert_string_equal(sql_column_name(statement, 5), "more");
    sql_reset(statement);
    run("DROP TABLE item");
}

static void limits_statements(void **state)
{
    (void)state;
    char text[64];
    struct sql_statement *statement;
    enum status status = STATUS_OK;
    struct error error = {""};
    char *many = malloc(200);

    /* Mistakes take no room. */
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "SELECT FROM nothing%d WHERE", i);
        assert_int_equal(sql_prepare(sql, text, &statement, &error), STATUS_INVALID);
    }
    for (int i = 0; i < 300 && status == STATUS_OK; i++) {
        snprintf(text, sizeof(text), "SELECT %d", i);
        status = sql_prepare(sql, text, &statement, &error);
    }
    assert_int_equal(status, STATUS_LIMIT);
    strcpy(many, "SELECT ?");
    for (int i = 0; i < 40; i++)
        strcat(many, ",?");
    assert_int_equal(sql_prepare(sql, many, &statement, &error), STATUS_INVALID);
    free(many);
}

static enum status ask(const char *question, const char *value, char *answer, size_t size, struct error *error_r)
{
    struct sql_statement *statement;
    enum status status = sql_prepare(sql, question, &statement, error_r);
    bool row = false;

    if (status != STATUS_OK)
        return status;
    if (value)
        sql_bind_text(statement, 1, value);
    status = sql_step(statement, &row, error_r);
    if (status == STATUS_OK) {
        const char *text = row ? sql_text(statement, 0) : "(no row)";

        snprintf(answer, size, "%s", text ? text : "(null)");
    }
    sql_reset(statement);
    return status;
}

static int session(const char *uri, unsigned timeout)
{
    static const char *const words[] = {"ok", "not_found", "invalid", "refused", "backend", "limit"};
    static char line[4096];

    signal(SIGPIPE, SIG_IGN);
    arena = arena_new(65536);
    while (fgets(line, sizeof(line), stdin)) {
        struct error error = {""};
        char answer[256] = "";
        enum status status = STATUS_OK;
        int64_t began = clock_ms();

        line[strcspn(line, "\n")] = '\0';
        if (!sql && strcmp(line, "close") != 0)
            status = open_uri(uri, timeout, &error);
        if (status != STATUS_OK || strcmp(line, "open") == 0)
            ;
        else if (strcmp(line, "begin") == 0)
            status = sql_begin(sql, &error);
        else if (strcmp(line, "commit") == 0)
            status = sql_commit(sql, &error);
        else if (strcmp(line, "rollback") == 0)
            sql_rollback(sql);
        else if (strcmp(line, "close") == 0)
            sql_close(&sql);
        else if (strncmp(line, "timeout ", 8) == 0)
            sql_set_timeout(sql, (unsigned)strtoul(line + 8, NULL, 10));
        else if (strncmp(line, "run ", 4) == 0)
            status = sql_run(sql, line + 4, &error);
        else if (strncmp(line, "ask ", 4) == 0)
            status = ask(line + 4, strchr(line, '?') ? "value" : NULL, answer, sizeof(answer), &error);
        else
            status = error_set(&error, STATUS_INVALID, "what?");
        printf("%s %d %s\n", words[status], (int)(clock_ms() - began), status == STATUS_OK ? answer : error.text);
        fflush(stdout);
    }
    sql_close(&sql);
    arena_free(&arena);
    return 0;
}

/* Rows would have to be fed or taken outside of every protocol that there is for answers. */
static void refuses_copy(void **state)
{
    (void)state;
    static const char *const statements[] = {"COPY item (name) FROM STDIN", "COPY item TO STDOUT"};
    struct error error = {""};

    if (sql_dialect(sql) != SQL_POSTGRESQL)
        return;
    make_table();
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        assert_int_equal(sql_run(sql, statements[i], &error), STATUS_INVALID);
        assert_non_null(strstr(error.text, "COPY cannot be used here"));
        assert_int_equal(number("SELECT COUNT(*) FROM item"), 0); /* on a connection of its own */
    }
}

static void *stop_soon(void *flag)
{
    struct timespec soon = {.tv_nsec = 100 * 1000 * 1000};
    nanosleep(&soon, NULL);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

/* Of a server that says nothing. */
static void waits_no_longer_than_it_may(void **state)
{
    (void)state;
    int ends[2];
    atomic_bool stop = false;
    pthread_t thread;
    assert_int_equal(pipe(ends), 0);
    struct pollfd silent = {.fd = ends[0], .events = POLLIN};
    struct pollfd talking = {.fd = ends[1], .events = POLLOUT};
    struct sql waiting = {.deadline = clock_ms() + 300, .stop = &stop};

    assert_int_equal(sql_poll(&waiting, &talking), 1);
    assert_int_equal(sql_poll(&waiting, &silent), 0);
    assert_in_range(clock_ms() - waiting.deadline, 0, 2000);
    assert_int_equal(sql_poll(&waiting, &talking), 0); /* past the deadline */

    waiting.deadline = clock_ms() + 60000;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
    assert_int_equal(sql_poll(&waiting, &silent), 0);
    assert_in_range(waiting.deadline - clock_ms(), 50000, 60000);
    pthread_join(thread, NULL);
    close(ends[0]);
    close(ends[1]);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, connect_database, disconnect_database)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(keeps_values),
        CASE(binds_numbers),
        CASE(refuses_wrong_parameters),
        CASE(finds_statements_again),
        CASE(reads_several_rows_side_by_side),
        CASE(commits_and_rolls_back),
        CASE(tells_broken_constraints),
        CASE(tells_mistakes),
        CASE(runs_scripts),
        CASE(knows_tables_and_columns),
        CASE(knows_the_last_id),
        CASE(survives_a_changed_table),
        CASE(limits_statements),
        CASE(refuses_copy),
        cmocka_unit_test(waits_no_longer_than_it_may),
    };

    if (argc == 3)
        return session(argv[1], (unsigned)strtoul(argv[2], NULL, 10));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
