/* text.h - what the text of a statement is made of: enough to find its parameters. */
/* SPDX-License-Identifier: MIT */
#ifndef SQL_TEXT_H
#define SQL_TEXT_H

#include "base/arena.h"
#include "sql/sql.h"

/* The number of ? outside of literals, quoted identifiers and comments. Any thread. */
unsigned sql_text_parameters(enum sql_dialect dialect, const char *text);

/* A copy in which the parameters are called $1, $2, ... as PostgreSQL wants them. NULL when memory is out. */
char *sql_text_numbered(struct arena *arena, const char *text);

/* A copy in which each :name becomes ?. names: those that exist, NULL-terminated. order_r[i] gets the index into
 * names that the parameter i + 1 stands for, at most max of them. Casts (::text) and := are left alone. STATUS_INVALID:
 * an unknown :name, a ? of the writer's own, or more than max. */
enum status sql_text_named(struct arena *arena, enum sql_dialect dialect, const char *text, const char *const *names,
                           unsigned *order_r, unsigned max, const char **text_r, unsigned *count_r,
                           struct error *error_r);

/* "t" and "true" are 1, anything without leading digits is 0. */
int64_t sql_text_number(const char *text);

#endif
