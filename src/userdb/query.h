/* query.h - people in an SQL database, whatever its schema: the setting user_query. */
/* SPDX-License-Identifier: MIT */
#ifndef USERDB_QUERY_H
#define USERDB_QUERY_H

#include "userdb/userdb.h"

/* The query and where to ask it; immutable, shared by the sessions. */
struct user_query;

/* *query_r is NULL when settings have none. STATUS_INVALID: the query, its database's URL or what it returns cannot
 * work. A database that cannot be reached now is no error. settings must outlive it. */
enum status user_query_new(const struct settings *settings, struct user_query **query_r, struct error *error_r);
void user_query_free(struct user_query **query);

/* A connection of one thread, opened at the first question. NULL: out of memory. */
struct user_query_session *user_query_session_new(const struct user_query *query);
void user_query_session_free(struct user_query_session **session);

/* As userdb_find(), for the query alone. A database that failed is left alone for a while (250 ms, doubling up to 4 s),
 * in which calls fail at once. */
enum status user_query_find(struct user_query_session *session, const struct address *address, int64_t deadline,
                            struct arena *arena, struct person *person_r, struct error *error_r);

#endif
