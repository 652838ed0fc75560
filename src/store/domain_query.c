/* domain_query.c - asks the mail server's own table for a domain. */
/* SPDX-License-Identifier: MIT */
#include "store/domain_query.h"

#include "base/secret.h"
#include "base/text.h"
#include "sql/text.h"

enum { PARAMETERS_MAX = 8 };

enum status domain_query_configure(struct store *store, struct error *error_r)
{
    static const char *const names[] = {"domain", NULL};
    const struct settings *settings = store->settings;
    unsigned order[PARAMETERS_MAX];
    enum status status = STATUS_OK;
    if (settings->domain_query == NULL)
        return STATUS_OK;
    store->query_uri = store->uri;
    store->query_options = store->options;
    if (settings->user_db_uri != NULL) {
        store->query_elsewhere = true;
        store->query_options = (struct sql_options){.echo = settings->db_echo, .timeout = settings->lookup_timeout};
        status = sql_uri_parse(store->arena, settings->user_db_uri, &store->query_uri, error_r);
        if (status != STATUS_OK)
            error_prefix(error_r, "user_db_uri: ");
    }
    if (status == STATUS_OK && store->query_elsewhere && settings->user_db_password_file != NULL) {
        status = secret_read(store->arena, settings->user_db_password_file, &store->query_options.password, error_r);
        if (status != STATUS_OK) {
            error_prefix(error_r, "user_db_password_file: ");
            status = STATUS_INVALID;
        }
    }
    if (status != STATUS_OK)
        return status;
    status = sql_text_named(store->arena, sql_uri_dialect(&store->query_uri), settings->domain_query, names, order,
                            PARAMETERS_MAX, &store->domain_query, &store->domain_query_parameters, error_r);
    if (status != STATUS_OK)
        error_prefix(error_r, "domain_query: ");
    return status;
}

enum status domain_query_try(struct store *store, struct error *error_r)
{
    struct sql *sql = NULL;
    struct sql_statement *statement;
    struct error error = {0};
    if (store->domain_query == NULL)
        return STATUS_OK;
    enum status status = sql_open(&store->query_uri, &store->query_options, &sql, &error);
    if (status == STATUS_OK)
        status = sql_prepare(sql, store->domain_query, &statement, &error);
    sql_close(&sql);
    if (status == STATUS_INVALID)
        return error_set(error_r, STATUS_INVALID, "domain_query: %s", error.text);
    return STATUS_OK;
}

static enum status ask(struct sql *sql, const struct store *store, struct arena *arena, const char *domain,
                       const char **provider_r, struct error *error_r)
{
    struct sql_statement *statement;
    bool there = false;
    enum status status = sql_prepare(sql, store->domain_query, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < store->domain_query_parameters; i++)
        sql_bind_text(statement, i + 1, domain);
    status = sql_step(statement, &there, error_r);
    if (status == STATUS_OK && there) {
        const char *provider = NULL;
        for (unsigned i = 0; i < sql_column_count(statement); i++)
            if (text_equal_nocase(sql_column_name(statement, i), "provider"))
                provider = sql_text(statement, i);
        if (provider == NULL || provider[0] == '\0')
            provider = store->settings->domain_provider;
        *provider_r = provider != NULL ? arena_text(arena, provider) : "";
    }
    sql_reset(statement);
    return status;
}

enum status domain_query_ask(struct store_session *session, struct arena *arena, const char *domain,
                             const char **provider_r, struct error *error_r)
{
    const struct store *store = session->store;
    struct error error = {0};
    enum status status = STATUS_OK;
    *provider_r = NULL;
    if (!store->query_elsewhere) {
        status = ask(session->main.sql, store, arena, domain, provider_r, &error);
    } else {
        status = connection_open(&session->other, &store->query_uri, &store->query_options, &error);
        if (status == STATUS_OK) {
            status = ask(session->other.sql, store, arena, domain, provider_r, &error);
            if (status == STATUS_BACKEND)
                connection_failed(&session->other, &error);
            else
                connection_succeeded(&session->other);
        }
        /* The domains of our own tables go on being found while the other database is down. */
        session->other_at_fault = status != STATUS_OK;
    }
    return status == STATUS_OK ? STATUS_OK : error_set(error_r, status, "domain_query: %s", error.text);
}
