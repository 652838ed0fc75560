/* export_json.h - what the tables hold, as the objects of JSON format 3. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_EXPORT_JSON_H
#define STORE_EXPORT_JSON_H

#include <jansson.h>

#include "account/domain.h"

/* Each returns a new object, or NULL when memory is out. A server's has its table and id as "id", as its first member;
 * what format 3 presumes is left out where that makes no difference to who reads it. */
json_t *export_server(const struct server *server);
json_t *export_ldap(const struct ldap_server *ldap);
json_t *export_provider(const struct provider *provider);

/* The types of a set (bit 1 << enum server_type) as a list of words. */
json_t *export_types(unsigned types);

#endif
