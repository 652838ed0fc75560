/* schema.c - automx2's tables, our additions to them, and which of both a database has. */
/* SPDX-License-Identifier: MIT */
#include "store/schema.h"

#include <string.h>

/* In the statements, {id} stands for an automatic id column, {domain_ref} for what MySQL has to say after a column to
 * get a foreign key. Everything of ours may be absent for automx2: columns are nullable or defaulted, references from
 * our tables to its tables cascade, so that its own DELETE goes on working. */
static const struct part_spec {
    const char *table;
    const char *column; /* NULL: the table itself */
    const char *statement;
} specs[HAS_COUNT] = {
    [HAS_PROVIDER] = {"provider", NULL,
                      "CREATE TABLE provider (id {id}, name VARCHAR(128) NOT NULL, short_name VARCHAR(32) NOT NULL, "
                      "PRIMARY KEY (id))"},
    [HAS_DOMAIN] = {"domain", NULL,
                    "CREATE TABLE domain (id {id}, name VARCHAR(128) NOT NULL, provider_id INTEGER NOT NULL, "
                    "ldapserver_id INTEGER, PRIMARY KEY (id), UNIQUE (name), "
                    "FOREIGN KEY(provider_id) REFERENCES provider (id), "
                    "FOREIGN KEY(ldapserver_id) REFERENCES ldapserver (id))"},
    [HAS_SERVER] = {"server", NULL,
                    "CREATE TABLE server (id {id}, prio INTEGER DEFAULT 10 NOT NULL, name VARCHAR(128) NOT NULL, "
                    "port INTEGER NOT NULL, type VARCHAR(32) NOT NULL, socket_type VARCHAR(32) NOT NULL, "
                    "user_name VARCHAR(64) NOT NULL, authentication VARCHAR(32) NOT NULL, PRIMARY KEY (id))"},
    [HAS_SERVER_DOMAIN] = {"server_domain", NULL,
                           "CREATE TABLE server_domain (server_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, "
                           "PRIMARY KEY (server_id, domain_id), FOREIGN KEY(server_id) REFERENCES server (id), "
                           "FOREIGN KEY(domain_id) REFERENCES domain (id))"},
    [HAS_LDAP] = {"ldapserver", NULL,
                  "CREATE TABLE ldapserver (id {id}, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL, "
                  "use_ssl BOOLEAN NOT NULL, search_base VARCHAR(128) NOT NULL, search_filter VARCHAR(128) NOT NULL, "
                  "attr_uid VARCHAR(32) NOT NULL, attr_cn VARCHAR(32), bind_password VARCHAR(128), "
                  "bind_user VARCHAR(128), PRIMARY KEY (id))"},
    [HAS_PRIO] = {"server", "prio", "ALTER TABLE server ADD COLUMN prio INTEGER DEFAULT 10 NOT NULL"},
    [HAS_DAV] = {"davserver", NULL,
                 "CREATE TABLE davserver (id {id}, url VARCHAR(128) NOT NULL, port INTEGER NOT NULL, "
                 "type VARCHAR(32) NOT NULL, use_ssl BOOLEAN NOT NULL, domain_required BOOLEAN NOT NULL, "
                 "user_name VARCHAR(64), PRIMARY KEY (id))"},
    [HAS_DAV_DOMAIN] = {"davserver_domain", NULL,
                        "CREATE TABLE davserver_domain (davserver_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, "
                        "PRIMARY KEY (davserver_id, domain_id), "
                        "FOREIGN KEY(davserver_id) REFERENCES davserver (id), "
                        "FOREIGN KEY(domain_id) REFERENCES domain (id))"},
    [HAS_ORGANIZATION] = {"provider", "organization", "ALTER TABLE provider ADD COLUMN organization VARCHAR(128) NULL"},
    [HAS_AUTH_METHODS] = {"server", "auth_methods", "ALTER TABLE server ADD COLUMN auth_methods VARCHAR(255) NULL"},
    [HAS_DAV_PRIO] = {"davserver", "prio", "ALTER TABLE davserver ADD COLUMN prio INTEGER DEFAULT 10 NOT NULL"},
    [HAS_DAV_AUTH] = {"davserver", "authentication",
                      "ALTER TABLE davserver ADD COLUMN authentication VARCHAR(255) NULL"},
    [HAS_ALIAS_OF] = {"domain", "alias_of", "ALTER TABLE domain ADD COLUMN alias_of INTEGER NULL{domain_ref}"},
    [HAS_MOVED_TO] = {"domain", "moved_to", "ALTER TABLE domain ADD COLUMN moved_to VARCHAR(255) NULL"},
    [HAS_REDIRECT_URL] = {"domain", "redirect_url", "ALTER TABLE domain ADD COLUMN redirect_url VARCHAR(255) NULL"},
    [HAS_TYPES_OFF] = {"domain", "types_off", "ALTER TABLE domain ADD COLUMN types_off VARCHAR(255) NULL"},
    [HAS_LDAP_STARTTLS] = {"ldapserver", "starttls", "ALTER TABLE ldapserver ADD COLUMN starttls BOOLEAN NULL"},
    [HAS_LDAP_VERIFY] = {"ldapserver", "verify", "ALTER TABLE ldapserver ADD COLUMN verify BOOLEAN NULL"},
    [HAS_LDAP_CA_FILE] = {"ldapserver", "ca_file", "ALTER TABLE ldapserver ADD COLUMN ca_file VARCHAR(255) NULL"},
    [HAS_LDAP_SCOPE] = {"ldapserver", "scope", "ALTER TABLE ldapserver ADD COLUMN scope VARCHAR(8) NULL"},
    [HAS_LDAP_BIND_METHOD] = {"ldapserver", "bind_method",
                              "ALTER TABLE ldapserver ADD COLUMN bind_method VARCHAR(16) NULL"},
    [HAS_OAUTH2] = {"provider_oauth2", NULL,
                    "CREATE TABLE provider_oauth2 (provider_id INTEGER NOT NULL, issuer VARCHAR(255) NOT NULL, "
                    "scope VARCHAR(512), auth_url VARCHAR(255), token_url VARCHAR(255), client_id VARCHAR(255), "
                    "PRIMARY KEY (provider_id), "
                    "FOREIGN KEY(provider_id) REFERENCES provider (id) ON DELETE CASCADE)"},
    [HAS_LINK] = {"provider_link", NULL,
                  "CREATE TABLE provider_link (id {id}, provider_id INTEGER NOT NULL, kind VARCHAR(32) NOT NULL, "
                  "url VARCHAR(255) NOT NULL, language VARCHAR(35), text VARCHAR(255), media_type VARCHAR(64), "
                  "width INTEGER, height INTEGER, PRIMARY KEY (id), "
                  "FOREIGN KEY(provider_id) REFERENCES provider (id) ON DELETE CASCADE)"},
    [HAS_CONSENT] = {"provider_consent", NULL,
                     "CREATE TABLE provider_consent (provider_id INTEGER NOT NULL, language VARCHAR(35) NOT NULL, "
                     "text TEXT NOT NULL, PRIMARY KEY (provider_id, language), "
                     "FOREIGN KEY(provider_id) REFERENCES provider (id) ON DELETE CASCADE)"},
    [HAS_SERVICE] = {"service", NULL,
                     "CREATE TABLE service (id {id}, prio INTEGER DEFAULT 10 NOT NULL, type VARCHAR(32) NOT NULL, "
                     "name VARCHAR(128), port INTEGER, url VARCHAR(255), socket_type VARCHAR(32), "
                     "user_name VARCHAR(128), authentication VARCHAR(255), PRIMARY KEY (id))"},
    [HAS_SERVICE_DOMAIN] = {"service_domain", NULL,
                            "CREATE TABLE service_domain (service_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, "
                            "PRIMARY KEY (service_id, domain_id), "
                            "FOREIGN KEY(service_id) REFERENCES service (id) ON DELETE CASCADE, "
                            "FOREIGN KEY(domain_id) REFERENCES domain (id) ON DELETE CASCADE)"},
    [HAS_PROVIDER_SERVER] = {"provider_server", NULL,
                             "CREATE TABLE provider_server (provider_id INTEGER NOT NULL, server_id INTEGER NOT NULL, "
                             "PRIMARY KEY (provider_id, server_id), "
                             "FOREIGN KEY(provider_id) REFERENCES provider (id) ON DELETE CASCADE, "
                             "FOREIGN KEY(server_id) REFERENCES server (id) ON DELETE CASCADE)"},
    [HAS_PROVIDER_DAVSERVER] = {"provider_davserver", NULL,
                                "CREATE TABLE provider_davserver (provider_id INTEGER NOT NULL, "
                                "davserver_id INTEGER NOT NULL, PRIMARY KEY (provider_id, davserver_id), "
                                "FOREIGN KEY(provider_id) REFERENCES provider (id) ON DELETE CASCADE, "
                                "FOREIGN KEY(davserver_id) REFERENCES davserver (id) ON DELETE CASCADE)"},
    [HAS_PROVIDER_SERVICE] = {"provider_service", NULL,
                              "CREATE TABLE provider_service (provider_id INTEGER NOT NULL, "
                              "service_id INTEGER NOT NULL, PRIMARY KEY (provider_id, service_id), "
                              "FOREIGN KEY(provider_id) REFERENCES provider (id) ON DELETE CASCADE, "
                              "FOREIGN KEY(service_id) REFERENCES service (id) ON DELETE CASCADE)"},
    [HAS_VERSION] = {"automxd_schema", NULL, "CREATE TABLE automxd_schema (version INTEGER NOT NULL)"},
};

/* Primary keys begin with the server, and a look-up begins with the domain. MySQL makes an index for each foreign key
 * by itself. */
static const char indexes[] =
    "CREATE INDEX IF NOT EXISTS automxd_server_domain ON server_domain (domain_id, server_id);"
    "CREATE INDEX IF NOT EXISTS automxd_davserver_domain ON davserver_domain (domain_id, davserver_id);"
    "CREATE INDEX IF NOT EXISTS automxd_service_domain ON service_domain (domain_id, service_id);"
    "CREATE INDEX IF NOT EXISTS automxd_provider_link ON provider_link (provider_id);"
    "CREATE INDEX IF NOT EXISTS automxd_alias_of ON domain (alias_of);";

/* SQLite keeps foreign keys only on connections that ask for it, which neither automx2 nor the sqlite3 shell does. What
 * hangs on a deleted row must not stay behind and then belong to the next row that gets its id. */
static const char triggers[] = "CREATE TRIGGER IF NOT EXISTS automxd_provider_gone AFTER DELETE ON provider BEGIN "
                               "DELETE FROM provider_oauth2 WHERE provider_id = OLD.id; "
                               "DELETE FROM provider_link WHERE provider_id = OLD.id; "
                               "DELETE FROM provider_consent WHERE provider_id = OLD.id; "
                               "DELETE FROM provider_server WHERE provider_id = OLD.id; "
                               "DELETE FROM provider_davserver WHERE provider_id = OLD.id; "
                               "DELETE FROM provider_service WHERE provider_id = OLD.id; END;"
                               "CREATE TRIGGER IF NOT EXISTS automxd_server_gone AFTER DELETE ON server BEGIN "
                               "DELETE FROM provider_server WHERE server_id = OLD.id; END;"
                               "CREATE TRIGGER IF NOT EXISTS automxd_davserver_gone AFTER DELETE ON davserver BEGIN "
                               "DELETE FROM provider_davserver WHERE davserver_id = OLD.id; END;"
                               "CREATE TRIGGER IF NOT EXISTS automxd_service_gone AFTER DELETE ON service BEGIN "
                               "DELETE FROM provider_service WHERE service_id = OLD.id; "
                               "DELETE FROM service_domain WHERE service_id = OLD.id; END;"
                               "CREATE TRIGGER IF NOT EXISTS automxd_domain_gone AFTER DELETE ON domain BEGIN "
                               "DELETE FROM service_domain WHERE domain_id = OLD.id; "
                               "UPDATE domain SET alias_of = NULL WHERE alias_of = OLD.id; END;";

bool schema_has(const struct schema *schema, enum schema_part part)
{
    return (schema->parts >> part & 1) != 0;
}

bool schema_usable(const struct schema *schema)
{
    return schema_has(schema, HAS_PROVIDER) && schema_has(schema, HAS_DOMAIN) && schema_has(schema, HAS_SERVER) &&
           schema_has(schema, HAS_SERVER_DOMAIN);
}

bool schema_complete(const struct schema *schema)
{
    return schema->parts == (UINT64_C(1) << HAS_COUNT) - 1;
}

const char *schema_part_table(enum schema_part part)
{
    return specs[part].table;
}

const char *schema_part_column(enum schema_part part)
{
    return specs[part].column;
}

enum status schema_detect(struct sql *sql, struct schema *schema_r, struct error *error_r)
{
    struct schema schema = {0};
    for (unsigned part = 0; part < HAS_COUNT; part++) {
        const struct part_spec *spec = &specs[part];
        bool there = false;
        enum status status = STATUS_OK;
        if (spec->column == NULL)
            status = sql_has_table(sql, spec->table, &there, error_r);
        else
            status = sql_has_column(sql, spec->table, spec->column, &there, error_r);
        if (status != STATUS_OK)
            return status;
        if (there)
            schema.parts |= UINT64_C(1) << part;
    }
    *schema_r = schema;
    return STATUS_OK;
}

/* What a token of a statement means to a server. */
static const char *token_text(enum sql_dialect dialect, const char *token, size_t length)
{
    static const char *const ids[] = {
        [SQL_SQLITE] = "INTEGER NOT NULL",
        [SQL_POSTGRESQL] = "SERIAL NOT NULL",
        [SQL_MYSQL] = "INTEGER NOT NULL AUTO_INCREMENT",
    };
    static const char *const references[] = {
        [SQL_SQLITE] = " REFERENCES domain (id) ON DELETE SET NULL",
        [SQL_POSTGRESQL] = " REFERENCES domain (id) ON DELETE SET NULL",
        [SQL_MYSQL] = ", ADD FOREIGN KEY (alias_of) REFERENCES domain (id) ON DELETE SET NULL",
    };
    return length == 4 && memcmp(token, "{id}", 4) == 0 ? ids[dialect] : references[dialect];
}

void schema_add_part(enum sql_dialect dialect, enum schema_part part, struct buf *out)
{
    const char *statement = specs[part].statement;
    for (;;) {
        const char *open = strchr(statement, '{');
        if (open == NULL)
            break;
        size_t length = strcspn(open, "}") + 1;
        buf_add(out, statement, (size_t)(open - statement));
        buf_adds(out, token_text(dialect, open, length));
        statement = open + length;
    }
    buf_adds(out, statement);
    buf_addc(out, ';');
    if (part == HAS_VERSION)
        buf_addf(out, "INSERT INTO automxd_schema (version) VALUES (%d);", SCHEMA_VERSION);
}

enum status schema_make_part(struct sql *sql, enum schema_part part, struct schema *schema, struct error *error_r)
{
    struct buf text;
    buf_init(&text, 0);
    schema_add_part(sql_dialect(sql), part, &text);
    enum status status =
        buf_failed(&text) ? error_set(error_r, STATUS_LIMIT, "memory is out") : sql_run(sql, text.data, error_r);
    buf_free(&text);
    if (status == STATUS_OK) {
        schema->parts |= UINT64_C(1) << part;
        if (part == HAS_SERVER) /* made with it, at the place where automx2 has it */
            schema->parts |= UINT64_C(1) << HAS_PRIO;
    }
    return status;
}

enum status schema_add_helpers(struct sql *sql, struct error *error_r)
{
    enum status status = STATUS_OK;
    if (sql_dialect(sql) != SQL_MYSQL)
        status = sql_run(sql, indexes, error_r);
    if (status == STATUS_OK && sql_dialect(sql) == SQL_SQLITE)
        status = sql_run(sql, triggers, error_r);
    return status;
}

enum status schema_has_helpers(struct sql *sql, bool *there_r, struct error *error_r)
{
    static const char *const queries[] = {
        [SQL_SQLITE] = "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'automxd!_%' ESCAPE '!' "
                       "AND type IN ('index', 'trigger')",
        [SQL_POSTGRESQL] = "SELECT COUNT(*) FROM pg_indexes WHERE schemaname = ANY (current_schemas(false)) "
                           "AND indexname LIKE 'automxd!_%' ESCAPE '!'",
    };
    static const int64_t wanted[] = {[SQL_SQLITE] = 10, [SQL_POSTGRESQL] = 5};
    enum sql_dialect dialect = sql_dialect(sql);
    *there_r = true;
    if (dialect == SQL_MYSQL)
        return STATUS_OK;

    struct sql_statement *statement = NULL;
    bool row = false;
    enum status status = sql_prepare(sql, queries[dialect], &statement, error_r);
    if (status == STATUS_OK)
        status = sql_step(statement, &row, error_r);
    if (status == STATUS_OK)
        *there_r = row && sql_number(statement, 0) >= wanted[dialect];
    if (statement != NULL)
        sql_reset(statement);
    return status;
}

enum status schema_create(struct sql *sql, struct error *error_r)
{
    struct schema schema;
    enum status status = schema_detect(sql, &schema, error_r);
    for (unsigned part = 0; status == STATUS_OK && part < HAS_COUNT; part++)
        if (!schema_has(&schema, part))
            status = schema_make_part(sql, part, &schema, error_r);
    if (status == STATUS_OK)
        status = schema_add_helpers(sql, error_r);
    return status;
}
