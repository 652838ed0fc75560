/* test_settings.c - base/settings.h and base/secret.h. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#include "base/secret.h"
#include "base/settings.h"

static struct settings *parse(const char *text)
{
    struct settings *settings;
    struct error error = {{0}};
    if (settings_parse("f", text, strlen(text), &settings, &error) != STATUS_OK)
        fail_msg("[%s]: %s", text, error.text);
    return settings;
}

static void defaults_are_automx2s_and_the_designs(void **state)
{
    struct settings *settings = parse("[automx2]\n");
    assert_string_equal(settings->file, "f");
    assert_int_equal(settings->loglevel, LOG_LEVEL_WARNING);
    assert_false(settings->db_echo);
    assert_string_equal(settings->db_uri, "sqlite:///:memory:");
    assert_int_equal(settings->proxy_count, 0);
    assert_string_equal(settings->listen, "127.0.0.1:4243");
    assert_null(settings->trusted_proxies);
    assert_int_equal(settings->connections, 8192);
    assert_int_equal(settings->idle_timeout, 15000);
    assert_true(settings->initdb);
    assert_false(settings->allow_plain);
    assert_int_equal(settings->cache_ttl, 10000);
    assert_int_equal(settings->stale_ttl, 86400000);
    assert_int_equal(settings->cache_entries, 20000);
    assert_int_equal(settings->lookup_timeout, 2500);
    assert_int_equal(settings->lookup_workers, 4);
    assert_int_equal(settings->lookup_queue, 1024);
    assert_true(settings->publish_names);
    assert_false(settings->unknown_users_refused);
    assert_int_equal(settings->user_cache_ttl, 60000);
    settings_free(&settings);
    assert_null(settings);
    settings_free(&settings);
}

static void an_automx2_file_is_read_as_it_is(void **state)
{
    struct settings *settings = parse("[DEFAULT]\n"
                                      "database = automx\n"
                                      "[automx2]\n"
                                      "# A typical production setup would use loglevel = WARNING\n"
                                      "loglevel = debug\n"
                                      "DB_Echo = True\n"
                                      "db_uri = mysql+pymysql://user:p%%40ss@dbhost/%(database)s?charset=utf8mb4\n"
                                      "proxy_count = 1\n");
    assert_int_equal(settings->loglevel, LOG_LEVEL_DEBUG);
    assert_true(settings->db_echo);
    assert_string_equal(settings->db_uri, "mysql+pymysql://user:p%40ss@dbhost/automx?charset=utf8mb4");
    assert_int_equal(settings->proxy_count, 1);
    settings_free(&settings);
}

static void times_have_units(void **state)
{
    static const struct {
        const char *text;
        unsigned want;
    } rows[] = {
        {"10", 10000},   {"10s", 10000}, {"2.5s", 2500},      {"2.5", 2500},    {"500ms", 500},
        {"0.5s", 500},   {"5m", 300000}, {"1h", 3600000},     {"1d", 86400000}, {"1.5h", 5400000},
        {"10 s", 10000}, {"10S", 10000}, {"30d", 2592000000}, {"0", 0},         {"0.25d", 21600000},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[64];
        snprintf(text, sizeof text, "[automx2]\nstale_ttl = %s\n", rows[i].text);
        struct settings *settings = parse(text);
        check_number(i, settings->stale_ttl, rows[i].want);
        settings_free(&settings);
    }
}

static void words_are_pythons(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } bools[] = {{"yes", true}, {"No", false},  {"TRUE", true}, {"false", false},
                 {"on", true},  {"off", false}, {"1", true},    {"0", false}};
    for (size_t i = 0; i < ROWS(bools); i++) {
        char text[64];
        snprintf(text, sizeof text, "[automx2]\ndb_echo = %s\n", bools[i].text);
        struct settings *settings = parse(text);
        check_number(i, settings->db_echo, bools[i].want);
        settings_free(&settings);
    }
    static const struct {
        const char *text;
        enum log_level want;
    } levels[] = {{"DEBUG", LOG_LEVEL_DEBUG}, {"info", LOG_LEVEL_INFO},      {"WARN", LOG_LEVEL_WARNING},
                  {"Error", LOG_LEVEL_ERROR}, {"FATAL", LOG_LEVEL_CRITICAL}, {"CRITICAL", LOG_LEVEL_CRITICAL},
                  {"NOTSET", LOG_LEVEL_DEBUG}};
    for (size_t i = 0; i < ROWS(levels); i++) {
        char text[64];
        snprintf(text, sizeof text, "[automx2]\nloglevel = %s\n", levels[i].text);
        struct settings *settings = parse(text);
        check_number(i, settings->loglevel, levels[i].want);
        settings_free(&settings);
    }
    struct settings *settings = parse("[automx2]\nunknown_users = Refuse\n");
    assert_true(settings->unknown_users_refused);
    settings_free(&settings);
}

static void an_empty_text_is_the_default(void **state)
{
    struct settings *settings = parse("[automx2]\ndb_uri =\naccounts =\nlisten =\n\n");
    assert_string_equal(settings->db_uri, "sqlite:///:memory:");
    assert_null(settings->accounts);
    assert_string_equal(settings->listen, "127.0.0.1:4243");
    settings_free(&settings);
    settings = parse("[automx2]\nlisten =\n  127.0.0.1:1,\n  [::1]:1\nuser_query = SELECT a\n  FROM b\n");
    assert_string_equal(settings->listen, "127.0.0.1:1,\n[::1]:1");
    assert_string_equal(settings->user_query, "SELECT a\nFROM b");
    settings_free(&settings);
}

static void wrong_values_stop_with_file_and_line(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"dburi = x", "f:2: unknown key 'dburi'; did you mean 'db_uri'?"},
        {"colour = x", "f:2: unknown key 'colour'; automxd.conf(5) lists the keys"},
        {"loglevel = loud", "f:2: loglevel must be DEBUG, INFO, WARNING, ERROR or CRITICAL"},
        {"db_echo = maybe", "f:2: db_echo must be yes or no"},
        {"db_echo =", "f:2: db_echo must be yes or no"},
        {"proxy_count = -1", "f:2: proxy_count must be a whole number from 0 to 16"},
        {"proxy_count = 17", "f:2: proxy_count must be a whole number from 0 to 16"},
        {"connections = 15", "f:2: connections must be a whole number from 16 to 1000000"},
        {"cache_ttl = 61m", "f:2: cache_ttl must be a time from 0s to 1h, such as 500ms, 2.5s, 10m, 1h or 1d"},
        {"lookup_timeout = 99ms", "f:2: lookup_timeout must be a time from 100ms to 30s, such as 500ms, 2.5s, 10m, 1h "
                                  "or 1d"},
        {"cache_ttl = -1s", "f:2: cache_ttl must be a time"},
        {"cache_ttl = 1.s", "f:2: cache_ttl must be a time"},
        {"cache_ttl = 1 week", "f:2: cache_ttl must be a time"},
        {"stale_ttl = 99999999999999999999", "f:2: stale_ttl must be a time"},
        {"stale_ttl = 999999999d", "f:2: stale_ttl must be a time from 0s to 30d"},
        {"unknown_users = ignore", "f:2: unknown_users must be general or refuse"},
        {"db_uri = x\n  proxy_count = 1", "f:2: db_uri goes on in the next line, because that one is indented"},
        {"accounts = a\x01z", "f:2: accounts holds a control character"},
        {"accounts = a\xc2\x9bz", "f:2: accounts holds a control character"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[128];
        struct settings *settings;
        struct error error = {{0}};
        snprintf(text, sizeof text, "[automx2]\n%s\n", rows[i].line);
        check_number(i, settings_parse("f", text, strlen(text), &settings, &error), STATUS_INVALID);
        check_part(i, error.text, rows[i].want);
        assert_null(settings);
    }
    struct settings *settings;
    struct error error;
    assert_int_equal(settings_parse("f", "[x]\n", 4, &settings, &error), STATUS_INVALID);
    assert_string_equal(error.text, "f: there is no section [automx2]; put that line above the settings");
}

/* What settings_print() writes, to be freed. */
static char *print(const struct settings *settings)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    settings_print(settings, out);
    fclose(out);
    return text;
}

static void what_is_printed_hides_passwords(void **state)
{
    static const struct {
        const char *uri, *want;
    } rows[] = {
        {"sqlite:////var/lib/automx2/db.sqlite", "sqlite:////var/lib/automx2/db.sqlite"},
        {"mysql://u:hunter2@h:3306/db", "mysql://u:***@h:3306/db"},
        {"mysql://u:hun@ter2@h/db", "mysql://u:***@h/db"},
        {"mysql://u:hun/ter2?@h/db", "mysql://u:***@h/db"},
        {"postgresql://:hunter2@h/db", "postgresql://:***@h/db"},
        {"postgresql://u@h:5432/db", "postgresql://u@h:5432/db"},
        {"postgresql:///db?user=u&password=hunter2&host=/run", "postgresql:///db?user=u&password=***&host=/run"},
        {"postgresql://u:x@h/db?sslmode=verify-full&SSLPassword=hunter2",
         "postgresql://u:***@h/db?sslmode=verify-full&SSLPassword=***"},
        {"mysql:u:hunter2@h", "(hidden)"},
        {"mysql://u:hunter%%402@h/a%%20b", "mysql://u:***@h/a%%20b"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "[automx2]\ndb_uri = %s\nuser_db_uri = %s\n", rows[i].uri, rows[i].uri);
        struct settings *settings = parse(text);
        char *printed = print(settings);
        snprintf(text, sizeof text, "\ndb_uri = %s\n", rows[i].want);
        check_part(i, printed, text);
        snprintf(text, sizeof text, "\nuser_db_uri = %s\n", rows[i].want);
        check_part(i, printed, text);
        if (strstr(printed, "hun") || strstr(printed, "ter2"))
            fail_msg("row %zu: a password in [%s]", i, printed);
        free(printed);
        settings_free(&settings);
    }
}

/* What is printed is a file with the same meaning. */
static void what_is_printed_can_be_read_back(void **state)
{
    struct settings *first = parse("[automx2]\nuser_query = SELECT 1\n  LIKE '%%'\nlookup_timeout = 1.25s\n"
                                   "idle_timeout = 2500ms\nunknown_users = refuse\nloglevel = FATAL\ninitdb = off\n");
    char *printed = print(first);
    check_part(0, printed, "lookup_timeout = 1250ms\n");
    check_part(0, printed, "idle_timeout = 2.5s\n");
    char text[8192];
    snprintf(text, sizeof text, "[automx2]\n%s", printed);
    struct settings *second = parse(text);
    assert_string_equal(second->user_query, "SELECT 1\nLIKE '%'");
    char *again = print(second);
    assert_string_equal(again, printed);
    free(again);
    free(printed);
    settings_free(&second);
    settings_free(&first);
}

static void the_table_is_whole(void **state)
{
    assert_true(settings_count > 30);
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (!row->help || row->help[strlen(row->help) - 1] != '.')
            fail_msg("%s: no sentence of help", row->key);
        if ((row->type == SETTING_NUMBER || row->type == SETTING_DURATION) && row->max <= row->min)
            fail_msg("%s: no range", row->key);
        if (row->type != SETTING_TEXT && !row->preset)
            fail_msg("%s: no default", row->key);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(settings_table[j].key, row->key) == 0 || settings_table[j].offset == row->offset)
                fail_msg("%s and %s are one", settings_table[j].key, row->key);
        }
    }
}

static void the_manual_has_every_key(void **state)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    settings_print_mdoc(out);
    fclose(out);
    for (size_t i = 0; i < settings_count; i++) {
        char item[64];
        snprintf(item, sizeof item, ".It Ic %s\n", settings_table[i].key);
        check_part(i, text, item);
    }
    free(text);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void the_file_is_searched_as_automx2_does(void **state)
{
    char directory[] = "/tmp/test_settings.XXXXXX";
    assert_non_null(mkdtemp(directory));
    char in_home[64], named[64], missing[64];
    snprintf(in_home, sizeof in_home, "%s/.automx2.conf", directory);
    snprintf(named, sizeof named, "%s/named", directory);
    snprintf(missing, sizeof missing, "%s/missing", directory);
    write_file(in_home, "[automx2]\nproxy_count = 1\n", 0600);
    write_file(named, "[automx2]\nproxy_count = 2\n", 0600);
    setenv("HOME", directory, 1);
    unsetenv("AUTOMX2_CONF");
    struct settings *settings;
    struct error error;

    assert_int_equal(settings_load(NULL, &settings, &error), STATUS_OK);
    assert_int_equal(settings->proxy_count, 1);
    assert_string_equal(settings->file, in_home);
    settings_free(&settings);

    setenv("AUTOMX2_CONF", named, 1);
    assert_int_equal(settings_load(NULL, &settings, &error), STATUS_OK);
    assert_int_equal(settings->proxy_count, 2);
    settings_free(&settings);
    assert_int_equal(settings_load(in_home, &settings, &error), STATUS_OK);
    assert_int_equal(settings->proxy_count, 1);
    settings_free(&settings);

    setenv("AUTOMX2_CONF", missing, 1);
    assert_int_equal(settings_load(NULL, &settings, &error), STATUS_BACKEND);
    check_part(0, error.text, "AUTOMX2_CONF is set, but cannot open");
    assert_null(settings);
    unsetenv("AUTOMX2_CONF");
    assert_int_equal(settings_load(missing, &settings, &error), STATUS_BACKEND);
    check_part(1, error.text, missing);

    unlink(in_home);
    unlink(named);
    if (access("/etc/automx2/automx2.conf", F_OK) != 0 && access("/etc/automx2.conf", F_OK) != 0) {
        assert_int_equal(settings_load(NULL, &settings, &error), STATUS_OK);
        assert_null(settings->file);
        assert_string_equal(settings->db_uri, "sqlite:///:memory:");
        settings_free(&settings);
    }
    rmdir(directory);
}

static void secrets_are_for_few_eyes(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        enum status status;
        const char *want; /* secret, or a part of the error */
    } rows[] = {
        {"hunter2\n", 0600, STATUS_OK, "hunter2"},
        {"hunter2", 0440, STATUS_OK, "hunter2"},
        {"hunter2\r\nmore\n", 0640, STATUS_OK, "hunter2"},
        {" with blanks ", 0600, STATUS_OK, " with blanks "},
        {"hunter2\n", 0644, STATUS_REFUSED, "chmod o-rw /tmp/test_secret."},
        {"hunter2\n", 0602, STATUS_REFUSED, "chmod o-rw /tmp/test_secret."},
        {"", 0600, STATUS_INVALID, "the first line is empty"},
        {"\nhunter2\n", 0600, STATUS_INVALID, "the first line is empty"},
    };
    char path[] = "/tmp/test_secret.XXXXXX";
    close(mkstemp(path));
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena *arena = arena_new(8192);
        const char *secret;
        struct error error = {{0}};
        write_file(path, rows[i].text, rows[i].mode);
        check_number(i, secret_read(arena, path, &secret, &error), rows[i].status);
        if (rows[i].status == STATUS_OK) {
            check_text(i, secret, rows[i].want);
        } else {
            check_part(i, error.text, rows[i].want);
            check_text(i, secret, NULL);
        }
        if (strstr(error.text, "hunter2"))
            fail_msg("row %zu: the secret in %s", i, error.text);
        enum status mode = rows[i].mode & 06 ? STATUS_REFUSED : STATUS_OK;
        check_number(i, secret_check_mode(path, &error), mode);
        chmod(path, 0600);
        arena_free(&arena);
    }
    unlink(path);
    struct error error;
    assert_int_equal(secret_check_mode(path, &error), STATUS_BACKEND);
    struct arena *arena = arena_new(8192);
    const char *secret;
    assert_int_equal(secret_read(arena, path, &secret, &error), STATUS_BACKEND);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_automx2s_and_the_designs),
        cmocka_unit_test(an_automx2_file_is_read_as_it_is),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(words_are_pythons),
        cmocka_unit_test(an_empty_text_is_the_default),
        cmocka_unit_test(wrong_values_stop_with_file_and_line),
        cmocka_unit_test(what_is_printed_hides_passwords),
        cmocka_unit_test(what_is_printed_can_be_read_back),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(the_manual_has_every_key),
        cmocka_unit_test(the_file_is_searched_as_automx2_does),
        cmocka_unit_test(secrets_are_for_few_eyes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
