/* test_userdb.c - search filters, user_query, and how both answers become one person. */
/* SPDX-License-Identifier: MIT */

/* With arguments, NAME=VALUE for the fields of an LDAP server or for user_query's settings, it is a session for tests
 * that start real servers: each line of stdin is "ADDRESS MILLISECONDS [THREADS]", answered by "STATUS MILLISECONDS
 * LOGIN|NAME|ERROR". */
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
#include <unistd.h>

#include "base/clock.h"
#include "sql/sql.h"
#include "userdb/directory.h"
#include "userdb/filter.h"
#include "userdb/userdb.h"

static const struct address jane = {"jane.doe+x@example.com", "jane.doe+x", "example.com"};

static void escapes_filters(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        const char *local;
        const char *expanded;
    } rows[] = {
        {"(mail={0})", "jane", "(mail=jane@example.com)"},
        {"(|(mail={0})(uid={local})(dc={domain}))", "jane", "(|(mail=jane@example.com)(uid=jane)(dc=example.com))"},
        {"(proxyAddresses=smtp:{0})", "jane", "(proxyAddresses=smtp:jane@example.com)"},
        /* RFC 4515, section 3: * ( ) \ are written as their octets */
        {"(uid={local})", "*)(uid=*", "(uid=\\2a\\29\\28uid=\\2a)"},
        {"(uid={local})", "a\\2a", "(uid=a\\5c2a)"},
        {"(uid={local})", "o'neil&|!=<>~", "(uid=o'neil&|!=<>~)"},
        {"(uid={local})", "j\xc3\xa4ne", "(uid=j\xc3\xa4ne)"},
        /* single pass: an address that looks like a placeholder stays one */
        {"(uid={local})", "{domain}", "(uid={domain})"},
        {"(uid={local})", "{0}", "(uid={0})"},
        /* Python's braces */
        {"(x={{0}})", "jane", "(x={0})"},
        {"(x={{{0}}})", "jane", "(x={jane@example.com})"},
        {"(x={1})(y={)", "jane", "(x={1})(y={)"},
        {"(objectClass=*)", "jane", "(objectClass=*)"},
        {"", "jane", ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new(65536);
        const struct address address = {arena_format(arena, "%s@example.com", rows[i].local), rows[i].local,
                                        "example.com"};
        const char *expanded = filter_expand(arena, rows[i].filter, &address);

        if (!expanded || strcmp(expanded, rows[i].expanded) != 0)
            fail_msg("row %zu: '%s' and not '%s'", i, expanded ? expanded : "(none)", rows[i].expanded);
        arena_free(&arena);
    }
}

static void bounds_filters(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    char *filter = malloc(20001);

    for (size_t i = 0; i < 2500; i++)
        memcpy(filter + i * 8, "{domain}", 8);
    filter[20000] = '\0';
    assert_null(filter_expand(arena, filter, &jane));
    free(filter);
    arena_free(&arena);
}

/* Nobody listens on port 1. What is known of a directory goes when there is no room for others. */
static void knows_a_bounded_number_of_directories(void **state)
{
    (void)state;
    struct directory *known = directory_new();
    struct ldap_server server = {.hosts = "127.0.0.1",
                                 .port = 1,
                                 .base = "",
                                 .filter = "(mail={0})",
                                 .attr_login = "uid",
                                 .scope = "sub",
                                 .bind_method = "anonymous"};
    struct arena *memory = arena_new(1 << 20);
    struct person person;
    struct error error = {""};

    for (server.id = 1; server.id <= 200; server.id++) {
        assert_int_equal(directory_find(known, &server, &jane, clock_ms() + 10000, memory, &person, &error),
                         STATUS_BACKEND);
        if (strstr(error.text, "too many directory servers"))
            fail_msg("server %d: %s", (int)server.id, error.text);
    }
    directory_free(&known);
    directory_free(&known);
    arena_free(&memory);
}

static void says_why_a_directory_cannot_be_asked(void **state)
{
    (void)state;
    static char endless[20001], long_base[20001], long_host[601];
    const struct {
        struct ldap_server server;
        const char *said;
    } rows[] = {
        {{.id = 5, .hosts = " , ", .filter = "(mail={0})"}, "ldapserver 5: it names no host"},
        {{.id = 6, .hosts = "127.0.0.1", .port = 1, .filter = endless}, "ldapserver 6: the search filter is too long"},
        {{.id = 7, .hosts = long_base, .port = 1, .filter = "(mail={0})"}, "ldapserver 7: "},
        {{.id = 8, .hosts = long_host, .port = 1, .filter = "(mail={0})"}, "ldapserver 8: it names no host"},
    };

    for (size_t i = 0; i < 2500; i++)
        memcpy(endless + i * 8, "{domain}", 8);
    memset(long_base, 'h', sizeof(long_base) - 1);
    memset(long_host, 'h', sizeof(long_host) - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct directory *known = directory_new();
        struct arena *memory = arena_new(1 << 20);
        struct person person;
        struct error error = {""};

        assert_int_equal(directory_find(known, &rows[i].server, &jane, clock_ms() + 10000, memory, &person, &error),
                         STATUS_BACKEND);
        if (strncmp(error.text, rows[i].said, strlen(rows[i].said)) != 0)
            fail_msg("row %zu: %s", i, error.text);
        directory_free(&known);
        arena_free(&memory);
    }
}

static char directory[40];
static char path[64];
static char uri[80];
static struct settings settings;
static struct userdb *userdb;
static struct userdb_session *session;
static struct arena *arena;

static void write_database(const char *script)
{
    const struct sql_uri target = {.scheme = "sqlite", .database = path};
    struct error error = {""};
    struct sql *sql;

    if (sql_open(&target, &(struct sql_options){.timeout = 1000, .create = true}, &sql, &error) != STATUS_OK ||
        sql_run(sql, script, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    sql_close(&sql);
}

static int make_database(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/automxd-userdb-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/users.db", directory);
    snprintf(uri, sizeof(uri), "sqlite:///%s", path);
    settings = (struct settings){.user_db_uri = uri, .lookup_timeout = 1000};
    arena = arena_new(1 << 20);
    write_database(
        "CREATE TABLE mailbox (address, local, domain, uid, cn, home, flag);"
        "INSERT INTO mailbox VALUES"
        " ('jane.doe+x@example.com', 'jane.doe+x', 'example.com', 'u123', 'Jane D\xc3\xb6' || 'e', 'imap7', 1),"
        " ('null@example.com', 'null', 'example.com', NULL, '', NULL, 0),"
        " ('twice@example.com', 'twice', 'example.com', 'a', 'A', 'h', 0),"
        " ('twice@example.com', 'twice', 'example.com', 'b', 'B', 'h', 0),"
        " ('odd@example.com', 'odd', 'example.com', 'line' || char(10) || 'feed', CAST(x'ff41' AS TEXT), "
        "replace(hex(zeroblob(200)), '00', 'xy'), 0)");
    return 0;
}

static int remove_database(void **state)
{
    char command[96];

    (void)state;
    userdb_session_close(&session);
    userdb_close(&userdb);
    arena_free(&arena);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static enum status ask(const char *local, struct person *person_r)
{
    const struct domain domain = {.name = "example.com"};
    const struct address address = {arena_format(arena, "%s@example.com", local), local, "example.com"};
    struct error error = {""};
    enum status status = userdb_find(session, arena, &domain, &address, clock_ms() + 1000, person_r, &error);

    if (status == STATUS_BACKEND && error.text[0] == '\0')
        fail_msg("a failure without a word");
    return status;
}

static void open_query(const char *query)
{
    struct error error = {""};

    settings.user_query = query;
    if (userdb_open(&settings, &userdb, &error) != STATUS_OK ||
        userdb_session_open(userdb, &session, &error) != STATUS_OK)
        fail_msg("%s", error.text);
}

static void finds_people_by_query(void **state)
{
    (void)state;
    struct person person;

    open_query("SELECT uid AS LOGIN, cn AS Name, home AS Home_Server, flag FROM mailbox\n"
               " WHERE address = :address -- not ':nobody'\n AND domain = :domain AND local = :local");
    assert_int_equal(ask("jane.doe+x", &person), STATUS_OK);
    assert_string_equal(person.login, "u123");
    assert_string_equal(person.full_name, "Jane D\xc3\xb6"
                                          "e");
    assert_int_equal(person.variable_count, 2);
    assert_string_equal(person.variables[0].name, "home_server");
    assert_string_equal(person.variables[0].value, "imap7");
    assert_string_equal(person.variables[1].name, "flag");
    assert_string_equal(person.variables[1].value, "1");

    assert_int_equal(ask("nobody", &person), STATUS_NOT_FOUND);
    assert_null(person.login);
    assert_int_equal(ask("' OR 1=1 --", &person), STATUS_NOT_FOUND);
    assert_int_equal(ask("twice", &person), STATUS_NOT_FOUND);
    assert_null(person.login);
    assert_null(person.variables);
    assert_int_equal(ask("null", &person), STATUS_OK);
    assert_null(person.login);
    assert_null(person.full_name);
    assert_int_equal(person.variable_count, 1);
    /* a control character, bytes that are no UTF-8, and 400 letters */
    assert_int_equal(ask("odd", &person), STATUS_OK);
    assert_null(person.login);
    assert_null(person.full_name);
    assert_int_equal(person.variable_count, 1);
}

static void sees_edits_at_once(void **state)
{
    (void)state;
    struct person person;

    open_query("SELECT uid AS login FROM mailbox WHERE address = :address");
    write_database("UPDATE mailbox SET uid = 'u456' WHERE local = 'jane.doe+x'");
    assert_int_equal(ask("jane.doe+x", &person), STATUS_OK);
    assert_string_equal(person.login, "u456");
}

static void tells_queries_that_cannot_work(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *says;
    } rows[] = {
        {"SELECT uid AS login FROM mailbox WHERE address = :adress", ":adress"},
        {"SELECT uid AS login FROM mailbox WHERE address = ?", "'?'"},
        {"SELECT uid AS login FROM mailbox", ":address"},
        {"SELECT nothing AS login FROM mailbox WHERE address = :address", "nothing"},
        {"SELECT uid AS login FROM mailboxes WHERE address = :address", "mailboxes"},
        {"SELEC uid FROM mailbox WHERE address = :address", "SELEC"},
        {"SELECT max(uid) FROM mailbox WHERE address = :address", "AS"},
        {"SELECT 1 AS a234567890123456789012345678901234 FROM mailbox WHERE address = :address", "AS"},
        {"DELETE FROM mailbox WHERE address = :address", "0 columns"},
        {"SELECT 1; DELETE FROM mailbox WHERE address = :address", "one SQL statement"},
        {"SELECT 1 a,2 b,3 c,4 d,5 e,6 f,7 g,8 h,9 i,10 j,11 k,12 l,13 m,14 n,15 o,16 p,17 q WHERE 'a' = :local",
         "17 columns"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error error = {""};

        settings.user_query = rows[i].query;
        if (userdb_open(&settings, &userdb, &error) != STATUS_INVALID || userdb)
            fail_msg("row %zu was taken", i);
        if (!strstr(error.text, rows[i].says) || !strstr(error.text, "user_query"))
            fail_msg("row %zu: '%s' does not say '%s'", i, error.text, rows[i].says);
    }
}

static void tells_databases_that_cannot_work(void **state)
{
    (void)state;
    static const struct {
        const char *user_db_uri;
        const char *db_uri;
        const char *says;
    } rows[] = {
        {NULL, NULL, "in memory"},
        {NULL, "sqlite:///:memory:", "in memory"},
        {"sqlite://", "sqlite:///file", "in memory"},
        {"oracle://u:secretpass@h/d", NULL, "user_db_uri"},
        {NULL, "oracle://u:secretpass@h/d", "db_uri"},
    };

    settings.user_query = "SELECT 'a' AS login WHERE 'b' = :address";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error error = {""};

        settings.user_db_uri = rows[i].user_db_uri;
        settings.db_uri = rows[i].db_uri;
        if (userdb_open(&settings, &userdb, &error) != STATUS_INVALID)
            fail_msg("row %zu was taken", i);
        if (!strstr(error.text, rows[i].says) || strstr(error.text, "secretpass"))
            fail_msg("row %zu: '%s' does not say '%s'", i, error.text, rows[i].says);
    }
}

static void asks_the_stores_database(void **state)
{
    (void)state;
    struct person person;

    settings.db_uri = settings.user_db_uri;
    settings.user_db_uri = NULL;
    open_query("SELECT uid AS login FROM mailbox WHERE address = :address");
    assert_int_equal(ask("jane.doe+x", &person), STATUS_OK);
}

static void leaves_a_failing_database_alone(void **state)
{
    (void)state;
    struct person person;
    int64_t began;

    assert_int_equal(unlink(path), 0);
    /* Not there yet is no reason not to start. */
    open_query("SELECT uid AS login FROM mailbox WHERE address = :address");
    assert_int_equal(ask("jane.doe+x", &person), STATUS_BACKEND);
    write_database("CREATE TABLE mailbox (address, uid); INSERT INTO mailbox VALUES ('jane.doe+x@example.com', 'u1')");
    /* Within the back-off, it is not even asked. */
    assert_int_equal(ask("jane.doe+x", &person), STATUS_BACKEND);
    began = clock_ms();
    while (ask("jane.doe+x", &person) == STATUS_BACKEND && clock_ms() - began < 5000)
        usleep(10000);
    assert_int_equal(ask("jane.doe+x", &person), STATUS_OK);
    assert_string_equal(person.login, "u1");
    /* A table that went away under a running daemon is a failure and not a person who does not exist. */
    write_database("DROP TABLE mailbox");
    assert_int_equal(ask("jane.doe+x", &person), STATUS_BACKEND);
}

static void asks_nobody_without_a_reason(void **state)
{
    (void)state;
    const struct ldap_server server = {.id = 1};
    const struct domain plain = {.name = "example.com"}, with_ldap = {.name = "example.com", .ldap = &server};
    struct error error = {""};

    assert_int_equal(userdb_open(&settings, &userdb, &error), STATUS_OK);
    assert_false(userdb_applies(userdb, &plain));
    assert_true(userdb_applies(userdb, &with_ldap));
    userdb_close(&userdb);
    open_query("SELECT uid AS login FROM mailbox WHERE address = :address");
    assert_true(userdb_applies(userdb, &plain));
}

/* The session for real directories. */

static const char *const status_words[] = {"ok", "not_found", "invalid", "refused", "backend", "limit"};

struct thread {
    pthread_t id;
    struct userdb_session *session; /* kept from one line to the next, as by a worker */
    const struct domain *domain;
    const char *local;
    unsigned timeout;
    enum status status;
    int64_t elapsed;
    char text[700];
};

static void *find_person(void *argument)
{
    struct thread *thread = argument;
    struct arena *own = arena_new(65536);
    const struct address address = {arena_format(own, "%s@example.com", thread->local), thread->local, "example.com"};
    struct userdb_session *opened = thread->session;
    struct person person = {0};
    struct error error = {""};
    const int64_t began = clock_ms();

    if (!opened)
        thread->status = userdb_session_open(userdb, &opened, &error);
    if (thread->status == STATUS_OK)
        thread->status = userdb_find(opened, own, thread->domain, &address, began + thread->timeout, &person, &error);
    thread->elapsed = clock_ms() - began;
    snprintf(thread->text, sizeof(thread->text), "%s|%s|%s", person.login ? person.login : "",
             person.full_name ? person.full_name : "", thread->status == STATUS_BACKEND ? error.text : "");
    thread->session = opened;
    arena_free(&own);
    return NULL;
}

static void set_field(struct ldap_server *server, const char *argument)
{
    const struct {
        const char *name;
        const char **text;
        bool *truth;
    } fields[] = {
        {"hosts=", &server->hosts, NULL},
        {"tls=", NULL, &server->tls},
        {"starttls=", NULL, &server->starttls},
        {"verify=", NULL, &server->verify},
        {"ca_file=", &server->ca_file, NULL},
        {"base=", &server->base, NULL},
        {"filter=", &server->filter, NULL},
        {"scope=", &server->scope, NULL},
        {"attr_login=", &server->attr_login, NULL},
        {"attr_name=", &server->attr_name, NULL},
        {"bind_dn=", &server->bind_dn, NULL},
        {"bind_password=", &server->bind_password, NULL},
        {"bind_method=", &server->bind_method, NULL},
    };

    if (strncmp(argument, "user_query=", 11) == 0)
        settings.user_query = argument + 11;
    if (strncmp(argument, "user_db_uri=", 12) == 0)
        settings.user_db_uri = argument + 12;
    if (strncmp(argument, "user_db_password_file=", 22) == 0)
        settings.user_db_password_file = argument + 22;
    if (strncmp(argument, "port=", 5) == 0)
        server->port = (uint16_t)strtoul(argument + 5, NULL, 10);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t length = strlen(fields[i].name);

        if (strncmp(argument, fields[i].name, length) != 0)
            continue;
        if (fields[i].text)
            *fields[i].text = argument + length;
        else
            *fields[i].truth = strcmp(argument + length, "yes") == 0;
    }
}

static int serve_session(int count, char **arguments)
{
    struct ldap_server server = {.id = 7,
                                 .verify = true,
                                 .port = 389,
                                 .filter = "(mail={0})",
                                 .scope = "sub",
                                 .attr_login = "uid",
                                 .attr_name = "cn",
                                 .bind_method = "simple"};
    struct domain domain = {.name = "example.com"};
    static char line[1024];
    static struct thread threads[64];
    struct error error = {""};

    signal(SIGPIPE, SIG_IGN);
    settings = (struct settings){.lookup_timeout = 1000};
    for (int i = 0; i < count; i++)
        set_field(&server, arguments[i]);
    domain.ldap = server.hosts ? &server : NULL;
    if (userdb_open(&settings, &userdb, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    while (fgets(line, sizeof(line), stdin)) {
        char *milliseconds = strchr(line, '\t');
        char *number = milliseconds ? strchr(milliseconds + 1, '\t') : NULL;
        size_t thread_count = number ? strtoul(number + 1, NULL, 10) : 1;

        if (!milliseconds || thread_count < 1 || thread_count > 64)
            return 1;
        *milliseconds = '\0';
        for (size_t i = 0; i < thread_count; i++) {
            threads[i] = (struct thread){.session = threads[i].session,
                                         .domain = &domain,
                                         .local = line,
                                         .timeout = (unsigned)strtoul(milliseconds + 1, NULL, 10)};
            pthread_create(&threads[i].id, NULL, find_person, &threads[i]);
        }
        for (size_t i = 0; i < thread_count; i++) {
            pthread_join(threads[i].id, NULL);
            printf("%s %d %s\n", status_words[threads[i].status], (int)threads[i].elapsed, threads[i].text);
        }
        fflush(stdout);
    }
    for (size_t i = 0; i < 64; i++)
        userdb_session_close(&threads[i].session);
    userdb_close(&userdb);
    return 0;
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, make_database, remove_database)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_filters),
        cmocka_unit_test(bounds_filters),
        cmocka_unit_test(knows_a_bounded_number_of_directories),
        cmocka_unit_test(says_why_a_directory_cannot_be_asked),
        WITH_DATABASE(finds_people_by_query),
        WITH_DATABASE(sees_edits_at_once),
        WITH_DATABASE(tells_queries_that_cannot_work),
        WITH_DATABASE(tells_databases_that_cannot_work),
        WITH_DATABASE(asks_the_stores_database),
        WITH_DATABASE(leaves_a_failing_database_alone),
        WITH_DATABASE(asks_nobody_without_a_reason),
    };

    if (argc > 1)
        return serve_session(argc - 1, argv + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
