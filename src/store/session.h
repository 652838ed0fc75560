/* session.h - what a store and its sessions are, for the files of this room. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include "sql/sql.h"
#include "store/connection.h"
#include "store/odd_names.h"
#include "store/offers.h"
#include "store/queries.h"
#include "store/schema.h"
#include "store/store.h"

#include <stdatomic.h>

struct store {
    const struct settings *settings;
    struct arena *arena; /* of what follows */
    struct sql_uri uri;
    struct sql_options options;
    struct sql *keeper;       /* keeps a database in memory alive while no session is connected */
    const char *domain_query; /* with ? for :domain; NULL: none */
    unsigned domain_query_parameters;
    struct sql_uri query_uri; /* where it is asked */
    struct sql_options query_options;
    bool query_elsewhere; /* not in the store's own database */
    struct odd_names *odd;
    atomic_bool closing; /* store_end_checks() was called */
};

/* A connection with what was learnt about the database through it. */
struct store_session {
    struct store *store;
    struct sql_options options; /* of main */
    struct connection main;
    struct connection other; /* for domain_query, when that is asked elsewhere */
    bool other_at_fault;     /* the last look-up failed because of it */
    struct schema schema;
    int64_t schema_due;  /* clock_ms() at which the schema is looked at again */
    struct arena *arena; /* of the queries */
    struct queries queries;
    bool reading;          /* store_find_present() has begun a transaction */
    struct offers *offers; /* of store_find_present(), good for this connection and PRAGMA data_version; or NULL */
    int64_t offers_version;
    unsigned offers_connection;
};

/* Connects when needed and learns the schema. Every operation stands between these two; session_leave() takes what the
 * operation returned, remembers a failure of the back end, and returns the status as it is. */
enum status session_enter(struct store_session *session, struct error *error_r);
enum status session_leave(struct store_session *session, enum status status, const struct error *error);

/* One transaction around several questions, so that a script which empties and fills the tables meanwhile is seen
 * before or after, not between. The end closes a connection that cannot end it. */
enum status session_begin_read(struct store_session *session, struct error *error_r);
void session_end_read(struct store_session *session);

/* After the schema was changed through this session. */
enum status session_learn(struct store_session *session, struct error *error_r);

#endif
