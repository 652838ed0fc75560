/* test_present.c - the short way to a domain of a file: the same answer as the long one, seen anew after each write. */
/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

static enum status find_short(struct fixture *fixture, const char *name, struct arena **arena_r,
                              const struct domain **domain_r)
{
    fixture->error.text[0] = '\0';
    return store_find_present(fixture->session, name, arena_r, domain_r, &fixture->error);
}

/* What is served for the name by the short way: the names of provider and servers; NULL: the way does not lead there.
 */
static const char *served(struct fixture *fixture, const char *name)
{
    static char text[512];
    struct arena *arena = NULL;
    const struct domain *domain = NULL;
    enum status status = find_short(fixture, name, &arena, &domain);
    store_session_rest(fixture->session);
    if (status == STATUS_NOT_FOUND) {
        assert_null(arena);
        return NULL;
    }
    if (status != STATUS_OK)
        fail_msg("%s: status %d: %s", name, (int)status, fixture->error.text);
    assert_string_equal(domain->name, name);
    int length = snprintf(text, sizeof text, "%lld %s", (long long)domain->id, domain->provider->name);
    for (size_t i = 0; i < domain->server_count; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, " %s", domain->servers[i].host);
    arena_free(&arena);
    return text;
}

static void check(struct fixture *fixture, const char *name, const char *want)
{
    const char *got = served(fixture, name);
    if (want == NULL && got != NULL)
        fail_msg("%s: %s", name, got);
    else if (want != NULL && (got == NULL || strcmp(got, want) != 0))
        fail_msg("%s: %s and not %s", name, got != NULL ? got : "nothing", want);
}

static const char rows[] =
    "INSERT INTO provider(id, name, short_name) VALUES (1, 'One', 'One'), (2, 'Two', 'Two');"
    "INSERT INTO server(id, name, port, type, socket_type, user_name, authentication) VALUES"
    " (10, 'imap.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'),"
    " (11, 'smtp.example.com', 587, 'smtp', 'STARTTLS', '%EMAILADDRESS%', 'plain'),"
    " (12, 'smtp.example.net', 465, 'smtp', 'SSL', '%EMAILADDRESS%', 'plain');"
    "INSERT INTO domain(id, name, provider_id) VALUES (100, 'a.example', 1), (101, 'b.example', 1),"
    " (102, 'c.example', 2), (103, 'd.example', 1);"
    "INSERT INTO server_domain(server_id, domain_id) VALUES (10, 100), (11, 100), (10, 101), (11, 101), (10, 102),"
    " (11, 102), (12, 103);";

/* A database with our schema and these rows. */
static void open_with_rows(struct fixture *fixture)
{
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, NULL);
    run_sql(fixture, "DELETE FROM server_domain; DELETE FROM davserver_domain; DELETE FROM domain; "
                     "DELETE FROM server; DELETE FROM davserver; DELETE FROM provider; DELETE FROM ldapserver");
    run_sql(fixture, rows);
}

static void test_same_rows(void **state)
{
    struct fixture *fixture = *state;
    open_with_rows(fixture);
    for (int round = 0; round < 2; round++) { /* the second time from what is remembered */
        check(fixture, "a.example", "100 One imap.example.com smtp.example.com");
        check(fixture, "b.example", "101 One imap.example.com smtp.example.com");
        check(fixture, "c.example", "102 Two imap.example.com smtp.example.com");
        check(fixture, "d.example", "103 One smtp.example.net");
        check(fixture, "e.example", NULL);
        check(fixture, "A.example", NULL);
    }
}

static void test_what_is_left_to_the_long_way(void **state)
{
    struct fixture *fixture = *state;
    open_with_rows(fixture);
    run_sql(fixture,
            "UPDATE domain SET alias_of = 100 WHERE id = 101; UPDATE domain SET types_off = 'imap' WHERE id = 102;"
            "UPDATE domain SET moved_to = 'new.example' WHERE id = 103; INSERT INTO domain(id, name, "
            "provider_id, redirect_url) VALUES (104, 'e.example', 1, 'https://a.example/');"
            "INSERT INTO domain(id, name, provider_id) VALUES (105, '*.f.example', 1), (106, '*', 1)");
    check(fixture, "a.example", "100 One imap.example.com smtp.example.com");
    check(fixture, "b.example", NULL);
    check(fixture, "c.example", NULL);
    check(fixture, "d.example", NULL);
    check(fixture, "e.example", NULL);
    check(fixture, "mail.f.example", NULL);
}

static void test_writes_are_seen(void **state)
{
    struct fixture *fixture = *state;
    open_with_rows(fixture);
    check(fixture, "a.example", "100 One imap.example.com smtp.example.com");
    run_sql(fixture, "UPDATE server SET name = 'new.example.com' WHERE id = 10");
    check(fixture, "a.example", "100 One new.example.com smtp.example.com");
    run_sql(fixture, "UPDATE provider SET name = 'Uno' WHERE id = 1");
    check(fixture, "b.example", "101 Uno new.example.com smtp.example.com");
    run_sql(fixture, "INSERT INTO provider_server(provider_id, server_id) VALUES (2, 12); "
                     "DELETE FROM server_domain WHERE domain_id = 102 AND server_id = 11");
    check(fixture, "c.example", "102 Two new.example.com smtp.example.net");
    run_sql(fixture, "DELETE FROM domain WHERE id = 100");
    check(fixture, "a.example", NULL);
}

static void test_replaced_file(void **state)
{
    struct fixture *fixture = *state;
    open_with_rows(fixture);
    store_session_close(
        &fixture->session); /* a new connection counts the commits of others from the start, as the next */
    assert_int_equal(store_session_open(fixture->store, &fixture->session, &fixture->error), STATUS_OK);
    check(fixture, "a.example", "100 One imap.example.com smtp.example.com");
    char command[700];
    snprintf(command, sizeof command,
             "cp '%s' '%s/new' && sqlite3 '%s/new' \"UPDATE provider SET name = 'New'\"; "
             "mv '%s/new' '%s'",
             fixture->path, fixture->directory, fixture->directory, fixture->directory, fixture->path);
    assert_int_equal(system(command), 0);
    check(fixture, "a.example", "100 New imap.example.com smtp.example.com");
}

/* A provider whose name cannot be shown is called by the domain's name, which the next domain must not get. */
static void test_names_made_of_the_domain(void **state)
{
    struct fixture *fixture = *state;
    open_with_rows(fixture);
    run_sql(fixture, "UPDATE provider SET name = '' WHERE id = 1");
    check(fixture, "a.example", "100 a.example imap.example.com smtp.example.com");
    check(fixture, "b.example", "101 b.example imap.example.com smtp.example.com");
}

static void test_more_servers_than_a_key_names(void **state)
{
    struct fixture *fixture = *state;
    open_with_rows(fixture);
    run_sql(fixture, "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1019) "
                     "INSERT INTO server(id, name, port, type, socket_type, user_name, authentication) "
                     "SELECT i, 's' || i || '.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain' FROM n;"
                     "DELETE FROM server_domain WHERE domain_id IN (100, 101);"
                     "INSERT INTO server_domain(server_id, domain_id) SELECT id, 100 FROM server WHERE id >= 1000;"
                     "INSERT INTO server_domain(server_id, domain_id) SELECT id, 101 FROM server WHERE id >= 1000 "
                     "AND id <> 1019");
    assert_non_null(strstr(served(fixture, "a.example"), "s1018.example.com s1019.example.com"));
    assert_non_null(strstr(served(fixture, "b.example"), "s1018.example.com"));
    assert_null(strstr(served(fixture, "b.example"), "s1019.example.com"));
}

static int try_to_write(struct fixture *fixture)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    int code = sqlite3_exec(db, "UPDATE provider SET name = 'Written' WHERE id = 1", NULL, NULL, NULL);
    sqlite3_close(db);
    return code;
}

/* One transaction lasts over several look-ups; nobody writes meanwhile, and everybody may after it. */
static void test_transaction(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = NULL;
    const struct domain *domain = NULL;
    open_with_rows(fixture);
    assert_int_equal(find_short(fixture, "a.example", &arena, &domain), STATUS_OK);
    arena_free(&arena);
    assert_int_equal(find_short(fixture, "b.example", &arena, &domain), STATUS_OK);
    assert_int_equal(try_to_write(fixture), SQLITE_BUSY);
    store_session_rest(fixture->session);
    assert_int_equal(try_to_write(fixture), SQLITE_OK);
    assert_string_equal(domain->provider->name, "One"); /* what was found stays as it was */
    arena_free(&arena);
    check(fixture, "b.example", "101 Written imap.example.com smtp.example.com");
}

/* What was found outlives the session and the other domains that share it. */
static void test_found_outlives_the_session(void **state)
{
    struct fixture *fixture = *state;
    struct arena *first = NULL;
    struct arena *second = NULL;
    const struct domain *a = NULL;
    const struct domain *b = NULL;
    open_with_rows(fixture);
    assert_int_equal(find_short(fixture, "a.example", &first, &a), STATUS_OK);
    assert_int_equal(find_short(fixture, "b.example", &second, &b), STATUS_OK);
    assert_ptr_equal(a->servers, b->servers);
    close_store(fixture);
    arena_free(&first);
    assert_string_equal(b->servers[0].host, "imap.example.com");
    arena_free(&second);
}

static void test_locked(void **state)
{
    struct fixture *fixture = *state;
    open_with_rows(fixture);
    store_session_close(&fixture->session);
    assert_int_equal(store_session_open_brief(fixture->store, 5, &fixture->session, &fixture->error), STATUS_OK);
    check(fixture, "a.example", "100 One imap.example.com smtp.example.com");

    sqlite3 *db = NULL;
    struct arena *arena = NULL;
    const struct domain *domain = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(find_short(fixture, "a.example", &arena, &domain), STATUS_BACKEND);
    assert_null(arena);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_automx2_schema(void **state)
{
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    assert_true(store_is_file(fixture->store));
    check(fixture, "example.com", NULL); /* without our indexes it would not be short */
    must_find(fixture, "example.com", "example.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_rows, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_left_to_the_long_way, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_writes_are_seen, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_replaced_file, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_names_made_of_the_domain, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_more_servers_than_a_key_names, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_transaction, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_found_outlives_the_session, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_locked, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_automx2_schema, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
