/* pages.c - a table from its first row to its last, in pages. */
/* SPDX-License-Identifier: MIT */
#include "store/pages.h"

#include "store/queries.h"

enum { PAGE_ARENA_MAX = 64 * 1024 * 1024 };

enum status pages_read(struct sql *sql, const char *query, page_row take, void *context, struct error *error_r)
{
    int64_t last = -1;
    size_t count;
    if (query == NULL)
        return STATUS_OK;
    do {
        struct sql_statement *statement;
        bool row = false, wanted = true;
        struct arena *arena = arena_new(PAGE_ARENA_MAX);
        if (arena == NULL)
            return error_set(error_r, STATUS_LIMIT, "memory is out");
        count = 0;
        enum status status = sql_prepare(sql, query, &statement, error_r);
        if (status == STATUS_OK) {
            sql_bind_number(statement, 1, last);
            while (wanted && (status = sql_step(statement, &row, error_r)) == STATUS_OK && row) {
                last = take(context, arena, statement);
                wanted = last != PAGES_END;
                count++;
            }
            sql_reset(statement);
        }
        if (status == STATUS_OK && arena_failed(arena))
            status = error_set(error_r, STATUS_LIMIT, "a page of rows holds too much text");
        arena_free(&arena);
        if (status != STATUS_OK || !wanted)
            return status;
    } while (count == PAGE_ROWS);
    return STATUS_OK;
}
