/* libldap.h - the module "ldap": libldap behind three functions. */
/* SPDX-License-Identifier: MIT */
#ifndef USERDB_LIBLDAP_H
#define USERDB_LIBLDAP_H

#include "userdb/ldap_link.h"

/* As the functions of ldap_link.h; close is called for a link that is one. */
struct ldap_calls {
    enum status (*open)(const struct ldap_server *server, const char *url, int64_t deadline, struct ldap_link **link_r,
                        struct error *error_r);
    void (*close)(struct ldap_link **link);
    enum status (*find)(struct ldap_link *link, const struct ldap_server *server, const char *filter, int64_t deadline,
                        struct arena *arena, struct person *person_r, bool *lost_r, struct error *error_r);
};

#endif
