/* store.c - opens the database and gives each thread a session with it, connected again after failures. */
/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/secret.h"
#include "store/domain_query.h"
#include "store/json_read.h"
#include "store/seed.h"
#include "store/session.h"

enum {
    STORE_ARENA_MAX = 256 * 1024,
    QUERIES_ARENA_MAX = 64 * 1024,
    SCHEMA_INTERVAL_MIN = 1000,
    NAME_PAGE_MAX = 1024 * 1024,
};

/* A database in memory keeps its content over SIGHUP, when the new store opens it before the old one closes. One that
 * is filled from a file is filled anew, beside the old one. */
static const char *memory_name(struct arena *arena, const struct settings *settings)
{
    static atomic_uint fillings;
    if (settings->accounts == NULL)
        return "automxd";
    return arena_format(arena, "accounts-%u", atomic_fetch_add(&fillings, 1));
}

static bool in_memory(const struct sql_uri *uri)
{
    return strcmp(uri->scheme, "sqlite") == 0 &&
           (uri->database == NULL || uri->database[0] == '\0' || strcmp(uri->database, ":memory:") == 0);
}

/* The settings that can be judged without the database. */
static enum status configure(struct store *store, struct error *error_r)
{
    const struct settings *settings = store->settings;
    const char *uri = settings->db_uri != NULL ? settings->db_uri : "sqlite:///:memory:";
    enum status status = sql_uri_parse(store->arena, uri, &store->uri, error_r);
    if (status != STATUS_OK) {
        error_prefix(error_r, "db_uri: ");
        return status;
    }
    const char *rule = NULL;
    if (settings->default_domain != NULL &&
        rule_take(store->arena, settings->default_domain, &rule, error_r) != STATUS_OK) {
        error_prefix(error_r, "default_domain: ");
        return STATUS_INVALID;
    }
    bool memory = in_memory(&store->uri);
    if (settings->accounts != NULL && !memory)
        return error_set(error_r, STATUS_INVALID,
                         "accounts and db_uri cannot both be set: the accounts of a file are kept in memory");
    store->options = (struct sql_options){
        .echo = settings->db_echo,
        .timeout = settings->lookup_timeout,
        .create = true, /* as automx2 does: initdb finds an empty file, and until then nothing is served */
        .memory = memory ? memory_name(store->arena, settings) : NULL,
    };
    if (settings->db_password_file != NULL) {
        status = secret_read(store->arena, settings->db_password_file, &store->options.password, error_r);
        if (status != STATUS_OK) {
            error_prefix(error_r, "db_password_file: ");
            return STATUS_INVALID;
        }
    }
    return domain_query_configure(store, error_r);
}

static enum status read_file(const char *path, struct buf *text, struct error *error_r)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error_r, STATUS_INVALID, "accounts: %s: %m", path);
    enum status status = STATUS_OK;
    if (!buf_read(text, fd))
        status = buf_failed(text) ? error_set(error_r, STATUS_INVALID, "accounts: %s is larger than %d MiB", path,
                                              SEED_SIZE_MAX / (1024 * 1024))
                                  : error_set(error_r, STATUS_INVALID, "accounts: %s: %m", path);
    close(fd);
    return status;
}

/* "line 7: ..." becomes "FILE:7: ...", which editors understand. */
static void name_file(const char *path, struct error *error)
{
    struct error old;
    static const char line[] = "line ";
    if (error == NULL)
        return;
    old = *error;
    if (strncmp(old.text, line, strlen(line)) == 0)
        error_set(error, STATUS_INVALID, "%s:%s", path, old.text + strlen(line));
    else
        error_prefix(error, "%s: ", path);
}

static enum status fill_from_file(struct store *store, struct error *error_r)
{
    struct store_session *session = NULL;
    struct buf text;
    bool seeded = false;
    buf_init(&text, SEED_SIZE_MAX);
    enum status status = read_file(store->settings->accounts, &text, error_r);
    if (status == STATUS_OK)
        status = store_session_open(store, &session, error_r);
    if (status == STATUS_OK) {
        status = store_seed(session, text.data != NULL ? text.data : "", text.length, &seeded, error_r);
        if (status == STATUS_INVALID)
            name_file(store->settings->accounts, error_r);
    }
    store_session_close(&session);
    buf_free(&text);
    return status;
}

enum status store_open(const struct settings *settings, struct store **store_r, struct error *error_r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sql *sql = NULL;
    *store_r = NULL;
    pthread_once(&once, reader_init); /* at the daemon's start, when it has no other thread */
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    store->settings = settings;
    store->arena = arena_new(STORE_ARENA_MAX);
    store->odd = odd_names_new(settings->cache_ttl, settings->lookup_timeout);
    enum status status = STATUS_LIMIT;
    if (store->arena == NULL || store->odd == NULL) {
        error_set(error_r, status, "memory is out");
        goto out;
    }
    status = configure(store, error_r);
    if (status != STATUS_OK)
        goto out;
    status = sql_open(&store->uri, &store->options, &sql, error_r);
    if (status == STATUS_OK && store->options.memory != NULL) {
        store->keeper = sql;
        sql = NULL;
        if (settings->accounts != NULL)
            status = fill_from_file(store, error_r);
        if (status == STATUS_BACKEND) /* memory that was not filled is nothing to wait for */
            status = STATUS_INVALID;
    }
    sql_close(&sql);
    if (status == STATUS_OK)
        status = domain_query_try(store, error_r);
out:
    /* A server that is not up yet is waited for: the sessions go on trying. */
    if (status == STATUS_OK || status == STATUS_BACKEND)
        *store_r = store;
    else
        store_close(&store);
    return status;
}

void store_end_checks(struct store *store)
{
    atomic_store_explicit(&store->closing, true, memory_order_relaxed);
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    sql_close(&(*store)->keeper);
    odd_names_free(&(*store)->odd);
    arena_free(&(*store)->arena);
    free(*store);
    *store = NULL;
}

enum status store_session_open(struct store *store, struct store_session **session_r, struct error *error_r)
{
    struct store_session *session = calloc(1, sizeof(*session));
    *session_r = session;
    if (session == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    session->store = store;
    session->options = store->options;
    return STATUS_OK;
}

enum status store_session_open_brief(struct store *store, unsigned patience, struct store_session **session_r,
                                     struct error *error_r)
{
    enum status status = store_session_open(store, session_r, error_r);
    if (status == STATUS_OK)
        (*session_r)->options.timeout = patience;
    return status;
}

bool store_is_file(const struct store *store)
{
    const char *file = sql_uri_file(&store->uri);
    return file != NULL && filesystem_is_local(file);
}

static void forget_schema(struct store_session *session)
{
    arena_free(&session->arena);
    offers_free(&session->offers);
    session->schema = (struct schema){0};
    session->schema_due = 0;
}

static void fail(struct store_session *session, const struct error *error)
{
    connection_failed(&session->main, error);
    session->reading = false;
    forget_schema(session);
}

void store_session_close(struct store_session **session)
{
    if (*session == NULL)
        return;
    connection_close(&(*session)->main);
    connection_close(&(*session)->other);
    forget_schema(*session);
    free(*session);
    *session = NULL;
}

/* The queries for a schema, in place of those of another. */
static enum status make_queries(struct store_session *session, const struct schema *schema, struct error *error_r)
{
    /* Statements of the old queries would stay with the connection for ever. */
    if (session->arena != NULL) {
        arena_free(&session->arena);
        offers_free(&session->offers);
        sql_close(&session->main.sql);
        enum status status = sql_open(&session->store->uri, &session->options, &session->main.sql, error_r);
        if (status != STATUS_OK)
            return status;
    }
    session->arena = arena_new(QUERIES_ARENA_MAX);
    if (session->arena == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    session->schema = *schema;
    queries_build(session->arena, schema, &session->queries);
    if (arena_failed(session->arena)) {
        arena_free(&session->arena);
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    }
    return STATUS_OK;
}

enum status session_learn(struct store_session *session, struct error *error_r)
{
    struct schema schema;
    int64_t now = clock_ms();
    enum status status = schema_detect(session->main.sql, &schema, error_r);
    if (status != STATUS_OK)
        return status;
    if (session->arena == NULL || session->schema.parts != schema.parts)
        status = make_queries(session, &schema, error_r);
    if (status != STATUS_OK) {
        session->schema_due = 0; /* the old queries are gone: nothing is asked before this succeeds */
        return status;
    }
    unsigned interval = session->store->settings->cache_ttl;
    /* Whoever upgrades the schema while we run shall not have to restart us; a complete one does not change. */
    session->schema_due = schema_complete(&schema) ? INT64_MAX
                          : schema_usable(&schema)
                              ? now + (interval > SCHEMA_INTERVAL_MIN ? interval : SCHEMA_INTERVAL_MIN)
                              : 0;
    return STATUS_OK;
}

enum status session_enter(struct store_session *session, struct error *error_r)
{
    struct error error = {0};
    const struct store *store = session->store;
    enum status status = connection_open(&session->main, &store->uri, &session->options, error_r);
    if (status != STATUS_OK)
        return status;
    if (clock_ms() >= session->schema_due)
        status = session_learn(session, &error);
    if (status == STATUS_OK)
        return STATUS_OK;
    fail(session, &error);
    return error_set(error_r, STATUS_BACKEND, "%s", error.text);
}

enum status session_leave(struct store_session *session, enum status status, const struct error *error)
{
    if (status == STATUS_BACKEND)
        fail(session, error);
    else
        connection_succeeded(&session->main);
    return status;
}

/* The other two do not prepare what begins a transaction, and SQLite takes as long to read it as to look for a row. */
static enum status run_transaction(struct sql *sql, const char *text, struct error *error_r)
{
    struct sql_statement *statement;
    bool row;
    if (sql_dialect(sql) != SQL_SQLITE)
        return sql_run(sql, text, error_r);
    enum status status = sql_prepare(sql, text, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    status = sql_step(statement, &row, error_r);
    sql_reset(statement);
    return status;
}

enum status session_begin_read(struct store_session *session, struct error *error_r)
{
    static const char *const begin[] = {
        [SQL_SQLITE] = "BEGIN",
        [SQL_POSTGRESQL] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        [SQL_MYSQL] = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    };
    return run_transaction(session->main.sql, begin[sql_dialect(session->main.sql)], error_r);
}

/* Where the connection was lost and made again in the middle there is nothing to end, which does not matter. */
void session_end_read(struct store_session *session)
{
    if (run_transaction(session->main.sql, "ROLLBACK", NULL) != STATUS_OK)
        sql_close(&session->main.sql);
}

enum status store_ping(struct store_session *session, struct error *error_r)
{
    struct error error = {0};
    struct sql_statement *statement = NULL;
    bool row;
    enum status status = session_enter(session, error_r);
    if (status != STATUS_OK)
        return status;
    const char *query = schema_usable(&session->schema) ? "SELECT id FROM domain LIMIT 1" : "SELECT 1";
    status = sql_prepare(session->main.sql, query, &statement, &error);
    if (status == STATUS_OK) {
        status = sql_step(statement, &row, &error);
        sql_reset(statement);
    }
    session_leave(session, status, &error);
    return status == STATUS_OK ? STATUS_OK : error_set(error_r, STATUS_BACKEND, "%s", error.text);
}

/* One page of names past after; the last stored one is where the next page begins. */
static enum status read_names(struct store_session *session, struct arena *arena, const char *after, const char **names,
                              size_t *count_r, const char **last_r, struct error *error_r)
{
    struct sql_statement *statement = NULL;
    enum status status = sql_prepare(
        session->main.sql, "SELECT name FROM domain WHERE name > ? ORDER BY name LIMIT 500", &statement, error_r);
    *count_r = 0;
    *last_r = NULL;
    if (status != STATUS_OK)
        return status;
    sql_bind_text(statement, 1, after);
    for (bool row = true; row && *count_r < PAGE_ROWS;) {
        status = sql_step(statement, &row, error_r);
        if (status != STATUS_OK || !row)
            break;
        *last_r = arena_text(arena, sql_text(statement, 0));
        if (*last_r == NULL) {
            status = error_set(error_r, STATUS_LIMIT, "memory is out");
            break;
        }
        names[(*count_r)++] = *last_r;
    }
    sql_reset(statement);
    return status;
}

enum status store_names(struct store_session *session, store_visit visit, void *context, struct error *error_r)
{
    struct error error = {0};
    struct arena *arena = NULL;
    char *after = NULL; /* the last name of the page before */
    bool wanted = true;
    enum status status = session_enter(session, error_r);
    if (status != STATUS_OK)
        return status;
    while (wanted && schema_usable(&session->schema)) {
        const char *names[PAGE_ROWS];
        const char *last = NULL;
        size_t count = 0;
        arena = arena_new(NAME_PAGE_MAX);
        status = arena == NULL ? STATUS_LIMIT
                               : read_names(session, arena, after != NULL ? after : "", names, &count, &last, &error);
        if (status != STATUS_OK || count == 0)
            break;
        for (size_t i = 0; i < count && wanted; i++) {
            const char *name = NULL;
            if (rule_take(arena, names[i], &name, NULL) == STATUS_OK)
                wanted = visit(context, name);
        }
        free(after);
        after = strdup(last);
        arena_free(&arena);
        if (after == NULL) {
            status = error_set(&error, STATUS_LIMIT, "memory is out");
            break;
        }
    }
    arena_free(&arena);
    free(after);
    session_leave(session, status, &error);
    return status == STATUS_OK ? STATUS_OK : error_set(error_r, STATUS_BACKEND, "%s", error.text);
}
