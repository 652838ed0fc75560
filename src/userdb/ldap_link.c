/* ldap_link.c - calls the module that has libldap. */
/* SPDX-License-Identifier: MIT */
#include "userdb/ldap_link.h"

#include "base/module.h"
#include "userdb/libldap.h"

static struct module ldap = {.name = "ldap"};

enum status ldap_link_load(struct error *error_r)
{
    const void *calls;

    return module_load(&ldap, &calls, error_r);
}

enum status ldap_link_open(const struct ldap_server *server, const char *url, int64_t deadline,
                           struct ldap_link **link_r, struct error *error_r)
{
    const struct ldap_calls *calls = module_calls(&ldap);

    return calls->open(server, url, deadline, link_r, error_r);
}

void ldap_link_close(struct ldap_link **link)
{
    const struct ldap_calls *calls = module_calls(&ldap);

    if (*link)
        calls->close(link);
}

enum status ldap_link_find(struct ldap_link *link, const struct ldap_server *server, const char *filter,
                           int64_t deadline, struct arena *arena, struct person *person_r, bool *lost_r,
                           struct error *error_r)
{
    const struct ldap_calls *calls = module_calls(&ldap);

    return calls->find(link, server, filter, deadline, arena, person_r, lost_r, error_r);
}
