/* schema.h - which tables and columns a database has, and the statements that make ours. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "base/buf.h"
#include "sql/sql.h"

#include <stdbool.h>
#include <stdint.h>

/* What a database may have or lack. A schema is judged by the columns that exist, never by a version number: databases
 * were made by automx2's releases, by alembic, by hand and by us. The parts are made in this order, a table before
 * those that refer to it. */
enum schema_part {
    HAS_PROVIDER,
    HAS_LDAP,
    HAS_DOMAIN,
    HAS_SERVER,
    HAS_SERVER_DOMAIN,
    /* automx2 since 2020 and 2021 */
    HAS_PRIO,
    HAS_DAV,
    HAS_DAV_DOMAIN,
    /* ours */
    HAS_ORGANIZATION,
    HAS_AUTH_METHODS,
    HAS_DAV_PRIO,
    HAS_DAV_AUTH,
    HAS_ALIAS_OF,
    HAS_MOVED_TO,
    HAS_REDIRECT_URL,
    HAS_TYPES_OFF,
    HAS_LDAP_STARTTLS,
    HAS_LDAP_VERIFY,
    HAS_LDAP_CA_FILE,
    HAS_LDAP_SCOPE,
    HAS_LDAP_BIND_METHOD,
    HAS_OAUTH2,
    HAS_LINK,
    HAS_CONSENT,
    HAS_SERVICE,
    HAS_SERVICE_DOMAIN,
    HAS_PROVIDER_SERVER,
    HAS_PROVIDER_DAVSERVER,
    HAS_PROVIDER_SERVICE,
    HAS_VERSION,
    HAS_COUNT,
};

enum { SCHEMA_VERSION = 1 };

struct schema {
    uint64_t parts; /* bit 1 << enum schema_part */
};

bool schema_has(const struct schema *schema, enum schema_part part);

/* Enough to look anything up. */
bool schema_usable(const struct schema *schema);
bool schema_complete(const struct schema *schema);

/* Where a part is; the column is NULL when it is a whole table. */
const char *schema_part_table(enum schema_part part);
const char *schema_part_column(enum schema_part part);

enum status schema_detect(struct sql *sql, struct schema *schema_r, struct error *error_r);

/* The CREATE or ALTER statement of one part in a dialect. */
void schema_add_part(enum sql_dialect dialect, enum schema_part part, struct buf *out);

/* Runs it, and notes in schema what is there now. */
enum status schema_make_part(struct sql *sql, enum schema_part part, struct schema *schema, struct error *error_r);

/* Indexes, and SQLite's triggers: both are made when they are missing, and are no part of what a look-up needs. */
enum status schema_add_helpers(struct sql *sql, struct error *error_r);
enum status schema_has_helpers(struct sql *sql, bool *there_r, struct error *error_r);

/* Makes every part that is missing, in a transaction of the caller's. */
enum status schema_create(struct sql *sql, struct error *error_r);

#endif
