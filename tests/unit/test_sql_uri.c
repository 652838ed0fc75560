/* test_sql_uri.c - database URLs, and the parameters in the text of statements. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sql/text.h"
#include "sql/uri.h"

static void same(const char *got, const char *want, const char *what, size_t row)
{
    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
        fail_msg("row %zu: %s is '%s' and not '%s'", row, what, got ? got : "(none)", want ? want : "(none)");
}

static void reads_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *scheme, *user, *password, *host;
        unsigned port;
        const char *database;
        const char *shown;
    } rows[] = {
        /* the forms of SQLAlchemy's and automx2's documentation */
        {"sqlite:///:memory:", "sqlite", NULL, NULL, NULL, 0, ":memory:", "sqlite:///:memory:"},
        {"sqlite://", "sqlite", NULL, NULL, NULL, 0, NULL, "sqlite:///"},
        {"sqlite:///relative/db.sqlite", "sqlite", NULL, NULL, NULL, 0, "relative/db.sqlite",
         "sqlite:///relative/db.sqlite"},
        {"sqlite:////var/lib/automx2/db.sqlite", "sqlite", NULL, NULL, NULL, 0, "/var/lib/automx2/db.sqlite",
         "sqlite:////var/lib/automx2/db.sqlite"},
        {"sqlite+pysqlite:////a/b@c:d.db", "sqlite", NULL, NULL, NULL, 0, "/a/b@c:d.db", "sqlite:////a/b@c:d.db"},
        {"mysql://username:password@server.example.com/db", "mysql", "username", "password", "server.example.com", 0,
         "db", "mysql://username:***@server.example.com/db"},
        {"mysql+pymysql://user:pass@dbhost/automx2?charset=utf8mb4", "mysql", "user", "pass", "dbhost", 0, "automx2",
         "mysql://user:***@dbhost/automx2"},
        {"postgresql+psycopg2://user:pass@dbhost:5433/automx2", "postgresql", "user", "pass", "dbhost", 5433, "automx2",
         "postgresql://user:***@dbhost:5433/automx2"},
        {"postgres://h/d", "postgresql", NULL, NULL, "h", 0, "d", "postgresql://h/d"},
        {"MariaDB://h", "mariadb", NULL, NULL, "h", 0, NULL, "mariadb://h/"},
        /* percent-encoding; a plus in a password stays one; an odd percent sign stays */
        {"mysql://us%40er:p%40s%2Fs+w%%3a@h/d", "mysql", "us@er", "p@s/s+w%:", "h", 0, "d", "mysql://us@er:***@h/d"},
        /* the password goes to the first '@' */
        {"mysql://u:p/w?x#y@h/d", "mysql", "u", "p/w?x#y", "h", 0, "d", "mysql://u:***@h/d"},
        {"mysql://u:@h/d", "mysql", "u", "", "h", 0, "d", "mysql://u:***@h/d"},
        {"mysql://u@h/d", "mysql", "u", NULL, "h", 0, "d", "mysql://u@h/d"},
        {"postgresql://u:p@[2001:db8::1]:5432/d", "postgresql", "u", "p", "2001:db8::1", 5432, "d",
         "postgresql://u:***@[2001:db8::1]:5432/d"},
        {"postgresql://[::1]/d", "postgresql", NULL, NULL, "::1", 0, "d", "postgresql://[::1]/d"},
        {"postgresql://u@/d?host=/run/postgresql", "postgresql", "u", NULL, NULL, 0, "d", "postgresql://u@/d"},
        {"postgresql:///d", "postgresql", NULL, NULL, NULL, 0, "d", "postgresql:///d"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new(65536);
        struct sql_uri uri;
        struct error error = {""};

        if (sql_uri_parse(arena, rows[i].text, &uri, &error) != STATUS_OK)
            fail_msg("row %zu: %s", i, error.text);
        same(uri.scheme, rows[i].scheme, "scheme", i);
        same(uri.user, rows[i].user, "user", i);
        same(uri.password, rows[i].password, "password", i);
        same(uri.host, rows[i].host, "host", i);
        same(uri.database, rows[i].database, "database", i);
        same(sql_uri_shown(arena, &uri), rows[i].shown, "shown", i);
        if (uri.port != rows[i].port)
            fail_msg("row %zu: port is %u and not %u", i, uri.port, rows[i].port);
        arena_free(&arena);
    }
}

static void refuses_bad_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"", "://"},
        {"/var/lib/db.sqlite", "://"},
        {"oracle://h/d", "'oracle:'"},
        {"sqlite://db.sqlite", "sqlite:///db.sqlite"},
        {"mysql://u:p@ss@h/d", "%40"},
        {"mysql://u:secretpass@h:0/d", "port"},
        {"mysql://u:secretpass@h:65536/d", "port"},
        {"mysql://u:secretpass@h:33x/d", "port"},
        {"mysql://u:secretpass@[::1/d", "]"},
        {"mysql://u:secretpass@[::1]x/d", "port"},
        {"mysql://u:secretpass%00@h/d", "control"},
        {"mysql://u:secretpass%0a@h/d", "control"},
        {"mysql://u\n@h/d", "control"},
        {"mysql://h/d?a=%07", "control"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new(65536);
        struct sql_uri uri;
        struct error error = {""};

        if (sql_uri_parse(arena, rows[i].text, &uri, &error) != STATUS_INVALID)
            fail_msg("row %zu: %s was taken", i, rows[i].text);
        if (!strstr(error.text, rows[i].says))
            fail_msg("row %zu: '%s' does not say '%s'", i, error.text, rows[i].says);
        if (strstr(error.text, "secretpass"))
            fail_msg("row %zu: the message holds the password: %s", i, error.text);
        arena_free(&arena);
    }
}

static void reads_options(void **state)
{
    (void)state;
    struct arena *arena = arena_new(65536);
    struct sql_uri uri;

    assert_int_equal(sql_uri_parse(arena,
                                   "postgresql://h/d?sslmode=verify-full&&sslrootcert=%2Fetc%2Fca.pem&"
                                   "options=-c%20a%3Db+c&empty",
                                   &uri, NULL),
                     STATUS_OK);
    assert_int_equal(uri.option_count, 4);
    assert_string_equal(sql_uri_option(&uri, "sslmode"), "verify-full");
    assert_string_equal(sql_uri_option(&uri, "sslrootcert"), "/etc/ca.pem");
    assert_string_equal(sql_uri_option(&uri, "options"), "-c a=b c");
    assert_string_equal(sql_uri_option(&uri, "empty"), "");
    assert_null(sql_uri_option(&uri, "SSLMODE"));
    arena_free(&arena);
}

static void numbers_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *numbered;
    } rows[] = {
        {"SELECT 1", "SELECT 1"},
        {"SELECT ? WHERE a = ? AND b=?", "SELECT $1 WHERE a = $2 AND b=$3"},
        {"SELECT '?', \"?\", 'it''s ?' FROM t WHERE a = ?", "SELECT '?', \"?\", 'it''s ?' FROM t WHERE a = $1"},
        {"SELECT '\\' , ? , '?'", "SELECT '\\' , $1 , '?'"},
        {"SELECT E'\\' ? ' , ?", "SELECT E'\\' ? ' , $1"},
        {"SELECT note'?' , ?", "SELECT note'?' , $1"},
        {"SELECT 1 -- why ?\n, ?", "SELECT 1 -- why ?\n, $1"},
        {"SELECT /* ? /* ? */ ? */ ?", "SELECT /* ? /* ? */ ? */ $1"},
        {"SELECT $$ ? $$, $a$ ? $$ ? $a$, ?", "SELECT $$ ? $$, $a$ ? $$ ? $a$, $1"},
        {"SELECT a$b$c, ?, d$b$", "SELECT a$b$c, $1, d$b$"},
        {"SELECT ?::text, a[?]", "SELECT $1::text, a[$2]"},
        {"SELECT 'open ?", "SELECT 'open ?"},
        {"SELECT /* open ?", "SELECT /* open ?"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new(65536);

        same(sql_text_numbered(arena, rows[i].text), rows[i].numbered, "text", i);
        arena_free(&arena);
    }
}

static void counts_parameters(void **state)
{
    (void)state;
    static const struct {
        enum sql_dialect dialect;
        const char *text;
        unsigned count;
    } rows[] = {
        {SQL_SQLITE, "SELECT [a?], `b?`, \"c?\", ?", 1},
        {SQL_SQLITE, "SELECT '\\', ?, '?'", 1},
        {SQL_SQLITE, "SELECT [open ?", 0},
        {SQL_MYSQL, "SELECT '\\' ?', ?, \"\\\" ?\", `?`", 1},
        {SQL_MYSQL, "SELECT 1 # why ?\n + ?", 1},
        {SQL_MYSQL, "SELECT 5--?", 1},
        {SQL_MYSQL, "SELECT 5-- ?\n", 0},
        {SQL_POSTGRESQL, "SELECT a #- ?", 1},
        {SQL_POSTGRESQL, "SELECT 5--?", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned count = sql_text_parameters(rows[i].dialect, rows[i].text);

        if (count != rows[i].count)
            fail_msg("row %zu: %u parameters and not %u", i, count, rows[i].count);
    }
}

static const char *const names[] = {"address", "local", "domain", NULL};

static void replaces_names(void **state)
{
    (void)state;
    static const struct {
        enum sql_dialect dialect;
        const char *text;
        const char *replaced;
        unsigned count;
        unsigned order[4];
    } rows[] = {
        {SQL_SQLITE, "SELECT u AS login FROM m WHERE a=:address", "SELECT u AS login FROM m WHERE a=?", 1, {0}},
        {SQL_SQLITE, "VALUES(:domain,:local,:domain)", "VALUES(?,?,?)", 3, {2, 1, 2}},
        {SQL_POSTGRESQL, "SELECT :local::text, ':local', x::address", "SELECT ?::text, ':local', x::address", 1, {1}},
        {SQL_POSTGRESQL, "SELECT a[1:2] /* :nobody */", "SELECT a[1:2] /* :nobody */", 0, {0}},
        {SQL_MYSQL, "SELECT @a:=1, '\\':nobody' , :address", "SELECT @a:=1, '\\':nobody' , ?", 1, {0}},
        {SQL_MYSQL, "SELECT '12:30:00', '?'", "SELECT '12:30:00', '?'", 0, {0}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new(65536);
        struct error error = {""};
        const char *text = NULL;
        unsigned order[4] = {9, 9, 9, 9};
        unsigned count = 0;

        if (sql_text_named(arena, rows[i].dialect, rows[i].text, names, order, 4, &text, &count, &error) != STATUS_OK)
            fail_msg("row %zu: %s", i, error.text);
        same(text, rows[i].replaced, "text", i);
        if (count != rows[i].count)
            fail_msg("row %zu: %u values and not %u", i, count, rows[i].count);
        for (unsigned j = 0; j < count; j++) {
            if (order[j] != rows[i].order[j])
                fail_msg("row %zu: value %u is %u and not %u", i, j, order[j], rows[i].order[j]);
        }
        arena_free(&arena);
    }
}

static void refuses_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"SELECT :adress", ":adress"},
        {"SELECT :ADDRESS", ":address, :local, :domain"},
        {"SELECT :address2", ":address2"},
        {"SELECT a FROM b WHERE c = ?", "?"},
        {"SELECT :local,:local,:local,:local,:local", "more than 4"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new(65536);
        struct error error = {""};
        const char *text;
        unsigned order[4];
        unsigned count;

        if (sql_text_named(arena, SQL_SQLITE, rows[i].text, names, order, 4, &text, &count, &error) != STATUS_INVALID)
            fail_msg("row %zu: was taken", i);
        if (!strstr(error.text, rows[i].says))
            fail_msg("row %zu: '%s' does not say '%s'", i, error.text, rows[i].says);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_urls),         cmocka_unit_test(refuses_bad_urls),  cmocka_unit_test(reads_options),
        cmocka_unit_test(numbers_parameters), cmocka_unit_test(counts_parameters), cmocka_unit_test(replaces_names),
        cmocka_unit_test(refuses_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
