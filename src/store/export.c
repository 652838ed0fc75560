/* export.c - reads all the tables and puts them into one JSON text that import takes back. */
/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "store/build.h"
#include "store/export_json.h"
#include "store/seed.h"
#include "store/session.h"

enum {
    ALIAS_DEPTH_MAX = 8,
    PAGE_ARENA_MAX = 64 * 1024 * 1024,
    SEED_ARENA_MAX = 512 * 1024 * 1024,
    EXPORT_TIMEOUT = 300000,
    KEY_SIZE = 48,
};

/* A domain that will be in the file. */
struct exported_domain {
    int64_t id;
    int64_t provider_id;
    int64_t alias_of;
    json_t *object; /* owned; with a name at least */
};

struct exporter {
    struct store_session *session;
    struct sql *sql;
    struct faults faults;
    json_t *servers;                 /* "server-12" -> object */
    json_t *uses;                    /* "server-12" -> how many rows of the tables between name it */
    json_t *ldaps;                   /* the list */
    json_t *ldap_ids;                /* "7" -> true */
    json_t *providers;               /* "3" -> object */
    json_t *names;                   /* of providers, and of domains (in the form "=name"): -> id */
    struct arena *arena;             /* of the domains */
    struct exported_domain *domains; /* by id */
    size_t domain_count;
    bool secret;
    bool memory_out;
};

static void keep(struct exporter *exporter, int result)
{
    if (result != 0)
        exporter->memory_out = true;
}

static const char *key_of(char *key, const char *prefix, int64_t id)
{
    snprintf(key, KEY_SIZE, "%s%" PRId64, prefix, id);
    return key;
}

static const char *server_key(char *key, unsigned table, int64_t id)
{
    snprintf(key, KEY_SIZE, "%s-%" PRId64, server_tables[table], id);
    return key;
}

/* -- Pages -- */

/* Takes one row; returns its id. */
typedef int64_t (*take_row)(struct exporter *exporter, struct arena *arena, struct sql_statement *statement);

static enum status each_row(struct exporter *exporter, const char *query, take_row take, struct error *error_r)
{
    int64_t last = -1;
    if (query == NULL)
        return STATUS_OK;
    for (;;) {
        struct sql_statement *statement;
        bool row = false;
        size_t count = 0;
        struct arena *arena = arena_new(PAGE_ARENA_MAX);
        if (arena == NULL)
            return error_set(error_r, STATUS_LIMIT, "memory is out");
        enum status status = sql_prepare(exporter->sql, query, &statement, error_r);
        if (status == STATUS_OK) {
            sql_bind_number(statement, 1, last);
            while ((status = sql_step(statement, &row, error_r)) == STATUS_OK && row) {
                last = take(exporter, arena, statement);
                count++;
            }
            sql_reset(statement);
        }
        exporter->memory_out = exporter->memory_out || arena_failed(arena);
        arena_free(&arena);
        if (status != STATUS_OK || count < PAGE_ROWS)
            return status;
    }
}

/* -- Servers and directories -- */

static int64_t take_server(struct exporter *exporter, struct arena *arena, struct sql_statement *statement)
{
    struct server_row row;
    struct server server;
    struct error reason = {0};
    const char *member = "";
    char key[KEY_SIZE];
    bool is_default;
    queries_read_server(statement, &row, &is_default);
    if (server_from_row(arena, &row, &server, &member, &reason) != STATUS_OK) {
        faults_add(&exporter->faults, "%s %" PRId64 " is left out: %s", row.table, row.id, reason.text);
        return row.id;
    }
    snprintf(key, sizeof(key), "%s-%" PRId64, row.table, row.id);
    keep(exporter, json_object_set_new(exporter->servers, key, export_server(&server)));
    return row.id;
}

static int64_t take_ldap(struct exporter *exporter, struct arena *arena, struct sql_statement *statement)
{
    struct ldap_row row;
    struct ldap_server ldap;
    struct error reason = {0};
    const char *member = "";
    char key[KEY_SIZE];
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
    keep(exporter, json_array_append_new(exporter->ldaps, export_ldap(&ldap)));
    keep(exporter, json_object_set_new(exporter->ldap_ids, key_of(key, "", row.id), json_true()));
    return row.id;
}

/* Tables that give servers to domains and to providers. */
static const struct map {
    enum schema_part part;
    unsigned table;   /* of server_tables */
    const char *uses; /* how many rows name a server */
    const char *rows; /* owner and server, of the owners from ? to ? */
} domain_maps[SERVER_TABLES] =
    {
        {HAS_SERVER_DOMAIN, 0, "SELECT server_id, COUNT(*) FROM server_domain GROUP BY server_id",
         "SELECT domain_id, server_id FROM server_domain WHERE domain_id BETWEEN ? AND ? ORDER BY 1, 2"},
        {HAS_DAV_DOMAIN, 1, "SELECT davserver_id, COUNT(*) FROM davserver_domain GROUP BY davserver_id",
         "SELECT domain_id, davserver_id FROM davserver_domain WHERE domain_id BETWEEN ? AND ? ORDER BY 1, 2"},
        {HAS_SERVICE_DOMAIN, 2, "SELECT service_id, COUNT(*) FROM service_domain GROUP BY service_id",
         "SELECT domain_id, service_id FROM service_domain WHERE domain_id BETWEEN ? AND ? ORDER BY 1, 2"},
},
  provider_maps[SERVER_TABLES] = {
      {HAS_PROVIDER_SERVER, 0, "SELECT server_id, COUNT(*) FROM provider_server GROUP BY server_id",
       "SELECT provider_id, server_id FROM provider_server WHERE provider_id BETWEEN ? AND ? ORDER BY 1, 2"},
      {HAS_PROVIDER_DAVSERVER, 1, "SELECT davserver_id, COUNT(*) FROM provider_davserver GROUP BY davserver_id",
       "SELECT provider_id, davserver_id FROM provider_davserver WHERE provider_id BETWEEN ? AND ? ORDER BY 1, 2"},
      {HAS_PROVIDER_SERVICE, 2, "SELECT service_id, COUNT(*) FROM provider_service GROUP BY service_id",
       "SELECT provider_id, service_id FROM provider_service WHERE provider_id BETWEEN ? AND ? ORDER BY 1, 2"},
};

static enum status count_uses(struct exporter *exporter, const struct map *maps, struct error *error_r)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < SERVER_TABLES; i++) {
        struct sql_statement *statement;
        bool row = false;
        if (!schema_has(&exporter->session->schema, maps[i].part))
            continue;
        status = sql_prepare(exporter->sql, maps[i].uses, &statement, error_r);
        if (status != STATUS_OK)
            break;
        while ((status = sql_step(statement, &row, error_r)) == STATUS_OK && row) {
            char key[KEY_SIZE];
            server_key(key, maps[i].table, sql_number(statement, 0));
            json_int_t before = json_integer_value(json_object_get(exporter->uses, key));
            keep(exporter, json_object_set_new(exporter->uses, key, json_integer(before + sql_number(statement, 1))));
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
    char key[KEY_SIZE];
    json_t *server = json_object_get(exporter->servers, server_key(key, table, id));
    if (server == NULL) /* left out, or not there: store_check() tells */
        return;
    json_t *list = json_object_get(owner, "servers");
    if (list == NULL) {
        list = json_array();
        keep(exporter, json_object_set_new(owner, "servers", list));
    }
    if (is_shared(exporter, key)) {
        keep(exporter, json_array_append_new(list, json_string(key)));
    } else {
        json_object_del(server, "id");
        keep(exporter, json_array_append(list, server));
    }
}

/* Finds who has an id; NULL: nobody that is in the file. */
typedef json_t *(*find_owner)(struct exporter *exporter, int64_t id);

static enum status give_servers(struct exporter *exporter, const struct map *maps, int64_t first, int64_t last,
                                find_owner find, struct error *error_r)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < SERVER_TABLES; i++) {
        struct sql_statement *statement;
        bool row = false;
        if (!schema_has(&exporter->session->schema, maps[i].part))
            continue;
        status = sql_prepare(exporter->sql, maps[i].rows, &statement, error_r);
        if (status != STATUS_OK)
            break;
        sql_bind_number(statement, 1, first);
        sql_bind_number(statement, 2, last);
        while ((status = sql_step(statement, &row, error_r)) == STATUS_OK && row) {
            json_t *owner = find(exporter, sql_number(statement, 0));
            if (owner != NULL)
                give_server(exporter, owner, maps[i].table, sql_number(statement, 1));
        }
        sql_reset(statement);
    }
    return status;
}

/* -- Providers -- */

static json_t *find_provider(struct exporter *exporter, int64_t id)
{
    char key[KEY_SIZE];
    return json_object_get(exporter->providers, key_of(key, "", id));
}

/* Domains name their provider by standing with it, yet two of one name could not be told apart by people. */
static enum status add_provider(struct exporter *exporter, const struct provider *provider, struct error *error_r)
{
    char key[KEY_SIZE];
    const json_t *other = json_object_get(exporter->names, provider->name);
    if (other != NULL)
        return error_set(error_r, STATUS_REFUSED,
                         "providers %lld and %" PRId64 " are both called '%s', which a file cannot hold; rename one",
                         (long long)json_integer_value(other), provider->id, provider->name);
    keep(exporter, json_object_set_new(exporter->names, provider->name, json_integer(provider->id)));
    keep(exporter, json_object_set_new(exporter->providers, key_of(key, "", provider->id), export_provider(provider)));
    return give_servers(exporter, provider_maps, provider->id, provider->id, find_provider, error_r);
}

static enum status take_providers(struct exporter *exporter, struct error *error_r)
{
    for (int64_t last = -1;;) {
        struct sql_statement *statement;
        struct domain_row row = {0};
        struct domain domain = {0};
        char unnamed[KEY_SIZE];
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
            status = build_provider(exporter->session, arena, &row, key_of(unnamed, "provider-", last), &domain,
                                    &exporter->faults, error_r);
        if (status == STATUS_OK && there)
            status = add_provider(exporter, domain.provider, error_r);
        exporter->memory_out = exporter->memory_out || arena_failed(arena);
        arena_free(&arena);
        if (status != STATUS_OK || !there)
            return status;
    }
}

/* -- Domains -- */

static int compare_ids(const void *left, const void *right)
{
    const struct exported_domain *a = left;
    const struct exported_domain *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

static struct exported_domain *domain_by_id(struct exporter *exporter, int64_t id)
{
    const struct exported_domain wanted = {.id = id};
    return bsearch(&wanted, exporter->domains, exporter->domain_count, sizeof(wanted), compare_ids);
}

static json_t *find_domain(struct exporter *exporter, int64_t id)
{
    const struct exported_domain *domain = domain_by_id(exporter, id);
    return domain != NULL ? domain->object : NULL;
}

/* Of two rows with one name the daemon finds the one that is stored as it is asked for, else the first. The other one
 * is left out: false when that is this row. */
static bool claim_name(struct exporter *exporter, const struct domain_row *row, const char *name)
{
    char key[DOMAIN_NAME_MAX + 2];
    snprintf(key, sizeof(key), "=%s", name);
    const json_t *other = json_object_get(exporter->names, key);
    if (other != NULL) {
        int64_t loser = row->id;
        struct exported_domain *earlier = domain_by_id(exporter, json_integer_value(other));
        if (strcmp(name, row->name) == 0 && earlier != NULL) {
            loser = earlier->id;
            json_decref(earlier->object);
            earlier->object = NULL;
        }
        faults_add(&exporter->faults, "domain %" PRId64 " is left out: another row means %s as well", loser, name);
        if (loser == row->id)
            return false;
    }
    keep(exporter, json_object_set_new(exporter->names, key, json_integer(row->id)));
    return true;
}

static void set_text(struct exporter *exporter, json_t *object, const char *member, const char *text)
{
    if (text != NULL)
        keep(exporter, json_object_set_new(object, member, json_string(text)));
}

/* What a row says of itself but its servers and the domain that it is an alias of. */
static json_t *domain_object(struct exporter *exporter, struct arena *arena, const struct domain_row *row,
                             const char *name)
{
    struct domain domain = {.name = name};
    struct error reason = {0};
    char key[KEY_SIZE];
    unsigned off = 0;
    json_t *object = json_object();
    set_text(exporter, object, "name", name);
    if (row->ldap_id != 0 && json_object_get(exporter->ldap_ids, key_of(key, "", row->ldap_id)) != NULL)
        keep(exporter, json_object_set_new(object, "ldapserver", json_integer(row->ldap_id)));
    else if (row->ldap_id != 0)
        faults_add(&exporter->faults, "domain %" PRId64 ": there is no ldapserver %" PRId64 " that could be asked",
                   row->id, row->ldap_id);
    build_moved(arena, row, name, &domain, &exporter->faults);
    set_text(exporter, object, "moved_to", domain.moved_to);
    set_text(exporter, object, "redirect_url", domain.redirect_url);
    if (types_off_parse(row->types_off, &off, &reason) != STATUS_OK)
        faults_add(&exporter->faults, "domain %" PRId64 ": types_off: %s", row->id, reason.text);
    if (off != 0)
        keep(exporter, json_object_set_new(object, "types_off", export_types(off)));
    return object;
}

static int64_t take_domain(struct exporter *exporter, struct arena *arena, struct sql_statement *statement)
{
    struct domain_row row;
    struct error reason = {0};
    const char *name = NULL;
    queries_read_domain(arena, statement, &row);
    if (exporter->domain_count > SEED_ROWS_MAX) /* told at the end */
        return row.id;
    if (row.name == NULL || rule_take(arena, row.name, &name, &reason) != STATUS_OK)
        faults_add(&exporter->faults, "domain %" PRId64 " is left out: its name '%.80s' is none: %s", row.id,
                   row.name != NULL ? row.name : "", reason.text);
    else if (find_provider(exporter, row.provider_id) == NULL)
        faults_add(&exporter->faults, "domain %" PRId64 " is left out: there is no provider %" PRId64, row.id,
                   row.provider_id);
    else if (claim_name(exporter, &row, name))
        exporter->domains[exporter->domain_count++] = (struct exported_domain){
            .id = row.id,
            .provider_id = row.provider_id,
            .alias_of = row.alias_of,
            .object = domain_object(exporter, arena, &row, name),
        };
    return row.id;
}

/* The domain that this one is served as, when the daemon would follow that, else NULL. */
static const struct exported_domain *alias_target(struct exporter *exporter, const struct exported_domain *domain)
{
    const struct exported_domain *at = domain;
    for (unsigned depth = 0; at->alias_of != 0; depth++) {
        const struct exported_domain *next = domain_by_id(exporter, at->alias_of);
        if (depth == ALIAS_DEPTH_MAX || next == NULL || next->object == NULL)
            return NULL;
        at = next;
    }
    return at == domain ? NULL : domain_by_id(exporter, domain->alias_of);
}

static void set_alias(struct exporter *exporter, const struct exported_domain *domain)
{
    if (domain->alias_of == 0)
        return;
    const struct exported_domain *target = alias_target(exporter, domain);
    if (target == NULL) {
        faults_add(&exporter->faults, "domain %" PRId64 ": alias_of is left out: it leads nowhere or in a circle",
                   domain->id);
        return;
    }
    keep(exporter, json_object_set(domain->object, "alias_of", json_object_get(target->object, "name")));
    if (json_object_del(domain->object, "servers") == 0)
        faults_add(&exporter->faults, "domain %" PRId64 ": its servers are left out: it is served as domain %" PRId64,
                   domain->id, target->id);
}

/* Each into the list of its provider. A domain with nothing of its own is its name alone. */
static void place_domains(struct exporter *exporter)
{
    for (size_t i = 0; i < exporter->domain_count; i++)
        if (exporter->domains[i].object != NULL)
            set_alias(exporter, &exporter->domains[i]);
    for (size_t i = 0; i < exporter->domain_count; i++) {
        struct exported_domain *domain = &exporter->domains[i];
        json_t *provider = find_provider(exporter, domain->provider_id);
        json_t *list = json_object_get(provider, "domains");
        if (domain->object == NULL)
            continue;
        if (list == NULL) {
            list = json_array();
            keep(exporter, json_object_set_new(provider, "domains", list));
        }
        bool plain = json_object_size(domain->object) == 1;
        keep(exporter, json_array_append(list, plain ? json_object_get(domain->object, "name") : domain->object));
    }
}

static enum status take_domains(struct exporter *exporter, struct error *error_r)
{
    exporter->arena = arena_new((SEED_ROWS_MAX + 2) * sizeof(struct exported_domain));
    if (exporter->arena != NULL)
        exporter->domains = arena_array(exporter->arena, SEED_ROWS_MAX + 1, sizeof(*exporter->domains));
    if (exporter->domains == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = each_row(exporter, exporter->session->queries.domain_page, take_domain, error_r);
    if (status == STATUS_OK && exporter->domain_count > SEED_ROWS_MAX)
        return error_set(error_r, STATUS_REFUSED,
                         "there are more than %d domains, which import would not take from one file; "
                         "use the database's own tools",
                         SEED_ROWS_MAX);
    for (size_t i = 0; status == STATUS_OK && i < exporter->domain_count; i += PAGE_ROWS) {
        size_t end = i + PAGE_ROWS < exporter->domain_count ? i + PAGE_ROWS : exporter->domain_count;
        status = give_servers(exporter, domain_maps, exporter->domains[i].id, exporter->domains[end - 1].id,
                              find_domain, error_r);
    }
    if (status == STATUS_OK)
        place_domains(exporter);
    return status;
}

/* -- The whole -- */

static enum status take_all(struct exporter *exporter, struct error *error_r)
{
    const struct queries *queries = &exporter->session->queries;
    enum status status = STATUS_OK;
    for (unsigned table = 0; status == STATUS_OK && table < SERVER_TABLES; table++)
        status = each_row(exporter, queries->server_page[table], take_server, error_r);
    if (status == STATUS_OK)
        status = each_row(exporter, queries->ldap_page, take_ldap, error_r);
    if (status == STATUS_OK)
        status = count_uses(exporter, domain_maps, error_r);
    if (status == STATUS_OK)
        status = count_uses(exporter, provider_maps, error_r);
    if (status == STATUS_OK)
        status = take_providers(exporter, error_r);
    if (status == STATUS_OK)
        status = take_domains(exporter, error_r);
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
        keep(exporter, json_array_append(shared, value));
    json_object_foreach(exporter->providers, key, value) keep(exporter, json_array_append(providers, value));
    keep(exporter, json_object_set_new(root, "version", json_integer(3)));
    if (json_array_size(exporter->ldaps) > 0)
        keep(exporter, json_object_set(root, "ldapservers", exporter->ldaps));
    if (json_array_size(shared) > 0)
        keep(exporter, json_object_set(root, "servers", shared));
    keep(exporter, json_object_set(root, "providers", providers));
    keep(exporter, json_dump_callback(root, add_text, out, JSON_INDENT(2)));
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
