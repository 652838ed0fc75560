/* query.c - people in an SQL database, whatever its schema: the setting user_query. */
/* SPDX-License-Identifier: MIT */
#include "userdb/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "sql/sql.h"
#include "sql/text.h"

enum {
    ARENA_MAX = 256 * 1024,
    PARAMETERS_MAX = 16,
    COLUMNS_MAX = 16,
    COLUMN_NAME_MAX = 32,
    VALUE_MAX = 320,
    DELAY_MIN_MS = 250,
    DELAY_MAX_MS = 2000,
};

enum { VALUE_ADDRESS, VALUE_LOCAL, VALUE_DOMAIN };

static const char *const value_names[] = {
    [VALUE_ADDRESS] = "address", [VALUE_LOCAL] = "local", [VALUE_DOMAIN] = "domain", NULL};

struct user_query {
    struct arena *arena;
    struct sql_uri uri;
    struct sql_options options;
    const char *text; /* with ? for values */
    unsigned order[PARAMETERS_MAX];
    unsigned parameter_count;
};

struct user_query_session {
    const struct user_query *query;
    struct sql *sql;
    int64_t dead_until; /* clock_ms() */
    unsigned delay;     /* of the last failure; 0: it answers */
};

static bool in_memory(const struct sql_uri *uri)
{
    return strcmp(uri->scheme, "sqlite") == 0 &&
           (!uri->database || *uri->database == '\0' || strcmp(uri->database, ":memory:") == 0);
}

/* user_db_uri with its password file, else the store's database with its own. */
static enum status read_settings(struct user_query *query, const struct settings *settings, struct error *error_r)
{
    const bool own = settings->user_db_uri != NULL;
    const char *password_file = own ? settings->user_db_password_file : settings->db_password_file;
    const char *uri = own ? settings->user_db_uri : settings->db_uri;
    enum status status = sql_uri_parse(query->arena, uri ? uri : "sqlite:///:memory:", &query->uri, error_r);

    if (status != STATUS_OK) {
        error_prefix(error_r, "%s: ", own ? "user_db_uri" : "db_uri");
        return status;
    }
    if (in_memory(&query->uri))
        return error_set(error_r, STATUS_INVALID,
                         "user_query has no database to ask: db_uri is in memory; set user_db_uri");
    query->options = (struct sql_options){.echo = settings->db_echo, .timeout = settings->lookup_timeout};
    if (password_file) {
        status = secret_read(query->arena, password_file, &query->options.password, error_r);
        if (status != STATUS_OK) {
            error_prefix(error_r, "%s: ", own ? "user_db_password_file" : "db_password_file");
            return status;
        }
    }
    status = sql_text_named(query->arena, sql_uri_dialect(&query->uri), settings->user_query, value_names, query->order,
                            PARAMETERS_MAX, &query->text, &query->parameter_count, error_r);
    if (status == STATUS_OK && query->parameter_count == 0)
        status = error_set(error_r, STATUS_INVALID,
                           "it uses none of :address, :local, :domain, so that everybody would get the same row");
    if (status != STATUS_OK)
        error_prefix(error_r, "user_query: ");
    return status;
}

static bool column_name_usable(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return length > 0 && length <= COLUMN_NAME_MAX && name[length] == '\0';
}

static enum status check_columns(struct sql_statement *statement, struct error *error_r)
{
    unsigned count = sql_column_count(statement);

    if (count == 0 || count > COLUMNS_MAX)
        return error_set(error_r, STATUS_INVALID, "user_query returns %u columns; it must return 1 to %d", count,
                         COLUMNS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const char *name = sql_column_name(statement, i);

        if (!name || !column_name_usable(name))
            return error_set(error_r, STATUS_INVALID,
                             "user_query: column %u has no usable name ('%s'); give it one with AS: login, name, or "
                             "letters, digits and _ for a placeholder",
                             i + 1, name ? name : "");
    }
    return STATUS_OK;
}

/* Asks for nobody, which shows whether the query fits the database and what it returns. */
static enum status try_query(const struct user_query *query, struct error *error_r)
{
    struct sql_statement *statement;
    struct sql *sql;
    enum status status;
    bool row;

    status = sql_open(&query->uri, &query->options, &sql, error_r);
    if (status != STATUS_OK)
        return status;
    status = sql_prepare(sql, query->text, &statement, error_r);
    if (status == STATUS_OK) {
        for (unsigned i = 0; i < query->parameter_count; i++)
            sql_bind_text(statement, i + 1, "");
        status = sql_step(statement, &row, error_r);
        if (status == STATUS_OK)
            status = check_columns(statement, error_r);
        sql_reset(statement);
    }
    sql_close(&sql);
    return status;
}

enum status user_query_new(const struct settings *settings, struct user_query **query_r, struct error *error_r)
{
    struct user_query *query;
    struct error trouble = {""};
    enum status status;

    *query_r = NULL;
    if (!settings->user_query)
        return STATUS_OK;
    query = calloc(1, sizeof(*query));
    if (query)
        query->arena = arena_new(ARENA_MAX);
    if (!query || !query->arena) {
        free(query);
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    }
    status = read_settings(query, settings, error_r);
    if (status == STATUS_OK) {
        status = try_query(query, &trouble);
        if (status == STATUS_BACKEND || status == STATUS_LIMIT) {
            log_warning("user_query: %s; it is tried again when somebody asks", trouble.text);
            status = STATUS_OK;
        } else if (status != STATUS_OK) {
            status = error_set(error_r, STATUS_INVALID, "user_query: %s", trouble.text);
        }
    }
    if (status != STATUS_OK)
        user_query_free(&query);
    *query_r = query;
    return status;
}

void user_query_free(struct user_query **query)
{
    struct user_query *freed = *query;

    *query = NULL;
    if (!freed)
        return;
    arena_free(&freed->arena);
    free(freed);
}

struct user_query_session *user_query_session_new(const struct user_query *query)
{
    struct user_query_session *session = calloc(1, sizeof(*session));

    if (session)
        session->query = query;
    return session;
}

void user_query_session_free(struct user_query_session **session)
{
    if (*session)
        sql_close(&(*session)->sql);
    free(*session);
    *session = NULL;
}

/* Empty and NULL are the same here: many schemas have one where others have the other. */
static const char *column_value(struct sql_statement *statement, unsigned column, struct arena *arena)
{
    const char *text = sql_text(statement, column);
    size_t length = text ? strlen(text) : 0;

    if (length == 0)
        return NULL;
    if (length > VALUE_MAX || !text_utf8_valid(text, length) || text_has_control(text, length)) {
        log_warning_once("user_query: column %s of some rows is no plain text and is left out",
                         sql_column_name(statement, column));
        return NULL;
    }
    return arena_copy(arena, text, length);
}

static enum status read_person(struct sql_statement *statement, struct arena *arena, struct person *person_r,
                               struct error *error_r)
{
    unsigned count = sql_column_count(statement);
    struct variable *variables;
    size_t used = 0;

    /* The table may have changed since the start. */
    if (check_columns(statement, error_r) != STATUS_OK)
        return STATUS_BACKEND;
    variables = arena_array(arena, count, sizeof(*variables));
    for (unsigned i = 0; i < count && variables; i++) {
        const char *value = column_value(statement, i, arena);
        char *name = arena_text(arena, sql_column_name(statement, i));

        if (!value || !name)
            continue;
        text_lower(name);
        if (strcmp(name, "login") == 0)
            person_r->login = value;
        else if (strcmp(name, "name") == 0)
            person_r->full_name = value;
        else
            variables[used++] = (struct variable){.name = name, .value = value};
    }
    person_r->variables = variables;
    person_r->variable_count = used;
    return arena_failed(arena) ? error_set(error_r, STATUS_BACKEND, "out of memory") : STATUS_OK;
}

static enum status run_query(struct user_query_session *session, const struct address *address, int64_t deadline,
                             struct arena *arena, struct person *person_r, struct error *error_r)
{
    const struct user_query *query = session->query;
    const char *values[] = {
        [VALUE_ADDRESS] = address->text, [VALUE_LOCAL] = address->local, [VALUE_DOMAIN] = address->domain};
    struct sql_options options = query->options;
    const int64_t left = deadline - clock_ms();
    struct sql_statement *statement;
    enum status status = STATUS_OK;
    bool row;

    if (left <= 0)
        return error_set(error_r, STATUS_BACKEND, "no time is left");
    options.timeout = (unsigned)left;
    if (!session->sql)
        status = sql_open(&query->uri, &options, &session->sql, error_r);
    else
        sql_set_timeout(session->sql, options.timeout);
    if (status == STATUS_OK)
        status = sql_prepare(session->sql, query->text, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < query->parameter_count; i++)
        sql_bind_text(statement, i + 1, values[query->order[i]]);
    status = sql_step(statement, &row, error_r);
    if (status == STATUS_OK && !row)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = read_person(statement, arena, person_r, error_r);
    if (status == STATUS_OK)
        status = sql_step(statement, &row, error_r);
    if (status == STATUS_OK && row) {
        log_info("user_query: several rows fit one address, so that none is used");
        status = STATUS_NOT_FOUND;
    }
    sql_reset(statement);
    return status;
}

enum status user_query_find(struct user_query_session *session, const struct address *address, int64_t deadline,
                            struct arena *arena, struct person *person_r, struct error *error_r)
{
    enum status status;

    *person_r = (struct person){0};
    if (clock_ms() < session->dead_until)
        return error_set(error_r, STATUS_BACKEND, "user_query: the database did not answer a moment ago");
    status = run_query(session, address, deadline, arena, person_r, error_r);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        session->delay = 0;
    } else {
        session->delay = session->delay == 0                 ? DELAY_MIN_MS
                         : session->delay * 2 < DELAY_MAX_MS ? session->delay * 2
                                                             : DELAY_MAX_MS;
        session->dead_until = clock_ms() + session->delay;
        error_prefix(error_r, "user_query: ");
        /* Also a query that no longer fits its table: the answer is not known, which is not the same as nobody. */
        status = STATUS_BACKEND;
    }
    if (status != STATUS_OK)
        *person_r = (struct person){0};
    return status;
}
