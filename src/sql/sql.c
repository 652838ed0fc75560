/* sql.c - what every database has in common: kept statements, one retry on a lost connection, transactions. */
/* SPDX-License-Identifier: MIT */
#include "sql/sql.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/driver.h"
#include "sql/text.h"

enum {
    STATEMENTS_MAX = 128,
    ARENA_MAX = 64 * 1024,
    STATEMENT_MAX = 64 * 1024,
    STOP_LOOK_MS = 100, /* between two looks whether to stop */
};

static enum status out_of_memory(struct error *error_r)
{
    return error_set(error_r, STATUS_LIMIT, "out of memory");
}

/* db_echo: the statement on one line. Values are never part of it: they may be somebody's address. */
static void echo(const struct sql *sql, const char *text)
{
    struct buf line;
    bool blank = false;

    if (!sql->options.echo)
        return;
    buf_init(&line, 0);
    for (; *text; text++) {
        if (strchr(" \t\r\n", *text)) {
            blank = line.length > 0;
            continue;
        }
        if (blank)
            buf_addc(&line, ' ');
        blank = false;
        buf_addc(&line, *text);
    }
    if (!buf_failed(&line) && line.length > 0)
        log_echo("sql: %s", line.data);
    buf_free(&line);
}

int sql_time_left(const struct sql *sql)
{
    int64_t left;

    if (sql_stopped(sql))
        return 0;
    if (sql->deadline == INT64_MAX)
        return -1;
    left = sql->deadline - clock_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int sql_poll(const struct sql *sql, struct pollfd *poller)
{
    for (;;) {
        int left = sql_time_left(sql);
        bool last = !sql->stop || (left >= 0 && left <= STOP_LOOK_MS);
        /* A server that never stops sending shall not keep us past the deadline. */
        int ready = left == 0 ? 0 : poll(poller, 1, last ? left : STOP_LOOK_MS);

        if (ready > 0 || (ready == 0 && last) || (ready < 0 && errno != EINTR && errno != EAGAIN))
            return ready;
    }
}

static void start_clock(struct sql *sql)
{
    sql->deadline = sql->options.timeout ? clock_ms() + sql->options.timeout : INT64_MAX;
}

static enum status copy_uri(struct arena *arena, const struct sql_uri *from, struct sql_uri *to)
{
    struct sql_uri_option *options = arena_array(arena, from->option_count, sizeof(*options));

    to->scheme = arena_text(arena, from->scheme);
    to->user = arena_text(arena, from->user);
    to->password = arena_text(arena, from->password);
    to->host = arena_text(arena, from->host);
    to->port = from->port;
    to->database = arena_text(arena, from->database);
    for (size_t i = 0; options && i < from->option_count; i++) {
        options[i].name = arena_text(arena, from->options[i].name);
        options[i].value = arena_text(arena, from->options[i].value);
    }
    to->options = options;
    to->option_count = options ? from->option_count : 0;
    return arena_failed(arena) ? STATUS_LIMIT : STATUS_OK;
}

static enum status connect_now(struct sql *sql, struct error *error_r)
{
    enum status status = sql->driver->connect(sql, error_r);

    sql->lost = false;
    sql->connected = status == STATUS_OK;
    sql->connection_count++;
    return status;
}

static void drop_statement(struct sql_statement *statement)
{
    if (statement->prepared)
        statement->sql->driver->drop(statement);
    statement->prepared = false;
    statement->native = NULL;
}

static void disconnect(struct sql *sql)
{
    for (struct sql_statement *statement = sql->statements; statement; statement = statement->next)
        drop_statement(statement);
    if (sql->connected)
        sql->driver->disconnect(sql);
    sql->connected = false;
    sql->native = NULL;
}

/* A connection that is of no use any more is replaced where nobody depends on its state. */
static bool may_reconnect(const struct sql *sql)
{
    return !sql->in_transaction && sql->active == 0;
}

static enum status ensure_connected(struct sql *sql, struct error *error_r)
{
    if (sql->connected && !sql->lost)
        return STATUS_OK;
    if (!may_reconnect(sql))
        return error_set(error_r, STATUS_BACKEND, "%s: the connection was lost", sql->shown);
    disconnect(sql);

    enum status status = connect_now(sql, error_r);

    if (status != STATUS_OK)
        error_prefix(error_r, "%s: ", sql->shown);
    return status;
}

static enum status ensure_prepared(struct sql_statement *statement, struct error *error_r)
{
    if (statement->prepared)
        return STATUS_OK;

    enum status status = statement->sql->driver->prepare(statement, error_r);

    statement->prepared = status == STATUS_OK;
    return status;
}

enum status sql_open(const struct sql_uri *uri, const struct sql_options *options, struct sql **sql_r,
                     struct error *error_r)
{
    const struct sql_driver *driver;
    struct arena *arena = NULL;
    struct sql *sql = NULL;
    enum status status = sql_driver_find(uri->scheme, &driver, error_r);

    *sql_r = NULL;
    if (status != STATUS_OK)
        return status;
    status = STATUS_LIMIT;
    arena = arena_new(ARENA_MAX);
    if (!arena)
        return out_of_memory(error_r);
    sql = calloc(1, sizeof(*sql));
    if (!sql || copy_uri(arena, uri, &sql->uri) != STATUS_OK) {
        out_of_memory(error_r);
        goto out;
    }
    sql->driver = driver;
    sql->arena = arena;
    sql->options = *options;
    sql->options.memory = arena_text(arena, options->memory);
    if (options->password)
        sql->uri.password = arena_text(arena, options->password);
    sql->options.password = sql->uri.password;
    sql->shown = sql_uri_shown(arena, &sql->uri);
    if (arena_failed(arena)) {
        out_of_memory(error_r);
        goto out;
    }
    start_clock(sql);
    status = ensure_connected(sql, error_r);

out:
    if (status != STATUS_OK) {
        free(sql);
        arena_free(&arena);
        return status;
    }
    *sql_r = sql;
    return STATUS_OK;
}

void sql_close(struct sql **sql)
{
    struct sql *closing = *sql;

    *sql = NULL;
    if (!closing)
        return;
    disconnect(closing);
    while (closing->statements) {
        struct sql_statement *statement = closing->statements;

        closing->statements = statement->next;
        free(statement->text);
        free(statement);
    }
    arena_free(&closing->arena);
    free(closing);
}

enum sql_dialect sql_dialect(const struct sql *sql)
{
    return sql->driver->dialect;
}

unsigned sql_connection_count(const struct sql *sql)
{
    return sql->connection_count;
}

bool sql_read_only(const struct sql *sql)
{
    return sql->read_only;
}

void sql_set_timeout(struct sql *sql, unsigned milliseconds)
{
    sql->options.timeout = milliseconds;
}

void sql_set_stop(struct sql *sql, const atomic_bool *stop)
{
    sql->stop = stop;
}

bool sql_stopped(const struct sql *sql)
{
    return sql->stop && atomic_load_explicit(sql->stop, memory_order_relaxed);
}

/* The call without a look at transactions, for BEGIN, COMMIT and ROLLBACK themselves. */
static enum status run(struct sql *sql, const char *statements, struct error *error_r)
{
    enum status status;

    start_clock(sql);
    echo(sql, statements);
    for (int attempt = 0;; attempt++) {
        status = ensure_connected(sql, error_r);
        if (status != STATUS_OK)
            return status;
        status = sql->driver->run(sql, statements, error_r);
        if (status == STATUS_OK)
            return STATUS_OK;
        if (!sql->lost || attempt > 0 || !may_reconnect(sql) || sql_time_left(sql) == 0)
            break;
    }
    error_prefix(error_r, "%s: ", sql->shown);
    return status;
}

enum status sql_run(struct sql *sql, const char *statements, struct error *error_r)
{
    return run(sql, statements, error_r);
}

static struct sql_statement *find_statement(struct sql *sql, const char *sql_text)
{
    for (struct sql_statement *statement = sql->statements; statement; statement = statement->next) {
        if (statement->key == sql_text && strcmp(statement->text, sql_text) == 0)
            return statement;
    }
    return NULL;
}

static enum status new_statement(struct sql *sql, const char *sql_text, struct sql_statement **statement_r,
                                 struct error *error_r)
{
    unsigned parameters = sql_text_parameters(sql->driver->dialect, sql_text);
    struct sql_statement *statement;

    if (parameters > SQL_PARAMETERS_MAX)
        return error_set(error_r, STATUS_INVALID, "the statement has %u parameters; at most %d work", parameters,
                         SQL_PARAMETERS_MAX);
    if (sql->statement_count == STATEMENTS_MAX || strlen(sql_text) > STATEMENT_MAX)
        return error_set(error_r, STATUS_LIMIT, "too many or too long SQL statements");
    statement = calloc(1, sizeof(*statement));
    if (!statement)
        return out_of_memory(error_r);
    statement->text = strdup(sql_text);
    if (!statement->text) {
        free(statement);
        return out_of_memory(error_r);
    }
    statement->sql = sql;
    statement->key = sql_text;
    statement->parameter_count = parameters;
    statement->number = sql->next_number++;
    sql->statement_count++;
    statement->next = sql->statements;
    sql->statements = statement;
    *statement_r = statement;
    return STATUS_OK;
}

/* Removes one that never could be prepared, so that a query with a mistake does not fill the table. */
static void forget_statement(struct sql_statement *statement)
{
    struct sql_statement **link = &statement->sql->statements;

    while (*link != statement)
        link = &(*link)->next;
    *link = statement->next;
    statement->sql->statement_count--;
    free(statement->text);
    free(statement);
}

enum status sql_prepare(struct sql *sql, const char *sql_text, struct sql_statement **statement_r,
                        struct error *error_r)
{
    struct sql_statement *statement = find_statement(sql, sql_text);
    const bool known = statement != NULL;
    enum status status = STATUS_OK;

    *statement_r = NULL;
    if (known && statement->prepared && !sql->lost) {
        *statement_r = statement;
        return STATUS_OK;
    }
    if (!known)
        status = new_statement(sql, sql_text, &statement, error_r);
    if (!statement)
        return status;
    start_clock(sql);
    for (int attempt = 0; attempt < 2; attempt++) {
        status = ensure_connected(sql, error_r);
        if (status != STATUS_OK)
            break;
        status = ensure_prepared(statement, error_r);
        if (status != STATUS_OK)
            error_prefix(error_r, "%s: ", sql->shown);
        if (status == STATUS_OK || !sql->lost || !may_reconnect(sql) || sql_time_left(sql) == 0)
            break;
    }
    if (status == STATUS_OK)
        *statement_r = statement;
    else if (!known)
        forget_statement(statement);
    return status;
}

static struct sql_value *parameter(struct sql_statement *statement, unsigned index)
{
    if (index >= 1 && index <= statement->parameter_count && !statement->executed)
        return &statement->values[index - 1];
    statement->misbound = true;
    return NULL;
}

void sql_bind_text(struct sql_statement *statement, unsigned index, const char *text)
{
    struct sql_value *value = parameter(statement, index);

    if (value)
        *value = (struct sql_value){.kind = text ? SQL_VALUE_TEXT : SQL_VALUE_NULL, .text = text};
}

void sql_bind_number(struct sql_statement *statement, unsigned index, int64_t number)
{
    struct sql_value *value = parameter(statement, index);

    if (value)
        *value = (struct sql_value){.kind = SQL_VALUE_NUMBER, .number = number};
}

void sql_bind_bool(struct sql_statement *statement, unsigned index, bool truth)
{
    struct sql_value *value = parameter(statement, index);

    if (value)
        *value = (struct sql_value){.kind = SQL_VALUE_BOOL, .number = truth};
}

static enum status execute(struct sql_statement *statement, struct error *error_r)
{
    struct sql *sql = statement->sql;
    enum status status;

    if (statement->misbound)
        return error_set(error_r, STATUS_INVALID, "a parameter was bound that the statement does not have: %s",
                         statement->text);
    start_clock(sql);
    echo(sql, statement->text);
    for (int attempt = 0;; attempt++) {
        status = ensure_connected(sql, error_r);
        if (status != STATUS_OK)
            return status;
        status = ensure_prepared(statement, error_r);
        if (status == STATUS_OK)
            status = sql->driver->execute(statement, error_r);
        if (status == STATUS_OK) {
            statement->executed = true;
            sql->active++;
            return STATUS_OK;
        }
        if (!sql->lost || attempt > 0 || !may_reconnect(sql) || sql_time_left(sql) == 0)
            break;
    }
    error_prefix(error_r, "%s: ", sql->shown);
    return status;
}

enum status sql_step(struct sql_statement *statement, bool *row_r, struct error *error_r)
{
    struct sql *sql = statement->sql;
    enum status status = STATUS_OK;

    *row_r = false;
    if (!statement->executed)
        status = execute(statement, error_r);
    else
        start_clock(sql);
    if (status != STATUS_OK)
        return status;
    status = sql->driver->fetch(statement, row_r, error_r);
    if (status != STATUS_OK)
        error_prefix(error_r, "%s: ", sql->shown);
    return status;
}

const char *sql_text(struct sql_statement *statement, unsigned column)
{
    return column < sql_column_count(statement) ? statement->sql->driver->text(statement, column) : NULL;
}

int64_t sql_number(struct sql_statement *statement, unsigned column)
{
    return column < sql_column_count(statement) ? statement->sql->driver->number(statement, column) : 0;
}

unsigned sql_column_count(const struct sql_statement *statement)
{
    return statement->prepared ? statement->sql->driver->column_count(statement) : 0;
}

const char *sql_column_name(const struct sql_statement *statement, unsigned column)
{
    return column < sql_column_count(statement) ? statement->sql->driver->column_name(statement, column) : NULL;
}

void sql_reset(struct sql_statement *statement)
{
    if (statement->prepared)
        statement->sql->driver->reset(statement);
    if (statement->executed)
        statement->sql->active--;
    statement->executed = false;
    statement->misbound = false;
    memset(statement->values, 0, statement->parameter_count * sizeof(statement->values[0]));
}

enum status sql_begin(struct sql *sql, struct error *error_r)
{
    enum status status;

    if (sql->in_transaction)
        return error_set(error_r, STATUS_INVALID, "a transaction is open already");
    status = run(sql, sql->driver->begin, error_r);
    sql->in_transaction = status == STATUS_OK;
    return status;
}

enum status sql_commit(struct sql *sql, struct error *error_r)
{
    enum status status;

    if (!sql->in_transaction)
        return error_set(error_r, STATUS_INVALID, "no transaction is open");
    status = run(sql, "COMMIT", error_r);
    if (status == STATUS_OK)
        sql->in_transaction = false;
    return status;
}

void sql_rollback(struct sql *sql)
{
    if (!sql->in_transaction)
        return;
    /* What cannot be rolled back any more is rolled back by closing, which the next call does. */
    if (sql->lost || run(sql, "ROLLBACK", NULL) != STATUS_OK)
        sql->lost = true;
    sql->in_transaction = false;
}

/* Asks one of the driver's own questions: its first column when there is a row. */
static enum status ask(struct sql *sql, const char *question, const char *first, const char *second, bool *row_r,
                       int64_t *number_r, struct error *error_r)
{
    struct sql_statement *statement;
    enum status status = sql_prepare(sql, question, &statement, error_r);

    *row_r = false;
    if (!statement)
        return status;
    if (statement->parameter_count > 0)
        sql_bind_text(statement, 1, first);
    if (statement->parameter_count > 1)
        sql_bind_text(statement, 2, second);
    status = sql_step(statement, row_r, error_r);
    if (status == STATUS_OK && *row_r)
        *number_r = sql_number(statement, 0);
    sql_reset(statement);
    return status;
}

enum status sql_last_id(struct sql *sql, const char *table, int64_t *id_r, struct error *error_r)
{
    bool row;
    enum status status = ask(sql, sql->driver->last_id, table, NULL, &row, id_r, error_r);

    if (status == STATUS_OK && !row)
        return error_set(error_r, STATUS_BACKEND, "table %s has no automatic id", table);
    return status;
}

enum status sql_has_table(struct sql *sql, const char *table, bool *there_r, struct error *error_r)
{
    int64_t ignored;

    return ask(sql, sql->driver->has_table, table, NULL, there_r, &ignored, error_r);
}

enum status sql_has_column(struct sql *sql, const char *table, const char *column, bool *there_r, struct error *error_r)
{
    int64_t ignored;

    return ask(sql, sql->driver->has_column, table, column, there_r, &ignored, error_r);
}
