/* queries.h - the SELECT statements that fit the schema of one database, and their columns. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERIES_H
#define STORE_QUERIES_H

#include "base/arena.h"
#include "store/rows.h"
#include "store/schema.h"

#include <stdbool.h>
#include <stdint.h>

enum { NAMES_PER_QUERY = 8, SERVER_TABLES = 3, BINDS_MAX = 2 * SERVER_TABLES, PAGE_ROWS = 500 };

/* Where a parameter of queries.servers comes from. */
enum bind_source { BIND_DOMAIN, BIND_PROVIDER };

/* What the schema lacks stands in them as NULL or the default. The texts belong to the arena. */
struct queries {
    const char *domain_by_name;
    const char *domain_by_names; /* NAMES_PER_QUERY parameters */
    const char *domain_by_id;
    const char *domain_page;      /* those past id ?, PAGE_ROWS of them */
    const char *provider_by_name; /* name or short name; columns of a domain that has none */
    const char *provider_next;    /* the first past id ? */
    const char *serverless;       /* domains that no row gives a server; id and name */
    const char *servers;          /* a domain's own and its provider's */
    enum bind_source servers_binds[BINDS_MAX];
    unsigned servers_bind_count;
    const char *server_page[SERVER_TABLES]; /* past id ?; NULL when there is no such table */
    const char *extras;                     /* links and consents of a provider; NULL when there are no such tables */
    unsigned extras_bind_count;
    const char *ldap_by_id; /* NULL when there is no such table */
    const char *ldap_page;
    const char *present;         /* a row of domain that says nothing out of the ordinary; NULL unless all of our schema
                                    is there */
    const char *present_servers; /* table and id of each server that is a domain's own */
};

enum present_column { PRESENT_ID, PRESENT_NAME, PRESENT_PROVIDER_ID, PRESENT_LDAP_ID };

/* NULL text fields when memory is out: arena_failed() tells. */
void queries_build(struct arena *arena, const struct schema *schema, struct queries *queries_r);

/* A row of domain with its provider and the provider's OAuth2 data. */
struct domain_row {
    int64_t id;
    const char *name;
    int64_t provider_id;
    int64_t ldap_id;  /* 0: none */
    int64_t alias_of; /* 0: none */
    const char *moved_to;
    const char *redirect_url;
    const char *types_off;
    bool provider_there;
    const char *provider_name;
    const char *provider_short_name;
    const char *provider_organization;
    struct oauth2 oauth2; /* issuer NULL: none */
};

/* Copies the texts into the arena: a statement's next step takes them away. */
void queries_read_domain(struct arena *arena, struct sql_statement *statement, struct domain_row *row_r);

/* These borrow the statement's texts. */
void queries_read_server(struct sql_statement *statement, struct server_row *row_r, bool *default_r);
void queries_read_ldap(struct sql_statement *statement, struct ldap_row *row_r);
/* True: a link; false: a consent. */
bool queries_read_extra(struct sql_statement *statement, struct link_row *link_r, struct consent *consent_r);

extern const char *const server_tables[SERVER_TABLES];

#endif
