/* userdb.h - who a person is: the login and full name that belong to an address. */
/* SPDX-License-Identifier: MIT */
#ifndef USERDB_USERDB_H
#define USERDB_USERDB_H

#include "account/account.h"
#include "base/settings.h"
#include "base/status.h"

struct userdb;
struct userdb_session; /* of one worker thread: SQL connections; LDAP connections are shared */

/* settings must outlive it. STATUS_INVALID when user_query cannot work. */
enum status userdb_open(const struct settings *settings, struct userdb **userdb_r, struct error *error_r);
void userdb_close(struct userdb **userdb);

enum status userdb_session_open(struct userdb *userdb, struct userdb_session **session_r, struct error *error_r);
void userdb_session_close(struct userdb_session **session);

struct person {
    const char *login;     /* or NULL */
    const char *full_name; /* or NULL */
    const struct variable *variables;
    size_t variable_count;
};

/* Whether anything at all would be asked for an address of this domain. Cheap; any thread. */
bool userdb_applies(const struct userdb *userdb, const struct domain *domain);

/* Asks the LDAP server of the domain and user_query, in that order, whichever exist (LDAP wins where both answer).
 * deadline: clock_ms() by which it must return. The person lives in arena; empty values count as absent.
 * STATUS_OK, STATUS_NOT_FOUND (asked, nobody, or more than one), STATUS_BACKEND. */
enum status userdb_find(struct userdb_session *session, struct arena *arena, const struct domain *domain,
                        const struct address *address, int64_t deadline, struct person *person_r,
                        struct error *error_r);

#endif
