/* domain_query.h - domains that the mail server's own table knows, asked by the query that the administrator wrote. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_DOMAIN_QUERY_H
#define STORE_DOMAIN_QUERY_H

#include "store/session.h"

/* Judges domain_query and where it is asked: on user_db_uri when that is set, else on the store's database. */
enum status domain_query_configure(struct store *store, struct error *error_r);

/* Prepares the query once, so that a mistake in it is told at start and not at every look-up. A server that cannot be
 * reached now is no mistake. */
enum status domain_query_try(struct store *store, struct error *error_r);

/* Asks for a domain. *provider_r is NULL when it is not known, else the name of its provider ("" when neither the
 * query nor domain_provider tell); the text lives in the arena. */
enum status domain_query_ask(struct store_session *session, struct arena *arena, const char *domain,
                             const char **provider_r, struct error *error_r);

#endif
