/* export.c - reads all the tables and puts them into one JSON text that import takes back. */
/* SPDX-License-Identifier: MIT */
#include "store/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/build.h"
#include "store/export_json.h"
#include "store/pages.h"
#include "store/seed.h"

enum {
    PAGE_ARENA_MAX = 64 * 1024 * 1024,
    SEED_ARENA_MAX = 512 * 1024 * 1024,
    EXPORT_TIMEOUT = 300000,
};

void exporter_keep(struct exporter *exporter, int result)
{
    if (result != 0)
        exporter->memory_out = true;
}

const char *exporter_key(char *key, const char *prefix, int64_t id)
{
    snprintf(key, EXPORT_KEY_SIZE, "%s%" PRId64, prefix, id);
    return key;
}

static const char *server_key(char *key, unsigned table, int64_t id)
{
    snprintf(key, EXPORT_KEY_SIZE, "%s-%" PRId64, server_tables[table], id);
    return key;
}

/* -- Servers and directories -- */

static int64_t take_server(void *context, struct arena *arena, struct sql_statement *statement)
{
    struct exporter *exporter = context;
    struct server_row row;
    struct server server;
    struct error reason = {0};
    const char *member = "";
    char key[EXPORT_KEY_SIZE];
    bool is_default;
    queries_read_server(statement, &row, &is_default);
    if (server_from_row(arena, &row, &server, &member, &reason) != STATUS_OK) {
        faults_add(&exporter->faults, "%s %" PRId64 " is left out: %s", row.table, row.id, reason.text);
        return row.id;
    }
    snprintf(key, sizeof(key), "%s-%" PRId64, row.table, row.id);
    exporter_keep(exporter, json_object_set_new(exporter->servers, key, export_server(&server)));
    return row.id;
}

static int64_t take_ldap(void *context, struct arena *arena, struct sql_statement *statement)
{
    struct exporter *exporter = context;
    struct ldap_row row;
    struct ldap_server ldap;
    struct error reason = {0};
    const char *member = "";
    char key[EXPORT_KEY_SIZE];
    queries_read_ldap(statement, &row);
    enum status status = ldap_from_row(arena, &row, &ldap, &member, &reason);
    if (status == STATUS_OK && ldap.bind_password != NULL &&
        (!text_utf8_valid(ldap.bind_password, strlen(ldap.bind_password)) ||
         text_has_control(ldap.bind_password, strlen(ldap.bind_password))))
        status = error_set(&reason, STATUS_INVALID, "its bind_password has characters that JSON should not hold");
    if (status != STATUS_OK) {
        faults_add(&exporter->faults, "ldapserver %" PRId64 " is left out: %s", row.id, reason.text);
        return row.id;
    }
    /* Where the password is in a file, that file keeps it. */
    if (ldap.bind_password != NULL && strncmp(ldap.bind_password, "file:", 5) != 0)
        exporter->secret = true;
    exporter_keep(exporter, json_array_append_new(exporter->ldaps, export_ldap(&ldap)));
    exporter_keep(exporter, json_object_set_new(exporter->ldap_ids, exporter_key(key, "", row.id), json_true()));
    return row.id;
}

/* A table that gives servers to domains or to providers. */
struct map {
    enum schema_part part;
    const char *uses; /* how many rows name a server */
    const char *rows; /* owner and server, of the owners from ? to ? */
};

static const struct map domain_maps[SERVER_TABLES] = {
    {HAS_SERVER_DOMAIN, "SELECT server_id, COUNT(*) FROM server_domain GROUP BY server_id",
     "SELECT domain_id, server_id FROM server_domain WHERE domain_id BETWEEN ? AND ? ORDER BY 1, 2"},
    {HAS_DAV_DOMAIN, "SELECT davserver_id, COUNT(*) FROM davserver_domain GROUP BY davserver_id",
     "SELECT domain_id, davserver_id FROM davserver_domain WHERE domain_id BETWEEN ? AND ? ORDER BY 1, 2"},
    {HAS_SERVICE_DOMAIN, "SELECT service_id, COUNT(*) FROM service_domain GROUP BY service_id",
     "SELECT domain_id, service_id FROM service_domain WHERE domain_id BETWEEN ? AND ? ORDER BY 1, 2"},
};

static const struct map provider_maps[SERVER_TABLES] = {
    {HAS_PROVIDER_SERVER, "SELECT server_id, COUNT(*) FROM provider_server GROUP BY server_id",
     "SELECT provider_id, server_id FROM provider_server WHERE provider_id BETWEEN ? AND ? ORDER BY 1, 2"},
    {HAS_PROVIDER_DAVSERVER, "SELECT davserver_id, COUNT(*) FROM provider_davserver GROUP BY davserver_id",
     "SELECT provider_id, davserver_id FROM provider_davserver WHERE provider_id BETWEEN ? AND ? ORDER BY 1, 2"},
    {HAS_PROVIDER_SERVICE, "SELECT service_id, COUNT(*) FROM provider_service GROUP BY service_id",
     "SELECT provider_id, service_id FROM provider_service WHERE provider_id BETWEEN ? AND ? ORDER BY 1, 2"},
};

static enum status count_uses(struct exporter *exporter, const struct map *maps, struct error *error_r)
{
    enum status status = STATUS_OK;
    for (unsigned table = 0; status == STATUS_OK && table < SERVER_TABLES; table++) {
        struct sql_statement *statement;
        bool row = false;
        if (!schema_has(&exporter->session->schema, maps[table].part))
            continue;
        status = sql_prepare(exporter->sql, maps[table].uses, &statement, error_r);
        if (status != STATUS_OK)
            break;
        while ((status = sql_step(statement, &row, error_r)) == STATUS_OK && row) {
            char key[EXPORT_KEY_SIZE];
            server_key(key, table, sql_number(statement, 0));
            json_int_t before = json_integer_value(json_object_get(exporter->uses, key));
            exporter_keep(exporter,
                          json_object_set_new(exporter->uses, key, json_integer(before + sql_number(statement, 1))));
        }
        sql_reset(statement);
    }
    return status;
}

static bool is_shared(const struct exporter *exporter, const char *key)
{
    return json_integer_value(json_object_get(exporter->uses, key)) != 1;
}

/* A server that one owner has stands with it; others stand in a list of their own and are named. */
static void give_server(struct exporter *exporter, json_t *owner, unsigned table, int64_t id)
{
    char key[EXPORT_KEY_SIZE];
    json_t *server = json_object_get(exporter->servers, server_key(key, table, id));
    if (server == NULL) /* left out, or not there: store_check() tells */
        return;
    json_t *list = json_object_get(owner, "servers");
    if (list == NULL) {
        list = json_array();
        exporter_keep(exporter, json_object_set_new(owner, "servers", list));
    }
    if (is_shared(exporter, key)) {
        exporter_keep(exporter, json_array_append_new(list, json_string(key)));
    } else {
        json_object_del(server, "id");
        exporter_keep(exporter, json_array_append(list, server));
    }
}

static enum status give_servers(struct exporter *exporter, const struct map *maps, int64_t first, int64_t last,
                                find_owner find, struct error *error_r)
{
    enum status status = STATUS_OK;
    for (unsigned table = 0; status == STATUS_OK && table < SERVER_TABLES; table++) {
        struct sql_statement *statement;
        bool row = false;
        if (!schema_has(&exporter->session->schema, maps[table].part))
            continue;
        status = sql_prepare(exporter->sql, maps[table].rows, &statement, error_r);
        if (status != STATUS_OK)
            break;
        sql_bind_number(statement, 1, first);
        sql_bind_number(statement, 2, last);
        while ((status = sql_step(statement, &row, error_r)) == STATUS_OK && row) {
            json_t *owner = find(exporter, sql_number(statement, 0));
            if (owner != NULL)
                give_server(exporter, owner, table, sql_number(statement, 1));
        }
        sql_reset(statement);
    }
    return status;
}

enum status exporter_give_to_domains(struct exporter *exporter, int64_t first, int64_t last, find_owner find,
                                     struct error *error_r)
{
    return give_servers(exporter, domain_maps, first, last, find, error_r);
}

/* -- Providers -- */

json_t *exporter_find_provider(struct exporter *exporter, int64_t id)
{
    char key[EXPORT_KEY_SIZE];
    return json_object_get(exporter->providers, exporter_key(key, "", id));
}

/* Domains name their provider by standing with it, yet two of one name could not be told apart by people. */
static enum status add_provider(struct exporter *exporter, const struct provider *provider, struct error *error_r)
{
    char key[EXPORT_KEY_SIZE];
    const json_t *other = json_object_get(exporter->names, provider->name);
    if (other != NULL)
        return error_set(error_r, STATUS_REFUSED,
                         "providers %lld and %" PRId64 " are both called '%s', which a file cannot hold; rename one",
                         (long long)json_integer_value(other), provider->id, provider->name);
    exporter_keep(exporter, json_object_set_new(exporter->names, provider->name, json_integer(provider->id)));
    exporter_keep(exporter, json_object_set_new(exporter->providers, exporter_key(key, "", provider->id),
                                                export_provider(provider)));
    return give_servers(exporter, provider_maps, provider->id, provider->id, exporter_find_provider, error_r);
}

static enum status take_providers(struct exporter *exporter, struct error *error_r)
{
    for (int64_t last = -1;;) {
        struct sql_statement *statement;
        struct domain_row row = {0};
        struct domain domain = {0};
        char unnamed[EXPORT_KEY_SIZE];
        bool there = false;
        struct arena *arena = arena_new(PAGE_ARENA_MAX);
        if (arena == NULL)
            return error_set(error_r, STATUS_LIMIT, "memory is out");
        enum status status = sql_prepare(exporter->sql, exporter->session->queries.provider_next, &statement, error_r);
        if (status == STATUS_OK) {
            sql_bind_number(statement, 1, last);
            status = sql_step(statement, &there, error_r);
            if (status == STATUS_OK && there)
                queries_read_domain(arena, statement, &row);
            sql_reset(statement);
        }
        last = row.provider_id;
        if (status == STATUS_OK && there)
            status = build_provider(exporter->session, arena, &row, exporter_key(unnamed, "provider-", last), &domain,
                                    &exporter->faults, error_r);
        if (status == STATUS_OK && there)
            status = add_provider(exporter, domain.provider, error_r);
        exporter->memory_out = exporter->memory_out || arena_failed(arena);
        arena_free(&arena);
        if (status != STATUS_OK || !there)
            return status;
    }
}

/* -- The whole -- */

static enum status take_all(struct exporter *exporter, struct error *error_r)
{
    const struct queries *queries = &exporter->session->queries;
    enum status status = STATUS_OK;
    for (unsigned table = 0; status == STATUS_OK && table < SERVER_TABLES; table++)
        status = pages_read(exporter->sql, queries->server_page[table], take_server, exporter, error_r);
    if (status == STATUS_OK)
        status = pages_read(exporter->sql, queries->ldap_page, take_ldap, exporter, error_r);
    if (status == STATUS_OK)
        status = count_uses(exporter, domain_maps, error_r);
    if (status == STATUS_OK)
        status = count_uses(exporter, provider_maps, error_r);
    if (status == STATUS_OK)
        status = take_providers(exporter, error_r);
    if (status == STATUS_OK)
        status = exporter_take_domains(exporter, error_r);
    if (status == STATUS_OK && json_object_size(exporter->providers) == 0)
        status = error_set(error_r, STATUS_NOT_FOUND, "there are no providers, so there is nothing to export");
    return status;
}

static int add_text(const char *text, size_t length, void *context)
{
    buf_add(context, text, length);
    return 0;
}

static void write_all(struct exporter *exporter, struct buf *out)
{
    json_t *root = json_object();
    json_t *shared = json_array();
    json_t *providers = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(exporter->servers, key, value) if (is_shared(exporter, key))
        exporter_keep(exporter, json_array_append(shared, value));
    json_object_foreach(exporter->providers, key, value) exporter_keep(exporter, json_array_append(providers, value));
    exporter_keep(exporter, json_object_set_new(root, "version", json_integer(3)));
    if (json_array_size(exporter->ldaps) > 0)
        exporter_keep(exporter, json_object_set(root, "ldapservers", exporter->ldaps));
    if (json_array_size(shared) > 0)
        exporter_keep(exporter, json_object_set(root, "servers", shared));
    exporter_keep(exporter, json_object_set(root, "providers", providers));
    exporter_keep(exporter, json_dump_callback(root, add_text, out, JSON_INDENT(2)));
    buf_addc(out, '\n');
    json_decref(providers);
    json_decref(shared);
    json_decref(root);
}

/* What import would not take is found now, and not when it is needed: SQLite stores texts of any length, for one. */
static enum status try_import(const struct buf *out, struct error *error_r)
{
    struct seed seed;
    struct arena *arena = arena_new(SEED_ARENA_MAX);
    if (arena == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = seed_parse(arena, out->data, out->length, &seed, error_r);
    arena_free(&arena);
    if (status == STATUS_OK)
        return STATUS_OK;
    error_prefix(error_r, "import would not take what is in the database: ");
    return STATUS_REFUSED;
}

static void export_clear(struct exporter *exporter)
{
    for (size_t i = 0; i < exporter->domain_count; i++)
        json_decref(exporter->domains[i].object);
    arena_free(&exporter->arena);
    json_decref(exporter->servers);
    json_decref(exporter->uses);
    json_decref(exporter->ldaps);
    json_decref(exporter->ldap_ids);
    json_decref(exporter->providers);
    json_decref(exporter->names);
}

static enum status read_in_transaction(struct exporter *exporter, struct error *error_r)
{
    struct store_session *session = exporter->session;
    enum status status = session_begin_read(session, error_r);
    if (status != STATUS_OK)
        return status;
    exporter->sql = session->main.sql;
    sql_set_timeout(exporter->sql, EXPORT_TIMEOUT);
    status = take_all(exporter, error_r);
    session_end_read(session);
    if (session->main.sql != NULL)
        sql_set_timeout(session->main.sql, session->store->options.timeout);
    return status == STATUS_INVALID ? STATUS_BACKEND : status;
}

enum status store_export(struct store_session *session, struct buf *out, bool *secret_r, store_fault fault,
                         void *context, struct error *error_r)
{
    struct error error = {0};
    struct exporter exporter = {
        .session = session,
        .faults = {fault, context, SIZE_MAX},
        .servers = json_object(),
        .uses = json_object(),
        .ldaps = json_array(),
        .ldap_ids = json_object(),
        .providers = json_object(),
        .names = json_object(),
    };
    enum status status = session_enter(session, error_r);
    if (status != STATUS_OK)
        goto out;
    if (!schema_usable(&session->schema))
        status = error_set(&error, STATUS_NOT_FOUND, "the database has no tables yet, so there is nothing to export");
    else
        status = read_in_transaction(&exporter, &error);
    session_leave(session, status, &error);
    if (status == STATUS_OK)
        write_all(&exporter, out);
    if (status == STATUS_OK && exporter.memory_out)
        status = error_set(&error, STATUS_LIMIT, "memory is out");
    if (status == STATUS_OK && (buf_failed(out) || out->length > SEED_SIZE_MAX))
        status = error_set(&error, STATUS_REFUSED,
                           "this is more than the %d MiB that import takes from one file; "
                           "use the database's own tools",
                           SEED_SIZE_MAX / (1024 * 1024));
    if (status == STATUS_OK)
        status = try_import(out, &error);
    *secret_r = exporter.secret;
    if (status != STATUS_OK)
        error_set(error_r, status, "%s", error.text);
out:
    export_clear(&exporter);
    return status;
}
