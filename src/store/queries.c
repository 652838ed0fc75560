/* queries.c - writes SELECT statements around the columns that a database has. */
/* SPDX-License-Identifier: MIT */
#include "store/queries.h"

#include <string.h>

#include "base/buf.h"

const char *const server_tables[SERVER_TABLES] = {"server", "davserver", "service"};

/* One branch for each table that servers are kept in, with the table that gives them to a domain or a provider. */
static const struct {
    enum schema_part table, by_domain, by_provider;
} server_parts[SERVER_TABLES] = {
    {HAS_SERVER, HAS_SERVER_DOMAIN, HAS_PROVIDER_SERVER},
    {HAS_DAV, HAS_DAV_DOMAIN, HAS_PROVIDER_DAVSERVER},
    {HAS_SERVICE, HAS_SERVICE_DOMAIN, HAS_PROVIDER_SERVICE},
};

static const char *pick(const struct schema *schema, enum schema_part part, const char *column, const char *instead)
{
    return schema_has(schema, part) ? column : instead;
}

static const char *finish(struct arena *arena, struct buf *text)
{
    const char *copy = buf_failed(text) ? NULL : arena_copy(arena, text->data, text->length);
    buf_free(text);
    return copy;
}

enum domain_column {
    DOMAIN_ID,
    DOMAIN_NAME,
    DOMAIN_PROVIDER_ID,
    DOMAIN_LDAP_ID,
    DOMAIN_ALIAS_OF,
    DOMAIN_MOVED_TO,
    DOMAIN_REDIRECT_URL,
    DOMAIN_TYPES_OFF,
    DOMAIN_PROVIDER_THERE,
    DOMAIN_PROVIDER_NAME,
    DOMAIN_PROVIDER_SHORT_NAME,
    DOMAIN_ORGANIZATION,
    DOMAIN_ISSUER,
    DOMAIN_SCOPE,
    DOMAIN_AUTH_URL,
    DOMAIN_TOKEN_URL,
    DOMAIN_CLIENT_ID,
};

static void add_provider_columns(struct buf *text, const struct schema *schema)
{
    buf_addf(text, "p.id, p.name, p.short_name, %s, ", pick(schema, HAS_ORGANIZATION, "p.organization", "NULL"));
    buf_adds(text, schema_has(schema, HAS_OAUTH2) ? "o.issuer, o.scope, o.auth_url, o.token_url, o.client_id"
                                                  : "NULL, NULL, NULL, NULL, NULL");
}

static const char *domain_query(struct arena *arena, const struct schema *schema, const char *condition)
{
    struct buf text;
    buf_init(&text, 0);
    buf_addf(&text, "SELECT d.id, d.name, d.provider_id, d.ldapserver_id, %s, %s, %s, %s, ",
             pick(schema, HAS_ALIAS_OF, "d.alias_of", "NULL"), pick(schema, HAS_MOVED_TO, "d.moved_to", "NULL"),
             pick(schema, HAS_REDIRECT_URL, "d.redirect_url", "NULL"),
             pick(schema, HAS_TYPES_OFF, "d.types_off", "NULL"));
    add_provider_columns(&text, schema);
    buf_adds(&text, " FROM domain d LEFT JOIN provider p ON p.id = d.provider_id");
    if (schema_has(schema, HAS_OAUTH2))
        buf_adds(&text, " LEFT JOIN provider_oauth2 o ON o.provider_id = d.provider_id");
    buf_addf(&text, " WHERE %s", condition);
    return finish(arena, &text);
}

/* For domain_query: the columns of domain stay empty. */
static const char *provider_query(struct arena *arena, const struct schema *schema, const char *condition)
{
    struct buf text;
    buf_init(&text, 0);
    buf_adds(&text, "SELECT 0, '', p.id, NULL, NULL, NULL, NULL, NULL, ");
    add_provider_columns(&text, schema);
    buf_adds(&text, " FROM provider p");
    if (schema_has(schema, HAS_OAUTH2))
        buf_adds(&text, " LEFT JOIN provider_oauth2 o ON o.provider_id = p.id");
    buf_addf(&text, " WHERE %s ORDER BY p.id LIMIT 1", condition);
    return finish(arena, &text);
}

enum server_column {
    SERVER_DEFAULT,
    SERVER_TABLE,
    SERVER_ID,
    SERVER_PRIO,
    SERVER_TYPE,
    SERVER_NAME,
    SERVER_URL,
    SERVER_PORT,
    SERVER_SOCKET_TYPE,
    SERVER_USE_SSL,
    SERVER_DOMAIN_REQUIRED,
    SERVER_USER_NAME,
    SERVER_AUTHENTICATION,
    SERVER_AUTH_METHODS,
};

/* Empty text and a comparison stand for what a table does not have: PostgreSQL wants one type a column of a UNION. */
static void add_server_columns(struct buf *text, const struct schema *schema, unsigned table)
{
    switch (table) {
    case 0:
        buf_addf(text,
                 "s.id, %s, s.type, s.name, '', s.port, s.socket_type, (1=0), (1=0), s.user_name, s.authentication, %s",
                 pick(schema, HAS_PRIO, "s.prio", "10"), pick(schema, HAS_AUTH_METHODS, "s.auth_methods", "''"));
        break;
    case 1:
        buf_addf(text, "s.id, %s, s.type, '', s.url, s.port, '', s.use_ssl, s.domain_required, s.user_name, %s, ''",
                 pick(schema, HAS_DAV_PRIO, "s.prio", "10"), pick(schema, HAS_DAV_AUTH, "s.authentication", "''"));
        break;
    default:
        buf_adds(text, "s.id, s.prio, s.type, s.name, s.url, s.port, s.socket_type, (1=0), (1=0), s.user_name, "
                       "s.authentication, ''");
        break;
    }
}

/* Without our indexes a domain's servers cannot be found by the domain. SQLite would read all of the table between
 * then; told to begin with the servers (that is what CROSS JOIN means to it), it asks the primary key for each of the
 * few. */
static void add_map(struct buf *text, const struct schema *schema, unsigned table, enum schema_part map,
                    const char *column)
{
    const char *from = server_tables[table];
    const char *between = schema_part_table(map);
    if (schema_has(schema, HAS_VERSION))
        buf_addf(text, " FROM %s m JOIN %s s ON s.id = m.%s_id WHERE m.%s = ?", between, from, from, column);
    else
        buf_addf(text, " FROM %s s CROSS JOIN %s m WHERE m.%s_id = s.id AND m.%s = ?", from, between, from, column);
}

static void servers_query(struct arena *arena, const struct schema *schema, struct queries *queries)
{
    struct buf text;
    buf_init(&text, 0);
    for (unsigned by_provider = 0; by_provider < 2; by_provider++)
        for (unsigned table = 0; table < SERVER_TABLES; table++) {
            enum schema_part map = by_provider ? server_parts[table].by_provider : server_parts[table].by_domain;
            if (!schema_has(schema, server_parts[table].table) || !schema_has(schema, map))
                continue;
            buf_addf(&text, "%sSELECT %u, %u, ", text.length > 0 ? " UNION ALL " : "", by_provider, table);
            add_server_columns(&text, schema, table);
            add_map(&text, schema, table, map, by_provider ? "provider_id" : "domain_id");
            queries->servers_binds[queries->servers_bind_count++] = by_provider ? BIND_PROVIDER : BIND_DOMAIN;
        }
    queries->servers = finish(arena, &text);
}

/* Each side table is read once; NOT EXISTS would make SQLite read it for each domain of a schema without our indexes.
 */
static const char *serverless_query(struct arena *arena, const struct schema *schema)
{
    struct buf text;
    struct buf conditions;
    buf_init(&text, 0);
    buf_init(&conditions, 0);
    buf_adds(&text, "SELECT d.id, d.name FROM domain d");
    for (unsigned by_provider = 0; by_provider < 2; by_provider++)
        for (unsigned table = 0; table < SERVER_TABLES; table++) {
            enum schema_part map = by_provider ? server_parts[table].by_provider : server_parts[table].by_domain;
            const char *column = by_provider ? "provider_id" : "domain_id";
            if (!schema_has(schema, server_parts[table].table) || !schema_has(schema, map))
                continue;
            buf_addf(&text, " LEFT JOIN (SELECT DISTINCT %s FROM %s) m%u%u ON m%u%u.%s = d.%s", column,
                     schema_part_table(map), by_provider, table, by_provider, table, column,
                     by_provider ? "provider_id" : "id");
            buf_addf(&conditions, "%sm%u%u.%s IS NULL", conditions.length > 0 ? " AND " : " WHERE ", by_provider, table,
                     column);
        }
    if (schema_has(schema, HAS_ALIAS_OF))
        buf_adds(&conditions, " AND d.alias_of IS NULL");
    if (schema_has(schema, HAS_MOVED_TO))
        buf_adds(&conditions, " AND (d.moved_to IS NULL OR d.moved_to = '')");
    buf_addf(&text, "%s ORDER BY d.id LIMIT 100", buf_failed(&conditions) ? "" : conditions.data);
    buf_free(&conditions);
    return finish(arena, &text);
}

static const char *server_page_query(struct arena *arena, const struct schema *schema, unsigned table)
{
    struct buf text;
    if (!schema_has(schema, server_parts[table].table))
        return NULL;
    buf_init(&text, 0);
    buf_addf(&text, "SELECT 0, %u, ", table);
    add_server_columns(&text, schema, table);
    buf_addf(&text, " FROM %s s WHERE s.id > ? ORDER BY s.id LIMIT %d", server_tables[table], PAGE_ROWS);
    return finish(arena, &text);
}

enum extra_column {
    EXTRA_CONSENT,
    EXTRA_ID,
    EXTRA_KIND,
    EXTRA_URL,
    EXTRA_LANGUAGE,
    EXTRA_TEXT,
    EXTRA_MEDIA_TYPE,
    EXTRA_WIDTH,
    EXTRA_HEIGHT,
};

static void extras_query(struct arena *arena, const struct schema *schema, struct queries *queries)
{
    struct buf text;
    buf_init(&text, 0);
    if (schema_has(schema, HAS_LINK)) {
        buf_adds(&text, "SELECT 0, l.id, l.kind, l.url, l.language, l.text, l.media_type, l.width, l.height "
                        "FROM provider_link l WHERE l.provider_id = ?");
        queries->extras_bind_count++;
    }
    if (schema_has(schema, HAS_CONSENT)) {
        if (text.length > 0)
            buf_adds(&text, " UNION ALL ");
        buf_adds(&text, "SELECT 1, 0, '', '', c.language, c.text, '', 0, 0 "
                        "FROM provider_consent c WHERE c.provider_id = ?");
        queries->extras_bind_count++;
    }
    if (text.length > 0)
        buf_adds(&text, " ORDER BY 1, 2, 5");
    queries->extras = queries->extras_bind_count > 0 ? finish(arena, &text) : NULL;
}

enum ldap_column {
    LDAP_ID,
    LDAP_NAME,
    LDAP_PORT,
    LDAP_USE_SSL,
    LDAP_SEARCH_BASE,
    LDAP_SEARCH_FILTER,
    LDAP_ATTR_UID,
    LDAP_ATTR_CN,
    LDAP_BIND_USER,
    LDAP_BIND_PASSWORD,
    LDAP_STARTTLS,
    LDAP_VERIFY,
    LDAP_CA_FILE,
    LDAP_SCOPE,
    LDAP_BIND_METHOD,
};

static const char *ldap_query(struct arena *arena, const struct schema *schema, const char *condition)
{
    struct buf text;
    if (!schema_has(schema, HAS_LDAP))
        return NULL;
    buf_init(&text, 0);
    buf_addf(&text,
             "SELECT l.id, l.name, l.port, l.use_ssl, l.search_base, l.search_filter, l.attr_uid, l.attr_cn, "
             "l.bind_user, l.bind_password, %s, %s, %s, %s, %s FROM ldapserver l WHERE %s",
             pick(schema, HAS_LDAP_STARTTLS, "l.starttls", "NULL"), pick(schema, HAS_LDAP_VERIFY, "l.verify", "NULL"),
             pick(schema, HAS_LDAP_CA_FILE, "l.ca_file", "NULL"), pick(schema, HAS_LDAP_SCOPE, "l.scope", "NULL"),
             pick(schema, HAS_LDAP_BIND_METHOD, "l.bind_method", "NULL"), condition);
    return finish(arena, &text);
}

void queries_build(struct arena *arena, const struct schema *schema, struct queries *queries_r)
{
    *queries_r = (struct queries){0};
    queries_r->domain_by_name = domain_query(arena, schema, "d.name = ?");
    queries_r->domain_by_names = domain_query(arena, schema, "d.name IN (?, ?, ?, ?, ?, ?, ?, ?)");
    queries_r->domain_by_id = domain_query(arena, schema, "d.id = ?");
    queries_r->domain_page = domain_query(arena, schema, "d.id > ? ORDER BY d.id LIMIT 500");
    queries_r->provider_by_name = provider_query(arena, schema, "p.name = ? OR p.short_name = ?");
    queries_r->provider_next = provider_query(arena, schema, "p.id > ?");
    queries_r->serverless = serverless_query(arena, schema);
    servers_query(arena, schema, queries_r);
    for (unsigned table = 0; table < SERVER_TABLES; table++)
        queries_r->server_page[table] = server_page_query(arena, schema, table);
    extras_query(arena, schema, queries_r);
    queries_r->ldap_by_id = ldap_query(arena, schema, "l.id = ?");
    if (schema_complete(schema)) {
        queries_r->present = "SELECT d.id, d.name, d.provider_id, d.ldapserver_id FROM domain d WHERE d.name = ? AND "
                             "d.alias_of IS NULL AND d.moved_to IS NULL AND d.redirect_url IS NULL AND "
                             "d.types_off IS NULL";
        queries_r->present_servers = "SELECT 0, m.server_id FROM server_domain m WHERE m.domain_id = ? UNION ALL "
                                     "SELECT 1, m.davserver_id FROM davserver_domain m WHERE m.domain_id = ? UNION ALL "
                                     "SELECT 2, m.service_id FROM service_domain m WHERE m.domain_id = ?";
    }
    queries_r->ldap_page = ldap_query(arena, schema, "l.id > ? ORDER BY l.id LIMIT 500");
}

/* A copy. Of a text that is longer than any may be, enough is taken for text_take() to say so: SQLite keeps to no
 * column width, and one row must not use up the memory of an answer. */
static const char *take(struct arena *arena, struct sql_statement *statement, unsigned column)
{
    const char *text = sql_text(statement, column);
    return text != NULL ? arena_copy(arena, text, strnlen(text, TEXT_MAX + 1)) : NULL;
}

void queries_read_domain(struct arena *arena, struct sql_statement *statement, struct domain_row *row_r)
{
    *row_r = (struct domain_row){
        .id = sql_number(statement, DOMAIN_ID),
        .name = take(arena, statement, DOMAIN_NAME),
        .provider_id = sql_number(statement, DOMAIN_PROVIDER_ID),
        .ldap_id = sql_number(statement, DOMAIN_LDAP_ID),
        .alias_of = sql_number(statement, DOMAIN_ALIAS_OF),
        .moved_to = take(arena, statement, DOMAIN_MOVED_TO),
        .redirect_url = take(arena, statement, DOMAIN_REDIRECT_URL),
        .types_off = take(arena, statement, DOMAIN_TYPES_OFF),
        .provider_there = sql_text(statement, DOMAIN_PROVIDER_THERE) != NULL,
        .provider_name = take(arena, statement, DOMAIN_PROVIDER_NAME),
        .provider_short_name = take(arena, statement, DOMAIN_PROVIDER_SHORT_NAME),
        .provider_organization = take(arena, statement, DOMAIN_ORGANIZATION),
        .oauth2 =
            {
                .issuer = take(arena, statement, DOMAIN_ISSUER),
                .scope = take(arena, statement, DOMAIN_SCOPE),
                .auth_url = take(arena, statement, DOMAIN_AUTH_URL),
                .token_url = take(arena, statement, DOMAIN_TOKEN_URL),
                .client_id = take(arena, statement, DOMAIN_CLIENT_ID),
            },
    };
}

void queries_read_server(struct sql_statement *statement, struct server_row *row_r, bool *default_r)
{
    *row_r = (struct server_row){
        .table = server_tables[sql_number(statement, SERVER_TABLE)],
        .id = sql_number(statement, SERVER_ID),
        .prio = sql_text(statement, SERVER_PRIO) == NULL ? 10 : sql_number(statement, SERVER_PRIO),
        .type = sql_text(statement, SERVER_TYPE),
        .name = sql_text(statement, SERVER_NAME),
        .url = sql_text(statement, SERVER_URL),
        .port = sql_number(statement, SERVER_PORT),
        .port_given = sql_text(statement, SERVER_PORT) != NULL,
        .socket_type = sql_text(statement, SERVER_SOCKET_TYPE),
        .use_ssl = sql_number(statement, SERVER_USE_SSL) != 0,
        .domain_required = sql_number(statement, SERVER_DOMAIN_REQUIRED) != 0,
        .user_name = sql_text(statement, SERVER_USER_NAME),
        .authentication = sql_text(statement, SERVER_AUTHENTICATION),
        .auth_methods = sql_text(statement, SERVER_AUTH_METHODS),
    };
    *default_r = sql_number(statement, SERVER_DEFAULT) != 0;
}

void queries_read_ldap(struct sql_statement *statement, struct ldap_row *row_r)
{
    *row_r = (struct ldap_row){
        .id = sql_number(statement, LDAP_ID),
        .name = sql_text(statement, LDAP_NAME),
        .port = sql_number(statement, LDAP_PORT),
        .use_ssl = sql_number(statement, LDAP_USE_SSL) != 0,
        .search_base = sql_text(statement, LDAP_SEARCH_BASE),
        .search_filter = sql_text(statement, LDAP_SEARCH_FILTER),
        .attr_uid = sql_text(statement, LDAP_ATTR_UID),
        .attr_cn = sql_text(statement, LDAP_ATTR_CN),
        .bind_user = sql_text(statement, LDAP_BIND_USER),
        .bind_password = sql_text(statement, LDAP_BIND_PASSWORD),
        .starttls = sql_number(statement, LDAP_STARTTLS) != 0,
        .verify = sql_text(statement, LDAP_VERIFY) == NULL || sql_number(statement, LDAP_VERIFY) != 0,
        .ca_file = sql_text(statement, LDAP_CA_FILE),
        .scope = sql_text(statement, LDAP_SCOPE),
        .bind_method = sql_text(statement, LDAP_BIND_METHOD),
    };
}

bool queries_read_extra(struct sql_statement *statement, struct link_row *link_r, struct consent *consent_r)
{
    if (sql_number(statement, EXTRA_CONSENT) != 0) {
        *consent_r = (struct consent){sql_text(statement, EXTRA_LANGUAGE), sql_text(statement, EXTRA_TEXT)};
        return false;
    }
    *link_r = (struct link_row){
        .kind = sql_text(statement, EXTRA_KIND),
        .url = sql_text(statement, EXTRA_URL),
        .language = sql_text(statement, EXTRA_LANGUAGE),
        .text = sql_text(statement, EXTRA_TEXT),
        .media_type = sql_text(statement, EXTRA_MEDIA_TYPE),
        .width = sql_number(statement, EXTRA_WIDTH),
        .height = sql_number(statement, EXTRA_HEIGHT),
    };
    return true;
}
