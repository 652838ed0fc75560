/* present.c - the short way to a domain that a file has under its own name. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "store/build.h"
#include "store/offers.h"
#include "store/session.h"

/* What is remembered holds for one version of the database: SQLite counts what others commit. */
static enum status check_offers(struct store_session *session, struct error *error_r)
{
    struct sql_statement *statement;
    bool there;
    enum status status = sql_prepare(session->main.sql, "PRAGMA data_version", &statement, error_r);
    if (status != STATUS_OK)
        return status;
    status = sql_step(statement, &there, error_r);
    int64_t version = there ? sql_number(statement, 0) : 0;
    unsigned connection = sql_connection_count(session->main.sql);
    sql_reset(statement);
    if (status != STATUS_OK)
        return status;
    if (session->offers == NULL || version != session->offers_version || connection != session->offers_connection) {
        offers_free(&session->offers);
        session->offers = offers_new();
        session->offers_version = version;
        session->offers_connection = connection;
    }
    return session->offers != NULL ? STATUS_OK : error_set(error_r, STATUS_LIMIT, "memory is out");
}

/* The row with this name, unless it says more than which provider and directory the domain has. */
static enum status read_row(struct store_session *session, const char *name, struct offer_key *key, int64_t *id_r,
                            struct error *error_r)
{
    struct sql_statement *statement;
    bool there;
    enum status status = sql_prepare(session->main.sql, session->queries.present, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    sql_bind_text(statement, 1, name);
    status = sql_step(statement, &there, error_r);
    if (status == STATUS_OK) {
        const char *stored = there ? sql_text(statement, PRESENT_NAME) : NULL;
        if (stored != NULL && strcmp(stored, name) == 0) {
            *id_r = sql_number(statement, PRESENT_ID);
            key->provider = sql_number(statement, PRESENT_PROVIDER_ID);
            key->ldap = sql_number(statement, PRESENT_LDAP_ID);
        } else {
            status = STATUS_NOT_FOUND;
        }
    }
    sql_reset(statement);
    return status;
}

/* False: more than an offer's key can name. */
static enum status read_servers(struct store_session *session, int64_t id, struct offer_key *key, bool *fits_r,
                                struct error *error_r)
{
    struct sql_statement *statement;
    enum status status = sql_prepare(session->main.sql, session->queries.present_servers, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < SERVER_TABLES; i++)
        sql_bind_number(statement, i + 1, id);
    *fits_r = true;
    for (bool there;;) {
        status = sql_step(statement, &there, error_r);
        if (status != STATUS_OK || !there)
            break;
        if (key->server_count == OFFER_SERVERS_MAX) {
            *fits_r = false;
            break;
        }
        key->servers[key->server_count].table = sql_number(statement, 0);
        key->servers[key->server_count++].id = sql_number(statement, 1);
    }
    sql_reset(statement);
    return status;
}

/* Puts a domain together from all of its rows, and remembers it unless something in it is made of its name. */
static enum status build_whole(struct store_session *session, const char *name, int64_t id, const struct offer_key *key,
                               struct arena *arena, const struct domain **domain_r, struct error *error_r)
{
    struct domain_row row;
    struct faults faults = {0};
    bool there = false;
    struct arena *whole = arena_new(STORE_DOMAIN_SIZE_MAX);
    if (whole == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = build_read_domain(session, whole, id, &row, &there, error_r);
    if (status == STATUS_OK)
        status = there ? build_domain(session, whole, &row, name, &faults, domain_r, error_r) : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        arena_hold(arena, whole);
        if (key != NULL && row.provider_name != NULL && strcmp((*domain_r)->provider->name, name) != 0)
            offers_put(session->offers, key, *domain_r, whole);
    }
    arena_free(&whole);
    return status;
}

static enum status find_present(struct store_session *session, struct arena *arena, const char *name,
                                const struct domain **domain_r, struct error *error_r)
{
    struct offer_key key;
    int64_t id = 0;
    bool fits = false;
    memset(&key, 0, sizeof key);
    enum status status = read_row(session, name, &key, &id, error_r);
    if (status == STATUS_OK)
        status = read_servers(session, id, &key, &fits, error_r);
    if (status != STATUS_OK)
        return status;

    const struct domain *offer = fits ? offers_get(session->offers, &key, arena) : NULL;
    if (offer == NULL)
        status = build_whole(session, name, id, fits ? &key : NULL, arena, &offer, error_r);
    if (status != STATUS_OK)
        return status;
    struct domain *domain = arena_alloc(arena, sizeof *domain);
    if (domain == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    *domain = *offer;
    domain->id = id;
    domain->name = arena_text(arena, name);
    *domain_r = domain;
    return domain->name != NULL ? STATUS_OK : error_set(error_r, STATUS_LIMIT, "memory is out");
}

static enum status begin(struct store_session *session, struct error *error_r)
{
    enum status status = session_begin_read(session, error_r);
    session->reading = status == STATUS_OK;
    return status == STATUS_OK ? check_offers(session, error_r) : status;
}

void store_session_rest(struct store_session *session)
{
    if (session->reading)
        session_end_read(session);
    session->reading = false;
}

enum status store_find_present(struct store_session *session, const char *name, struct arena **arena_r,
                               const struct domain **domain_r, struct error *error_r)
{
    struct error error = {0};
    *arena_r = NULL;
    enum status status = session_enter(session, error_r);
    if (status != STATUS_OK)
        return status;
    if (session->queries.present == NULL)
        return STATUS_NOT_FOUND;
    *arena_r = arena_new(sizeof(struct domain) + strlen(name) + 1);
    if (*arena_r == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    if (!session->reading)
        status = begin(session, &error);
    if (status == STATUS_OK)
        status = find_present(session, *arena_r, name, domain_r, &error);
    if (status != STATUS_OK)
        arena_free(arena_r);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        store_session_rest(session);
    if (status == STATUS_INVALID || status == STATUS_REFUSED) { /* somebody changed the schema */
        session->schema_due = 0;
        return STATUS_NOT_FOUND;
    }
    session_leave(session, status, &error);
    return status == STATUS_OK || status == STATUS_NOT_FOUND ? status
                                                             : error_set(error_r, STATUS_BACKEND, "%s", error.text);
}
