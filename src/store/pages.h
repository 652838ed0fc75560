/* pages.h - a table from its first row to its last, in pages. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_PAGES_H
#define STORE_PAGES_H

#include "base/arena.h"
#include "base/status.h"
#include "sql/sql.h"

#include <stdint.h>

enum { PAGES_END = -1 };

/* Takes one row; returns its id, or PAGES_END when no more are wanted. What is made in the arena goes with the page. */
typedef int64_t (*page_row)(void *context, struct arena *arena, struct sql_statement *statement);

/* query: one of struct queries that ask for PAGE_ROWS rows past an id; NULL: there is no such table, which is fine. */
enum status pages_read(struct sql *sql, const char *query, page_row take, void *context, struct error *error_r);

#endif
