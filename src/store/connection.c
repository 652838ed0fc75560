/* connection.c - connects with a back-off. */
/* SPDX-License-Identifier: MIT */
#include "store/connection.h"

#include "base/clock.h"

/* Each worker has a connection of its own: the last of them is back this long after the database is, at the latest. */
enum { DELAY_MIN = 250, DELAY_MAX = 2000 };

enum status connection_open(struct connection *connection, const struct sql_uri *uri, const struct sql_options *options,
                            struct error *error_r)
{
    struct error error = {0};
    if (connection->sql != NULL)
        return STATUS_OK;
    if (clock_ms() < connection->retry_at)
        return error_set(error_r, STATUS_BACKEND, "%s", connection->last.text);
    if (sql_open(uri, options, &connection->sql, &error) == STATUS_OK)
        return STATUS_OK;
    connection_failed(connection, &error);
    return error_set(error_r, STATUS_BACKEND, "%s", error.text);
}

void connection_close(struct connection *connection)
{
    sql_close(&connection->sql);
}

void connection_succeeded(struct connection *connection)
{
    connection->delay = 0;
}

void connection_failed(struct connection *connection, const struct error *error)
{
    connection_close(connection);
    connection->delay = connection->delay == 0 ? DELAY_MIN : connection->delay * 2;
    if (connection->delay > DELAY_MAX)
        connection->delay = DELAY_MAX;
    connection->retry_at = clock_ms() + connection->delay;
    connection->last = *error;
}
