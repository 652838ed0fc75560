/* test_store.c - looking domains up, in databases of every age and with odd but legal content. */
/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include <pthread.h>

#include "store/odd_names.h"

static const struct server *server_of(const struct domain *domain, enum server_type type)
{
    for (size_t i = 0; i < domain->server_count; i++)
        if (domain->servers[i].type == type)
            return &domain->servers[i];
    return NULL;
}

static void test_empty_database(void **state)
{
    struct fixture *fixture = *state;
    bool seeded;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    must_miss(fixture, "example.com");
    assert_int_equal(store_ping(fixture->session, &fixture->error), STATUS_OK);
    seed(fixture, NULL);
    must_find(fixture, "example.com", "example.com");
    assert_int_equal(store_seed(fixture->session, NULL, 0, &seeded, &fixture->error), STATUS_OK);
    assert_false(seeded);
    assert_int_equal(store_clear(fixture->session, &fixture->error), STATUS_OK);
    must_miss(fixture, "example.com");
    seed(fixture, NULL);
    must_find(fixture, "example.net", "example.net");
}

static void test_sample(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, NULL);
    const struct domain *domain = find(fixture, "example.com");
    assert_string_equal(domain->provider->name, "Big Corporation, Inc.");
    assert_string_equal(domain->provider->short_name, "BigCorp");
    assert_int_equal(domain->server_count, 4);
    const struct server *imap = server_of(domain, SERVER_IMAP);
    assert_string_equal(imap->host, "imap1.example.com");
    assert_int_equal(imap->port, 143);
    assert_int_equal(imap->security, SECURITY_STARTTLS);
    assert_string_equal(imap->user, "%EMAILADDRESS%");
    const struct server *caldav = server_of(domain, SERVER_CALDAV);
    assert_string_equal(caldav->url, "https://caldav.example.com");
    assert_string_equal(caldav->host, "caldav.example.com");
    assert_int_equal(caldav->port, 443);
    assert_int_equal(find(fixture, "example.net")->server_count, 3);
    assert_int_equal(server_of(find(fixture, "example.org"), SERVER_POP3)->port, 143);
    assert_int_equal(find(fixture, "ham-n-eggs.tld")->server_count, 0); /* its only server has a type that is none */
    assert_int_equal(find(fixture, "serverless.tld")->server_count, 0);
}

/* automx2's own databases, also the older ones, are read and not altered. */
static void test_older_schemas(void **state)
{
    static const char *const schemas[] = {automx2_ddl, automx2_2020_ddl};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        unlink(fixture->path);
        run_sql(fixture, schemas[i]);
        run_sql(fixture, automx2_rows);
        int64_t before = query_number(fixture, "SELECT SUM(LENGTH(sql)) FROM sqlite_master");
        assert_int_equal(open_store(fixture, ""), STATUS_OK);
        const struct domain *domain = find(fixture, "example.com");
        assert_non_null(domain);
        assert_int_equal(domain->server_count, 2);
        assert_int_equal(domain->servers[0].prio, 10);
        assert_int_equal(query_number(fixture, "SELECT SUM(LENGTH(sql)) FROM sqlite_master"), before);
        close_store(fixture);
    }
}

static void test_read_only(void **state)
{
    struct fixture *fixture = *state;
    bool seeded;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    char uri[400];
    snprintf(uri, sizeof(uri), "chmod 0444 '%s' && chmod 0555 '%s'", fixture->path, fixture->directory);
    assert_int_equal(system(uri), 0);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    must_find(fixture, "example.com", "example.com");
    if (geteuid() != 0)
        assert_int_equal(store_clear(fixture->session, &fixture->error), STATUS_REFUSED);
    (void)seeded;
    snprintf(uri, sizeof(uri), "chmod 0755 '%s'", fixture->directory);
    assert_int_equal(system(uri), 0);
}

/* exact, then the longest suffix, then "*", then default_domain */
static void test_rules(void **state)
{
    static const struct {
        const char *asked, *rule;
    } rows[] = {
        {"example.com", "example.com"},
        {"mail.example.com", "*.example.com"},
        {"a.b.example.com", "*.example.com"},
        {"a.deep.example.com", "*.deep.example.com"},
        {"deep.example.com", "*.example.com"},
        {"x.org", "*.org"},
        {"org", "fallback.net"},
        {"other.tld", "fallback.net"},
        {"a.b.c.d.e.f.g.h.i.j.k.l.m.org", "*.org"},
    };
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "INSERT INTO domain(name, provider_id) VALUES ('*.example.com', 100), ('*.deep.example.com', 100),"
                     "('*.org', 100), ('fallback.net', 100)");
    assert_int_equal(open_store(fixture, "default_domain = Fallback.NET"), STATUS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        must_find(fixture, rows[i].asked, rows[i].rule);
    run_sql(fixture, "INSERT INTO domain(name, provider_id) VALUES ('*', 100)");
    must_find(fixture, "other.tld", "*");
    must_find(fixture, "x.org", "*.org");
}

/* Names that an index cannot find. */
static void test_odd_names(void **state)
{
    static const struct {
        const char *asked, *stored;
    } rows[] = {
        {"upper.com", "UPPER.com"},
        {"xn--bcher-kva.example", "B\xc3\xbc"
                                  "cher.example"},
        {"blank.com", "  blank.com "},
        {"dot.com", "dot.com."},
        {"tab.com", "tab.com\t"},
        {"a.wild.com", "*.WILD.com"},
    };
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "INSERT INTO domain(name, provider_id) VALUES ('*', 100)");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "INSERT INTO domain(name, provider_id) VALUES ('%s', 100)", rows[i].stored);
        run_sql(fixture, sql);
    }
    run_sql(fixture,
            "INSERT INTO domain(id, name, provider_id) VALUES (900, 'TWICE.com', 100), (899, 'Twice.com', 100),"
            "(901, 'BOTH.com', 100), (902, 'both.com', 100)");
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct domain *domain = find(fixture, rows[i].asked);
        if (strcmp(domain->name, "*") == 0)
            fail_msg("row %zu: %s is not found", i, rows[i].asked);
    }
    assert_int_equal(find(fixture, "twice.com")->id, 899);
    assert_int_equal(find(fixture, "both.com")->id, 902); /* stored as it is asked for */
    must_find(fixture, "other.com", "*");
}

/* While the list of such names could never be read, nobody knows of a name that it is not there. */
static void test_odd_names_unread(void **state)
{
    static const char garbage[100];
    char header[100];
    struct fixture *fixture = *state;
    struct sql_uri uri;
    struct sql *sql = NULL;
    char text[400];
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "UPDATE domain SET name = 'Example.COM'");
    struct arena *arena = arena_new(64 * 1024);
    struct odd_names *odd = odd_names_new(1000, 5000);
    snprintf(text, sizeof(text), "sqlite:///%s", fixture->path);
    assert_int_equal(sql_uri_parse(arena, text, &uri, &fixture->error), STATUS_OK);
    assert_int_equal(sql_open(&uri, &(struct sql_options){.timeout = 5000}, &sql, &fixture->error), STATUS_OK);

    FILE *file = fopen(fixture->path, "r+");
    assert_int_equal(fread(header, 1, sizeof(header), file), sizeof(header));
    rewind(file);
    assert_int_equal(fwrite(garbage, 1, sizeof(garbage), file), sizeof(garbage));
    fflush(file);
    assert_int_equal(odd_names_refresh(odd, sql, &fixture->error), STATUS_BACKEND);
    assert_true(strlen(fixture->error.text) > 0);
    rewind(file);
    assert_int_equal(fwrite(header, 1, sizeof(header), file), sizeof(header));
    fclose(file);
    sql_close(&sql);
    assert_int_equal(sql_open(&uri, &(struct sql_options){.timeout = 5000}, &sql, &fixture->error), STATUS_OK);
    assert_int_equal(odd_names_refresh(odd, sql, &fixture->error), STATUS_OK);
    assert_int_equal(odd_names_find(odd, "example.com"), 300);
    sql_close(&sql);
    odd_names_free(&odd);
    arena_free(&arena);
}

/* SQLite lets a column hold any length. What is too long is left out as any fault of a row is; the domain stays. */
static void test_huge_texts(void **state)
{
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "UPDATE provider SET name = printf('%.*c', 2000000, 'x'), short_name = 'Short'");
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    const struct domain *domain = find(fixture, "example.com");
    assert_non_null(domain);
    assert_string_equal(domain->provider->name, "example.com");
    assert_string_equal(domain->provider->short_name, "Short");
    assert_int_equal(domain->server_count, 2);
}

/* What does not fit into an answer's memory is not known; it is no 404. */
static void test_no_memory(void **state)
{
    struct fixture *fixture = *state;
    const struct domain *domain = NULL;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    assert_int_equal(find_status(fixture, "example.com", &domain), STATUS_OK);
    for (size_t limit = 0; limit < 4096; limit += 16) {
        arena_free(&fixture->arena);
        fixture->arena = arena_new(limit);
        enum status status = store_find(fixture->session, fixture->arena, "example.com", &domain, &fixture->error);
        if (status != STATUS_BACKEND && status != STATUS_OK)
            fail_msg("%zu bytes: status %d", limit, (int)status);
    }
}

/* Rows whose words, ports or texts are wrong leave only themselves out. */
static void test_faulty_rows(void **state)
{
    static const struct {
        const char *values; /* name, port, type, socket_type, user_name, authentication */
        bool good;
    } rows[] = {
        {"'good.example.com', 993, 'imap', 'SSL', '', ''", true},
        {"'good.example.com', 993, ' IMAP ', 'ssl', '%EMAILADDRESS%', 'PLAIN'", true},
        {"'good.example.com', 993, 'imap', 'TLS', 'x', 'password-cleartext'", true},
        {"'good.example.com', 993, 'imap', 'SSL', 'x', 'OAuth2, password-cleartext'", true},
        {"'good.example.com', '993', 'imap', 'SSL', 'x', 'secure'", true},
        {"'B\xc3\xbc"
         "cher.example', 993, 'imap', 'SSL', 'x', 'plain'",
         true},
        {"'imap.%EMAILDOMAIN%', 993, 'imap', 'SSL', 'x', 'plain'", true},
        {"'2001:db8::1', 993, 'imap', 'SSL', 'x', 'plain'", true},
        {"'h.example.com', 993, 'imaps', 'SSL', 'x', 'plain'", false},
        {"'h.example.com', 993, 'imap', 'SSLv3', 'x', 'plain'", false},
        {"'h.example.com', 993, 'imap', 'SSL', 'x', 'magic'", false},
        {"'h.example.com', 993, 'imap', 'SSL', 'x', 'plain, magic'", false},
        {"'h.example.com', 0, 'imap', 'SSL', 'x', 'plain'", false},
        {"'h.example.com', 65536, 'imap', 'SSL', 'x', 'plain'", false},
        {"'h.example.com', -1, 'imap', 'SSL', 'x', 'plain'", false},
        {"'', 993, 'imap', 'SSL', 'x', 'plain'", false},
        {"'h e.example.com', 993, 'imap', 'SSL', 'x', 'plain'", false},
        {"'h_e.example.com', 993, 'imap', 'SSL', 'x', 'plain'", false},
        {"'<b>.%EMAILDOMAIN%', 993, 'imap', 'SSL', 'x', 'plain'", false},
        {"'h.example.com', 993, '', 'SSL', 'x', 'plain'", false},
        {"'h.example.com', 993, 'imap', '', 'x', 'plain'", false},
        {"'h.example.com', 143, 'imap', 'plain', 'x', 'plain'", false}, /* allow_plain is off */
        {"'h.example.com', 993, 'imap', 'SSL', 'x' || char(10), 'plain'", false},
        {"'h.example.com', 993, 'imap', 'SSL', CAST(x'80' AS TEXT), 'plain'", false},
    };
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "DELETE FROM server WHERE id = 200");
    assert_int_equal(open_store(fixture, "loglevel = CRITICAL"), STATUS_OK);
    log_set_level(LOG_LEVEL_CRITICAL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[512];
        snprintf(sql, sizeof(sql),
                 "DELETE FROM server WHERE id = 200;"
                 "INSERT INTO server(id, name, port, type, socket_type, user_name, authentication) VALUES (200, %s)",
                 rows[i].values);
        run_sql(fixture, sql);
        const struct domain *domain = find(fixture, "example.com");
        const struct server *imap = server_of(domain, SERVER_IMAP);
        if ((imap != NULL) != rows[i].good || server_of(domain, SERVER_SMTP) == NULL)
            fail_msg("row %zu: %s", i, rows[i].values);
    }
}

static void test_words(void **state)
{
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "UPDATE server SET authentication = 'OAuth2, plain, OAuth2', user_name = '' WHERE id = 200;"
                     "INSERT INTO server VALUES (199, 20, 'Second.Example.com', 993, 'imap', 'SSL', 'u', 'plain');"
                     "INSERT INTO server VALUES (198, 10, 'pop.example.com', 110, 'pop', 'plain', 'u', 'none');"
                     "INSERT INTO server_domain VALUES (199, 300), (198, 300)");
    assert_int_equal(open_store(fixture, "allow_plain = yes"), STATUS_OK);
    const struct domain *domain = find(fixture, "example.com");
    assert_int_equal(domain->server_count, 4);
    const struct server *servers = domain->servers; /* by type, then prio */
    assert_int_equal(servers[0].id, 200);
    assert_int_equal(servers[0].auth_count, 2);
    assert_int_equal(servers[0].auth[0], AUTH_OAUTH2);
    assert_int_equal(servers[0].auth[1], AUTH_PASSWORD_CLEARTEXT);
    assert_null(servers[0].user);
    assert_int_equal(servers[1].id, 199);
    assert_string_equal(servers[1].host, "second.example.com");
    assert_int_equal(servers[2].type, SERVER_POP3);
    assert_int_equal(servers[2].security, SECURITY_NONE);
    assert_int_equal(servers[2].auth[0], AUTH_NONE);
    assert_int_equal(servers[3].type, SERVER_SMTP);
}

/* url, port, use_ssl of a davserver row, and what becomes of them. */
static void test_dav(void **state)
{
    static const struct {
        const char *values;
        const char *url; /* NULL: left out */
        unsigned port;
    } rows[] = {
        {"'https://dav.example.com', 0, 1", "https://dav.example.com", 443},
        {"'https://dav.example.com/cal/', 443, 1", "https://dav.example.com/cal/", 443},
        {"'https://dav.example.com/', 8443, 1", "https://dav.example.com:8443/", 8443},
        {"'https://dav.example.com:8443/', 0, 1", "https://dav.example.com:8443/", 8443},
        {"'http://dav.example.com/', 0, 1", "https://dav.example.com/", 443},
        {"'http://dav.example.com:80/', 0, 1", "https://dav.example.com/", 443},
        {"'https://dav.example.com/', 0, 0", "https://dav.example.com/", 443},
        {"'https://DAV.%EMAILDOMAIN%/%EMAILADDRESS%/', 0, 1", "https://dav.%EMAILDOMAIN%/%EMAILADDRESS%/", 443},
        {"'https://[2001:db8::1]:8443/x', 0, 1", "https://[2001:db8::1]:8443/x", 8443},
        {"'http://dav.example.com/', 0, 0", NULL, 0}, /* not encrypted */
        {"'ftp://dav.example.com/', 0, 1", NULL, 0},
        {"'https://user@dav.example.com/', 0, 1", NULL, 0},
        {"'https:///x', 0, 1", NULL, 0},
        {"'https://dav.example.com/<x>', 0, 1", NULL, 0},
        {"'https://dav.example.com:99999/', 0, 1", NULL, 0},
        {"'https://dav.example.com/', 99999, 1", NULL, 0},
        {"'', 0, 1", NULL, 0},
    };
    struct fixture *fixture = *state;
    log_set_level(LOG_LEVEL_CRITICAL);
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "INSERT INTO davserver_domain VALUES (1, 300)");
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[512];
        snprintf(sql, sizeof(sql),
                 "DELETE FROM davserver; INSERT INTO davserver(id, type, domain_required, url, port, use_ssl) "
                 "VALUES (1, 'caldav', 1, %s)",
                 rows[i].values);
        run_sql(fixture, sql);
        const struct server *dav = server_of(find(fixture, "example.com"), SERVER_CALDAV);
        if ((dav == NULL) != (rows[i].url == NULL))
            fail_msg("row %zu: %s", i, rows[i].values);
        if (dav == NULL)
            continue;
        if (strcmp(dav->url, rows[i].url) != 0 || dav->port != rows[i].port || !dav->domain_required)
            fail_msg("row %zu: %s port %u", i, dav->url, dav->port);
    }
}

static void test_provider_names(void **state)
{
    static const struct {
        const char *name, *short_name, *want_name, *want_short;
    } rows[] = {
        {"A B", "C", "A B", "C"},
        {"A B", "", "A B", "A"},
        {"", "", "example.com", "example.com"},
        {" <&\"> ", "x", "<&\">", "x"},
    };
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "UPDATE provider SET name = '%s', short_name = '%s'", rows[i].name,
                 rows[i].short_name);
        run_sql(fixture, sql);
        const struct provider *provider = find(fixture, "example.com")->provider;
        assert_string_equal(provider->name, rows[i].want_name);
        assert_string_equal(provider->short_name, rows[i].want_short);
    }
    run_sql(fixture, "DELETE FROM provider");
    assert_string_equal(find(fixture, "example.com")->provider->name, "example.com");
}

static void test_ldap(void **state)
{
    struct fixture *fixture = *state;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(fixture, "INSERT INTO ldapserver VALUES (1, 'ldap.example.com', 636, 1, 'dc=x', '(mail={0})', 'uid', NULL,"
                     " 'secret', 'cn=a'); UPDATE domain SET ldapserver_id = 1");
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    const struct ldap_server *ldap = find(fixture, "example.com")->ldap;
    assert_non_null(ldap);
    assert_true(ldap->tls && ldap->verify && !ldap->starttls);
    assert_string_equal(ldap->bind_method, "simple");
    assert_string_equal(ldap->scope, "sub");
    assert_null(ldap->attr_name);
    run_sql(fixture, "UPDATE ldapserver SET bind_user = NULL");
    assert_string_equal(find(fixture, "example.com")->ldap->bind_method, "anonymous");

    /* A directory that could not be asked is none. */
    static const char *const faults[] = {"port = 0",       "port = 65536",    "name = ''",
                                         "attr_uid = ' '", "attr_uid = '\n'", "search_filter = ''"};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char change[128];
        run_sql(fixture,
                "DELETE FROM ldapserver; INSERT INTO ldapserver VALUES (1, 'ldap.example.com', 636, 1, 'dc=x', "
                "'(mail={0})', 'uid', NULL, 'secret', 'cn=a')");
        assert_non_null(find(fixture, "example.com")->ldap);
        snprintf(change, sizeof(change), "UPDATE ldapserver SET %s", faults[i]);
        run_sql(fixture, change);
        if (find(fixture, "example.com")->ldap != NULL)
            fail_msg("%s is taken", faults[i]);
    }
}

/* An edit from outside, also one that replaces everything, and the upgrade of the schema while we run. */
static void test_edits(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    must_miss(fixture, "example.com");
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    for (int i = 0; i < 40 && find(fixture, "example.com") == NULL; i++)
        usleep(50000); /* the schema is looked at again after a second */
    must_find(fixture, "example.com", "example.com");
    run_sql(fixture, "BEGIN; DELETE FROM server_domain; DELETE FROM domain; INSERT INTO domain(id, name, provider_id)"
                     " VALUES (1, 'new.example', 100); INSERT INTO server_domain VALUES (200, 1); COMMIT");
    must_miss(fixture, "example.com");
    assert_int_equal(find(fixture, "new.example")->server_count, 1);
}

/* Another file in the place of the one that is open: mv new.sqlite db.sqlite. */
static void test_replaced_file(void **state)
{
    struct fixture *fixture = *state;
    struct fixture other = *fixture;
    snprintf(other.path, sizeof(other.path), "%s/new.sqlite", fixture->directory);
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, automx2_rows);
    run_sql(&other, automx2_ddl);
    run_sql(&other, automx2_rows);
    run_sql(&other, "UPDATE domain SET name = 'new.example'");
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    must_find(fixture, "example.com", "example.com");
    assert_int_equal(rename(other.path, fixture->path), 0);
    must_find(fixture, "new.example", "new.example");
    must_miss(fixture, "example.com");
}

static bool count_name(void *context, const char *name)
{
    int *count = context;
    (*count)++;
    return *count != 700;
}

static void test_names(void **state)
{
    struct fixture *fixture = *state;
    int count = 0;
    run_sql(fixture, automx2_ddl);
    run_sql(fixture, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
                     "INSERT INTO domain(name, provider_id) SELECT 'd' || i || '.example', 1 FROM n");
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    assert_int_equal(store_names(fixture->session, count_name, &count, &fixture->error), STATUS_OK);
    assert_int_equal(count, 700);
    count = 1000; /* never stopped from here */
    assert_int_equal(store_names(fixture->session, count_name, &count, &fixture->error), STATUS_OK);
    assert_int_equal(count, 2200);
}

struct asker {
    struct store *store;
    int wrong;
    char text[512];
};

static void *ask_many(void *context)
{
    static const char *const names[] = {"example.com", "example.org", "unknown.tld", "upper.com"};
    struct asker *asker = context;
    struct store_session *session = NULL;
    struct error error = {0};
    if (store_session_open(asker->store, &session, &error) != STATUS_OK)
        asker->wrong++;
    for (int i = 0; i < 400; i++) {
        const struct domain *domain = NULL;
        struct arena *arena = arena_new(1024 * 1024);
        enum status status = store_find(session, arena, names[i % 4], &domain, &error);
        /* Emptied or filled, never half of it: the sample's domains have servers. */
        if ((status != STATUS_OK && status != STATUS_NOT_FOUND) || (i % 4 == 2 && status == STATUS_OK) ||
            (status == STATUS_OK && i % 4 < 2 && domain->server_count == 0)) {
            asker->wrong++;
            snprintf(asker->text, sizeof(asker->text), "%s: status %d: %s", names[i % 4], (int)status, error.text);
        }
        arena_free(&arena);
    }
    store_session_close(&session);
    return NULL;
}

/* Sessions of several threads, on a file and in memory, while another one empties and fills the tables. */
static void test_threads(void **state)
{
    struct fixture *fixture = *state;
    for (int memory = 0; memory < 2; memory++) {
        pthread_t threads[4];
        struct asker askers[4];
        if (memory)
            snprintf(fixture->path, sizeof(fixture->path), ":memory:");
        assert_int_equal(open_store(fixture, "cache_ttl = 1"), STATUS_OK);
        seed(fixture, NULL);
        for (int i = 0; i < 4; i++) {
            askers[i] = (struct asker){.store = fixture->store};
            assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &askers[i]), 0);
        }
        for (int i = 0; i < 10; i++) {
            assert_int_equal(store_clear(fixture->session, &fixture->error), STATUS_OK);
            seed(fixture, NULL);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            if (askers[i].wrong > 0)
                fail_msg("thread %d, %d wrong answers, at last %s", i, askers[i].wrong, askers[i].text);
        }
        close_store(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
        TEST(test_empty_database),   TEST(test_sample),     TEST(test_older_schemas),
        TEST(test_read_only),        TEST(test_rules),      TEST(test_odd_names),
        TEST(test_odd_names_unread), TEST(test_huge_texts), TEST(test_no_memory),
        TEST(test_faulty_rows),      TEST(test_words),      TEST(test_dav),
        TEST(test_provider_names),   TEST(test_ldap),       TEST(test_edits),
        TEST(test_replaced_file),    TEST(test_names),      TEST(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
