/* find.c - which row serves a domain: exact name, the mail server's own table, wildcard, default. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "store/build.h"
#include "store/domain_query.h"
#include "store/faults.h"
#include "store/session.h"

/* A name of 253 bytes has 127 labels at most: itself, a wildcard for each suffix, and "*". */
enum { CANDIDATES_MAX = 130 };

struct search {
    struct store_session *session;
    struct arena *arena;
    const char *names[CANDIDATES_MAX]; /* best first */
    size_t count;
    size_t rank; /* of the best row so far; count: none */
    struct domain_row row;
};

static void add_candidates(struct search *search, const char *domain)
{
    search->names[search->count++] = domain;
    for (const char *dot = strchr(domain, '.'); dot != NULL && search->count < CANDIDATES_MAX - 1;
         dot = strchr(dot + 1, '.'))
        search->names[search->count++] = arena_format(search->arena, "*%s", dot);
    search->names[search->count++] = "*";
    search->rank = search->count;
}

/* The rank of a stored name among the candidates from first on. */
static size_t rank_of(struct search *search, const char *stored, size_t first)
{
    const char *name = NULL;
    if (stored == NULL || rule_take(search->arena, stored, &name, NULL) != STATUS_OK)
        return search->count;
    for (size_t i = first; i < search->count; i++)
        if (strcmp(search->names[i], name) == 0)
            return i;
    return search->count;
}

/* Asks for candidates from first on. A name stored as it is asked for wins over a spelling that a database which
 * ignores case gave as well. */
static enum status search_page(struct search *search, const char *query, unsigned count, size_t first,
                               struct error *error_r)
{
    struct sql_statement *statement;
    enum status status = sql_prepare(search->session->main.sql, query, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < count; i++)
        sql_bind_text(statement, i + 1, search->names[first + i < search->count ? first + i : search->count - 1]);
    for (bool there;;) {
        struct domain_row row;
        status = sql_step(statement, &there, error_r);
        if (status != STATUS_OK || !there)
            break;
        queries_read_domain(search->arena, statement, &row);
        size_t rank = rank_of(search, row.name, first);
        bool plain = rank < search->count && strcmp(row.name, search->names[rank]) == 0;
        if (rank < search->rank || (rank == search->rank && rank < search->count && plain)) {
            search->rank = rank;
            search->row = row;
        }
    }
    sql_reset(statement);
    return status;
}

/* A better candidate that is stored in another spelling. */
static enum status search_odd(struct search *search, struct error *error_r)
{
    struct odd_names *odd = search->session->store->odd;
    if (search->rank == 0)
        return STATUS_OK;
    enum status status = odd_names_refresh(odd, search->session->main.sql, error_r);
    if (status != STATUS_OK)
        return status;
    for (size_t rank = 0; rank < search->rank; rank++) {
        struct domain_row row;
        bool there = false;
        int64_t id = odd_names_find(odd, search->names[rank]);
        if (id == 0)
            continue;
        status = build_read_domain(search->session, search->arena, id, &row, &there, error_r);
        if (status != STATUS_OK)
            return status;
        if (there && rank_of(search, row.name, rank) == rank) { /* still what it was when the list was read */
            search->rank = rank;
            search->row = row;
        }
    }
    return STATUS_OK;
}

/* Mostly the first candidate is there. A server is asked for several at once, since each question is a journey; SQLite,
 * which is not, would put them in order first, which takes longer than to find the one. */
static enum status search_names(struct search *search, struct error *error_r)
{
    const struct queries *queries = &search->session->queries;
    enum status status = STATUS_OK;
    if (sql_dialect(search->session->main.sql) == SQL_SQLITE)
        status = search_page(search, queries->domain_by_name, 1, 0, error_r);
    for (size_t first = 0; status == STATUS_OK && first < search->count && search->rank == search->count;
         first += NAMES_PER_QUERY)
        status = search_page(search, queries->domain_by_names, NAMES_PER_QUERY, first, error_r);
    return status == STATUS_OK ? search_odd(search, error_r) : status;
}

/* The row of the provider that serves a domain which domain_query knows. */
static enum status foreign_provider(struct search *search, const char *provider, bool *there_r, struct error *error_r)
{
    struct sql_statement *statement;
    struct store_session *session = search->session;
    enum status status = sql_prepare(session->main.sql, session->queries.provider_by_name, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    sql_bind_text(statement, 1, provider);
    sql_bind_text(statement, 2, provider);
    status = sql_step(statement, there_r, error_r);
    if (status == STATUS_OK && *there_r)
        queries_read_domain(search->arena, statement, &search->row);
    sql_reset(statement);
    return status;
}

static enum status search_foreign(struct search *search, struct faults *faults, struct error *error_r)
{
    const char *provider = NULL;
    bool there = false;
    if (search->session->store->domain_query == NULL || search->rank == 0)
        return STATUS_OK;
    enum status status = domain_query_ask(search->session, search->arena, search->names[0], &provider, error_r);
    if (status != STATUS_OK || provider == NULL)
        return status;
    struct domain_row old = search->row;
    status = foreign_provider(search, provider, &there, error_r);
    if (status != STATUS_OK)
        return status;
    if (!there) {
        search->row = old;
        if (provider[0] == '\0')
            faults_add(faults, "domain_query names no provider for its domains: set domain_provider, or let the query "
                               "return a column 'provider'");
        else
            faults_add(faults, "domain_query names provider '%s', which no row of provider has as name or short_name",
                       provider);
        return STATUS_OK;
    }
    search->row.name = search->names[0];
    search->rank = 0;
    return STATUS_OK;
}

static enum status search_default(struct search *search, struct error *error_r)
{
    const char *name = search->session->store->settings->default_domain;
    if (name == NULL || search->rank < search->count)
        return STATUS_OK;
    const char *normal = NULL;
    if (rule_take(search->arena, name, &normal, error_r) != STATUS_OK) {
        error_prefix(error_r, "default_domain: ");
        return STATUS_INVALID;
    }
    search->names[0] = normal;
    search->count = search->rank = 1;
    return search_names(search, error_r);
}

enum status find_default(struct store_session *session, struct arena *arena, bool *there_r, struct error *error_r)
{
    struct search search = {.session = session, .arena = arena};
    enum status status = search_default(&search, error_r);
    *there_r = search.rank < search.count;
    return status;
}

static enum status find(struct store_session *session, struct arena *arena, const char *domain,
                        const struct domain **domain_r, struct error *error_r)
{
    struct faults faults = {0};
    struct search search = {.session = session, .arena = arena};
    if (!schema_usable(&session->schema))
        return STATUS_NOT_FOUND;
    add_candidates(&search, domain);
    if (arena_failed(arena))
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = search_names(&search, error_r);
    if (status == STATUS_OK)
        status = search_foreign(&search, &faults, error_r);
    if (status == STATUS_OK)
        status = search_default(&search, error_r);
    if (status == STATUS_OK && arena_failed(arena)) /* a row may be there that was not read */
        return error_set(error_r, STATUS_LIMIT, "the rows of %s need more memory than one answer may take", domain);
    if (status == STATUS_OK && search.rank == search.count)
        return STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = build_domain(session, arena, &search.row, domain, &faults, domain_r, error_r);
    return status;
}

static enum status find_in_transaction(struct store_session *session, struct arena *arena, const char *domain,
                                       const struct domain **domain_r, struct error *error_r)
{
    enum status status = session_begin_read(session, error_r);
    if (status != STATUS_OK)
        return status;
    status = find(session, arena, domain, domain_r, error_r);
    session_end_read(session);
    return status;
}

enum status store_find(struct store_session *session, struct arena *arena, const char *domain,
                       const struct domain **domain_r, struct error *error_r)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    /* The second attempt is for a schema that somebody changed since it was learnt. */
    for (int attempt = 0; attempt < 2; attempt++) {
        status = session_enter(session, error_r);
        if (status != STATUS_OK)
            return status;
        session->other_at_fault = false;
        status = find_in_transaction(session, arena, domain, domain_r, &error);
        if ((status != STATUS_INVALID && status != STATUS_REFUSED) || session->other_at_fault)
            break;
        session->schema_due = 0;
    }
    session_leave(session, session->other_at_fault ? STATUS_OK : status, &error);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return status;
    return error_set(error_r, STATUS_BACKEND, "%s", error.text);
}
