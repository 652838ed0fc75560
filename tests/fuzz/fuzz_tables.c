/* fuzz_tables.c - a database that somebody has edited by hand. Each line is one edit: which column, which rows, and the
 * value, which is NULL when there is none. */
/* SPDX-License-Identifier: MIT */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts_check.h"
#include "base/buf.h"
#include "oracle.h"

enum { COLUMNS_MAX = 200, FAULTS_MAX = 100 };

static struct store_session *session;
static struct buf accounts;
static sqlite3 *db;
static sqlite3_stmt *edits[COLUMNS_MAX];
static bool numeric[COLUMNS_MAX]; /* where other databases take nothing else, and SQLite would take any text */
static size_t edit_count;

static void read_accounts(void)
{
    FILE *file = fopen(FUZZ_DIRECTORY "/accounts.json", "re");
    demand(file != NULL);
    buf_init(&accounts, 0);
    demand(buf_read(&accounts, fileno(file)));
    fclose(file);
}

/* One UPDATE a column of the tables that there are. */
static void prepare_edits(void)
{
    static const char columns[] =
        "SELECT m.name, c.name, c.type LIKE '%INT%' FROM sqlite_master m, pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, 2";
    sqlite3_stmt *statement;
    demand(sqlite3_open_v2("file:/automxd?vfs=memdb", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL) == SQLITE_OK);
    demand(sqlite3_prepare_v2(db, columns, -1, &statement, NULL) == SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW && edit_count < COLUMNS_MAX) {
        numeric[edit_count] = sqlite3_column_int(statement, 2);
        char *text = sqlite3_mprintf("UPDATE \"%w\" SET \"%w\" = ?1 WHERE rowid %% 8 = ?2 OR ?2 = 8",
                                     sqlite3_column_text(statement, 0), sqlite3_column_text(statement, 1));
        demand(sqlite3_prepare_v2(db, text, -1, &edits[edit_count++], NULL) == SQLITE_OK);
        sqlite3_free(text);
    }
    demand(edit_count > 50);
    sqlite3_finalize(statement);
}

/* A constraint may forbid it, as it would forbid it to a person. */
static void edit(const char *line)
{
    size_t length = strlen(line);
    if (length < 2)
        return;
    size_t which = (unsigned char)line[0] % edit_count;
    sqlite3_stmt *statement = edits[which];
    sqlite3_bind_int(statement, 2, (unsigned char)line[1] % 9);
    if (line[2] == '#' || (numeric[which] && line[2] != '\0'))
        sqlite3_bind_int64(statement, 1, strtoll(line + (line[2] == '#' ? 3 : 2), NULL, 10));
    else if (line[2] == '$')
        sqlite3_bind_blob(statement, 1, line + 3, (int)length - 3, SQLITE_STATIC);
    else if (line[2] != '\0')
        sqlite3_bind_text(statement, 1, line + 2, (int)length - 2, SQLITE_STATIC);
    (void)sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static void check_fault(void *context, const char *sentence)
{
    demand(sentence[0] != '\0' && !strchr(sentence, '\n'));
    demand_text(sentence, strlen(sentence));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!session) {
        session = accounts_open();
        read_accounts();
    }
    demand(store_replace(session, accounts.data, accounts.length, NULL) == STATUS_OK);
    if (!db)
        prepare_edits();
    char *text = input_text(data, size), *rest = text;
    while (*rest)
        edit(next_line(&rest));
    free(text);
    demand(store_check(session, FAULTS_MAX, check_fault, NULL, NULL) == STATUS_OK);
    demand_accounts(session);
    return 0;
}
