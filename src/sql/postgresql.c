/* postgresql.c - PostgreSQL through libpq's asynchronous calls, so that no server can hold us past a deadline. */
/* SPDX-License-Identifier: MIT */
#include "sql/driver.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/module.h"
#include "base/text.h"
#include "sql/text.h"

enum { KEYWORDS_MAX = 48, NAME_SIZE = 24, GRACE_MS = 1000 };

struct connection {
    PGconn *pg;
    unsigned limit; /* the server's statement_timeout, set by us; 0: none */
};

struct result {
    PGresult *rows;
    int row; /* -1 before the first */
};

static PGconn *connection_of(const struct sql *sql)
{
    const struct connection *connection = sql->native;

    return connection->pg;
}

/* libpq's messages have several lines; what a person needs is on the first one or in all of them, so they are joined.
 */
static enum status fault_text(struct error *error_r, enum status status, const char *message)
{
    char line[400];
    size_t used = 0;

    while (*message && used < sizeof(line) - 3) {
        if (*message == '\n') {
            message += strspn(message, "\n\t ");
            if (*message) {
                line[used++] = ';';
                line[used++] = ' ';
            }
        } else {
            line[used++] = *message++;
        }
    }
    line[used] = '\0';
    return error_set(error_r, status, "%s", used > 0 ? line : "the connection was closed");
}

static enum status too_slow(struct sql *sql, struct error *error_r)
{
    sql->lost = true;
    return error_set(error_r, STATUS_BACKEND, "no answer within %u ms", sql->options.timeout);
}

/* False when the deadline passed. */
static bool wait_for(const struct sql *sql, int socket, short events)
{
    struct pollfd poller = {.fd = socket, .events = events};

    return sql_poll(sql, &poller) != 0; /* libpq will meet a fault of poll(), too, and name it */
}

static void hear_notice(void *context, const char *message)
{
    (void)context;
    log_debug("postgresql: %s", message);
}

struct keywords {
    const char *names[KEYWORDS_MAX + 1];
    const char *values[KEYWORDS_MAX + 1];
    size_t count;
};

/* The later one wins, as an option in the URL over our default. Nothing of it is copied. */
static void set_keyword(struct keywords *keywords, const char *name, const char *value)
{
    size_t i = 0;

    if (!value)
        return;
    while (i < keywords->count && strcmp(keywords->names[i], name) != 0)
        i++;
    if (i == KEYWORDS_MAX)
        return;
    keywords->names[i] = name;
    keywords->values[i] = value;
    if (i == keywords->count)
        keywords->count++;
}

/* Every option that libpq knows is passed on. One that it does not know belongs to a Python driver and changes nothing
 * for us, unless it is about TLS: an unencrypted connection must never come from a slip of the pen. */
static enum status set_options(struct keywords *keywords, const struct sql_uri *uri, struct error *error_r)
{
    PQconninfoOption *known = PQconndefaults();
    enum status status = STATUS_OK;

    if (!known)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    for (size_t i = 0; i < uri->option_count && status == STATUS_OK; i++) {
        const PQconninfoOption *option = known;

        while (option->keyword && strcmp(option->keyword, uri->options[i].name) != 0)
            option++;
        if (option->keyword)
            set_keyword(keywords, uri->options[i].name, uri->options[i].value);
        else if (text_starts_nocase(uri->options[i].name, "ssl"))
            status = error_set(error_r, STATUS_INVALID,
                               "the database URL's option '%s' is unknown; TLS is set by sslmode and sslrootcert",
                               uri->options[i].name);
        else
            log_warning_once("the database URL's option '%s' is unknown to PostgreSQL and ignored",
                             uri->options[i].name);
    }
    PQconninfoFree(known);
    return status;
}

static enum status connect_within(struct sql *sql, PGconn *pg, struct error *error_r)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;

    if (!pg)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    PQsetNoticeProcessor(pg, hear_notice, NULL);
    if (PQstatus(pg) == CONNECTION_BAD)
        return fault_text(error_r, STATUS_BACKEND, PQerrorMessage(pg));
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED)
            return fault_text(error_r, STATUS_BACKEND, PQerrorMessage(pg));
        if (!wait_for(sql, PQsocket(pg), next == PGRES_POLLING_READING ? POLLIN : POLLOUT))
            return too_slow(sql, error_r);
        next = PQconnectPoll(pg);
    }
    return PQsetnonblocking(pg, 1) == 0 ? STATUS_OK : error_set(error_r, STATUS_BACKEND, "%s", PQerrorMessage(pg));
}

static void postgresql_disconnect(struct sql *sql)
{
    struct connection *connection = sql->native;

    PQfinish(connection->pg);
    free(connection);
    sql->native = NULL;
}

static enum status postgresql_connect(struct sql *sql, struct error *error_r)
{
    const struct sql_uri *uri = &sql->uri;
    struct connection *connection = calloc(1, sizeof(*connection));
    struct keywords keywords = {.count = 0};
    char port[8];
    char patience[16];
    enum status status;

    if (!connection)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    sql->native = connection;
    snprintf(port, sizeof(port), "%u", uri->port);
    snprintf(patience, sizeof(patience), "%u", sql->options.timeout);
    set_keyword(&keywords, "host", uri->host);
    set_keyword(&keywords, "port", uri->port ? port : NULL);
    set_keyword(&keywords, "user", uri->user);
    set_keyword(&keywords, "password", uri->password);
    set_keyword(&keywords, "dbname", uri->database);
    set_keyword(&keywords, "fallback_application_name", "automxd");
    /* Otherwise a Kerberos ticket cache that happens to be there is tried first. */
    set_keyword(&keywords, "gssencmode", "disable");
    /* The kernel gives up on a server whose machine is gone, even in the middle of nothing. */
    set_keyword(&keywords, "keepalives_idle", "30");
    set_keyword(&keywords, "keepalives_interval", "10");
    set_keyword(&keywords, "keepalives_count", "3");
    set_keyword(&keywords, "tcp_user_timeout", sql->options.timeout ? patience : NULL);
    status = set_options(&keywords, uri, error_r);
    if (status != STATUS_OK)
        goto out;
    set_keyword(&keywords, "client_encoding", "UTF8");
    connection->pg = PQconnectStartParams(keywords.names, keywords.values, 0);
    status = connect_within(sql, connection->pg, error_r);
out:
    if (status != STATUS_OK)
        postgresql_disconnect(sql);
    return status;
}

static bool one_of(const char *state, const char *const *states)
{
    for (; *states; states++) {
        if (strncmp(state, *states, strlen(*states)) == 0)
            return true;
    }
    return false;
}

/* What an SQLSTATE means to us. */
static enum status fault(struct sql *sql, const PGresult *result, struct error *error_r)
{
    /* Connection faults; shut down, crashed, starting; too long idle in a transaction; and plans that are of no use any
     * more: "cached plan must not change result type", and a statement that a pooler's other server never saw. */
    static const char *const lost[] = {"08", "57P", "25P03", "0A000", "26000", NULL};
    static const char *const refused[] = {"25006", "42501", NULL};
    static const char *const invalid[] = {"42", "23", "3F", "22", NULL};
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    if (PQstatus(connection_of(sql)) == CONNECTION_BAD)
        sql->lost = true;
    if (!state || !message)
        return fault_text(error_r, STATUS_BACKEND, PQerrorMessage(connection_of(sql)));
    if (one_of(state, lost))
        sql->lost = true;
    if (one_of(state, refused))
        return fault_text(error_r, STATUS_REFUSED, message);
    /* "invalid input syntax for type integer: "jane@..."": a person's address must not get into the log. */
    if (strncmp(state, "22", 2) == 0 && strcmp(state, "22001") != 0)
        return error_set(error_r, STATUS_INVALID, "a value does not fit its column's type (SQLSTATE %s)", state);
    return fault_text(error_r, one_of(state, invalid) ? STATUS_INVALID : STATUS_BACKEND, message);
}

/* Waits for everything that answers the command just sent. The last result, or the first that is a fault, is kept. */
static enum status receive(struct sql *sql, int sent, PGresult **result_r, struct error *error_r)
{
    PGconn *pg = connection_of(sql);
    PGresult *kept = NULL;
    enum status status = STATUS_OK;

    *result_r = NULL;
    if (!sent)
        return fault(sql, NULL, error_r);
    while (PQflush(pg) == 1) {
        if (!wait_for(sql, PQsocket(pg), POLLIN | POLLOUT))
            return too_slow(sql, error_r);
        if (!PQconsumeInput(pg))
            break;
    }
    for (;;) {
        while (PQisBusy(pg)) {
            if (!wait_for(sql, PQsocket(pg), POLLIN)) {
                PQclear(kept);
                return too_slow(sql, error_r);
            }
            if (!PQconsumeInput(pg))
                break;
        }

        PGresult *result = PQgetResult(pg);

        if (!result)
            break;
        switch (PQresultStatus(result)) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
        case PGRES_EMPTY_QUERY:
            PQclear(kept);
            kept = result;
            continue;
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
            /* Would have to be fed or drained; closing ends it. */
            sql->lost = true;
            status = error_set(error_r, STATUS_INVALID, "COPY cannot be used here");
            PQclear(result);
            PQclear(kept);
            return status;
        default:
            if (status == STATUS_OK)
                status = fault(sql, result, error_r);
            PQclear(result);
        }
    }
    if (status == STATUS_OK && !kept)
        status = fault(sql, NULL, error_r);
    if (status != STATUS_OK) {
        PQclear(kept);
        return status;
    }
    *result_r = kept;
    return STATUS_OK;
}

static enum status command(struct sql *sql, const char *text, struct error *error_r)
{
    PGresult *result;
    enum status status = receive(sql, PQsendQuery(connection_of(sql), text), &result, error_r);

    /* COMMIT of a failed transaction is answered with ROLLBACK, and no error. */
    if (status == STATUS_OK && strcmp(text, "COMMIT") == 0 && strcmp(PQcmdStatus(result), "ROLLBACK") == 0)
        status = error_set(error_r, STATUS_BACKEND, "the transaction was rolled back");
    PQclear(result);
    return status;
}

/* A statement that we gave up must end in the server too, a little after our own deadline. It is raised as needed, so
 * that deadlines which differ from call to call cost nothing. */
static enum status limit_server(struct sql *sql, struct error *error_r)
{
    struct connection *connection = sql->native;
    unsigned limit = sql->options.timeout ? (sql->options.timeout / GRACE_MS + 2) * GRACE_MS : 0;
    char text[48];
    enum status status;

    if (sql->in_transaction || limit == connection->limit || (limit && connection->limit > limit))
        return STATUS_OK;
    snprintf(text, sizeof(text), "SET statement_timeout = %u", limit);
    status = command(sql, text, error_r);
    if (status == STATUS_OK)
        connection->limit = limit;
    return status;
}

static enum status postgresql_run(struct sql *sql, const char *statements, struct error *error_r)
{
    enum status status = limit_server(sql, error_r);

    return status == STATUS_OK ? command(sql, statements, error_r) : status;
}

static void write_name(char *name, const struct sql_statement *statement)
{
    snprintf(name, NAME_SIZE, "automxd_%u", statement->number);
}

static enum status postgresql_prepare(struct sql_statement *statement, struct error *error_r)
{
    struct sql *sql = statement->sql;
    struct arena *arena = arena_new(256 * 1024);
    char *text = arena ? sql_text_numbered(arena, statement->text) : NULL;
    struct result *result = calloc(1, sizeof(*result));
    PGresult *answer = NULL;
    enum status status = STATUS_LIMIT;
    char name[NAME_SIZE];

    if (!text || !result) {
        error_set(error_r, STATUS_LIMIT, "out of memory");
        goto out;
    }
    write_name(name, statement);
    status = limit_server(sql, error_r);
    if (status == STATUS_OK)
        status = receive(sql, PQsendPrepare(connection_of(sql), name, text, 0, NULL), &answer, error_r);
    PQclear(answer);
out:
    if (status == STATUS_OK)
        statement->native = result;
    else
        free(result);
    arena_free(&arena);
    return status;
}

static void postgresql_reset(struct sql_statement *statement)
{
    struct result *result = statement->native;

    PQclear(result->rows);
    result->rows = NULL;
}

static void postgresql_drop(struct sql_statement *statement)
{
    postgresql_reset(statement);
    free(statement->native);
}

static enum status postgresql_execute(struct sql_statement *statement, struct error *error_r)
{
    struct sql *sql = statement->sql;
    struct result *result = statement->native;
    const char *values[SQL_PARAMETERS_MAX];
    char numbers[SQL_PARAMETERS_MAX][24];
    char name[NAME_SIZE];
    enum status status = limit_server(sql, error_r);

    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < statement->parameter_count; i++) {
        const struct sql_value *value = &statement->values[i];

        values[i] = NULL;
        if (value->kind == SQL_VALUE_TEXT) {
            values[i] = value->text;
        } else if (value->kind == SQL_VALUE_NUMBER) {
            snprintf(numbers[i], sizeof(numbers[i]), "%" PRId64, value->number);
            values[i] = numbers[i];
        } else if (value->kind == SQL_VALUE_BOOL) {
            values[i] = value->number ? "true" : "false";
        }
    }
    write_name(name, statement);
    result->row = -1;
    return receive(
        sql, PQsendQueryPrepared(connection_of(sql), name, (int)statement->parameter_count, values, NULL, NULL, 0),
        &result->rows, error_r);
}

static enum status postgresql_fetch(struct sql_statement *statement, bool *row_r, struct error *error_r)
{
    struct result *result = statement->native;

    (void)error_r;
    if (result->row < PQntuples(result->rows))
        result->row++;
    *row_r = result->row < PQntuples(result->rows);
    return STATUS_OK;
}

static const char *postgresql_text(struct sql_statement *statement, unsigned column)
{
    const struct result *result = statement->native;

    if (result->row < 0 || result->row >= PQntuples(result->rows) ||
        PQgetisnull(result->rows, result->row, (int)column))
        return NULL;
    return PQgetvalue(result->rows, result->row, (int)column);
}

static int64_t postgresql_number(struct sql_statement *statement, unsigned column)
{
    return sql_text_number(postgresql_text(statement, column));
}

static unsigned postgresql_column_count(const struct sql_statement *statement)
{
    const struct result *result = statement->native;

    return (unsigned)PQnfields(result->rows);
}

static const char *postgresql_column_name(const struct sql_statement *statement, unsigned column)
{
    const struct result *result = statement->native;

    return PQfname(result->rows, (int)column);
}

/* The casts give the server the types that it cannot tell from a function's arguments. */
static const struct sql_driver driver = {
    .dialect = SQL_POSTGRESQL,
    .begin = "BEGIN",
    .last_id = "SELECT currval(pg_get_serial_sequence(CAST(? AS text), 'id'))",
    .has_table = "SELECT 1 WHERE to_regclass(quote_ident(CAST(? AS text))) IS NOT NULL",
    .has_column = "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(quote_ident(CAST(? AS text))) "
                  "AND attname = CAST(? AS text) AND attnum > 0 AND NOT attisdropped",
    .connect = postgresql_connect,
    .disconnect = postgresql_disconnect,
    .run = postgresql_run,
    .prepare = postgresql_prepare,
    .drop = postgresql_drop,
    .execute = postgresql_execute,
    .fetch = postgresql_fetch,
    .reset = postgresql_reset,
    .text = postgresql_text,
    .number = postgresql_number,
    .column_count = postgresql_column_count,
    .column_name = postgresql_column_name,
};

const struct module_export automxd_module = {AUTOMXD_VERSION, &driver};
