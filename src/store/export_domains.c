/* export_domains.c - puts every domain into an export, with what it has of its own. */
/* SPDX-License-Identifier: MIT */
#include "store/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/build.h"
#include "store/export_json.h"
#include "store/pages.h"
#include "store/seed.h"

enum { ALIAS_DEPTH_MAX = 8 };

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
    exporter_keep(exporter, json_object_set_new(exporter->names, key, json_integer(row->id)));
    return true;
}

static void set_text(struct exporter *exporter, json_t *object, const char *member, const char *text)
{
    if (text != NULL)
        exporter_keep(exporter, json_object_set_new(object, member, json_string(text)));
}

/* What a row says of itself but its servers and the domain that it is an alias of. */
static json_t *domain_object(struct exporter *exporter, struct arena *arena, const struct domain_row *row,
                             const char *name)
{
    struct domain domain = {.name = name};
    struct error reason = {0};
    char key[EXPORT_KEY_SIZE];
    unsigned off = 0;
    json_t *object = json_object();
    set_text(exporter, object, "name", name);
    if (row->ldap_id != 0 && json_object_get(exporter->ldap_ids, exporter_key(key, "", row->ldap_id)) != NULL)
        exporter_keep(exporter, json_object_set_new(object, "ldapserver", json_integer(row->ldap_id)));
    else if (row->ldap_id != 0)
        faults_add(&exporter->faults, "domain %" PRId64 ": there is no ldapserver %" PRId64 " that could be asked",
                   row->id, row->ldap_id);
    build_moved(arena, row, name, &domain, &exporter->faults);
    set_text(exporter, object, "moved_to", domain.moved_to);
    set_text(exporter, object, "redirect_url", domain.redirect_url);
    if (types_off_parse(row->types_off, &off, &reason) != STATUS_OK)
        faults_add(&exporter->faults, "domain %" PRId64 ": types_off: %s", row->id, reason.text);
    if (off != 0)
        exporter_keep(exporter, json_object_set_new(object, "types_off", export_types(off)));
    return object;
}

static int64_t take_domain(void *context, struct arena *arena, struct sql_statement *statement)
{
    struct exporter *exporter = context;
    struct domain_row row;
    struct error reason = {0};
    const char *name = NULL;
    queries_read_domain(arena, statement, &row);
    if (exporter->domain_count > SEED_ROWS_MAX) /* told at the end */
        return row.id;
    if (row.name == NULL || rule_take(arena, row.name, &name, &reason) != STATUS_OK)
        faults_add(&exporter->faults, "domain %" PRId64 " is left out: its name '%.80s' is none: %s", row.id,
                   row.name != NULL ? row.name : "", reason.text);
    else if (exporter_find_provider(exporter, row.provider_id) == NULL)
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
    exporter_keep(exporter, json_object_set(domain->object, "alias_of", json_object_get(target->object, "name")));
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
        json_t *provider = exporter_find_provider(exporter, domain->provider_id);
        json_t *list = json_object_get(provider, "domains");
        if (domain->object == NULL)
            continue;
        if (list == NULL) {
            list = json_array();
            exporter_keep(exporter, json_object_set_new(provider, "domains", list));
        }
        bool plain = json_object_size(domain->object) == 1;
        exporter_keep(exporter,
                      json_array_append(list, plain ? json_object_get(domain->object, "name") : domain->object));
    }
}

enum status exporter_take_domains(struct exporter *exporter, struct error *error_r)
{
    exporter->arena = arena_new((SEED_ROWS_MAX + 2) * sizeof(struct exported_domain));
    if (exporter->arena != NULL)
        exporter->domains = arena_array(exporter->arena, SEED_ROWS_MAX + 1, sizeof(*exporter->domains));
    if (exporter->domains == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    enum status status =
        pages_read(exporter->sql, exporter->session->queries.domain_page, take_domain, exporter, error_r);
    if (status == STATUS_OK && exporter->domain_count > SEED_ROWS_MAX)
        return error_set(error_r, STATUS_REFUSED,
                         "there are more than %d domains, which import would not take from one file; "
                         "use the database's own tools",
                         SEED_ROWS_MAX);
    for (size_t i = 0; status == STATUS_OK && i < exporter->domain_count; i += PAGE_ROWS) {
        size_t end = i + PAGE_ROWS < exporter->domain_count ? i + PAGE_ROWS : exporter->domain_count;
        status = exporter_give_to_domains(exporter, exporter->domains[i].id, exporter->domains[end - 1].id, find_domain,
                                          error_r);
    }
    if (status == STATUS_OK)
        place_domains(exporter);
    return status;
}
