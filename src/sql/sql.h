/* sql.h - a connection to an SQL database, whichever it is. */
/* SPDX-License-Identifier: MIT */
#ifndef SQL_SQL_H
#define SQL_SQL_H

#include "base/status.h"
#include "sql/uri.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thread at a time uses a connection and its statements. Statements are written once, with ? as parameter; a
 * driver rewrites what its server wants otherwise. A driver reconnects and prepares again by itself after its server
 * went away: the call that notices returns STATUS_BACKEND only when the second attempt fails too, and never inside a
 * transaction. */
struct sql;
struct sql_statement;

enum sql_dialect { SQL_SQLITE, SQL_POSTGRESQL, SQL_MYSQL };

struct sql_options {
    bool echo;            /* log each statement, at any log level, with the values left out (db_echo) */
    unsigned timeout;     /* milliseconds for connecting and for each statement */
    bool create;          /* SQLite: make the file when it is absent */
    const char *password; /* overrides the one in the URI; or NULL. Copied. */
    const char *memory;   /* SQLite in memory: connections of this process that give the same name share one database,
                             which lives as long as one of them; NULL: a database of this connection alone. Copied. */
};

/* Connects. STATUS_INVALID: the URI cannot work (unknown scheme, driver not installed, directory missing);
 * STATUS_BACKEND: the server or file cannot be reached now. The message never holds the password. */
enum status sql_open(const struct sql_uri *uri, const struct sql_options *options, struct sql **sql_r,
                     struct error *error_r);
void sql_close(struct sql **sql);

/* The dialect of a URI's server, for looking at a statement before there is a connection. */
enum sql_dialect sql_uri_dialect(const struct sql_uri *uri);

enum sql_dialect sql_dialect(const struct sql *sql);
/* Changes when the connection was made anew, so that what a server said of it before does not hold any more. */
unsigned sql_connection_count(const struct sql *sql);

bool sql_read_only(const struct sql *sql); /* SQLite opened a file that may only be read */

/* Milliseconds that each later call may take, connecting again included; 0: no limit. MariaDB's library counts in whole
 * seconds, so that there a server that hangs is noticed after at least one. */
void sql_set_timeout(struct sql *sql, unsigned milliseconds);

/* Soon after *stop is true, every call ends as if its time were over. Borrowed; NULL: none. */
void sql_set_stop(struct sql *sql, const atomic_bool *stop);
bool sql_stopped(const struct sql *sql);

/* Runs one or several statements without parameters or rows. Rows that come are dropped. */
enum status sql_run(struct sql *sql, const char *statements, struct error *error_r);

/* Prepared once a connection and kept by it, found again by the address and text of sql_text. STATUS_INVALID: the
 * statement does not fit the database (syntax, missing table or column). A statement serves one reader at a time. */
enum status sql_prepare(struct sql *sql, const char *sql_text, struct sql_statement **statement_r,
                        struct error *error_r);

/* Parameters count from 1; those not bound since the last sql_reset() are NULL. A text is borrowed until sql_reset(). A
 * failure is reported by the next sql_step(). */
void sql_bind_text(struct sql_statement *statement, unsigned index, const char *text); /* NULL binds NULL */
void sql_bind_number(struct sql_statement *statement, unsigned index, int64_t number);
void sql_bind_bool(struct sql_statement *statement, unsigned index, bool value);

/* STATUS_OK with *row_r true: columns can be read; false: no further row. STATUS_INVALID: a value breaks a constraint
 * of the table; STATUS_REFUSED: the database is read-only or the right is missing; STATUS_BACKEND: anything else.
 * PostgreSQL and MariaDB fetch all rows at the first step, so ask for long tables in pieces. */
enum status sql_step(struct sql_statement *statement, bool *row_r, struct error *error_r);

/* Columns are known after the first sql_step(), also of no rows, and count from 0; the text is valid until the next
 * sql_step() or sql_reset(). NULL for SQL's NULL. */
const char *sql_text(struct sql_statement *statement, unsigned column);
int64_t sql_number(struct sql_statement *statement, unsigned column); /* 0 for NULL; booleans are 0 and 1 */
unsigned sql_column_count(const struct sql_statement *statement);
const char *sql_column_name(const struct sql_statement *statement, unsigned column);

/* Makes the statement ready for new values; also after the last row. Always call it when done with rows. */
void sql_reset(struct sql_statement *statement);

/* For writing: SQLite takes the write lock at once. MariaDB and MySQL commit by themselves before each CREATE, ALTER or
 * DROP, so that a later rollback does not undo those. When the server goes away in between, every call fails with
 * STATUS_BACKEND up to sql_rollback(). */
enum status sql_begin(struct sql *sql, struct error *error_r);
enum status sql_commit(struct sql *sql, struct error *error_r);
void sql_rollback(struct sql *sql);

/* The id that the last INSERT into a table with an automatic id made. */
enum status sql_last_id(struct sql *sql, const char *table, int64_t *id_r, struct error *error_r);

/* Whether a table, or a column of it, is there now. */
enum status sql_has_table(struct sql *sql, const char *table, bool *there_r, struct error *error_r);
enum status sql_has_column(struct sql *sql, const char *table, const char *column, bool *there_r,
                           struct error *error_r);

#endif
