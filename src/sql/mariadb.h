/* mariadb.h - what the two halves of the MariaDB driver share. */
/* SPDX-License-Identifier: MIT */
#ifndef SQL_MARIADB_H
#define SQL_MARIADB_H

#include "sql/driver.h"

#include <mysql.h>

struct maria_connection {
    MYSQL *mysql;
    unsigned limit; /* the server's time limit for statements, set by us; 0: none */
};

MYSQL *maria_handle(const struct sql *sql);

/* Waits for what a non-blocking call of the library asks for, and returns what came: the argument of its _cont(). */
int maria_wait(const struct sql *sql, MYSQL *mysql, int events);

enum status maria_connect(struct sql *sql, struct error *error_r);
void maria_disconnect(struct sql *sql);

#endif
