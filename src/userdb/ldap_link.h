/* ldap_link.h - one connection to one directory server, and the one question it is asked. */
/* SPDX-License-Identifier: MIT */
#ifndef USERDB_LDAP_LINK_H
#define USERDB_LDAP_LINK_H

#include "account/domain.h"
#include "userdb/userdb.h"

/* Used by one thread at a time. */
struct ldap_link;

/* Loads the module that has libldap, unless it is there: to be called before the others. */
enum status ldap_link_load(struct error *error_r);

/* Connects to url, checks the certificate, binds, all by the deadline (clock_ms()); only the resolution of the host's
 * name is not ours to interrupt. STATUS_BACKEND: another host may answer. STATUS_REFUSED: the settings or the
 * credentials are wrong, which another host will say as well. */
enum status ldap_link_open(const struct ldap_server *server, const char *url, int64_t deadline,
                           struct ldap_link **link_r, struct error *error_r);
void ldap_link_close(struct ldap_link **link);

/* Finds the one entry that fits the filter. STATUS_NOT_FOUND: none, or more than one. STATUS_BACKEND with *lost_r: the
 * connection is of no use any more. The person's texts live in arena. */
enum status ldap_link_find(struct ldap_link *link, const struct ldap_server *server, const char *filter,
                           int64_t deadline, struct arena *arena, struct person *person_r, bool *lost_r,
                           struct error *error_r);

#endif
