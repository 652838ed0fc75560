/* mariadb.c - MariaDB and MySQL by libmariadb's non-blocking calls, so that no server holds us past a deadline. */
/* SPDX-License-Identifier: MIT */
#include "sql/mariadb.h"

#include <errmsg.h>
#include <inttypes.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/module.h"
#include "sql/text.h"

enum { COLUMNS_MAX = 64, NUMBER_SIZE = 64, GRACE_MS = 1000 };

struct column {
    char *text;
    size_t capacity;
    unsigned long length;
    my_bool null;
    my_bool truncated;
};

struct result {
    MYSQL_STMT *stmt;
    MYSQL_RES *fields; /* names and types; NULL for a statement without rows */
    unsigned column_count;
    struct column *columns;
    MYSQL_BIND *binds;
    bool row;
};

static bool is_lost(unsigned code)
{
    switch (code) {
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_COMMANDS_OUT_OF_SYNC:
    case CR_OUT_OF_MEMORY:    /* the rest of the answer was not read, and freeing the statement would wait for it */
    case CR_MALFORMED_PACKET: /* nobody knows where the next packet begins */
    case CR_NET_PACKET_TOO_LARGE:
    case CR_SSL_CONNECTION_ERROR:
    case CR_NO_PREPARE_STMT:
    case CR_NEW_STMT_METADATA: /* the table got other columns since the statement was prepared */
    case ER_UNKNOWN_STMT_HANDLER:
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_UNKNOWN_COM_ERROR: /* what a Galera node says that has left its cluster */
    case 4031:                 /* MySQL's ER_CLIENT_INTERACTION_TIMEOUT */
        return true;
    default:
        return false;
    }
}

static enum status fault(struct sql *sql, unsigned code, const char *state, const char *message, struct error *error_r)
{
    if (is_lost(code)) {
        sql->lost = true;
        /* Closing statements must not wait for answers that nobody will read. */
        shutdown(mysql_get_socket(maria_handle(sql)), SHUT_RDWR);
        if (sql_time_left(sql) == 0)
            return error_set(error_r, STATUS_BACKEND, "no answer within %u ms", sql->options.timeout);
    }
    switch (code) {
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_OPTION_PREVENTS_STATEMENT: /* --read-only */
    case ER_READ_ONLY_MODE:
        return error_set(error_r, STATUS_REFUSED, "%s", message);
    /* "Incorrect string value: 'jane@...'": a person's address must not get into the log. */
    case ER_TRUNCATED_WRONG_VALUE:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
        return error_set(error_r, STATUS_INVALID, "a value does not fit its column's type (error %u)", code);
    default:
        break;
    }
    return error_set(error_r,
                     strncmp(state, "42", 2) == 0 || strncmp(state, "23", 2) == 0 || strncmp(state, "22", 2) == 0
                         ? STATUS_INVALID
                         : STATUS_BACKEND,
                     "%s", message);
}

static enum status connection_fault(struct sql *sql, struct error *error_r)
{
    MYSQL *mysql = maria_handle(sql);

    return fault(sql, mysql_errno(mysql), mysql_sqlstate(mysql), mysql_error(mysql), error_r);
}

static enum status statement_fault(struct sql *sql, MYSQL_STMT *stmt, struct error *error_r)
{
    return fault(sql, mysql_stmt_errno(stmt), mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt), error_r);
}

static enum status query(struct sql *sql, const char *text, struct error *error_r)
{
    MYSQL *mysql = maria_handle(sql);
    int failed, events;

    events = mysql_real_query_start(&failed, mysql, text, strlen(text));
    while (events)
        events = mysql_real_query_cont(&failed, mysql, maria_wait(sql, mysql, events));
    while (failed == 0) {
        MYSQL_RES *rows = NULL;

        events = mysql_store_result_start(&rows, mysql);
        while (events)
            events = mysql_store_result_cont(&rows, mysql, maria_wait(sql, mysql, events));
        mysql_free_result(rows);
        if (mysql_errno(mysql) != 0)
            break;
        events = mysql_next_result_start(&failed, mysql);
        while (events)
            events = mysql_next_result_cont(&failed, mysql, maria_wait(sql, mysql, events));
    }
    /* next_result: -1 means that there is none, above 0 that a later statement failed. */
    return mysql_errno(mysql) == 0 ? STATUS_OK : connection_fault(sql, error_r);
}

/* A statement that we gave up must end in the server too, a little after our own deadline. The limit is raised as
 * needed, so that deadlines which differ from call to call cost nothing. */
static enum status limit_server(struct sql *sql, struct error *error_r)
{
    struct maria_connection *connection = sql->native;
    unsigned limit = sql->options.timeout ? (sql->options.timeout / GRACE_MS + 2) * GRACE_MS : 0;
    char text[64];
    enum status status;

    if (sql->in_transaction || limit == connection->limit || (limit && connection->limit > limit))
        return STATUS_OK;
    if (strstr(mysql_get_server_info(connection->mysql), "MariaDB"))
        snprintf(text, sizeof(text), "SET SESSION max_statement_time = %u.%03u", limit / 1000, limit % 1000);
    else
        snprintf(text, sizeof(text), "SET SESSION max_execution_time = %u", limit);
    status = query(sql, text, error_r);
    /* A server too old to know it works all the same. */
    if (status == STATUS_OK || !sql->lost)
        connection->limit = limit;
    return sql->lost ? status : STATUS_OK;
}

static enum status maria_run(struct sql *sql, const char *statements, struct error *error_r)
{
    enum status status = limit_server(sql, error_r);

    /* BEGIN and the like end with themselves; a script ends with a separator, which MariaDB takes for an empty one. */
    return status == STATUS_OK ? query(sql, statements, error_r) : status;
}

static void free_result(struct result *result)
{
    if (!result)
        return;
    for (unsigned i = 0; result->columns && i < result->column_count; i++)
        free(result->columns[i].text);
    free(result->columns);
    free(result->binds);
    if (result->fields)
        mysql_free_result(result->fields);
    if (result->stmt)
        mysql_stmt_close(result->stmt);
    free(result);
}

static enum status maria_prepare(struct sql_statement *statement, struct error *error_r)
{
    const my_bool yes = 1;
    struct sql *sql = statement->sql;
    MYSQL *mysql = maria_handle(sql);
    struct result *result = calloc(1, sizeof(*result));
    enum status status;
    int failed, events;

    if (!result)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    status = limit_server(sql, error_r);
    if (status != STATUS_OK)
        goto out;
    result->stmt = mysql_stmt_init(mysql);
    if (!result->stmt) {
        status = error_set(error_r, STATUS_LIMIT, "out of memory");
        goto out;
    }
    /* So that buffers for rows can be made as long as the longest text. */
    mysql_stmt_attr_set(result->stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &yes);
    events = mysql_stmt_prepare_start(&failed, result->stmt, statement->text, strlen(statement->text));
    while (events)
        events = mysql_stmt_prepare_cont(&failed, result->stmt, maria_wait(sql, mysql, events));
    if (failed) {
        status = statement_fault(sql, result->stmt, error_r);
        goto out;
    }
    if (mysql_stmt_param_count(result->stmt) != statement->parameter_count) {
        status = error_set(error_r, STATUS_INVALID, "the statement's parameters cannot be told apart from its text");
        goto out;
    }
    result->fields = mysql_stmt_result_metadata(result->stmt);
    result->column_count = mysql_stmt_field_count(result->stmt);
    if (result->column_count > 0 && !result->fields) {
        status = error_set(error_r, STATUS_LIMIT, "out of memory");
        goto out;
    }
    if (result->column_count > COLUMNS_MAX) {
        status = error_set(error_r, STATUS_INVALID, "the statement returns %u columns; at most %d work",
                           result->column_count, COLUMNS_MAX);
        goto out;
    }
    result->columns = calloc(COLUMNS_MAX, sizeof(*result->columns));
    result->binds = calloc(COLUMNS_MAX, sizeof(*result->binds));
    if (!result->columns || !result->binds)
        status = error_set(error_r, STATUS_LIMIT, "out of memory");
out:
    if (status == STATUS_OK)
        statement->native = result;
    else
        free_result(result);
    return status;
}

static void maria_drop(struct sql_statement *statement)
{
    free_result(statement->native);
}

static void bind_parameters(struct sql_statement *statement, MYSQL_BIND *binds, unsigned long *lengths)
{
    static my_bool null = 1;

    memset(binds, 0, SQL_PARAMETERS_MAX * sizeof(*binds));
    for (unsigned i = 0; i < statement->parameter_count; i++) {
        struct sql_value *value = &statement->values[i];

        switch (value->kind) {
        case SQL_VALUE_TEXT:
            lengths[i] = strlen(value->text);
            binds[i].buffer_type = MYSQL_TYPE_STRING;
            binds[i].buffer = (void *)(uintptr_t)value->text; /* read only, though the library's type has no const */
            binds[i].buffer_length = lengths[i];
            binds[i].length = &lengths[i];
            break;
        case SQL_VALUE_NUMBER:
        case SQL_VALUE_BOOL:
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            binds[i].buffer = &value->number;
            break;
        case SQL_VALUE_NULL:
            binds[i].buffer_type = MYSQL_TYPE_NULL;
            binds[i].is_null = &null;
            break;
        }
    }
}

/* Everything is fetched as text, into buffers that hold the longest value of each column. */
static enum status bind_columns(struct result *result, struct error *error_r)
{
    MYSQL_RES *fields = mysql_stmt_result_metadata(result->stmt);
    bool out_of_memory = fields == NULL;

    for (unsigned i = 0; i < result->column_count && !out_of_memory; i++) {
        struct column *column = &result->columns[i];
        size_t needed = mysql_fetch_field_direct(fields, i)->max_length + NUMBER_SIZE;

        if (column->capacity < needed) {
            free(column->text);
            column->text = malloc(needed);
            column->capacity = column->text ? needed : 0;
            out_of_memory = column->text == NULL;
        }
        result->binds[i] = (MYSQL_BIND){
            .buffer_type = MYSQL_TYPE_STRING,
            .buffer = column->text,
            .buffer_length = column->capacity > 0 ? column->capacity - 1 : 0,
            .length = &column->length,
            .is_null = &column->null,
            .error = &column->truncated,
        };
    }
    if (fields)
        mysql_free_result(fields);
    if (out_of_memory)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    if (mysql_stmt_bind_result(result->stmt, result->binds))
        return error_set(error_r, STATUS_BACKEND, "%s", mysql_stmt_error(result->stmt));
    return STATUS_OK;
}

static void maria_reset(struct sql_statement *statement)
{
    struct result *result = statement->native;

    mysql_stmt_free_result(result->stmt);
    result->row = false;
}

static enum status maria_execute(struct sql_statement *statement, struct error *error_r)
{
    struct sql *sql = statement->sql;
    MYSQL *mysql = maria_handle(sql);
    struct result *result = statement->native;
    MYSQL_BIND parameters[SQL_PARAMETERS_MAX];
    unsigned long lengths[SQL_PARAMETERS_MAX];
    enum status status = limit_server(sql, error_r);
    int failed = 0, events;

    if (status != STATUS_OK)
        return status;
    bind_parameters(statement, parameters, lengths);
    if (statement->parameter_count > 0 && mysql_stmt_bind_param(result->stmt, parameters))
        return statement_fault(sql, result->stmt, error_r);
    events = mysql_stmt_execute_start(&failed, result->stmt);
    while (events)
        events = mysql_stmt_execute_cont(&failed, result->stmt, maria_wait(sql, mysql, events));
    if (!failed && result->column_count > 0) {
        events = mysql_stmt_store_result_start(&failed, result->stmt);
        while (events)
            events = mysql_stmt_store_result_cont(&failed, result->stmt, maria_wait(sql, mysql, events));
    }
    if (failed)
        return statement_fault(sql, result->stmt, error_r);
    result->row = false;
    return result->column_count > 0 ? bind_columns(result, error_r) : STATUS_OK;
}

/* BIT comes as bytes, whatever is asked for; a user database may have BIT(1) for yes and no. */
static void write_bits(struct column *column)
{
    uint64_t bits = 0;

    for (unsigned long i = 0; i < column->length && i < sizeof(bits); i++)
        bits = bits << 8 | (unsigned char)column->text[i];
    column->length = (unsigned long)snprintf(column->text, column->capacity, "%" PRIu64, bits);
}

static enum status maria_fetch(struct sql_statement *statement, bool *row_r, struct error *error_r)
{
    struct result *result = statement->native;
    int code = result->column_count > 0 ? mysql_stmt_fetch(result->stmt) : MYSQL_NO_DATA;

    result->row = false;
    if (code == MYSQL_NO_DATA)
        return STATUS_OK;
    if (code != 0)
        return code == MYSQL_DATA_TRUNCATED ? error_set(error_r, STATUS_BACKEND, "a value was cut")
                                            : statement_fault(statement->sql, result->stmt, error_r);
    for (unsigned i = 0; i < result->column_count; i++) {
        struct column *column = &result->columns[i];

        if (column->null)
            continue;
        if (mysql_fetch_field_direct(result->fields, i)->type == MYSQL_TYPE_BIT)
            write_bits(column);
        column->text[column->length < column->capacity ? column->length : column->capacity - 1] = '\0';
    }
    result->row = true;
    *row_r = true;
    return STATUS_OK;
}

static const char *maria_text(struct sql_statement *statement, unsigned column)
{
    const struct result *result = statement->native;

    return result->row && !result->columns[column].null ? result->columns[column].text : NULL;
}

static int64_t maria_number(struct sql_statement *statement, unsigned column)
{
    return sql_text_number(maria_text(statement, column));
}

static unsigned maria_column_count(const struct sql_statement *statement)
{
    const struct result *result = statement->native;

    return result->column_count;
}

static const char *maria_column_name(const struct sql_statement *statement, unsigned column)
{
    const struct result *result = statement->native;

    return mysql_fetch_field_direct(result->fields, column)->name;
}

static const struct sql_driver driver = {
    .dialect = SQL_MYSQL,
    .begin = "START TRANSACTION",
    .last_id = "SELECT LAST_INSERT_ID()",
    .has_table = "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
    .has_column = "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? "
                  "AND column_name = ?",
    .connect = maria_connect,
    .disconnect = maria_disconnect,
    .run = maria_run,
    .prepare = maria_prepare,
    .drop = maria_drop,
    .execute = maria_execute,
    .fetch = maria_fetch,
    .reset = maria_reset,
    .text = maria_text,
    .number = maria_number,
    .column_count = maria_column_count,
    .column_name = maria_column_name,
};

const struct module_export automxd_module = {AUTOMXD_VERSION, &driver};
