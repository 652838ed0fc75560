/* check.c - finds every fault of a database by reading each table once. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "store/build.h"
#include "store/faults.h"
#include "store/pages.h"
#include "store/session.h"

enum { PAGE_ARENA_MAX = 4 * 1024 * 1024, CHECK_TIMEOUT = 60000, DEFAULT_ARENA_MAX = 64 * 1024 };

struct check {
    struct store_session *session;
    struct faults faults;
};

/* Until there are faults enough, or the store is about to close. */
static bool goes_on(const struct check *check)
{
    return check->faults.left > 0 && !atomic_load_explicit(&check->session->store->closing, memory_order_relaxed);
}

static int64_t check_server(void *context, struct arena *arena, struct sql_statement *statement)
{
    struct check *check = context;
    struct server_row row;
    struct server server;
    struct error reason = {0};
    const char *member = "";
    bool is_default;
    if (!goes_on(check))
        return PAGES_END;
    queries_read_server(statement, &row, &is_default);
    if (server_from_row(arena, &row, &server, &member, &reason) != STATUS_OK) {
        faults_add(&check->faults, "%s %lld is left out: %s", row.table, (long long)row.id, reason.text);
    } else if (server.security == SECURITY_NONE && !check->session->store->settings->allow_plain) {
        faults_add(&check->faults,
                   "%s %lld is left out: it is not encrypted; 'allow_plain = yes' publishes such servers", row.table,
                   (long long)row.id);
    } else {
        const char *advice = server_advice(&server);
        if (advice != NULL)
            faults_add(&check->faults, "%s %lld: %s", row.table, (long long)row.id, advice);
    }
    return row.id;
}

static int64_t check_ldap(void *context, struct arena *arena, struct sql_statement *statement)
{
    struct check *check = context;
    struct ldap_row row;
    struct ldap_server server;
    struct error reason = {0};
    const char *member = "";
    if (!goes_on(check))
        return PAGES_END;
    queries_read_ldap(statement, &row);
    if (ldap_from_row(arena, &row, &server, &member, &reason) != STATUS_OK)
        faults_add(&check->faults, "ldapserver %lld is not asked: %s", (long long)row.id, reason.text);
    else if (!server.verify && (server.tls || server.starttls))
        faults_add(&check->faults,
                   "ldapserver %lld: its certificate is not checked, so that anybody on the way can "
                   "read the bind password; set verify, and ca_file if its CA is your own",
                   (long long)row.id);
    return row.id;
}

static enum status check_providers(struct check *check, struct error *error_r)
{
    int64_t last = -1;
    for (;;) {
        struct sql_statement *statement;
        struct domain_row row = {0};
        struct domain domain = {0};
        bool there = false;
        struct arena *arena = arena_new(PAGE_ARENA_MAX);
        if (arena == NULL)
            return error_set(error_r, STATUS_LIMIT, "memory is out");
        enum status status =
            sql_prepare(check->session->main.sql, check->session->queries.provider_next, &statement, error_r);
        if (status == STATUS_OK) {
            sql_bind_number(statement, 1, last);
            status = sql_step(statement, &there, error_r);
            if (status == STATUS_OK && there)
                queries_read_domain(arena, statement, &row);
            sql_reset(statement);
        }
        if (status == STATUS_OK && there)
            status = build_provider(check->session, arena, &row, "", &domain, &check->faults, error_r);
        last = row.provider_id;
        arena_free(&arena);
        if (status != STATUS_OK || !there || !goes_on(check))
            return status;
    }
}

/* Another row that is found under the same name. */
static enum status check_double(struct check *check, struct arena *arena, const struct domain_row *row,
                                const char *name, struct error *error_r)
{
    struct sql_statement *statement;
    int64_t other = 0;
    if (strcmp(name, row->name) == 0)
        return STATUS_OK;
    enum status status =
        sql_prepare(check->session->main.sql, check->session->queries.domain_by_names, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < NAMES_PER_QUERY; i++)
        sql_bind_text(statement, i + 1, name);
    for (bool there;;) {
        struct domain_row found;
        status = sql_step(statement, &there, error_r);
        if (status != STATUS_OK || !there)
            break;
        queries_read_domain(arena, statement, &found);
        if (found.id != row->id)
            other = found.id;
    }
    sql_reset(statement);
    if (other == 0)
        other = odd_names_find(check->session->store->odd, name);
    if (other != 0 && other != row->id)
        faults_add(&check->faults, "domain %lld is not used: its name '%.80s' means %s, which domain %lld is found by",
                   (long long)row->id, row->name, name, (long long)other);
    return status;
}

static enum status check_domain(struct check *check, struct arena *arena, const struct domain_row *row,
                                struct error *error_r)
{
    const char *name = NULL;
    struct error reason = {0};
    if (row->name == NULL || rule_take(arena, row->name, &name, &reason) != STATUS_OK) {
        faults_add(&check->faults, "domain %lld is never found: its name '%.80s' is none: %s", (long long)row->id,
                   row->name != NULL ? row->name : "", reason.text);
        return STATUS_OK;
    }
    if (!row->provider_there)
        faults_add(&check->faults, "domain %lld: there is no provider %lld", (long long)row->id,
                   (long long)row->provider_id);
    enum status status = check_double(check, arena, row, name, error_r);
    if (status == STATUS_OK)
        status = build_check_domain(check->session, arena, row, &check->faults, error_r);
    return status;
}

/* Pages of domains are read whole before anything else is asked, since some servers take one question at a time. */
static enum status check_domains(struct check *check, struct error *error_r)
{
    int64_t last = -1;
    enum status status = odd_names_refresh(check->session->store->odd, check->session->main.sql, error_r);
    if (status != STATUS_OK)
        return status;
    for (;;) {
        struct sql_statement *statement;
        struct domain_row *rows = NULL;
        size_t count = 0;
        struct arena *arena = arena_new(PAGE_ARENA_MAX);
        if (arena != NULL)
            rows = arena_array(arena, PAGE_ROWS, sizeof(*rows));
        if (rows == NULL) {
            arena_free(&arena);
            return error_set(error_r, STATUS_LIMIT, "memory is out");
        }
        status = sql_prepare(check->session->main.sql, check->session->queries.domain_page, &statement, error_r);
        if (status == STATUS_OK) {
            bool there = false;
            sql_bind_number(statement, 1, last);
            while (count < PAGE_ROWS && (status = sql_step(statement, &there, error_r)) == STATUS_OK && there)
                queries_read_domain(arena, statement, &rows[count++]);
            sql_reset(statement);
        }
        if (status == STATUS_OK && arena_failed(arena))
            status = error_set(error_r, STATUS_LIMIT, "a page of domains holds too much text");
        for (size_t i = 0; status == STATUS_OK && i < count && goes_on(check); i++) {
            last = rows[i].id;
            status = check_domain(check, arena, &rows[i], error_r);
        }
        arena_free(&arena);
        if (status != STATUS_OK || count < PAGE_ROWS || !goes_on(check))
            return status;
    }
}

/* Each row of a query with two numbers becomes a sentence. */
static enum status each_pair(struct check *check, const char *query, const char *owner, const char *what,
                             struct error *error_r)
{
    struct sql_statement *statement;
    bool there = false;
    enum status status = sql_prepare(check->session->main.sql, query, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    while ((status = sql_step(statement, &there, error_r)) == STATUS_OK && there && goes_on(check))
        faults_add(&check->faults, "%s %lld: there is no %s %lld", owner, (long long)sql_number(statement, 0), what,
                   (long long)sql_number(statement, 1));
    sql_reset(statement);
    return status;
}

/* Rows of the tables between that name what does not exist. */
static enum status check_references(struct check *check, struct error *error_r)
{
    static const struct {
        enum schema_part needs, also;
        const char *owner, *what, *query;
    } checks[] = {
        {HAS_LDAP, HAS_DOMAIN, "domain", "ldapserver",
         "SELECT d.id, d.ldapserver_id FROM domain d LEFT JOIN ldapserver l ON l.id = d.ldapserver_id "
         "WHERE d.ldapserver_id IS NOT NULL AND l.id IS NULL ORDER BY d.id LIMIT 100"},
        {HAS_SERVER, HAS_SERVER_DOMAIN, "domain", "server",
         "SELECT m.domain_id, m.server_id FROM server_domain m LEFT JOIN server s ON s.id = m.server_id "
         "WHERE s.id IS NULL ORDER BY m.domain_id LIMIT 100"},
        {HAS_DAV, HAS_DAV_DOMAIN, "domain", "davserver",
         "SELECT m.domain_id, m.davserver_id FROM davserver_domain m LEFT JOIN davserver s ON s.id = m.davserver_id "
         "WHERE s.id IS NULL ORDER BY m.domain_id LIMIT 100"},
        {HAS_SERVICE, HAS_SERVICE_DOMAIN, "domain", "service",
         "SELECT m.domain_id, m.service_id FROM service_domain m LEFT JOIN service s ON s.id = m.service_id "
         "WHERE s.id IS NULL ORDER BY m.domain_id LIMIT 100"},
        {HAS_SERVER, HAS_PROVIDER_SERVER, "provider", "server",
         "SELECT m.provider_id, m.server_id FROM provider_server m LEFT JOIN server s ON s.id = m.server_id "
         "WHERE s.id IS NULL ORDER BY m.provider_id LIMIT 100"},
        {HAS_DAV, HAS_PROVIDER_DAVSERVER, "provider", "davserver",
         "SELECT m.provider_id, m.davserver_id FROM provider_davserver m LEFT JOIN davserver s "
         "ON s.id = m.davserver_id WHERE s.id IS NULL ORDER BY m.provider_id LIMIT 100"},
        {HAS_SERVICE, HAS_PROVIDER_SERVICE, "provider", "service",
         "SELECT m.provider_id, m.service_id FROM provider_service m LEFT JOIN service s ON s.id = m.service_id "
         "WHERE s.id IS NULL ORDER BY m.provider_id LIMIT 100"},
    };
    const struct schema *schema = &check->session->schema;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof(checks) / sizeof(checks[0]); i++)
        if (schema_has(schema, checks[i].needs) && schema_has(schema, checks[i].also))
            status = each_pair(check, checks[i].query, checks[i].owner, checks[i].what, error_r);
    return status;
}

static enum status check_serverless(struct check *check, struct error *error_r)
{
    struct sql_statement *statement;
    bool there = false;
    enum status status = sql_prepare(check->session->main.sql, check->session->queries.serverless, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    while ((status = sql_step(statement, &there, error_r)) == STATUS_OK && there && goes_on(check))
        faults_add(&check->faults, "domain %lld (%.80s) has no servers", (long long)sql_number(statement, 0),
                   sql_text(statement, 1) != NULL ? sql_text(statement, 1) : "");
    sql_reset(statement);
    return status;
}

static enum status check_default_domain(struct check *check, struct error *error_r)
{
    const char *name = check->session->store->settings->default_domain;
    bool there = false;
    if (name == NULL)
        return STATUS_OK;
    struct arena *arena = arena_new(DEFAULT_ARENA_MAX);
    if (arena == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = find_default(check->session, arena, &there, error_r);
    arena_free(&arena);
    if (status == STATUS_OK && !there)
        faults_add(&check->faults, "default_domain: there is no domain '%s', so unknown domains are not served", name);
    return status;
}

static enum status check_domain_provider(struct check *check, struct error *error_r)
{
    const struct settings *settings = check->session->store->settings;
    struct sql_statement *statement;
    bool there = false;
    if (settings->domain_query == NULL || settings->domain_provider == NULL)
        return STATUS_OK;
    enum status status =
        sql_prepare(check->session->main.sql, check->session->queries.provider_by_name, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    sql_bind_text(statement, 1, settings->domain_provider);
    sql_bind_text(statement, 2, settings->domain_provider);
    status = sql_step(statement, &there, error_r);
    sql_reset(statement);
    if (status == STATUS_OK && !there)
        faults_add(&check->faults, "domain_provider: no provider has '%s' as name or short_name",
                   settings->domain_provider);
    return status;
}

static enum status check_all(struct check *check, struct error *error_r)
{
    const struct queries *queries = &check->session->queries;
    enum status status = STATUS_OK;
    for (unsigned table = 0; status == STATUS_OK && table < SERVER_TABLES; table++)
        status = pages_read(check->session->main.sql, queries->server_page[table], check_server, check, error_r);
    if (status == STATUS_OK && goes_on(check))
        status = pages_read(check->session->main.sql, queries->ldap_page, check_ldap, check, error_r);
    if (status == STATUS_OK && goes_on(check))
        status = check_providers(check, error_r);
    if (status == STATUS_OK && goes_on(check))
        status = check_references(check, error_r);
    if (status == STATUS_OK && goes_on(check))
        status = check_domains(check, error_r);
    if (status == STATUS_OK && goes_on(check))
        status = check_serverless(check, error_r);
    if (status == STATUS_OK && goes_on(check))
        status = check_domain_provider(check, error_r);
    if (status == STATUS_OK && goes_on(check))
        status = check_default_domain(check, error_r);
    return status;
}

enum status store_check(struct store_session *session, size_t max, store_fault fault, void *context,
                        struct error *error_r)
{
    struct error error = {0};
    struct check check = {session, {fault, context, max}};
    enum status status = session_enter(session, error_r);
    if (status != STATUS_OK)
        return status;
    if (!schema_usable(&session->schema)) {
        faults_add(&check.faults, "the database has no tables yet: GET /initdb/ from this machine makes them");
    } else {
        sql_set_timeout(session->main.sql, CHECK_TIMEOUT);
        sql_set_stop(session->main.sql, &session->store->closing);
        status = check_all(&check, &error);
        if (sql_stopped(session->main.sql))
            return STATUS_OK; /* what was broken off has not failed */
        sql_set_stop(session->main.sql, NULL);
        sql_set_timeout(session->main.sql, session->store->options.timeout);
    }
    session_leave(session, status, &error);
    return status == STATUS_OK ? STATUS_OK : error_set(error_r, STATUS_BACKEND, "%s", error.text);
}
