/* connection.h - a connection that is made when it is needed, and not tried all the time while it cannot be made. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_CONNECTION_H
#define STORE_CONNECTION_H

#include "sql/sql.h"

#include <stdint.h>

/* Zeroed at first. */
struct connection {
    struct sql *sql;  /* NULL: not connected */
    int64_t retry_at; /* no attempt before that clock_ms() */
    unsigned delay;   /* milliseconds; 0 after a success */
    struct error last;
};

/* STATUS_OK when connected. Within the back-off it fails at once with the sentence of the last failure. */
enum status connection_open(struct connection *connection, const struct sql_uri *uri, const struct sql_options *options,
                            struct error *error_r);
void connection_close(struct connection *connection);

/* What an operation came to: after a success the next failure begins with the shortest delay again. A failure closes
 * the connection and doubles the delay: 250 ms to 2 s. */
void connection_succeeded(struct connection *connection);
void connection_failed(struct connection *connection, const struct error *error);

#endif
