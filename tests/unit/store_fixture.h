/* store_fixture.h - a store on a temporary SQLite file that a test prepares by plain SQL, as administrators do. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/settings.h"
#include "store/store.h"

struct fixture {
    char directory[256];
    char path[300];
    struct settings *settings;
    struct store *store;
    struct store_session *session;
    struct arena *arena; /* of the last find() */
    struct error error;
};

/* automx2's schema as its own DDL makes it (release 2021.3 to 2026.2). */
static const char automx2_ddl[] =
    "CREATE TABLE ldapserver (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,"
    " use_ssl BOOLEAN NOT NULL, search_base VARCHAR(128) NOT NULL, search_filter VARCHAR(128) NOT NULL,"
    " attr_uid VARCHAR(32) NOT NULL, attr_cn VARCHAR(32), bind_password VARCHAR(128), bind_user VARCHAR(128),"
    " PRIMARY KEY (id));"
    "CREATE TABLE provider (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, short_name VARCHAR(32) NOT NULL,"
    " PRIMARY KEY (id));"
    "CREATE TABLE server (id INTEGER NOT NULL, prio INTEGER DEFAULT '10' NOT NULL, name VARCHAR(128) NOT NULL,"
    " port INTEGER NOT NULL, type VARCHAR(32) NOT NULL, socket_type VARCHAR(32) NOT NULL,"
    " user_name VARCHAR(64) NOT NULL, authentication VARCHAR(32) NOT NULL, PRIMARY KEY (id));"
    "CREATE TABLE davserver (id INTEGER NOT NULL, url VARCHAR(128) NOT NULL, port INTEGER NOT NULL,"
    " type VARCHAR(32) NOT NULL, use_ssl BOOLEAN NOT NULL, domain_required BOOLEAN NOT NULL, user_name VARCHAR(64),"
    " PRIMARY KEY (id));"
    "CREATE TABLE domain (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, provider_id INTEGER NOT NULL,"
    " ldapserver_id INTEGER, PRIMARY KEY (id), UNIQUE (name), FOREIGN KEY(provider_id) REFERENCES provider (id),"
    " FOREIGN KEY(ldapserver_id) REFERENCES ldapserver (id));"
    "CREATE TABLE server_domain (server_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,"
    " PRIMARY KEY (server_id, domain_id), FOREIGN KEY(server_id) REFERENCES server (id),"
    " FOREIGN KEY(domain_id) REFERENCES domain (id));"
    "CREATE TABLE davserver_domain (davserver_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,"
    " PRIMARY KEY (davserver_id, domain_id), FOREIGN KEY(davserver_id) REFERENCES davserver (id),"
    " FOREIGN KEY(domain_id) REFERENCES domain (id));";

/* Release 2020.0, revision f62e64b43d2f: no server.prio, no DAV tables. */
static const char automx2_2020_ddl[] =
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num));"
    "INSERT INTO alembic_version VALUES ('f62e64b43d2f');"
    "CREATE TABLE ldapserver (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,"
    " use_ssl BOOLEAN NOT NULL, search_base VARCHAR(128) NOT NULL, search_filter VARCHAR(128) NOT NULL,"
    " attr_uid VARCHAR(128) NOT NULL, attr_cn VARCHAR(128), bind_password VARCHAR(128), bind_user VARCHAR(128),"
    " PRIMARY KEY (id), CHECK (use_ssl IN (0, 1)));"
    "CREATE TABLE provider (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, short_name VARCHAR(128) NOT NULL,"
    " PRIMARY KEY (id));"
    "CREATE TABLE server (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,"
    " type VARCHAR(128) NOT NULL, socket_type VARCHAR(128) NOT NULL, user_name VARCHAR(128) NOT NULL,"
    " authentication VARCHAR(128) NOT NULL, PRIMARY KEY (id));"
    "CREATE TABLE domain (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, provider_id INTEGER NOT NULL,"
    " ldapserver_id INTEGER, PRIMARY KEY (id), UNIQUE (name), FOREIGN KEY(provider_id) REFERENCES provider (id),"
    " FOREIGN KEY(ldapserver_id) REFERENCES ldapserver (id));"
    "CREATE TABLE server_domain (server_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,"
    " PRIMARY KEY (server_id, domain_id), FOREIGN KEY(server_id) REFERENCES server (id),"
    " FOREIGN KEY(domain_id) REFERENCES domain (id));";

/* One provider, one domain, IMAP and SMTP; fits every schema. */
static const char automx2_rows[] =
    "INSERT INTO provider(id, name, short_name) VALUES (100, 'Example Ltd', 'Example');"
    "INSERT INTO server(id, name, port, type, socket_type, user_name, authentication) VALUES"
    " (200, 'imap.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'),"
    " (201, 'smtp.example.com', 587, 'smtp', 'STARTTLS', '%EMAILADDRESS%', 'plain');"
    "INSERT INTO domain(id, name, provider_id) VALUES (300, 'example.com', 100);"
    "INSERT INTO server_domain(server_id, domain_id) VALUES (200, 300), (201, 300);";

static inline void run_sql(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", message, sql);
    sqlite3_close(db);
}

/* The first column of the first row. */
static inline int64_t query_number(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static inline int fixture_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    snprintf(fixture->directory, sizeof(fixture->directory), "%s/automxd-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    snprintf(fixture->path, sizeof(fixture->path), "%s/db.sqlite", fixture->directory);
    *state = fixture;
    return 0;
}

static inline void close_store(struct fixture *fixture)
{
    arena_free(&fixture->arena);
    store_session_close(&fixture->session);
    store_close(&fixture->store);
    settings_free(&fixture->settings);
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[400];
    close_store(fixture);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->directory);
    int code = system(command);
    free(fixture);
    return code;
}

/* Opens the store on the file, with further lines of configuration. */
static inline enum status open_store(struct fixture *fixture, const char *more)
{
    char text[2048];
    int length =
        snprintf(text, sizeof(text), "[automx2]\n%s%s%s%s\n", strstr(more, "accounts") ? "" : "db_uri = sqlite:///",
                 strstr(more, "accounts") ? "" : fixture->path, "\n", more);
    enum status status = settings_parse("test.conf", text, (size_t)length, &fixture->settings, &fixture->error);
    if (status != STATUS_OK)
        fail_msg("%s", fixture->error.text);
    status = store_open(fixture->settings, &fixture->store, &fixture->error);
    if (status == STATUS_OK)
        assert_int_equal(store_session_open(fixture->store, &fixture->session, &fixture->error), STATUS_OK);
    return status;
}

static inline enum status find_status(struct fixture *fixture, const char *name, const struct domain **domain_r)
{
    arena_free(&fixture->arena);
    fixture->arena = arena_new(1024 * 1024);
    fixture->error.text[0] = '\0';
    *domain_r = NULL;
    return store_find(fixture->session, fixture->arena, name, domain_r, &fixture->error);
}

static inline const struct domain *find(struct fixture *fixture, const char *name)
{
    const struct domain *domain = NULL;
    enum status status = find_status(fixture, name, &domain);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        fail_msg("%s: status %d: %s", name, (int)status, fixture->error.text);
    assert_true((status == STATUS_OK) == (domain != NULL));
    return domain;
}

static inline void seed(struct fixture *fixture, const char *json)
{
    bool seeded = false;
    if (store_seed(fixture->session, json, json != NULL ? strlen(json) : 0, &seeded, &fixture->error) != STATUS_OK)
        fail_msg("%s", fixture->error.text);
    assert_true(seeded);
}

static inline void must_find(struct fixture *fixture, const char *name, const char *rule)
{
    const struct domain *domain = find(fixture, name);
    if (domain == NULL)
        fail_msg("%s is not found", name);
    else if (strcmp(domain->name, rule) != 0)
        fail_msg("%s is served by %s, not %s", name, domain->name, rule);
}

static inline void must_miss(struct fixture *fixture, const char *name)
{
    if (find(fixture, name) != NULL)
        fail_msg("%s is found", name);
}

#endif
