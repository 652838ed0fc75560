/* build.c - puts a domain together: alias, provider, own and default servers, links, directory. */
/* SPDX-License-Identifier: MIT */
#include "store/build.h"

#include <stdlib.h>
#include <string.h>

#include "store/url.h"

enum { ALIAS_DEPTH_MAX = 8, SERVERS_MAX = 64, LINKS_MAX = 32, CONSENTS_MAX = 32 };

enum status build_read_domain(struct store_session *session, struct arena *arena, int64_t id, struct domain_row *row_r,
                              bool *there_r, struct error *error_r)
{
    struct sql_statement *statement;
    enum status status = sql_prepare(session->main.sql, session->queries.domain_by_id, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    sql_bind_number(statement, 1, id);
    status = sql_step(statement, there_r, error_r);
    if (status == STATUS_OK && *there_r)
        queries_read_domain(arena, statement, row_r);
    sql_reset(statement);
    return status;
}

/* Goes to the row that a chain of aliases ends at. A chain that does not end is no alias. */
static enum status follow_alias(struct store_session *session, struct arena *arena, struct domain_row *row,
                                struct faults *faults, struct error *error_r)
{
    struct domain_row target = *row;
    for (unsigned depth = 0; target.alias_of != 0; depth++) {
        bool there = false;
        int64_t next = target.alias_of;
        if (depth == ALIAS_DEPTH_MAX) {
            faults_add(faults, "domain %lld: alias_of is ignored: it leads in a circle or over more than %d domains",
                       (long long)row->id, ALIAS_DEPTH_MAX);
            return STATUS_OK;
        }
        enum status status = build_read_domain(session, arena, next, &target, &there, error_r);
        if (status != STATUS_OK)
            return status;
        if (!there) {
            faults_add(faults, "domain %lld: alias_of is ignored: there is no domain %lld", (long long)row->id,
                       (long long)next);
            return STATUS_OK;
        }
    }
    if (target.id == row->id)
        return STATUS_OK;
    /* It is served as that one; what the alias says of itself goes before. */
    target.alias_of = row->alias_of;
    target.name = row->name;
    if (row->moved_to != NULL && row->moved_to[0] != '\0')
        target.moved_to = row->moved_to;
    if (row->redirect_url != NULL && row->redirect_url[0] != '\0')
        target.redirect_url = row->redirect_url;
    if (row->types_off != NULL && row->types_off[0] != '\0')
        target.types_off =
            target.types_off != NULL ? arena_format(arena, "%s, %s", target.types_off, row->types_off) : row->types_off;
    *row = target;
    return STATUS_OK;
}

/* The order of a document: by type, then prio, then id. */
static int compare_servers(const void *left, const void *right)
{
    const struct server *a = left;
    const struct server *b = right;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->prio != b->prio)
        return a->prio < b->prio ? -1 : 1;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return strcmp(a->table, b->table);
}

/* A copy of a list; when memory is out, which the arena remembers, it is empty. */
static const void *keep(struct arena *arena, const void *items, size_t count, size_t size, size_t *count_r)
{
    void *copy = count > 0 ? arena_array(arena, count, size) : NULL;
    if (copy != NULL)
        memcpy(copy, items, count * size);
    *count_r = copy != NULL ? count : 0;
    return copy;
}

struct server_list {
    struct server servers[SERVERS_MAX];
    bool is_default[SERVERS_MAX];
    size_t count;
    unsigned own_types; /* bit 1 << type of every own row, faulty ones too: a default must not stand in for a mistake */
    bool full;
};

static void take_server(struct store_session *session, struct arena *arena, struct sql_statement *statement,
                        struct server_list *list, struct faults *faults)
{
    struct server_row row;
    bool is_default;
    const char *member = "";
    struct error error = {0};
    enum server_type type;
    queries_read_server(statement, &row, &is_default);
    if (!is_default && row.type != NULL && server_type_parse(row.type, &type))
        list->own_types |= 1u << type;
    if (list->count == SERVERS_MAX) {
        list->full = true;
        return;
    }
    struct server *server = &list->servers[list->count];
    if (server_from_row(arena, &row, server, &member, &error) != STATUS_OK) {
        faults_add(faults, "%s %lld is left out: %s", row.table, (long long)row.id, error.text);
        return;
    }
    if (server->security == SECURITY_NONE && !session->store->settings->allow_plain) {
        faults_add(faults, "%s %lld is left out: it is not encrypted; 'allow_plain = yes' publishes such servers",
                   row.table, (long long)row.id);
        return;
    }
    list->is_default[list->count++] = is_default;
}

static enum status read_servers(struct store_session *session, struct arena *arena, const struct domain_row *row,
                                struct server_list *list, struct faults *faults, struct error *error_r)
{
    struct sql_statement *statement;
    const struct queries *queries = &session->queries;
    enum status status = sql_prepare(session->main.sql, queries->servers, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < queries->servers_bind_count; i++)
        sql_bind_number(statement, i + 1, queries->servers_binds[i] == BIND_DOMAIN ? row->id : row->provider_id);
    for (bool there;;) {
        status = sql_step(statement, &there, error_r);
        if (status != STATUS_OK || !there)
            break;
        take_server(session, arena, statement, list, faults);
    }
    sql_reset(statement);
    if (list->full)
        faults_add(faults, "domain %lld has more than %d servers; the others are left out", (long long)row->id,
                   SERVERS_MAX);
    return status;
}

static enum status build_servers(struct store_session *session, struct arena *arena, const struct domain_row *row,
                                 struct domain *domain, struct faults *faults, struct error *error_r)
{
    struct server_list list = {.count = 0};
    struct error reason = {0};
    unsigned off = 0;
    enum status status = read_servers(session, arena, row, &list, faults, error_r);
    if (status != STATUS_OK)
        return status;
    if (types_off_parse(row->types_off, &off, &reason) != STATUS_OK)
        faults_add(faults, "domain %lld: types_off: %s", (long long)row->id, reason.text);

    size_t count = 0;
    for (size_t i = 0; i < list.count; i++) {
        unsigned bit = 1u << list.servers[i].type;
        if ((off & bit) == 0 && !(list.is_default[i] && (list.own_types & bit) != 0))
            list.servers[count++] = list.servers[i];
    }
    if (count == 0)
        return STATUS_OK;
    qsort(list.servers, count, sizeof(list.servers[0]), compare_servers);
    domain->servers = keep(arena, list.servers, count, sizeof(list.servers[0]), &domain->server_count);
    return STATUS_OK;
}

struct extras {
    struct link links[LINKS_MAX];
    struct consent consents[CONSENTS_MAX];
    size_t link_count, consent_count;
    bool full;
};

static void take_extra(struct arena *arena, struct sql_statement *statement, int64_t provider, struct extras *extras,
                       struct faults *faults)
{
    struct link_row link;
    struct consent consent;
    const char *member = "";
    struct error reason = {0};
    bool is_link = queries_read_extra(statement, &link, &consent);
    if (is_link ? extras->link_count == LINKS_MAX : extras->consent_count == CONSENTS_MAX) {
        extras->full = true;
        return;
    }
    bool good = is_link ? link_from_row(arena, &link, &extras->links[extras->link_count], &member, &reason) == STATUS_OK
                        : consent_from_row(arena, &consent, &extras->consents[extras->consent_count], &member,
                                           &reason) == STATUS_OK;
    if (!good)
        faults_add(faults, "a row of %s of provider %lld is left out: %s",
                   is_link ? "provider_link" : "provider_consent", (long long)provider, reason.text);
    else if (is_link)
        extras->link_count++;
    else
        extras->consent_count++;
}

/* Links and consents. */
static enum status build_extras(struct store_session *session, struct arena *arena, struct provider *provider,
                                struct faults *faults, struct error *error_r)
{
    struct extras extras = {.full = false};
    struct sql_statement *statement;
    const struct queries *queries = &session->queries;
    if (queries->extras == NULL)
        return STATUS_OK;
    enum status status = sql_prepare(session->main.sql, queries->extras, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < queries->extras_bind_count; i++)
        sql_bind_number(statement, i + 1, provider->id);
    for (bool there;;) {
        status = sql_step(statement, &there, error_r);
        if (status != STATUS_OK || !there)
            break;
        take_extra(arena, statement, provider->id, &extras, faults);
    }
    sql_reset(statement);
    if (extras.full)
        faults_add(faults, "provider %lld has more than %d links or %d consents; the others are left out",
                   (long long)provider->id, LINKS_MAX, CONSENTS_MAX);
    provider->links = keep(arena, extras.links, extras.link_count, sizeof(extras.links[0]), &provider->link_count);
    provider->consents =
        keep(arena, extras.consents, extras.consent_count, sizeof(extras.consents[0]), &provider->consent_count);
    return status;
}

static const char *provider_text(struct arena *arena, const char *raw, const struct domain_row *row, const char *column,
                                 struct faults *faults)
{
    const char *text = NULL;
    struct error reason = {0};
    if (text_take(arena, raw, &text, &reason) != STATUS_OK)
        faults_add(faults, "provider %lld: %s: %s", (long long)row->provider_id, column, reason.text);
    return text;
}

/* The first word, as automx2 makes it. */
static const char *first_word(struct arena *arena, const char *name)
{
    return arena_copy(arena, name, strcspn(name, " "));
}

enum status build_provider(struct store_session *session, struct arena *arena, const struct domain_row *row,
                           const char *asked, struct domain *domain, struct faults *faults, struct error *error_r)
{
    struct provider *provider = arena_alloc(arena, sizeof(*provider));
    struct error reason = {0};
    const char *member = "";
    if (provider == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    domain->provider = provider;
    provider->id = row->provider_id;
    if (!row->provider_there)
        faults_add(faults, "domain %lld: there is no provider %lld", (long long)row->id, (long long)row->provider_id);
    provider->name = provider_text(arena, row->provider_name, row, "name", faults);
    if (provider->name == NULL) /* Thunderbird wants a displayName that is not empty */
        provider->name = arena_text(arena, asked);
    provider->short_name = provider_text(arena, row->provider_short_name, row, "short_name", faults);
    if (provider->short_name == NULL && provider->name != NULL)
        provider->short_name = first_word(arena, provider->name);
    provider->organization = provider_text(arena, row->provider_organization, row, "organization", faults);
    if (row->oauth2.issuer != NULL) {
        struct oauth2 *oauth2 = arena_alloc(arena, sizeof(*oauth2));
        if (oauth2 != NULL && oauth2_from_row(arena, &row->oauth2, oauth2, &member, &reason) == STATUS_OK)
            provider->oauth2 = oauth2;
        else
            faults_add(faults, "provider_oauth2 of provider %lld is left out: %s", (long long)row->provider_id,
                       reason.text);
    }
    return build_extras(session, arena, provider, faults, error_r);
}

static enum status build_ldap(struct store_session *session, struct arena *arena, const struct domain_row *row,
                              struct domain *domain, struct faults *faults, struct error *error_r)
{
    struct sql_statement *statement;
    bool there = false;
    if (row->ldap_id == 0 || session->queries.ldap_by_id == NULL)
        return STATUS_OK;
    enum status status = sql_prepare(session->main.sql, session->queries.ldap_by_id, &statement, error_r);
    if (status != STATUS_OK)
        return status;
    sql_bind_number(statement, 1, row->ldap_id);
    status = sql_step(statement, &there, error_r);
    if (status == STATUS_OK && there) {
        struct ldap_row ldap_row;
        struct error reason = {0};
        const char *member = "";
        struct ldap_server *ldap = arena_alloc(arena, sizeof(*ldap));
        queries_read_ldap(statement, &ldap_row);
        if (ldap != NULL && ldap_from_row(arena, &ldap_row, ldap, &member, &reason) == STATUS_OK)
            domain->ldap = ldap;
        else
            faults_add(faults, "ldapserver %lld is not asked: %s", (long long)row->ldap_id, reason.text);
    } else if (status == STATUS_OK) {
        faults_add(faults, "domain %lld: there is no ldapserver %lld", (long long)row->id, (long long)row->ldap_id);
    }
    sql_reset(statement);
    return status;
}

void build_moved(struct arena *arena, const struct domain_row *row, const char *asked, struct domain *domain,
                 struct faults *faults)
{
    struct error reason = {0};
    const char *text = NULL;
    struct url url;
    if (text_take(arena, row->moved_to, &text, &reason) != STATUS_OK ||
        (text != NULL && domain_name_normalize(arena, text, strlen(text), &domain->moved_to, &reason) != STATUS_OK))
        faults_add(faults, "domain %lld: moved_to is ignored: %s", (long long)row->id, reason.text);
    if (domain->moved_to != NULL && strcmp(domain->moved_to, domain->name) == 0)
        faults_add(faults, "domain %lld: moved_to is ignored: it names the domain itself", (long long)row->id);
    if (domain->moved_to != NULL && strcmp(domain->moved_to, asked) == 0) /* a client would go round */
        domain->moved_to = NULL;
    if (text_take(arena, row->redirect_url, &text, &reason) != STATUS_OK ||
        (text != NULL && url_parse(arena, text, &url, &reason) != STATUS_OK))
        faults_add(faults, "domain %lld: redirect_url is ignored: %s", (long long)row->id, reason.text);
    else if (text != NULL && !url.https)
        faults_add(faults, "domain %lld: redirect_url is ignored: clients follow https:// only", (long long)row->id);
    else if (text != NULL)
        domain->redirect_url = url_text(arena, &url);
}

enum status build_domain(struct store_session *session, struct arena *arena, const struct domain_row *row,
                         const char *asked, struct faults *faults, const struct domain **domain_r,
                         struct error *error_r)
{
    struct domain_row target = *row;
    struct domain *domain = arena_alloc(arena, sizeof(*domain));
    if (domain == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status = follow_alias(session, arena, &target, faults, error_r);
    domain->id = row->id;
    if (status == STATUS_OK && rule_take(arena, row->name, &domain->name, error_r) != STATUS_OK)
        domain->name = arena_text(arena, asked);
    if (status == STATUS_OK)
        status = build_servers(session, arena, &target, domain, faults, error_r);
    if (status == STATUS_OK)
        status = build_provider(session, arena, &target, asked, domain, faults, error_r);
    if (status == STATUS_OK)
        status = build_ldap(session, arena, &target, domain, faults, error_r);
    if (status != STATUS_OK)
        return status;
    domain->has_user_query = session->store->settings->user_query != NULL;
    build_moved(arena, &target, asked, domain, faults);
    if (arena_failed(arena))
        return error_set(error_r, STATUS_LIMIT, "domain %s needs more memory than one answer may take", asked);
    *domain_r = domain;
    return STATUS_OK;
}

enum status build_check_domain(struct store_session *session, struct arena *arena, const struct domain_row *row,
                               struct faults *faults, struct error *error_r)
{
    struct domain_row target = *row;
    struct domain domain = {.name = ""};
    struct error reason = {0};
    unsigned off;
    rule_take(arena, row->name != NULL ? row->name : "", &domain.name, NULL);
    if (types_off_parse(row->types_off, &off, &reason) != STATUS_OK)
        faults_add(faults, "domain %lld: types_off: %s", (long long)row->id, reason.text);
    build_moved(arena, row, domain.name, &domain, faults);
    return row->alias_of != 0 ? follow_alias(session, arena, &target, faults, error_r) : STATUS_OK;
}
