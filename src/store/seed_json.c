/* seed_json.c - the JSON of initdb and of accounts files: formats 1, 2 and 3. */
/* SPDX-License-Identifier: MIT */
#include "store/seed_json.h"

#include <string.h>

#include "base/text.h"

bool seed_remember(struct json_reader *reader, json_t *names, const char *name, int index)
{
    if (json_object_get(names, name) != NULL)
        return false;
    if (json_object_set_new(names, name, json_integer(index)) != 0 && reader->status == STATUS_OK)
        reader->status = error_set(reader->error_r, STATUS_LIMIT, "memory is out");
    return true;
}

int seed_recall(const json_t *names, const char *name)
{
    const json_t *index = json_object_get(names, name);
    return index != NULL ? (int)json_integer_value(index) : NO_INDEX;
}

const char *seed_parse_domain_name(struct seed_parser *parser, const struct json_place *place, int index)
{
    struct json_reader *reader = &parser->reader;
    struct error reason = {0};
    const char *name = NULL;
    const char *text = reader_text_of(reader, place, 128);
    if (text == NULL)
        return NULL;
    if (rule_take(reader->arena, text, &name, &reason) != STATUS_OK)
        reader_fail(reader, place, "'%.100s' is no domain name: %s", text, reason.text);
    else if (!seed_remember(reader, parser->domain_names, name, index))
        reader_fail(reader, place, "domain %s is there twice", name);
    return reader->status == STATUS_OK ? name : NULL;
}

static void *array(struct json_reader *reader, size_t count, size_t size)
{
    void *memory = reader->status == STATUS_OK ? arena_array(reader->arena, count > 0 ? count : 1, size) : NULL;
    if (memory == NULL && reader->status == STATUS_OK)
        reader->status = error_set(reader->error_r, STATUS_LIMIT, "memory is out");
    return memory;
}

/* The list of a member, absent: an empty one. False after a failure. */
static bool list_of(struct json_reader *reader, const struct json_place *object, const char *name,
                    struct json_place *list_r)
{
    *list_r = place_member(object, name);
    return list_r->value == NULL ? reader->status == STATUS_OK : reader_must_be_list(reader, list_r, SEED_ROWS_MAX);
}

/* -- Formats 1 and 2: one provider, and every server serves every domain -- */

static void simple_servers(struct seed_parser *parser, const struct json_place *root)
{
    struct json_reader *reader = &parser->reader;
    struct json_place list = place_member(root, "servers");
    bool mail = false;
    if (list.value == NULL)
        reader_fail(reader, &list, "this member is missing");
    if (!reader_must_be_list(reader, &list, SEED_ROWS_MAX))
        return;
    parser->server_room = place_size(&list);
    parser->seed->servers = array(reader, parser->server_room, sizeof(*parser->seed->servers));
    for (size_t i = 0; reader->status == STATUS_OK && i < place_size(&list); i++) {
        struct json_place place = place_element(&list, i);
        int index = seed_parse_server(parser, &place);
        mail = mail || (index != NO_INDEX && strcmp(parser->seed->servers[index].row.table, "server") == 0);
    }
    if (!mail)
        reader_fail(reader, &list, "there must be at least one mail server (imap, pop or smtp)");
}

static int simple_ldap(struct seed_parser *parser, const struct json_place *domain)
{
    struct json_place place = place_member(domain, "ldapserver_id");
    /* automx2 takes 0 and "" for none. */
    if (place.value == NULL || (json_is_integer(place.value) && json_integer_value(place.value) == 0))
        return NO_INDEX;
    const char *key = reader_key_of(&parser->reader, &place);
    int index = key != NULL ? seed_recall(parser->ldap_ids, key) : NO_INDEX;
    if (key != NULL && index == NO_INDEX)
        reader_fail(&parser->reader, &place, "there is no LDAP server with id %s", key);
    return index;
}

static void simple_domains(struct seed_parser *parser, const struct json_place *root)
{
    static const char *const names[] = {"name", "ldapserver_id", NULL};
    struct json_reader *reader = &parser->reader;
    struct seed *seed = parser->seed;
    struct json_place list = place_member(root, "domains");
    if (list.value == NULL)
        reader_fail(reader, &list, "this member is missing");
    if (!reader_must_be_list(reader, &list, SEED_ROWS_MAX))
        return;
    size_t count = place_size(&list);
    if (count == 0)
        reader_fail(reader, &list, "there must be at least one domain");
    if (count * seed->server_count > SEED_LINKS_MAX)
        reader_fail(reader, &list, "that many domains with that many servers are too many rows for one file");
    int *all = array(reader, seed->server_count, sizeof(*all));
    seed->domains = array(reader, count, sizeof(*seed->domains));
    for (size_t i = 0; reader->status == STATUS_OK && i < seed->server_count; i++)
        all[i] = (int)i;
    for (size_t i = 0; reader->status == STATUS_OK && i < count; i++) {
        struct json_place place = place_element(&list, i);
        struct json_place name = place;
        struct seed_domain domain = {.ldap = NO_INDEX, .alias = NO_INDEX};
        if (parser->version == 2) {
            if (!reader_must_be_object(reader, &place))
                return;
            reader_only(reader, &place, names);
            domain.ldap = simple_ldap(parser, &place);
            name = place_member(&place, "name");
            if (name.value == NULL)
                reader_fail(reader, &name, "this member is missing");
        }
        domain.name = seed_parse_domain_name(parser, &name, (int)i);
        domain.servers = all;
        domain.server_count = seed->server_count;
        seed->domains[seed->domain_count++] = domain;
    }
}

static void parse_simple(struct seed_parser *parser, const struct json_place *root)
{
    static const char *const names_1[] = {"version", "provider", "domains", "servers", NULL};
    static const char *const names_2[] = {"version", "provider", "domains", "servers", "ldapservers", NULL};
    struct json_reader *reader = &parser->reader;
    struct json_place ldaps;
    reader_only(reader, root, parser->version == 1 ? names_1 : names_2);
    struct seed_provider *provider = array(reader, 1, sizeof(*provider));
    if (provider == NULL)
        return;
    provider->name = reader_text_required(reader, root, "provider", 128);
    if (provider->name != NULL)
        provider->short_name = seed_short_name(reader->arena, provider->name);
    parser->seed->providers = provider;
    parser->seed->provider_count = 1;
    if (list_of(reader, root, "ldapservers", &ldaps))
        seed_parse_ldaps(parser, &ldaps);
    simple_servers(parser, root);
    simple_domains(parser, root);
}

/* -- Format 3: everything that the tables hold -- */

/* A list of servers: each an object, or the id of one of the shared servers. */
static const int *server_list(struct seed_parser *parser, const struct json_place *object, size_t *count_r)
{
    struct json_reader *reader = &parser->reader;
    struct json_place list;
    if (!list_of(reader, object, "servers", &list) || list.value == NULL)
        return NULL;
    size_t count = place_size(&list);
    int *indexes = array(reader, count, sizeof(*indexes));
    parser->links += count;
    parser->lists++;
    if (parser->links > SEED_LINKS_MAX)
        reader_fail(reader, &list, "there are too many servers in this file");
    for (size_t i = 0; reader->status == STATUS_OK && i < count; i++) {
        struct json_place place = place_element(&list, i);
        if (json_is_object(place.value)) {
            indexes[i] = seed_parse_server(parser, &place);
            continue;
        }
        const char *key = reader_key_of(reader, &place);
        indexes[i] = key != NULL ? seed_recall(parser->server_ids, key) : NO_INDEX;
        if (key != NULL && indexes[i] == NO_INDEX)
            reader_fail(reader, &place, "no server of the list 'servers' has the id '%s'", key);
        if (reader->status != STATUS_OK)
            break;
        struct seed_server *server = &parser->seed->servers[indexes[i]];
        if (server->list == parser->lists)
            reader_fail(reader, &place, "server '%s' is there twice", key);
        server->list = parser->lists;
    }
    *count_r = count;
    return reader->status == STATUS_OK ? indexes : NULL;
}

static size_t list_size(const json_t *object, const char *name)
{
    return json_array_size(json_object_get(object, name));
}

static size_t count_in_domains(const json_t *object)
{
    const json_t *domains = json_object_get(object, "domains");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(domains); i++)
        count += list_size(json_array_get(domains, i), "servers");
    return count;
}

/* How many servers the whole file holds at most: the array must not grow while indexes into it are handed out. */
static size_t count_servers(const json_t *root)
{
    const json_t *providers = json_object_get(root, "providers");
    size_t count = list_size(root, "servers") + count_in_domains(root);
    for (size_t i = 0; i < json_array_size(providers); i++) {
        const json_t *provider = json_array_get(providers, i);
        count += list_size(provider, "servers") + count_in_domains(provider);
    }
    return count;
}

static void shared_servers(struct seed_parser *parser, const struct json_place *root)
{
    struct json_reader *reader = &parser->reader;
    struct json_place list;
    if (!list_of(reader, root, "servers", &list))
        return;
    for (size_t i = 0; reader->status == STATUS_OK && i < place_size(&list); i++) {
        struct json_place place = place_element(&list, i);
        int index = seed_parse_server(parser, &place);
        if (index == NO_INDEX)
            return;
        struct json_place id = place_member(&place, "id");
        if (id.value == NULL)
            reader_fail(reader, &id, "this member is missing: providers and domains name a shared server by its id");
        const char *key = reader_key_of(reader, &id);
        if (key != NULL && !seed_remember(reader, parser->server_ids, key, index))
            reader_fail(reader, &id, "another server has the id '%s'", key);
    }
}

static void all_providers(struct seed_parser *parser, const struct json_place *root)
{
    struct json_reader *reader = &parser->reader;
    struct seed *seed = parser->seed;
    struct json_place list = place_member(root, "providers");
    if (list.value == NULL)
        reader_fail(reader, &list, "this member is missing");
    if (!reader_must_be_list(reader, &list, SEED_ROWS_MAX))
        return;
    if (place_size(&list) == 0)
        reader_fail(reader, &list, "there must be at least one provider");
    seed->providers = array(reader, place_size(&list), sizeof(*seed->providers));
    for (size_t i = 0; reader->status == STATUS_OK && i < place_size(&list); i++) {
        struct json_place place = place_element(&list, i);
        struct seed_provider *provider = &seed->providers[i];
        seed_parse_provider(parser, &place, provider);
        provider->servers = server_list(parser, &place, &provider->server_count);
        if (reader->status != STATUS_OK)
            return;
        struct json_place name = place_member(&place, "name");
        if (!seed_remember(reader, parser->provider_ids, provider->name, (int)i))
            reader_fail(reader, &name, "another provider has the name '%s'", provider->name);
        seed_remember(reader, parser->provider_ids, provider->short_name, (int)i);
        seed->provider_count++;
    }
}

/* The index of what a member names, NO_INDEX when the member is absent; a name that nothing has is a failure. */
static int reference(struct seed_parser *parser, const struct json_place *object, const char *member,
                     const json_t *names, const char *what)
{
    struct json_place place = place_member(object, member);
    if (place.value == NULL)
        return NO_INDEX;
    const char *key = reader_key_of(&parser->reader, &place);
    int index = key != NULL ? seed_recall(names, key) : NO_INDEX;
    if (key != NULL && index == NO_INDEX)
        reader_fail(&parser->reader, &place, "there is no %s '%s'", what, key);
    return index;
}

static void moved(struct seed_parser *parser, const struct json_place *place, struct seed_domain *domain)
{
    struct json_reader *reader = &parser->reader;
    struct json_place member = place_member(place, "moved_to");
    struct error reason = {0};
    const char *text = reader_text(reader, place, "moved_to", 255);
    if (text != NULL &&
        domain_name_normalize(reader->arena, text, strlen(text), &domain->moved_to, &reason) != STATUS_OK)
        reader_fail(reader, &member, "'%.100s' is no domain name: %s", text, reason.text);
    domain->redirect_url = reader_text(reader, place, "redirect_url", 255);
    member = place_member(place, "redirect_url");
    if (domain->redirect_url != NULL && !text_starts_nocase(domain->redirect_url, "https://"))
        reader_fail(reader, &member, "'%.100s' does not begin with https://", domain->redirect_url);
}

static void types_off(struct seed_parser *parser, const struct json_place *place, struct seed_domain *domain)
{
    struct json_reader *reader = &parser->reader;
    struct json_place list;
    bool seen[SERVER_TYPE_COUNT] = {false};
    if (!list_of(reader, place, "types_off", &list) || list.value == NULL)
        return;
    for (size_t i = 0; reader->status == STATUS_OK && i < place_size(&list); i++) {
        struct json_place element = place_element(&list, i);
        const char *word = reader_text_of(reader, &element, 32);
        enum server_type type;
        if (word == NULL)
            return;
        if (!server_type_parse(word, &type)) {
            reader_fail(reader, &element, "type '%s' is unknown", word);
        } else if (!seen[type]) {
            seen[type] = true;
            domain->types_off = domain->types_off == NULL
                                    ? server_type_word(type)
                                    : arena_format(reader->arena, "%s, %s", domain->types_off, server_type_word(type));
        }
    }
}

/* Domains stand in a list of their own, or with their provider, whose index is given then. */
static void one_domain(struct seed_parser *parser, const struct json_place *place, int index, int provider)
{
    static const char *const names[] = {"name",     "provider",     "servers",   "ldapserver", "alias_of",
                                        "moved_to", "redirect_url", "types_off", NULL};
    struct json_reader *reader = &parser->reader;
    struct seed_domain *domain = &parser->seed->domains[index];
    parser->seed->domain_count++;
    *domain = (struct seed_domain){.provider = provider, .ldap = NO_INDEX, .alias = NO_INDEX};
    struct json_place name = *place;
    if (!json_is_string(place->value)) { /* a plain name is a domain with nothing of its own */
        if (!reader_must_be_object(reader, place))
            return;
        reader_only(reader, place, names);
        name = place_member(place, "name");
        if (name.value == NULL)
            reader_fail(reader, &name, "this member is missing");
        struct json_place named = place_member(place, "provider");
        if (provider == NO_INDEX)
            domain->provider = reference(parser, place, "provider", parser->provider_ids, "provider");
        else if (named.value != NULL)
            reader_fail(reader, &named, "the domain stands in the list of its provider already");
        domain->ldap = reference(parser, place, "ldapserver", parser->ldap_ids, "LDAP server with the id");
        domain->servers = server_list(parser, place, &domain->server_count);
        moved(parser, place, domain);
        types_off(parser, place, domain);
    }
    domain->name = seed_parse_domain_name(parser, &name, index);
    struct json_place moved_to = place_member(place, "moved_to");
    if (domain->name != NULL && domain->moved_to != NULL && strcmp(domain->name, domain->moved_to) == 0)
        reader_fail(reader, &moved_to, "the domain cannot have moved to itself");
}

/* When all names are known: aliases, and the provider of a domain that names none. */
static void connect_domain(struct seed_parser *parser, const struct json_place *place, int index, int provider)
{
    struct json_reader *reader = &parser->reader;
    struct seed *seed = parser->seed;
    struct seed_domain *domain = &seed->domains[index];
    struct json_place alias = place_member(place, "alias_of");
    struct error reason = {0};
    const char *name = NULL;
    const char *text = json_is_object(place->value) ? reader_text(reader, place, "alias_of", 128) : NULL;
    if (text != NULL && rule_take(reader->arena, text, &name, &reason) != STATUS_OK)
        reader_fail(reader, &alias, "'%.100s' is no domain name: %s", text, reason.text);
    if (name != NULL) {
        domain->alias = seed_recall(parser->domain_names, name);
        if (domain->alias == NO_INDEX)
            reader_fail(reader, &alias, "there is no domain '%s' in this file", name);
        else if (domain->server_count > 0)
            reader_fail(reader, &alias, "an alias is served as the other domain and has no servers of its own");
    }
}

static void settle_provider(struct seed_parser *parser, const struct json_place *place, int index, int provider)
{
    enum { DEPTH_MAX = 8 };
    struct seed *seed = parser->seed;
    int at = index;
    for (int depth = 0; seed->domains[at].alias != NO_INDEX; depth++) {
        struct json_place alias = place_member(place, "alias_of");
        if (depth == DEPTH_MAX) {
            reader_fail(&parser->reader, &alias, "the aliases go in a circle or over more than %d domains", DEPTH_MAX);
            return;
        }
        at = seed->domains[at].alias;
    }
    struct seed_domain *domain = &seed->domains[index];
    if (domain->provider == NO_INDEX)
        domain->provider = seed->domains[at].provider;
    if (domain->provider == NO_INDEX && seed->provider_count == 1)
        domain->provider = 0;
    struct json_place missing = place_member(place, "provider");
    if (domain->provider == NO_INDEX)
        reader_fail(&parser->reader, &missing, "this member is missing: there are several providers");
}

typedef void (*domain_visit)(struct seed_parser *parser, const struct json_place *place, int index, int provider);

static void each_domain_of(struct seed_parser *parser, const struct json_place *object, int provider, int *index,
                           domain_visit visit)
{
    struct json_reader *reader = &parser->reader;
    struct json_place list;
    if (!list_of(reader, object, "domains", &list) || list.value == NULL)
        return;
    for (size_t i = 0; reader->status == STATUS_OK && i < place_size(&list); i++) {
        struct json_place place = place_element(&list, i);
        visit(parser, &place, (*index)++, provider);
    }
}

static void each_domain(struct seed_parser *parser, const struct json_place *root, domain_visit visit)
{
    struct json_place providers = place_member(root, "providers");
    int index = 0;
    for (size_t i = 0; parser->reader.status == STATUS_OK && i < place_size(&providers); i++) {
        struct json_place provider = place_element(&providers, i);
        each_domain_of(parser, &provider, (int)i, &index, visit);
    }
    each_domain_of(parser, root, NO_INDEX, &index, visit);
}

static size_t count_domains(const json_t *root)
{
    const json_t *providers = json_object_get(root, "providers");
    size_t count = list_size(root, "domains");
    for (size_t i = 0; i < json_array_size(providers); i++)
        count += list_size(json_array_get(providers, i), "domains");
    return count;
}

static void parse_full(struct seed_parser *parser, const struct json_place *root)
{
    static const char *const names[] = {"version", "providers", "servers", "ldapservers", "domains", "$schema", NULL};
    struct json_reader *reader = &parser->reader;
    struct seed *seed = parser->seed;
    struct json_place ldaps;
    reader_only(reader, root, names);
    parser->server_room = count_servers(root->value);
    if (parser->server_room > SEED_LINKS_MAX)
        reader_fail(reader, root, "there are too many servers in this file");
    seed->servers = array(reader, parser->server_room, sizeof(*seed->servers));
    if (list_of(reader, root, "ldapservers", &ldaps))
        seed_parse_ldaps(parser, &ldaps);
    shared_servers(parser, root);
    all_providers(parser, root);
    size_t count = count_domains(root->value);
    if (count > SEED_ROWS_MAX)
        reader_fail(reader, root, "there are more than %d domains in this file", SEED_ROWS_MAX);
    seed->domains = array(reader, count, sizeof(*seed->domains));
    each_domain(parser, root, one_domain);
    each_domain(parser, root, connect_domain);
    each_domain(parser, root, settle_provider);
}

enum status seed_parse(struct arena *arena, const char *json, size_t length, struct seed *seed_r, struct error *error_r)
{
    struct seed_parser parser = {.seed = seed_r,
                                 .server_ids = json_object(),
                                 .ldap_ids = json_object(),
                                 .provider_ids = json_object(),
                                 .domain_names = json_object()};
    struct json_reader *reader = &parser.reader;
    *seed_r = (struct seed){0};
    reader_open(reader, arena, json, length, error_r);
    if (reader->status == STATUS_OK) {
        struct json_place root = reader_root(reader);
        struct json_place version = place_member(&root, "version");
        parser.version = (unsigned)reader_number(reader, &root, "version", INT32_MIN, INT32_MAX, 1);
        if (parser.version == 1 || parser.version == 2)
            parse_simple(&parser, &root);
        else if (parser.version == 3)
            parse_full(&parser, &root);
        else
            reader_fail(reader, &version, "this format is not known; known are 1, 2 and 3");
    }
    if (reader->status == STATUS_OK && arena_failed(arena))
        reader->status = error_set(error_r, STATUS_LIMIT, "memory is out");
    reader_close(reader);
    json_decref(parser.server_ids);
    json_decref(parser.ldap_ids);
    json_decref(parser.provider_ids);
    json_decref(parser.domain_names);
    return reader->status;
}
