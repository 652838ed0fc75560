/* test_store_schema.c - our schema, upgrades to it, what a check finds, and that look-ups use indexes. */
/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "store/queries.h"
#include "store/schema.h"

/* Revision 5334f8a8282c is the one of 2020.0 with server.prio; 43ebb40d0578 has the DAV tables too. */
static const char add_prio[] = "ALTER TABLE server ADD COLUMN prio INTEGER DEFAULT '10' NOT NULL;"
                               "UPDATE alembic_version SET version_num = '5334f8a8282c'";
static const char alembic_43[] = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
                                 "INSERT INTO alembic_version VALUES ('43ebb40d0578')";

static void count_step(void *context, const char *sentence)
{
    assert_true(strlen(sentence) > 10);
    ++*(int *)context;
}

/* What automx2 2026.2 asks of its tables, as SQLAlchemy writes it. */
static void automx2_can_read(struct fixture *fixture)
{
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM (SELECT domain.id, domain.name, domain.provider_id, "
                                           "domain.ldapserver_id FROM domain WHERE domain.name = 'example.com')"),
                     1);
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM (SELECT server.id, server.prio, server.name, "
                                           "server.port, server.type, server.socket_type, server.user_name, "
                                           "server.authentication FROM server, server_domain WHERE 300 = "
                                           "server_domain.domain_id AND server.id = server_domain.server_id)"),
                     2);
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM (SELECT davserver.id, davserver.url, davserver.port, "
                                           "davserver.type, davserver.use_ssl, davserver.domain_required, "
                                           "davserver.user_name FROM davserver, davserver_domain WHERE 300 = "
                                           "davserver_domain.domain_id AND davserver.id = "
                                           "davserver_domain.davserver_id)"),
                     0);
    /* Its inserts know nothing of our columns, its purge nothing of our tables. */
    run_sql(fixture, "INSERT INTO davserver(url, port, type, use_ssl, domain_required, user_name) "
                     "VALUES ('https://x.example', 0, 'caldav', 1, 1, NULL); DELETE FROM davserver;"
                     "PRAGMA foreign_keys = ON; BEGIN; DELETE FROM server_domain; DELETE FROM davserver_domain; "
                     "DELETE FROM domain; DELETE FROM server; DELETE FROM provider; DELETE FROM ldapserver; ROLLBACK");
}

static void test_upgrades(void **state)
{
    static const struct {
        const char *ddl, *more;
        bool alembic;
    } rows[] = {
        {automx2_2020_ddl, "", true},
        {automx2_2020_ddl, add_prio, true},
        {automx2_ddl, alembic_43, true},
        {automx2_ddl, "", false},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int steps = 0;
        unlink(fixture->path);
        run_sql(fixture, rows[i].ddl);
        run_sql(fixture, rows[i].more);
        run_sql(fixture, automx2_rows);
        assert_int_equal(open_store(fixture, ""), STATUS_OK);
        must_find(fixture, "example.com", "example.com");
        if (store_upgrade(fixture->session, count_step, &steps, &fixture->error) != STATUS_OK)
            fail_msg("row %zu: %s", i, fixture->error.text);
        assert_true(steps > 15);
        steps = 0;
        assert_int_equal(store_upgrade(fixture->session, count_step, &steps, &fixture->error), STATUS_OK);
        assert_int_equal(steps, 0);
        must_find(fixture, "example.com", "example.com");
        assert_int_equal(find(fixture, "example.com")->server_count, 2);
        automx2_can_read(fixture);
        if (rows[i].alembic)
            assert_int_equal(query_number(fixture, "SELECT version_num = '43ebb40d0578' FROM alembic_version"), 1);
        run_sql(fixture, "UPDATE provider SET organization = 'Org'; UPDATE server SET auth_methods = 'OAuth2, plain'");
        const struct domain *domain = find(fixture, "example.com");
        assert_string_equal(domain->provider->organization, "Org");
        assert_int_equal(domain->servers[0].auth_count, 2);
        close_store(fixture);
    }
}

static void die_at_step(void *context, const char *sentence)
{
    int *left = context;
    (void)sentence;
    if (--*left == 0)
        raise(SIGKILL);
}

/* A killed upgrade leaves the old schema and its rows. */
static void test_killed_upgrade(void **state)
{
    static const int deaths[] = {1, 2, 9, 20};
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_2020_ddl);
    run_sql(fixture, automx2_rows);
    int64_t before = query_number(fixture, "SELECT SUM(LENGTH(sql)) FROM sqlite_master");
    for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
        pid_t child = fork();
        if (child == 0) {
            int left = deaths[i];
            if (open_store(fixture, "") == STATUS_OK)
                store_upgrade(fixture->session, die_at_step, &left, &fixture->error);
            _exit(0);
        }
        int code = 0;
        waitpid(child, &code, 0);
        assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
        assert_int_equal(query_number(fixture, "SELECT SUM(LENGTH(sql)) FROM sqlite_master"), before);
        assert_int_equal(open_store(fixture, ""), STATUS_OK);
        must_find(fixture, "example.com", "example.com");
        close_store(fixture);
    }
}

/* The schema that initdb makes is the one that an upgrade makes, and needs none. */
static void test_fresh_schema(void **state)
{
    struct fixture *fixture = *state;
    int steps = 0;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, NULL);
    assert_int_equal(store_upgrade(fixture->session, count_step, &steps, &fixture->error), STATUS_OK);
    assert_int_equal(steps, 0);
}

/* With our tables: default servers, services, aliases, moved domains, types switched off. */
static void test_additions(void **state)
{
    struct fixture *fixture = *state;
    int steps = 0;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    assert_int_equal(store_upgrade(fixture->session, count_step, &steps, &fixture->error), STATUS_OK);
    run_sql(fixture,
            "INSERT INTO server(id, name, port, type, socket_type, user_name, authentication) VALUES"
            " (1, 'default-imap.example', 993, 'imap', 'SSL', '', ''), (2, 'default-pop.example', 995, 'pop', 'SSL', "
            "'', '');"
            "INSERT INTO provider_server(provider_id, server_id) VALUES (100, 1), (100, 2);"
            "INSERT INTO service(id, type, url) VALUES (5, 'jmap', 'https://jmap.%EMAILDOMAIN%/session');"
            "INSERT INTO service(id, type, name) VALUES (6, 'managesieve', 'sieve.example');"
            "INSERT INTO provider_service VALUES (100, 5), (100, 6);"
            "INSERT INTO provider_link(provider_id, kind, url) VALUES (100, 'webmail', 'https://webmail.example'),"
            " (100, 'contact', 'mailto:dev@example.com'), (100, 'nonsense', 'https://x.example');"
            "INSERT INTO provider_oauth2(provider_id, issuer) VALUES (100, 'https://id.example/');"
            "INSERT INTO provider_consent VALUES (100, 'default', 'Yes?');"
            "INSERT INTO domain(id, name, provider_id) VALUES (400, 'one-row.example', 100);"
            "INSERT INTO domain(id, name, provider_id, alias_of) VALUES (401, 'alias.example', 100, 300),"
            " (402, 'alias2.example', 100, 401), (403, 'loop.example', 100, 404), (404, 'loop2.example', 100, 403);"
            "INSERT INTO domain(id, name, provider_id, types_off, moved_to, redirect_url) VALUES"
            " (405, 'less.example', 100, 'pop3, managesieve', 'Elsewhere.Example', 'https://other.example/x')");

    const struct domain *domain = find(fixture, "one-row.example");
    assert_int_equal(domain->server_count, 4);
    assert_string_equal(domain->servers[0].host, "default-imap.example");
    assert_int_equal(domain->servers[2].type, SERVER_JMAP);
    assert_string_equal(domain->servers[2].host, "jmap.%EMAILDOMAIN%");
    assert_int_equal(domain->servers[3].port, 4190);
    assert_int_equal(domain->servers[3].security, SECURITY_STARTTLS);
    assert_int_equal(domain->provider->link_count, 2);
    assert_int_equal(domain->provider->links[1].kind, LINK_CONTACT);
    assert_string_equal(domain->provider->oauth2->issuer, "https://id.example/");
    assert_string_equal(domain->provider->consents[0].text, "Yes?");

    domain = find(fixture, "example.com"); /* its own IMAP server replaces the default one, POP3 is the default one */
    assert_int_equal(domain->server_count, 5);
    assert_string_equal(domain->servers[0].host, "imap.example.com");
    assert_int_equal(domain->servers[1].type, SERVER_POP3);

    domain = find(fixture, "alias2.example");
    assert_string_equal(domain->name, "alias2.example");
    assert_string_equal(domain->servers[0].host, "imap.example.com");
    must_find(fixture, "loop.example", "loop.example");

    domain = find(fixture, "less.example");
    assert_int_equal(domain->server_count, 2);
    assert_string_equal(domain->moved_to, "elsewhere.example");
    assert_string_equal(domain->redirect_url, "https://other.example/x");

    /* A broken own row must not bring the default one back. */
    run_sql(fixture, "UPDATE server SET port = 0 WHERE id = 200");
    assert_int_equal(find(fixture, "example.com")->servers[0].type, SERVER_POP3);

    /* What hangs on a deleted provider does not come back with its id. */
    run_sql(fixture, "DELETE FROM provider; INSERT INTO provider VALUES (100, 'New', 'New', NULL)");
    domain = find(fixture, "one-row.example");
    assert_int_equal(domain->server_count, 0);
    assert_null(domain->provider->oauth2);
    assert_int_equal(domain->provider->link_count, 0);
}

static char found[8192];

static void note_fault(void *context, const char *sentence)
{
    ++*(int *)context;
    strncat(found, sentence, sizeof(found) - strlen(found) - 1);
    strncat(found, "\n", sizeof(found) - strlen(found) - 1);
}

/* More than an answer has room for are left out, and said. */
static void test_many_links(void **state)
{
    struct fixture *fixture = *state;
    int steps = 0, count = 0;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    assert_int_equal(store_upgrade(fixture->session, count_step, &steps, &fixture->error), STATUS_OK);
    for (int i = 0; i <= 32; i++) {
        assert_int_equal(find(fixture, "example.com")->provider->link_count, i);
        run_sql(fixture, "INSERT INTO provider_link(provider_id, kind, url) VALUES (100, 'webmail', 'https://w.test')");
    }
    assert_int_equal(find(fixture, "example.com")->provider->link_count, 32);
    found[0] = '\0';
    assert_int_equal(store_check(fixture->session, 100, note_fault, &count, &fixture->error), STATUS_OK);
    assert_int_equal(count, 1);
    assert_non_null(strstr(found, "provider 100 has more than 32 links"));
}

static void test_check(void **state)
{
    static const char *const wanted[] = {
        "server 1 is left out: type 'imapx' is unknown",
        "server 2 is left out: port 0 ",
        "server 3 is left out: socket_type 'x' is unknown",
        "server 4 is left out: it is not encrypted",
        "server 5: its port speaks TLS",
        "server 6: its port begins without TLS",
        "server 7: it takes OAuth2 only",
        "davserver 1 is left out: 'gopher://x' does not begin",
        "ldapserver 1 is not asked: port",
        "domain 300: there is no ldapserver 99",
        "domain 301: there is no provider 999",
        "domain 302 is never found: its name 'exa mple' is none",
        "domain 303 is not used: its name 'EXAMPLE.com' means example.com, which domain 300",
        "domain 304 (empty.example) has no servers",
        "domain 304: there is no server 555",
        "provider 101: name: it has control",
    };
    struct fixture *fixture = *state;
    int count = 0;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    found[0] = '\0';
    if (store_check(fixture->session, 100, note_fault, &count, &fixture->error) != STATUS_OK)
        fail_msg("%s", fixture->error.text);
    if (count != 0)
        fail_msg("%s", found);
    run_sql(fixture,
            "INSERT INTO server VALUES (1, 10, 'h.example', 993, 'imapx', 'SSL', '', ''),"
            "(2, 10, 'h.example', 0, 'imap', 'SSL', '', ''), (3, 10, 'h.example', 993, 'imap', 'x', '', ''),"
            "(4, 10, 'h.example', 143, 'imap', 'plain', '', ''), (5, 10, 'h.example', 993, 'imap', 'STARTTLS', '', ''),"
            "(6, 10, 'h.example', 587, 'smtp', 'SSL', '', ''), (7, 10, 'h.example', 993, 'imap', 'SSL', '', 'OAuth2');"
            "INSERT INTO davserver VALUES (1, 'gopher://x', 0, 'caldav', 1, 1, NULL);"
            "INSERT INTO ldapserver VALUES (1, 'h', 0, 1, '', '(mail={0})', 'uid', NULL, NULL, NULL);"
            "UPDATE domain SET ldapserver_id = 99;"
            "INSERT INTO provider VALUES (101, 'a' || char(7), 'x');"
            "INSERT INTO domain(id, name, provider_id) VALUES (301, 'a.example', 999), (302, 'exa mple', 100),"
            "(303, 'EXAMPLE.com', 100), (304, 'empty.example', 100);"
            "INSERT INTO server_domain VALUES (200, 301), (200, 302), (200, 303), (555, 304);");
    run_sql(fixture, "DELETE FROM server_domain WHERE domain_id = 304");
    count = 0;
    found[0] = '\0';
    assert_int_equal(store_check(fixture->session, 100, note_fault, &count, &fixture->error), STATUS_OK);
    run_sql(fixture, "INSERT INTO server_domain VALUES (555, 304)");
    assert_int_equal(store_check(fixture->session, 100, note_fault, &count, &fixture->error), STATUS_OK);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (strstr(found, wanted[i]) == NULL)
            fail_msg("row %zu: '%s' is not found in:\n%s", i, wanted[i], found);
    count = 0;
    assert_int_equal(store_check(fixture->session, 3, note_fault, &count, &fixture->error), STATUS_OK);
    assert_int_equal(count, 3);
    count = 0;
    store_end_checks(fixture->store);
    assert_int_equal(store_check(fixture->session, 3, note_fault, &count, &fixture->error), STATUS_OK);
    assert_int_equal(count, 0);
}

static void must_not_scan(struct fixture *fixture, const char *query, const char *but)
{
    char text[8192];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", query);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(statement, 3);
        if (strncmp(detail, "SCAN", 4) == 0 && strncmp(detail, "SCAN CONSTANT", 13) != 0 && strcmp(detail, but) != 0)
            fail_msg("%s: %s", query, detail);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* However many domains there are, none of the questions of a look-up reads a whole table. */
static void test_plans(void **state)
{
    struct fixture *fixture = *state;
    struct queries queries;
    struct schema schema = {.parts = (UINT64_C(1) << HAS_COUNT) - 1};
    struct arena *arena = arena_new(65536);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, NULL);
    queries_build(arena, &schema, &queries);
    must_not_scan(fixture, queries.domain_by_names, "");
    must_not_scan(fixture, queries.domain_by_id, "");
    must_not_scan(fixture, queries.servers, "");
    must_not_scan(fixture, queries.extras, "");
    must_not_scan(fixture, queries.ldap_by_id, "");
    close_store(fixture);

    /* automx2's schema has no index by domain: the few servers are read, never what gives them to domains. */
    unlink(fixture->path);
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    schema.parts = 0;
    for (unsigned part = HAS_PROVIDER; part <= HAS_DAV_DOMAIN; part++)
        schema.parts |= UINT64_C(1) << part;
    queries_build(arena, &schema, &queries);
    must_not_scan(fixture, queries.domain_by_names, "");
    must_not_scan(fixture, queries.servers, "SCAN s");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
        TEST(test_upgrades),   TEST(test_killed_upgrade), TEST(test_fresh_schema), TEST(test_additions),
        TEST(test_many_links), TEST(test_check),          TEST(test_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
