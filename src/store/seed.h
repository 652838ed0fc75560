/* seed.h - provider data on its way from JSON or the sample into the tables. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_SEED_H
#define STORE_SEED_H

#include "account/domain.h"
#include "base/arena.h"
#include "base/status.h"
#include "store/queries.h"
#include "store/rows.h"
#include "store/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEED_SIZE_MAX = 64 * 1024 * 1024, /* bytes of JSON */
    SEED_ROWS_MAX = 200000,           /* in any list */
    SEED_LINKS_MAX = 2000000,         /* servers times domains */
    NO_INDEX = -1,
};

/* Everything is held as rows; lists refer to each other by index. id is what the database gave, once written. */
struct seed_server {
    struct server_row row; /* row.table says where it goes */
    size_t list;           /* while JSON is read: the last list that named it */
    int64_t id;
};

struct seed_provider {
    const char *name;
    const char *short_name;
    const char *organization;
    struct oauth2 oauth2; /* issuer NULL: none */
    const struct link_row *links;
    size_t link_count;
    const struct consent *consents;
    size_t consent_count;
    const int *servers; /* the defaults */
    size_t server_count;
    int64_t id;
};

struct seed_ldap {
    struct ldap_row row;
    int64_t wanted_id; /* 0: any */
    int64_t id;
};

struct seed_domain {
    const char *name;
    int provider;
    int ldap;  /* NO_INDEX: none */
    int alias; /* of which domain, or NO_INDEX */
    const char *moved_to;
    const char *redirect_url;
    const char *types_off;
    const int *servers;
    size_t server_count;
    int64_t id;
};

struct seed {
    struct seed_provider *providers;
    size_t provider_count;
    struct seed_server *servers;
    size_t server_count;
    struct seed_ldap *ldaps;
    size_t ldap_count;
    struct seed_domain *domains;
    size_t domain_count;
};

/* Formats 1, 2 and 3. STATUS_INVALID: "line 7: servers[0].port: ...". Everything lives in the arena. */
enum status seed_parse(struct arena *arena, const char *json, size_t length, struct seed *seed_r,
                       struct error *error_r);

/* automx2's sample data, with fixed host names under example.com. */
enum status seed_sample(struct arena *arena, struct seed *seed_r, struct error *error_r);

/* STATUS_REFUSED with a sentence when the schema lacks what the seed needs. */
enum status seed_fits(const struct seed *seed, const struct schema *schema, struct error *error_r);

/* Inserts all of it, in a transaction of the caller's. */
enum status seed_write(struct seed *seed, struct sql *sql, struct error *error_r);

#endif
