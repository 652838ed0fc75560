/* seed_write.c - inserts a seed into the tables that a database has. */
/* SPDX-License-Identifier: MIT */
#include "store/seed.h"

#include <string.h>

/* A parameter of a statement, in order. */
struct value {
    enum { NUMBER, TEXT, TRUTH } kind;
    const char *text;
    int64_t number;
};

static struct value text(const char *text)
{
    return (struct value){.kind = TEXT, .text = text};
}

static struct value number(int64_t number)
{
    return (struct value){.kind = NUMBER, .number = number};
}

static struct value truth(bool truth)
{
    return (struct value){.kind = TRUTH, .number = truth};
}

static enum status run(struct sql *sql, const char *query, const struct value *values, unsigned count,
                       struct error *error_r)
{
    struct sql_statement *statement;
    bool row;
    enum status status = sql_prepare(sql, query, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < count; i++) {
        if (values[i].kind == TEXT)
            sql_bind_text(statement, i + 1, values[i].text);
        else if (values[i].kind == NUMBER)
            sql_bind_number(statement, i + 1, values[i].number);
        else
            sql_bind_bool(statement, i + 1, values[i].number != 0);
    }
    status = sql_step(statement, &row, error_r);
    sql_reset(statement);
    return status;
}

#define RUN(sql, query, error_r, ...)                                                                                  \
    run(sql, query, (const struct value[]){__VA_ARGS__},                                                               \
        (unsigned)(sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)), error_r)

static enum status insert(struct sql *sql, const char *table, const char *query, const struct value *values,
                          unsigned count, int64_t *id_r, struct error *error_r)
{
    enum status status = run(sql, query, values, count, error_r);
    return status == STATUS_OK ? sql_last_id(sql, table, id_r, error_r) : status;
}

#define INSERT(sql, table, query, id_r, error_r, ...)                                                                  \
    insert(sql, table, query, (const struct value[]){__VA_ARGS__},                                                     \
           (unsigned)(sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)), id_r, error_r)

/* What a table of automx2's does not have is set behind the INSERT, so that each statement stands once. */
static enum status set_text(struct sql *sql, const char *query, const char *value, int64_t id, struct error *error_r)
{
    return value == NULL ? STATUS_OK : RUN(sql, query, error_r, text(value), number(id));
}

static enum status set_prio(struct sql *sql, const char *query, int64_t prio, int64_t id, struct error *error_r)
{
    return prio == 10 ? STATUS_OK : RUN(sql, query, error_r, number(prio), number(id));
}

static enum status write_mail_server(struct sql *sql, const struct server_row *row, int64_t *id_r,
                                     struct error *error_r)
{
    enum status status = INSERT(sql, "server",
                                "INSERT INTO server (name, port, type, socket_type, user_name, authentication) "
                                "VALUES (?, ?, ?, ?, ?, ?)",
                                id_r, error_r, text(row->name), number(row->port), text(row->type),
                                text(row->socket_type), text(row->user_name), text(row->authentication));
    if (status == STATUS_OK)
        status = set_prio(sql, "UPDATE server SET prio = ? WHERE id = ?", row->prio, *id_r, error_r);
    if (status == STATUS_OK)
        status = set_text(sql, "UPDATE server SET auth_methods = ? WHERE id = ?", row->auth_methods, *id_r, error_r);
    return status;
}

static enum status write_dav_server(struct sql *sql, const struct server_row *row, int64_t *id_r, struct error *error_r)
{
    enum status status = INSERT(sql, "davserver",
                                "INSERT INTO davserver (url, port, type, use_ssl, domain_required, user_name) "
                                "VALUES (?, ?, ?, ?, ?, ?)",
                                id_r, error_r, text(row->url), number(row->port), text(row->type), truth(row->use_ssl),
                                truth(row->domain_required), text(row->user_name));
    if (status == STATUS_OK)
        status = set_prio(sql, "UPDATE davserver SET prio = ? WHERE id = ?", row->prio, *id_r, error_r);
    if (status == STATUS_OK)
        status =
            set_text(sql, "UPDATE davserver SET authentication = ? WHERE id = ?", row->authentication, *id_r, error_r);
    return status;
}

static enum status write_service(struct sql *sql, const struct server_row *row, int64_t *id_r, struct error *error_r)
{
    enum status status = INSERT(sql, "service",
                                "INSERT INTO service (prio, type, name, url, socket_type, user_name, authentication) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                                id_r, error_r, number(row->prio), text(row->type), text(row->name), text(row->url),
                                text(row->socket_type), text(row->user_name), text(row->authentication));
    if (status == STATUS_OK && row->port_given)
        status = RUN(sql, "UPDATE service SET port = ? WHERE id = ?", error_r, number(row->port), number(*id_r));
    return status;
}

/* Which of server_tables a row belongs to. */
static unsigned table_of(const struct server_row *row)
{
    unsigned table = SERVER_TABLES - 1;
    while (table > 0 && strcmp(row->table, server_tables[table]) != 0)
        table--;
    return table;
}

static enum status write_servers(struct seed *seed, struct sql *sql, struct error *error_r)
{
    static enum status (*const writers[SERVER_TABLES])(struct sql *, const struct server_row *, int64_t *,
                                                       struct error *) = {write_mail_server, write_dav_server,
                                                                          write_service};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < seed->server_count; i++) {
        struct seed_server *server = &seed->servers[i];
        status = writers[table_of(&server->row)](sql, &server->row, &server->id, error_r);
    }
    return status;
}

static enum status write_ldap(struct seed_ldap *ldap, struct sql *sql, struct error *error_r)
{
    const struct ldap_row *row = &ldap->row;
    const struct value values[] = {
        text(row->name),          number(row->port),       truth(row->use_ssl), text(row->search_base),
        text(row->search_filter), text(row->attr_uid),     text(row->attr_cn),  text(row->bind_password),
        text(row->bind_user),     number(ldap->wanted_id),
    };
    enum status status;
    if (ldap->wanted_id != 0) {
        ldap->id = ldap->wanted_id;
        status = run(sql,
                     "INSERT INTO ldapserver (name, port, use_ssl, search_base, search_filter, attr_uid, attr_cn, "
                     "bind_password, bind_user, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     values, 10, error_r);
    } else {
        status = insert(sql, "ldapserver",
                        "INSERT INTO ldapserver (name, port, use_ssl, search_base, search_filter, attr_uid, "
                        "attr_cn, bind_password, bind_user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        values, 9, &ldap->id, error_r);
    }
    if (status == STATUS_OK && row->starttls)
        status = RUN(sql, "UPDATE ldapserver SET starttls = ? WHERE id = ?", error_r, truth(true), number(ldap->id));
    if (status == STATUS_OK && !row->verify)
        status = RUN(sql, "UPDATE ldapserver SET verify = ? WHERE id = ?", error_r, truth(false), number(ldap->id));
    if (status == STATUS_OK)
        status = set_text(sql, "UPDATE ldapserver SET ca_file = ? WHERE id = ?", row->ca_file, ldap->id, error_r);
    if (status == STATUS_OK)
        status = set_text(sql, "UPDATE ldapserver SET scope = ? WHERE id = ?", row->scope, ldap->id, error_r);
    if (status == STATUS_OK)
        status =
            set_text(sql, "UPDATE ldapserver SET bind_method = ? WHERE id = ?", row->bind_method, ldap->id, error_r);
    return status;
}

/* Those with an id first: an id that the database chose could be one that is wanted. */
static enum status write_ldaps(struct seed *seed, struct sql *sql, struct error *error_r)
{
    enum status status = STATUS_OK;
    bool wanted = false;
    for (size_t i = 0; status == STATUS_OK && i < seed->ldap_count; i++) {
        if (seed->ldaps[i].wanted_id == 0)
            continue;
        wanted = true;
        status = write_ldap(&seed->ldaps[i], sql, error_r);
    }
    /* PostgreSQL's sequence does not notice ids that were given. */
    if (status == STATUS_OK && wanted && sql_dialect(sql) == SQL_POSTGRESQL)
        status =
            sql_run(sql, "SELECT setval(pg_get_serial_sequence('ldapserver', 'id'), MAX(id)) FROM ldapserver", error_r);
    for (size_t i = 0; status == STATUS_OK && i < seed->ldap_count; i++)
        if (seed->ldaps[i].wanted_id == 0)
            status = write_ldap(&seed->ldaps[i], sql, error_r);
    return status;
}

static enum status write_extras(const struct seed_provider *provider, struct sql *sql, struct error *error_r)
{
    enum status status = STATUS_OK;
    const struct oauth2 *oauth2 = &provider->oauth2;
    if (oauth2->issuer != NULL)
        status = RUN(sql,
                     "INSERT INTO provider_oauth2 (provider_id, issuer, scope, auth_url, token_url, client_id) "
                     "VALUES (?, ?, ?, ?, ?, ?)",
                     error_r, number(provider->id), text(oauth2->issuer), text(oauth2->scope), text(oauth2->auth_url),
                     text(oauth2->token_url), text(oauth2->client_id));
    for (size_t i = 0; status == STATUS_OK && i < provider->link_count; i++) {
        const struct link_row *link = &provider->links[i];
        int64_t id = 0;
        status = INSERT(sql, "provider_link",
                        "INSERT INTO provider_link (provider_id, kind, url, language, text, media_type) "
                        "VALUES (?, ?, ?, ?, ?, ?)",
                        &id, error_r, number(provider->id), text(link->kind), text(link->url), text(link->language),
                        text(link->text), text(link->media_type));
        if (status == STATUS_OK && (link->width > 0 || link->height > 0))
            status = RUN(sql, "UPDATE provider_link SET width = ?, height = ? WHERE id = ?", error_r,
                         number(link->width), number(link->height), number(id));
    }
    for (size_t i = 0; status == STATUS_OK && i < provider->consent_count; i++)
        status = RUN(sql, "INSERT INTO provider_consent (provider_id, language, text) VALUES (?, ?, ?)", error_r,
                     number(provider->id), text(provider->consents[i].language), text(provider->consents[i].text));
    return status;
}

/* Rows of server_domain, provider_server and their like. */
static enum status write_map(const struct seed *seed, const char *const *queries, const int *servers, size_t count,
                             int64_t owner, struct sql *sql, struct error *error_r)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct seed_server *server = &seed->servers[servers[i]];
        status = RUN(sql, queries[table_of(&server->row)], error_r, number(server->id), number(owner));
    }
    return status;
}

static enum status write_providers(struct seed *seed, struct sql *sql, struct error *error_r)
{
    static const char *const maps[SERVER_TABLES] = {
        "INSERT INTO provider_server (server_id, provider_id) VALUES (?, ?)",
        "INSERT INTO provider_davserver (davserver_id, provider_id) VALUES (?, ?)",
        "INSERT INTO provider_service (service_id, provider_id) VALUES (?, ?)",
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < seed->provider_count; i++) {
        struct seed_provider *provider = &seed->providers[i];
        status = INSERT(sql, "provider", "INSERT INTO provider (name, short_name) VALUES (?, ?)", &provider->id,
                        error_r, text(provider->name), text(provider->short_name));
        if (status == STATUS_OK)
            status = set_text(sql, "UPDATE provider SET organization = ? WHERE id = ?", provider->organization,
                              provider->id, error_r);
        if (status == STATUS_OK)
            status = write_extras(provider, sql, error_r);
        if (status == STATUS_OK)
            status = write_map(seed, maps, provider->servers, provider->server_count, provider->id, sql, error_r);
    }
    return status;
}

static enum status write_domains(struct seed *seed, struct sql *sql, struct error *error_r)
{
    static const char *const maps[SERVER_TABLES] = {
        "INSERT INTO server_domain (server_id, domain_id) VALUES (?, ?)",
        "INSERT INTO davserver_domain (davserver_id, domain_id) VALUES (?, ?)",
        "INSERT INTO service_domain (service_id, domain_id) VALUES (?, ?)",
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < seed->domain_count; i++) {
        struct seed_domain *domain = &seed->domains[i];
        status = INSERT(sql, "domain", "INSERT INTO domain (name, provider_id) VALUES (?, ?)", &domain->id, error_r,
                        text(domain->name), number(seed->providers[domain->provider].id));
        if (status == STATUS_OK && domain->ldap != NO_INDEX)
            status = RUN(sql, "UPDATE domain SET ldapserver_id = ? WHERE id = ?", error_r,
                         number(seed->ldaps[domain->ldap].id), number(domain->id));
        if (status == STATUS_OK)
            status =
                set_text(sql, "UPDATE domain SET moved_to = ? WHERE id = ?", domain->moved_to, domain->id, error_r);
        if (status == STATUS_OK)
            status = set_text(sql, "UPDATE domain SET redirect_url = ? WHERE id = ?", domain->redirect_url, domain->id,
                              error_r);
        if (status == STATUS_OK)
            status =
                set_text(sql, "UPDATE domain SET types_off = ? WHERE id = ?", domain->types_off, domain->id, error_r);
        if (status == STATUS_OK)
            status = write_map(seed, maps, domain->servers, domain->server_count, domain->id, sql, error_r);
    }
    for (size_t i = 0; status == STATUS_OK && i < seed->domain_count; i++)
        if (seed->domains[i].alias != NO_INDEX)
            status = RUN(sql, "UPDATE domain SET alias_of = ? WHERE id = ?", error_r,
                         number(seed->domains[seed->domains[i].alias].id), number(seed->domains[i].id));
    return status;
}

enum status seed_write(struct seed *seed, struct sql *sql, struct error *error_r)
{
    enum status status = write_servers(seed, sql, error_r);
    if (status == STATUS_OK)
        status = write_ldaps(seed, sql, error_r);
    if (status == STATUS_OK)
        status = write_providers(seed, sql, error_r);
    if (status == STATUS_OK)
        status = write_domains(seed, sql, error_r);
    return status;
}

/* Notes that something of the seed needs a part of the schema. */
static void need(uint64_t *parts, bool needed, enum schema_part part)
{
    if (needed)
        *parts |= UINT64_C(1) << part;
}

static uint64_t server_needs(const struct server_row *row, bool is_default)
{
    static const enum schema_part defaults[SERVER_TABLES] = {HAS_PROVIDER_SERVER, HAS_PROVIDER_DAVSERVER,
                                                             HAS_PROVIDER_SERVICE};
    uint64_t parts = 0;
    unsigned table = table_of(row);
    need(&parts, is_default, defaults[table]);
    need(&parts, table == 0 && row->prio != 10, HAS_PRIO);
    need(&parts, row->auth_methods != NULL, HAS_AUTH_METHODS);
    need(&parts, table == 1, HAS_DAV);
    need(&parts, table == 1 && !is_default, HAS_DAV_DOMAIN);
    need(&parts, table == 1 && row->prio != 10, HAS_DAV_PRIO);
    need(&parts, table == 1 && row->authentication != NULL, HAS_DAV_AUTH);
    need(&parts, table == 2, HAS_SERVICE);
    need(&parts, table == 2 && !is_default, HAS_SERVICE_DOMAIN);
    return parts;
}

enum status seed_fits(const struct seed *seed, const struct schema *schema, struct error *error_r)
{
    uint64_t parts = 0;
    for (size_t i = 0; i < seed->provider_count; i++) {
        const struct seed_provider *provider = &seed->providers[i];
        need(&parts, provider->organization != NULL, HAS_ORGANIZATION);
        need(&parts, provider->oauth2.issuer != NULL, HAS_OAUTH2);
        need(&parts, provider->link_count > 0, HAS_LINK);
        need(&parts, provider->consent_count > 0, HAS_CONSENT);
        for (size_t j = 0; j < provider->server_count; j++)
            parts |= server_needs(&seed->servers[provider->servers[j]].row, true);
    }
    for (size_t i = 0; i < seed->domain_count; i++) {
        const struct seed_domain *domain = &seed->domains[i];
        need(&parts, domain->alias != NO_INDEX, HAS_ALIAS_OF);
        need(&parts, domain->moved_to != NULL, HAS_MOVED_TO);
        need(&parts, domain->redirect_url != NULL, HAS_REDIRECT_URL);
        need(&parts, domain->types_off != NULL, HAS_TYPES_OFF);
        for (size_t j = 0; j < domain->server_count; j++)
            parts |= server_needs(&seed->servers[domain->servers[j]].row, false);
    }
    for (size_t i = 0; i < seed->ldap_count; i++) {
        const struct ldap_row *row = &seed->ldaps[i].row;
        need(&parts, true, HAS_LDAP);
        need(&parts, row->starttls, HAS_LDAP_STARTTLS);
        need(&parts, !row->verify, HAS_LDAP_VERIFY);
        need(&parts, row->ca_file != NULL, HAS_LDAP_CA_FILE);
        need(&parts, row->scope != NULL, HAS_LDAP_SCOPE);
        need(&parts, row->bind_method != NULL, HAS_LDAP_BIND_METHOD);
    }
    for (unsigned part = 0; part < HAS_COUNT; part++) {
        if ((parts >> part & 1) == 0 || schema_has(schema, part))
            continue;
        const char *column = schema_part_column(part);
        return error_set(error_r, STATUS_REFUSED,
                         "the database has no %s %s%s%s, which these data need; run 'automxctl upgrade' first",
                         column != NULL ? "column" : "table", schema_part_table(part), column != NULL ? "." : "",
                         column != NULL ? column : "");
    }
    return STATUS_OK;
}
