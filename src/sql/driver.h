/* driver.h - what a database must do to be one of ours: a module or a file, and a row in drivers.c. */
/* SPDX-License-Identifier: MIT */
#ifndef SQL_DRIVER_H
#define SQL_DRIVER_H

#include "base/arena.h"
#include "sql/sql.h"

#include <poll.h>

enum { SQL_PARAMETERS_MAX = 32 };

enum sql_value_kind { SQL_VALUE_NULL, SQL_VALUE_TEXT, SQL_VALUE_NUMBER, SQL_VALUE_BOOL };

struct sql_value {
    enum sql_value_kind kind;
    const char *text;
    int64_t number;
};

struct sql_statement {
    struct sql *sql;
    struct sql_statement *next;
    const char *key; /* the address the caller gave: found without comparing texts */
    char *text;
    unsigned parameter_count;
    struct sql_value values[SQL_PARAMETERS_MAX];
    bool misbound; /* a parameter that does not exist was bound */
    bool prepared;
    bool executed;
    unsigned number; /* for a name that the server knows it by */
    void *native;    /* the driver's own, while prepared */
};

struct sql {
    const struct sql_driver *driver;
    struct arena *arena; /* of uri, options and password */
    struct sql_uri uri;
    struct sql_options options;
    const char *shown;       /* the URI for messages */
    int64_t deadline;        /* clock_ms() by which the running call must end */
    const atomic_bool *stop; /* ends it sooner; or NULL */
    bool connected;
    unsigned connection_count;
    bool lost; /* set by a driver: the connection is of no use any more; the call failed without lasting effect */
    bool in_transaction;
    bool read_only;
    unsigned active; /* statements between execute and reset */
    unsigned statement_count;
    unsigned next_number; /* never used twice: a server may still know the old name */
    struct sql_statement *statements;
    void *native; /* the driver's own, while connected */
};

/* Functions are called while connected (statements: while prepared), except connect. A driver fills the error with a
 * sentence that names what failed; sql.c puts the database's URL in front of it. */
struct sql_driver {
    enum sql_dialect dialect;
    const char *begin;
    const char *last_id;    /* one ? takes the table; or none */
    const char *has_table;  /* a row when table ? is there */
    const char *has_column; /* a row when table ? has column ? */

    /* sql->native is to be set on success and NULL after a failure. */
    enum status (*connect)(struct sql *sql, struct error *error_r);
    void (*disconnect)(struct sql *sql);
    enum status (*run)(struct sql *sql, const char *statements, struct error *error_r);

    enum status (*prepare)(struct sql_statement *statement, struct error *error_r);
    void (*drop)(struct sql_statement *statement); /* also when the connection is lost */
    enum status (*execute)(struct sql_statement *statement, struct error *error_r);
    enum status (*fetch)(struct sql_statement *statement, bool *row_r, struct error *error_r);
    void (*reset)(struct sql_statement *statement);

    const char *(*text)(struct sql_statement *statement, unsigned column);
    int64_t (*number)(struct sql_statement *statement, unsigned column);
    unsigned (*column_count)(const struct sql_statement *statement);
    const char *(*column_name)(const struct sql_statement *statement, unsigned column);
};

extern const struct sql_driver sql_driver_sqlite; /* the others are the tables of modules */

/* Loads the module of a driver that is not linked in. STATUS_INVALID: there is none, with what to do about it. */
enum status sql_driver_find(const char *scheme, const struct sql_driver **driver_r, struct error *error_r);

/* Milliseconds to the deadline, at least 0; -1 when there is none: what poll() wants. */
int sql_time_left(const struct sql *sql);

/* poll() for one descriptor up to the deadline, interrupted by sql_set_stop() alone. */
int sql_poll(const struct sql *sql, struct pollfd *poller);

#endif
