/* upgrade.c - brings a database of any automx2 to our schema. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "store/session.h"

/* The revision of automx2's schema that our tables are a superset of, and those before it. Without this step alembic
 * would add columns again that are there by then. Databases without alembic_version get none. */
static const char alembic_set[] =
    "UPDATE alembic_version SET version_num = '43ebb40d0578' WHERE version_num IN ('f62e64b43d2f', '5334f8a8282c')";
static const char alembic_count[] =
    "SELECT COUNT(*) FROM alembic_version WHERE version_num IN ('f62e64b43d2f', '5334f8a8282c')";

static enum status make_parts(struct sql *sql, store_step step, void *context, struct error *error_r)
{
    struct schema schema;
    char sentence[128];
    enum status status = schema_detect(sql, &schema, error_r);
    for (unsigned part = 0; status == STATUS_OK && part < HAS_COUNT; part++) {
        const char *column = schema_part_column(part);
        if (schema_has(&schema, part))
            continue;
        if (column != NULL)
            snprintf(sentence, sizeof(sentence), "add column %s to table %s", column, schema_part_table(part));
        else
            snprintf(sentence, sizeof(sentence), "create table %s", schema_part_table(part));
        step(context, sentence);
        status = schema_make_part(sql, part, &schema, error_r);
    }
    return status;
}

static enum status make_helpers(struct sql *sql, store_step step, void *context, struct error *error_r)
{
    bool there = false;
    enum status status = schema_has_helpers(sql, &there, error_r);
    if (status != STATUS_OK || there)
        return status;
    step(context, sql_dialect(sql) == SQL_SQLITE
                      ? "create indexes for look-ups, and triggers that remove what belongs to deleted rows"
                      : "create indexes for look-ups");
    return schema_add_helpers(sql, error_r);
}

static enum status mend_alembic(struct sql *sql, store_step step, void *context, struct error *error_r)
{
    struct sql_statement *statement;
    bool there = false;
    enum status status = sql_has_table(sql, "alembic_version", &there, error_r);
    if (status != STATUS_OK || !there)
        return status;
    status = sql_prepare(sql, alembic_count, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    bool row = false;
    status = sql_step(statement, &row, error_r);
    bool old = row && sql_number(statement, 0) > 0;
    sql_reset(statement);
    if (status != STATUS_OK || !old)
        return status;
    step(context, "set alembic_version to 43ebb40d0578, which the tables are now");
    return sql_run(sql, alembic_set, error_r);
}

/* MySQL and MariaDB commit each change of a table by themselves. There an upgrade that was interrupted has made some of
 * the steps, each whole; the daemon and automx2 work with that, and running it again does the others. */
enum status store_upgrade(struct store_session *session, store_step step, void *context, struct error *error_r)
{
    struct error error = {0};
    enum status status = session_enter(session, error_r);
    if (status != STATUS_OK)
        return status;
    if (sql_read_only(session->main.sql))
        return error_set(error_r, STATUS_REFUSED, "the database is read-only; run the upgrade as a user who may write");
    sql_set_timeout(session->main.sql, 0); /* an index over a million rows takes its time */
    status = sql_begin(session->main.sql, &error);
    if (status == STATUS_OK)
        status = make_parts(session->main.sql, step, context, &error);
    if (status == STATUS_OK)
        status = make_helpers(session->main.sql, step, context, &error);
    if (status == STATUS_OK)
        status = mend_alembic(session->main.sql, step, context, &error);
    if (status == STATUS_OK)
        status = sql_commit(session->main.sql, &error);
    if (status != STATUS_OK)
        sql_rollback(session->main.sql);
    sql_set_timeout(session->main.sql, session->store->options.timeout);
    if (status == STATUS_OK)
        status = session_learn(session, &error);
    session_leave(session, status, &error);
    return status == STATUS_OK ? STATUS_OK : error_set(error_r, status, "%s", error.text);
}
