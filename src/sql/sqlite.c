/* sqlite.c - SQLite: a file that others may edit, replace or mount read-only, or a database in memory. */
/* SPDX-License-Identifier: MIT */
#include "sql/driver.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "sql/text.h"

/* How many instructions of SQLite's machine pass between two looks at the clock: well under a millisecond. */
enum { INSTRUCTIONS_PER_LOOK = 4000 };

struct connection {
    sqlite3 *db;
    const char *path; /* NULL: in memory */
    dev_t device;     /* of the file that is open, to notice when another one takes its place */
    ino_t inode;
};

struct cursor {
    sqlite3_stmt *stmt;
    bool first; /* the step that execute() made has not been fetched yet */
    bool row;
};

static sqlite3 *database(const struct sql *sql)
{
    const struct connection *connection = sql->native;

    return connection->db;
}

static enum status fault(const struct sql *sql, int code, struct error *error_r)
{
    sqlite3 *db = database(sql);

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error_r, STATUS_BACKEND, "another program keeps the database locked");
    case SQLITE_INTERRUPT:
        return error_set(error_r, STATUS_BACKEND, "the statement took longer than %u ms", sql->options.timeout);
    case SQLITE_NOTADB:
        return error_set(error_r, STATUS_BACKEND, "the file is no SQLite database");
    case SQLITE_CORRUPT:
        return error_set(error_r, STATUS_BACKEND,
                         "the database is damaged; look at it with: sqlite3 FILE 'PRAGMA integrity_check'");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return error_set(error_r, STATUS_REFUSED, "the database may only be read");
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        return error_set(error_r, STATUS_INVALID, "%s", sqlite3_errmsg(db));
    default:
        return error_set(error_r, STATUS_BACKEND, "%s", sqlite3_errmsg(db));
    }
}

/* Called by SQLite while another connection holds the lock; 0 gives up. */
static int wait_for_lock(void *context, int tries)
{
    static const unsigned char delays[] = {1, 2, 5, 10, 15, 20, 25};
    const struct sql *sql = context;
    const size_t last = sizeof(delays) - 1;
    int left = sql_time_left(sql);
    int delay = delays[(size_t)tries < last ? (size_t)tries : last];

    if (left == 0)
        return 0;
    if (left > 0 && delay > left)
        delay = left;
    nanosleep(&(struct timespec){.tv_nsec = delay * 1000000L}, NULL);
    return 1;
}

/* Called by SQLite while a statement runs; 1 interrupts it. */
static int look_at_clock(void *context)
{
    return sql_time_left(context) == 0;
}

static char *directory_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return arena_text(arena, ".");
    return slash == path ? arena_text(arena, "/") : arena_copy(arena, path, (size_t)(slash - path));
}

/* Finds out why a file cannot be opened before SQLite says no more than "unable to open database file". */
static enum status check_file(const struct sql *sql, const char *path, const char *directory, struct error *error_r)
{
    struct stat info;

    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return error_set(error_r, STATUS_INVALID, "%s is a directory; name a file in it", path);
        if (access(path, R_OK) != 0)
            return error_set(error_r, STATUS_BACKEND, "%s cannot be read by user %u: %s", path, (unsigned)geteuid(),
                             strerror(errno));
        return STATUS_OK;
    }
    if (errno != ENOENT)
        return error_set(error_r, errno == ENOTDIR ? STATUS_INVALID : STATUS_BACKEND, "%s: %s", path, strerror(errno));
    if (stat(directory, &info) != 0)
        return error_set(error_r, STATUS_INVALID, "there is no directory %s", directory);
    if (!sql->options.create)
        return error_set(error_r, STATUS_BACKEND, "there is no file %s", path);
    if (access(directory, W_OK | X_OK) != 0)
        return error_set(error_r, STATUS_BACKEND, "user %u cannot make a file in %s: %s", (unsigned)geteuid(),
                         directory, strerror(errno));
    return STATUS_OK;
}

/* file:NAME?QUERY with what is special in a URI encoded. */
static char *file_uri(struct arena *arena, const char *name, const char *query)
{
    struct buf uri;
    char *copy;

    buf_init(&uri, 0);
    buf_adds(&uri, "file:");
    for (; *name; name++) {
        if (strchr("%?#", *name))
            buf_addf(&uri, "%%%02X", (unsigned char)*name);
        else
            buf_addc(&uri, *name);
    }
    buf_adds(&uri, query);
    copy = buf_failed(&uri) ? NULL : arena_text(arena, uri.data);
    buf_free(&uri);
    return copy;
}

static int open_handle(struct sql *sql, const char *name, int flags)
{
    struct connection *connection = sql->native;
    int code = name ? sqlite3_open_v2(name, &connection->db, flags | SQLITE_OPEN_NOMUTEX, NULL) : SQLITE_NOMEM;

    if (code != SQLITE_OK)
        return code;
    sqlite3_extended_result_codes(connection->db, 1);
    sqlite3_busy_handler(connection->db, wait_for_lock, sql);
    sqlite3_progress_handler(connection->db, INSTRUCTIONS_PER_LOOK, look_at_clock, sql);
    /* Opening is lazy: only the first look tells whether it is a database and can be locked. */
    return sqlite3_exec(connection->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
}

static int open_memory(struct sql *sql, struct arena *arena)
{
    const char *memory = sql->options.memory;

    if (!memory)
        return open_handle(sql, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    /* The memdb VFS and not a shared cache: there, a reader beside a writer gets SQLITE_LOCKED, which no busy handler
     * waits for. memdb shares what begins with a slash, and locks as a file does. */
    return open_handle(sql, file_uri(arena, arena_format(arena, "/%s", memory), "?vfs=memdb"),
                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI);
}

static int open_file(struct sql *sql, struct arena *arena, const char *path, const char *directory)
{
    struct connection *connection = sql->native;
    const char *mode = sql_uri_option(&sql->uri, "mode");
    bool only_read = mode && strcmp(mode, "ro") == 0;
    struct statvfs system;
    struct stat info;
    int code;

    /* READWRITE falls back to reading by itself where the file or its file system allows no more. */
    code = open_handle(sql, path,
                       only_read             ? SQLITE_OPEN_READONLY
                       : sql->options.create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                             : SQLITE_OPEN_READWRITE);
    if (code != SQLITE_OK && statvfs(path, &system) == 0 && (system.f_flag & ST_RDONLY)) {
        /* A database left in WAL mode on a read-only file system: nobody can change it, so no lock is needed. */
        sqlite3_close(connection->db);
        connection->db = NULL;
        code = open_handle(sql, file_uri(arena, path, "?immutable=1"), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
    if (code != SQLITE_OK)
        return code;
    /* Without a journal beside the file nothing can be written either. */
    sql->read_only = sqlite3_db_readonly(connection->db, "main") == 1 || access(directory, W_OK | X_OK) != 0;
    if (stat(path, &info) == 0) {
        connection->path = path;
        connection->device = info.st_dev;
        connection->inode = info.st_ino;
    }
    return SQLITE_OK;
}

static void sqlite_disconnect(struct sql *sql)
{
    struct connection *connection = sql->native;

    sqlite3_close(connection->db);
    free(connection);
    sql->native = NULL;
}

/* Counting every allocation makes all threads wait for one lock. */
static void start_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum status sqlite_connect(struct sql *sql, struct error *error_r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct arena *arena = arena_new(8 * PATH_MAX);
    const char *path = sql_uri_file(&sql->uri);
    char *directory = path && arena ? directory_of(arena, path) : NULL;
    enum status status = STATUS_LIMIT;
    int code;

    pthread_once(&once, start_library);
    sql->native = calloc(1, sizeof(struct connection));
    if (!arena || !sql->native || (path && !directory)) {
        error_set(error_r, STATUS_LIMIT, "out of memory");
        goto out;
    }
    if (path) {
        status = check_file(sql, path, directory, error_r);
        if (status != STATUS_OK)
            goto out;
    }
    code = path ? open_file(sql, arena, path, directory) : open_memory(sql, arena);
    if (code == SQLITE_OK)
        status = STATUS_OK;
    else if (((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY) && path &&
             access(directory, W_OK | X_OK) != 0)
        status = error_set(error_r, STATUS_BACKEND,
                           "the database is in WAL mode, which needs the right to write in %s; give it, or leave that "
                           "mode with: sqlite3 %s 'PRAGMA journal_mode=DELETE'",
                           directory, path);
    else
        status = fault(sql, code, error_r);
out:
    if (status != STATUS_OK && sql->native)
        sqlite_disconnect(sql);
    arena_free(&arena);
    return status;
}

/* An administrator may put a new file in the old one's place (mv new.db automx.db); what is open would be the old one
 * for ever. A file that is gone for the moment is no reason to stop answering. */
static bool replaced(const struct sql *sql)
{
    const struct connection *connection = sql->native;
    struct stat info;

    /* Within a transaction, which may be one that a caller began by a statement of its own, it is too late to leave. */
    if (!connection->path || sql->active > 0 || !sqlite3_get_autocommit(connection->db))
        return false;
    return stat(connection->path, &info) == 0 &&
           (info.st_dev != connection->device || info.st_ino != connection->inode);
}

static enum status leave_replaced(struct sql *sql, struct error *error_r)
{
    sql->lost = true;
    return error_set(error_r, STATUS_BACKEND, "the file was replaced");
}

static enum status sqlite_run(struct sql *sql, const char *statements, struct error *error_r)
{
    int code;

    if (replaced(sql))
        return leave_replaced(sql, error_r);
    code = sqlite3_exec(database(sql), statements, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : fault(sql, code, error_r);
}

static enum status sqlite_prepare(struct sql_statement *statement, struct error *error_r)
{
    struct sql *sql = statement->sql;
    struct cursor *cursor;
    sqlite3_stmt *stmt = NULL;
    const char *tail = NULL;
    int code;

    if (replaced(sql))
        return leave_replaced(sql, error_r);
    code = sqlite3_prepare_v3(database(sql), statement->text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &tail);
    if (code != SQLITE_OK)
        return fault(sql, code, error_r);
    if (!stmt || tail[strspn(tail, " \t\r\n;")] != '\0') {
        sqlite3_finalize(stmt);
        return error_set(error_r, STATUS_INVALID, "there must be exactly one SQL statement");
    }
    cursor = calloc(1, sizeof(*cursor));
    if (!cursor) {
        sqlite3_finalize(stmt);
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    }
    cursor->stmt = stmt;
    statement->native = cursor;
    return STATUS_OK;
}

static void sqlite_drop(struct sql_statement *statement)
{
    struct cursor *cursor = statement->native;

    sqlite3_finalize(cursor->stmt);
    free(cursor);
}

static int bind(sqlite3_stmt *stmt, int index, const struct sql_value *value)
{
    switch (value->kind) {
    case SQL_VALUE_TEXT:
        return sqlite3_bind_text(stmt, index, value->text, -1, SQLITE_STATIC);
    case SQL_VALUE_NUMBER:
    case SQL_VALUE_BOOL:
        return sqlite3_bind_int64(stmt, index, value->number);
    case SQL_VALUE_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, index);
}

static enum status sqlite_execute(struct sql_statement *statement, struct error *error_r)
{
    struct sql *sql = statement->sql;
    struct cursor *cursor = statement->native;
    int code = SQLITE_OK;

    if (replaced(sql))
        return leave_replaced(sql, error_r);
    for (unsigned i = 0; i < statement->parameter_count && code == SQLITE_OK; i++)
        code = bind(cursor->stmt, (int)i + 1, &statement->values[i]);
    if (code == SQLITE_OK)
        code = sqlite3_step(cursor->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        enum status status = fault(sql, code, error_r);

        sqlite3_reset(cursor->stmt);
        return status;
    }
    cursor->first = true;
    cursor->row = code == SQLITE_ROW;
    return STATUS_OK;
}

static enum status sqlite_fetch(struct sql_statement *statement, bool *row_r, struct error *error_r)
{
    struct cursor *cursor = statement->native;

    if (!cursor->first && cursor->row) {
        int code = sqlite3_step(cursor->stmt);

        if (code != SQLITE_ROW && code != SQLITE_DONE) {
            cursor->row = false;
            return fault(statement->sql, code, error_r);
        }
        cursor->row = code == SQLITE_ROW;
    }
    cursor->first = false;
    *row_r = cursor->row;
    return STATUS_OK;
}

static void sqlite_reset(struct sql_statement *statement)
{
    struct cursor *cursor = statement->native;

    sqlite3_reset(cursor->stmt);
    sqlite3_clear_bindings(cursor->stmt);
    cursor->row = false;
    cursor->first = false;
}

static const char *sqlite_text(struct sql_statement *statement, unsigned column)
{
    const struct cursor *cursor = statement->native;

    return cursor->row ? (const char *)sqlite3_column_text(cursor->stmt, (int)column) : NULL;
}

static int64_t sqlite_number(struct sql_statement *statement, unsigned column)
{
    const struct cursor *cursor = statement->native;

    if (!cursor->row)
        return 0;
    /* Columns take any type: a hand-written script may have put 'true' into a BOOLEAN. */
    if (sqlite3_column_type(cursor->stmt, (int)column) == SQLITE_TEXT)
        return sql_text_number((const char *)sqlite3_column_text(cursor->stmt, (int)column));
    return sqlite3_column_int64(cursor->stmt, (int)column);
}

static unsigned sqlite_column_count(const struct sql_statement *statement)
{
    const struct cursor *cursor = statement->native;

    return (unsigned)sqlite3_column_count(cursor->stmt);
}

static const char *sqlite_column_name(const struct sql_statement *statement, unsigned column)
{
    const struct cursor *cursor = statement->native;

    return sqlite3_column_name(cursor->stmt, (int)column);
}

const struct sql_driver sql_driver_sqlite = {
    .dialect = SQL_SQLITE,
    .begin = "BEGIN IMMEDIATE",
    .last_id = "SELECT last_insert_rowid()",
    .has_table = "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE",
    .has_column = "SELECT 1 FROM pragma_table_info(?) WHERE name = ? COLLATE NOCASE",
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .run = sqlite_run,
    .prepare = sqlite_prepare,
    .drop = sqlite_drop,
    .execute = sqlite_execute,
    .fetch = sqlite_fetch,
    .reset = sqlite_reset,
    .text = sqlite_text,
    .number = sqlite_number,
    .column_count = sqlite_column_count,
    .column_name = sqlite_column_name,
};
