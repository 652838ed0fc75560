/* uri.h - database URLs as SQLAlchemy writes them. */
/* SPDX-License-Identifier: MIT */
#ifndef SQL_URI_H
#define SQL_URI_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct sql_uri_option {
    const char *name;
    const char *value;
};

struct sql_uri {
    const char *scheme; /* "sqlite", "mysql", "mariadb" or "postgresql" ("postgres" too); a "+driver" is dropped */
    const char *user;   /* decoded, or NULL */
    const char *password;
    const char *host;     /* without brackets, or NULL */
    uint16_t port;        /* 0: the dialect's own */
    const char *database; /* SQLite: the path, NULL or ":memory:" for one in memory */
    const struct sql_uri_option *options;
    size_t option_count;
};

/* sqlite:///:memory:, sqlite:// (memory), sqlite:///relative, sqlite:////absolute;
 * SCHEME[+DRIVER]://[USER[:PASSWORD]@][HOST][:PORT]/DATABASE[?NAME=VALUE&...], user, password and values
 * percent-encoded (a password's '+' stays '+', as in SQLAlchemy 1.4). STATUS_INVALID says what is wrong without the
 * password. */
enum status sql_uri_parse(struct arena *arena, const char *text, struct sql_uri *uri_r, struct error *error_r);

/* The value of an option, or NULL. */
const char *sql_uri_option(const struct sql_uri *uri, const char *name);

/* The file of an SQLite database; NULL: it is in memory, or no SQLite. */
const char *sql_uri_file(const struct sql_uri *uri);

/* The URI with "***" for the password, for messages. */
const char *sql_uri_shown(struct arena *arena, const struct sql_uri *uri);

#endif
