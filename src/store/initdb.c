/* initdb.c - fills and empties the tables. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "store/seed.h"
#include "store/session.h"

enum {
    SEED_ARENA_MAX = 512 * 1024 * 1024,
    EDIT_TIMEOUT = 300000, /* for emptying tables of a million rows */
};

static enum status count_providers(struct sql *sql, bool *there_r, struct error *error_r)
{
    struct sql_statement *statement;
    enum status status = sql_prepare(sql, "SELECT id FROM provider LIMIT 1", &statement, error_r);
    if (status != STATUS_OK)
        return status;
    status = sql_step(statement, there_r, error_r);
    sql_reset(statement);
    return status;
}

/* Where nothing of automx2's is there, all of our schema is made. Where something is, it is an installation that
 * only 'automxctl upgrade' may change. */
static enum status make_tables(struct store_session *session, struct schema *schema, struct error *error_r)
{
    enum status status = schema_detect(session->main.sql, schema, error_r);
    if (status != STATUS_OK || schema_usable(schema))
        return status;
    status = schema_create(session->main.sql, error_r);
    return status == STATUS_OK ? schema_detect(session->main.sql, schema, error_r) : status;
}

static enum status seed_in_transaction(struct store_session *session, struct seed *seed, bool *seeded_r,
                                       struct error *error_r)
{
    struct schema schema;
    bool there = false;
    enum status status = make_tables(session, &schema, error_r);
    if (status == STATUS_OK)
        status = count_providers(session->main.sql, &there, error_r);
    if (status != STATUS_OK || there)
        return status;
    status = seed_fits(seed, &schema, error_r);
    if (status == STATUS_OK)
        status = seed_write(seed, session->main.sql, error_r);
    if (status == STATUS_OK)
        *seeded_r = true;
    return status;
}

/* Ends a transaction as its work ended. The work's sentence stays, whatever comes after. */
static enum status finish(struct store_session *session, enum status status, struct error *error_r)
{
    if (status == STATUS_OK)
        status = sql_commit(session->main.sql, error_r);
    if (status != STATUS_OK)
        sql_rollback(session->main.sql);
    /* The JSON was judged before; what SQL takes for invalid now is no mistake of the JSON. */
    return status == STATUS_INVALID ? STATUS_BACKEND : status;
}

static enum status begin(struct store_session *session, struct error *error_r)
{
    if (sql_read_only(session->main.sql))
        return error_set(error_r, STATUS_REFUSED,
                         "the database is read-only for automxd; give it the right to write, or fill it by SQL");
    return sql_begin(session->main.sql, error_r);
}

/* MariaDB commits before it makes a table, so that tables which are missing are made before the transaction. */
static enum status prepare_tables(struct store_session *session, struct schema *schema, struct error *error_r)
{
    enum status status = schema_detect(session->main.sql, schema, error_r);
    if (status != STATUS_OK || schema_usable(schema))
        return status;
    status = begin(session, error_r);
    return status == STATUS_OK ? finish(session, make_tables(session, schema, error_r), error_r) : status;
}

enum status store_seed(struct store_session *session, const char *json, size_t length, bool *seeded_r,
                       struct error *error_r)
{
    struct seed seed;
    struct error error = {0};
    *seeded_r = false;
    struct arena *arena = arena_new(SEED_ARENA_MAX);
    if (arena == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status =
        json != NULL ? seed_parse(arena, json, length, &seed, error_r) : seed_sample(arena, &seed, error_r);
    if (status == STATUS_OK)
        status = session_enter(session, error_r);
    if (status != STATUS_OK)
        goto out;
    /* Elsewhere the tables are made in the same transaction as their rows. */
    struct schema schema;
    if (sql_dialect(session->main.sql) == SQL_MYSQL)
        status = prepare_tables(session, &schema, &error);
    if (status == STATUS_OK)
        status = begin(session, &error);
    if (status == STATUS_OK)
        status = finish(session, seed_in_transaction(session, &seed, seeded_r, &error), &error);
    if (status == STATUS_OK)
        status = session_learn(session, &error);
    if (status != STATUS_OK) {
        *seeded_r = false;
        error_set(error_r, status, "%s", error.text);
    }
    session_leave(session, status, &error);
out:
    arena_free(&arena);
    return status;
}

/* What refers to others before what is referred to. */
static enum status clear_tables(struct store_session *session, struct error *error_r)
{
    static const enum schema_part tables[] = {
        HAS_SERVER_DOMAIN,
        HAS_DAV_DOMAIN,
        HAS_SERVICE_DOMAIN,
        HAS_PROVIDER_SERVER,
        HAS_PROVIDER_DAVSERVER,
        HAS_OAUTH2,
        HAS_LINK,
        HAS_CONSENT,
        HAS_PROVIDER_SERVICE,
        HAS_DOMAIN,
        HAS_SERVER,
        HAS_DAV,
        HAS_SERVICE,
        HAS_LDAP,
        HAS_PROVIDER,
    };
    struct schema schema;
    char query[64];
    enum status status = schema_detect(session->main.sql, &schema, error_r);
    if (status == STATUS_OK && schema_has(&schema, HAS_ALIAS_OF))
        status = sql_run(session->main.sql, "UPDATE domain SET alias_of = NULL WHERE alias_of IS NOT NULL", error_r);
    for (size_t i = 0; status == STATUS_OK && i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (!schema_has(&schema, tables[i]))
            continue;
        snprintf(query, sizeof(query), "DELETE FROM %s", schema_part_table(tables[i]));
        status = sql_run(session->main.sql, query, error_r);
    }
    return status;
}

enum status store_clear(struct store_session *session, struct error *error_r)
{
    struct error error = {0};
    enum status status = session_enter(session, error_r);
    if (status != STATUS_OK)
        return status;
    status = begin(session, &error);
    if (status == STATUS_OK)
        status = finish(session, clear_tables(session, &error), &error);
    session_leave(session, status, &error);
    return status == STATUS_OK ? STATUS_OK : error_set(error_r, status, "%s", error.text);
}

/* Two that write at once would leave what both wrote: what the second one empties does not show what the first one is
 * about to commit. SQLite's transaction has the lock already. */
static enum status lock_providers(struct sql *sql, struct error *error_r)
{
    static const char *const locks[] = {
        [SQL_SQLITE] = NULL,
        [SQL_POSTGRESQL] = "LOCK TABLE provider IN SHARE ROW EXCLUSIVE MODE",
        [SQL_MYSQL] = "SELECT id FROM provider FOR UPDATE",
    };
    const char *lock = locks[sql_dialect(sql)];
    return lock != NULL ? sql_run(sql, lock, error_r) : STATUS_OK;
}

static enum status replace_in_transaction(struct store_session *session, struct seed *seed, struct error *error_r)
{
    enum status status = lock_providers(session->main.sql, error_r);
    if (status == STATUS_OK)
        status = clear_tables(session, error_r);
    if (status == STATUS_OK)
        status = seed_write(seed, session->main.sql, error_r);
    return status;
}

static enum status replace(struct store_session *session, struct seed *seed, struct error *error_r)
{
    struct schema schema;
    if (sql_read_only(session->main.sql))
        return begin(session, error_r);
    enum status status = prepare_tables(session, &schema, error_r);
    if (status == STATUS_OK)
        status = seed_fits(seed, &schema, error_r);
    if (status == STATUS_OK)
        status = begin(session, error_r);
    if (status != STATUS_OK)
        return status;
    status = finish(session, replace_in_transaction(session, seed, error_r), error_r);
    return status == STATUS_OK ? session_learn(session, error_r) : status;
}

enum status store_replace(struct store_session *session, const char *json, size_t length, struct error *error_r)
{
    struct seed seed;
    struct error error = {0};
    struct arena *arena = arena_new(SEED_ARENA_MAX);
    if (arena == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = seed_parse(arena, json, length, &seed, error_r);
    if (status == STATUS_OK)
        status = session_enter(session, error_r);
    if (status != STATUS_OK)
        goto out;
    sql_set_timeout(session->main.sql, EDIT_TIMEOUT);
    status = replace(session, &seed, &error);
    if (session->main.sql != NULL)
        sql_set_timeout(session->main.sql, session->store->options.timeout);
    session_leave(session, status, &error);
    if (status != STATUS_OK)
        error_set(error_r, status, "%s", error.text);
out:
    arena_free(&arena);
    return status;
}
