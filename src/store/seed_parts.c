/* seed_parts.c - the objects that formats 1, 2 and 3 share: servers, LDAP servers, providers. */
/* SPDX-License-Identifier: MIT */
#include "store/seed_json.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum {
    NAME_MAX_CHARS = 128,
    URL_MAX_CHARS = 255,
    DAV_URL_MAX_CHARS = 128,
    USER_MAX_CHARS = 64,
    SHORT_NAME_MAX = 32,
    LIST_MAX = 100
};

static bool fail_member(struct json_reader *reader, const struct json_place *object, const char *name,
                        const char *reason)
{
    struct json_place place = place_member(object, name);
    reader_fail(reader, &place, "%s", reason);
    return false;
}

/* What the daemon would leave out when it reads the row must not get into a table. */
static void judge_server(struct json_reader *reader, const struct json_place *place, const struct server_row *row)
{
    struct server server;
    struct error reason = {0};
    const char *member = "";
    if (reader->status != STATUS_OK || server_from_row(reader->arena, row, &server, &member, &reason) == STATUS_OK)
        return;
    struct json_place at = place_member(place, strcmp(member, "auth_methods") == 0 ? "authentication" : member);
    reader_fail(reader, &at, "%s", reason.text);
}

/* A word or a list of words, in order, as one text of canonical words; plain_r: password-cleartext is among them. */
static const char *auth_list(struct json_reader *reader, const struct json_place *place, size_t *count_r, bool *plain_r,
                             enum auth *first_r)
{
    struct json_place member = place_member(place, "authentication");
    struct buf list;
    bool seen[AUTH_COUNT] = {false};
    bool many = json_is_array(member.value);
    *count_r = 0;
    *plain_r = false;
    if (member.value == NULL || (many && !reader_must_be_list(reader, &member, AUTH_METHODS_MAX)))
        return NULL;
    buf_init(&list, 0);
    size_t count = many ? place_size(&member) : 1;
    if (count == 0)
        reader_fail(reader, &member, "the list is empty");
    for (size_t i = 0; i < count && reader->status == STATUS_OK; i++) {
        struct json_place element = many ? place_element(&member, i) : member;
        const char *word = reader_text_of(reader, &element, 32);
        enum auth auth;
        if (word == NULL)
            break;
        if (!auth_parse(word, &auth)) {
            reader_fail(reader, &element, "authentication '%s' is unknown", word);
        } else if (!seen[auth]) {
            if ((*count_r)++ == 0)
                *first_r = auth;
            seen[auth] = true;
            *plain_r = *plain_r || auth == AUTH_PASSWORD_CLEARTEXT;
            buf_addf(&list, "%s%s", list.length > 0 ? ", " : "", auth_word(auth));
        }
    }
    const char *text = list.length > 0 ? arena_copy(reader->arena, list.data, list.length) : NULL;
    buf_free(&list);
    return text;
}

/* automx2's words, so that automx2 can go on with the same rows: it knows "plain" and not "password-cleartext". */
static const char *automx2_auth_word(enum auth auth)
{
    return auth == AUTH_PASSWORD_CLEARTEXT ? "plain" : auth_word(auth);
}

static void mail_server(struct json_reader *reader, const struct json_place *place, enum server_type type,
                        struct server_row *row)
{
    enum auth first = AUTH_PASSWORD_CLEARTEXT;
    enum security security = SECURITY_TLS;
    size_t count = 0;
    bool plain = false;
    const char *word = reader_text(reader, place, "socket_type", 32);
    if (place_given(place, "url"))
        fail_member(reader, place, "url", "this type of server is named by its host, in the member 'name'");
    if (word != NULL && !security_parse(word, &security))
        fail_member(reader, place, "socket_type", "it must be SSL, STARTTLS or plain");
    row->name = reader_text_required(reader, place, "name", NAME_MAX_CHARS);
    row->port = reader_number(reader, place, "port", 1, UINT16_MAX, server_type_port(type, security));
    row->port_given = true;
    if (word == NULL) /* automx2's rule */
        security = row->port == 465 || row->port == 993 || row->port == 995 ? SECURITY_TLS : SECURITY_STARTTLS;
    row->socket_type = security_word(security);
    row->user_name = reader_text(reader, place, "user_name", USER_MAX_CHARS);
    if (row->user_name == NULL)
        row->user_name = "%EMAILADDRESS%";
    const char *methods = auth_list(reader, place, &count, &plain, &first);
    row->authentication = automx2_auth_word(plain ? AUTH_PASSWORD_CLEARTEXT : first);
    if (count > 1)
        row->auth_methods = methods;
    row->table = "server";
    row->type = type == SERVER_POP3 ? "pop" : server_type_word(type);
}

static void dav_server(struct json_reader *reader, const struct json_place *place, enum server_type type,
                       unsigned version, struct server_row *row)
{
    enum auth first;
    size_t count = 0;
    bool plain = false;
    row->table = "davserver";
    row->type = server_type_word(type);
    row->url = reader_text_required(reader, place, "url", DAV_URL_MAX_CHARS);
    row->use_ssl = row->url != NULL && text_starts_nocase(row->url, "https:");
    row->port = reader_number(reader, place, "port", 0, UINT16_MAX, 0);
    row->port_given = true;
    row->domain_required = reader_truth(reader, place, "domain_required", version < 3);
    row->user_name = reader_text(reader, place, "user_name", USER_MAX_CHARS);
    if (row->user_name == NULL)
        row->user_name = "%EMAILADDRESS%";
    const char *methods = auth_list(reader, place, &count, &plain, &first);
    if (count > 1 || !plain)
        row->authentication = methods;
}

static void service(struct json_reader *reader, const struct json_place *place, enum server_type type,
                    struct server_row *row)
{
    enum auth first;
    size_t count = 0;
    bool plain = false;
    row->table = "service";
    row->type = server_type_word(type);
    if (server_type_has_url(type))
        row->url = reader_text_required(reader, place, "url", URL_MAX_CHARS);
    else
        row->name = reader_text_required(reader, place, "name", NAME_MAX_CHARS);
    row->socket_type = reader_text(reader, place, "socket_type", 32);
    row->port_given = place_given(place, "port");
    row->port = reader_number(reader, place, "port", 1, UINT16_MAX, 0);
    row->user_name = reader_text(reader, place, "user_name", 128);
    const char *methods = auth_list(reader, place, &count, &plain, &first);
    if (count > 1 || !plain)
        row->authentication = methods;
}

int seed_parse_server(struct seed_parser *parser, const struct json_place *place)
{
    static const char *const names[] = {
        "type", "name", "url", "port", "socket_type", "prio", "user_name", "authentication", "domain_required",
        "id",   NULL};
    struct json_reader *reader = &parser->reader;
    struct server_row row = {0};
    enum server_type type;
    if (!reader_must_be_object(reader, place))
        return NO_INDEX;
    reader_only(reader, place, names);
    const char *word = reader_text_required(reader, place, "type", 32);
    if (word == NULL)
        return NO_INDEX;
    bool known = server_type_parse(word, &type);
    bool dav = known && (type == SERVER_CALDAV || type == SERVER_CARDDAV);
    bool mail = known && (type == SERVER_IMAP || type == SERVER_POP3 || type == SERVER_SMTP);
    struct json_place type_place = place_member(place, "type");
    if (!known || (parser->version < 3 && !dav && !mail)) {
        reader_fail(reader, &type_place, "server type '%s' is unknown%s", word,
                    known ? " before format 3 (\"version\": 3)" : "");
        return NO_INDEX;
    }
    if (!dav && place_given(place, "domain_required"))
        fail_member(reader, place, "domain_required", "only caldav and carddav servers have it");
    if (server_type_has_url(type) && place_given(place, "name"))
        fail_member(reader, place, "name", "this type of server is named by a URL, in the member 'url'");
    if (server_type_has_url(type) && place_given(place, "socket_type"))
        fail_member(reader, place, "socket_type", "the beginning of the url says whether it is encrypted");
    row.prio = reader_number(reader, place, "prio", INT32_MIN, INT32_MAX, 10);
    if (mail)
        mail_server(reader, place, type, &row);
    else if (dav)
        dav_server(reader, place, type, parser->version, &row);
    else
        service(reader, place, type, &row);
    judge_server(reader, place, &row);
    if (reader->status != STATUS_OK || parser->seed->server_count == parser->server_room)
        return NO_INDEX;
    parser->seed->servers[parser->seed->server_count].row = row;
    return (int)parser->seed->server_count++;
}

static void one_ldap(struct seed_parser *parser, const struct json_place *place, struct seed_ldap *ldap)
{
    static const char *const names_2[] = {"id",   "name",    "search_base", "bind_user", "bind_password",
                                          "port", "use_ssl", "attr_uid",    "attr_cn",   "search_filter",
                                          NULL};
    static const char *const names_3[] = {
        "id",      "name",          "search_base", "bind_user", "bind_password", "port",  "use_ssl",     "attr_uid",
        "attr_cn", "search_filter", "starttls",    "verify",    "ca_file",       "scope", "bind_method", NULL};
    struct json_reader *reader = &parser->reader;
    struct ldap_row *row = &ldap->row;
    bool full = parser->version == 3;
    reader_only(reader, place, full ? names_3 : names_2);
    row->name = reader_text_required(reader, place, "name", NAME_MAX_CHARS);
    row->search_base = reader_text_required(reader, place, "search_base", NAME_MAX_CHARS);
    row->search_filter = reader_text(reader, place, "search_filter", NAME_MAX_CHARS);
    if (row->search_filter == NULL)
        row->search_filter = "(mail={0})";
    row->attr_uid = reader_text(reader, place, "attr_uid", 32);
    if (row->attr_uid == NULL)
        row->attr_uid = "uid";
    row->attr_cn = reader_text(reader, place, "attr_cn", 32);
    /* In format 3, null says that no full name is wanted. */
    if (row->attr_cn == NULL && !(full && json_object_get(place->value, "attr_cn") != NULL))
        row->attr_cn = "cn";
    if (full) {
        row->bind_user = reader_text(reader, place, "bind_user", NAME_MAX_CHARS);
        row->bind_password = reader_text(reader, place, "bind_password", NAME_MAX_CHARS);
    } else {
        row->bind_user = reader_text_required(reader, place, "bind_user", NAME_MAX_CHARS);
        row->bind_password = reader_text_required(reader, place, "bind_password", NAME_MAX_CHARS);
    }
    /* Judged as text, and used as it is, blanks and all. */
    if (reader->status == STATUS_OK && row->bind_password != NULL)
        row->bind_password =
            arena_text(reader->arena, json_string_value(json_object_get(place->value, "bind_password")));
    row->starttls = reader_truth(reader, place, "starttls", false);
    row->port = reader_number(reader, place, "port", 1, UINT16_MAX, row->starttls ? 389 : 636);
    row->use_ssl = reader_truth(reader, place, "use_ssl", row->port == 636);
    row->verify = reader_truth(reader, place, "verify", true);
    row->ca_file = reader_text(reader, place, "ca_file", 255);
    row->scope = reader_text(reader, place, "scope", 8);
    row->bind_method = reader_text(reader, place, "bind_method", 16);
    if (row->use_ssl && row->starttls)
        fail_member(reader, place, "starttls", "a server with use_ssl has no use for it");

    struct ldap_server server;
    struct error reason = {0};
    const char *member = "";
    if (reader->status == STATUS_OK && ldap_from_row(reader->arena, row, &server, &member, &reason) != STATUS_OK)
        fail_member(reader, place, member, reason.text);
}

void seed_parse_ldaps(struct seed_parser *parser, const struct json_place *list)
{
    struct json_reader *reader = &parser->reader;
    struct seed *seed = parser->seed;
    size_t count = place_size(list);
    if (count == 0 || reader->status != STATUS_OK)
        return;
    seed->ldaps = arena_array(reader->arena, count, sizeof(*seed->ldaps));
    for (size_t i = 0; seed->ldaps != NULL && reader->status == STATUS_OK && i < count; i++) {
        struct json_place place = place_element(list, i);
        if (!reader_must_be_object(reader, &place))
            return;
        struct json_place id = place_member(&place, "id");
        if (id.value == NULL)
            reader_fail(reader, &id, "this member is missing");
        else if (parser->version == 2 && !json_is_integer(id.value))
            reader_fail(reader, &id, "it must be a whole number");
        if (json_is_integer(id.value)) /* kept: other scripts may refer to it */
            seed->ldaps[i].wanted_id = reader_number(reader, &place, "id", 1, INT32_MAX, 0);
        const char *key = reader_key_of(reader, &id);
        if (key != NULL && !seed_remember(reader, parser->ldap_ids, key, (int)i))
            reader_fail(reader, &id, "another LDAP server has the id %s", key);
        one_ldap(parser, &place, &seed->ldaps[i]);
        seed->ldap_count++;
    }
}

static void links(struct json_reader *reader, const struct json_place *object, struct seed_provider *provider)
{
    static const char *const names[] = {"kind", "url", "language", "text", "media_type", "width", "height", NULL};
    struct json_place list = place_member(object, "links");
    if (list.value == NULL || !reader_must_be_list(reader, &list, LIST_MAX))
        return;
    struct link_row *rows = arena_array(reader->arena, place_size(&list) + 1, sizeof(*rows));
    for (size_t i = 0; rows != NULL && reader->status == STATUS_OK && i < place_size(&list); i++) {
        struct json_place place = place_element(&list, i);
        struct link link;
        struct error reason = {0};
        const char *member = "";
        if (!reader_must_be_object(reader, &place))
            return;
        reader_only(reader, &place, names);
        rows[i] = (struct link_row){
            .kind = reader_text_required(reader, &place, "kind", 32),
            .url = reader_text_required(reader, &place, "url", URL_MAX_CHARS),
            .language = reader_text(reader, &place, "language", 35),
            .text = reader_text(reader, &place, "text", 255),
            .media_type = reader_text(reader, &place, "media_type", 64),
            .width = reader_number(reader, &place, "width", 1, 16384, 0),
            .height = reader_number(reader, &place, "height", 1, 16384, 0),
        };
        if (reader->status == STATUS_OK && link_from_row(reader->arena, &rows[i], &link, &member, &reason) != STATUS_OK)
            fail_member(reader, &place, member, reason.text);
        provider->link_count++;
    }
    provider->links = rows;
}

static void consents(struct json_reader *reader, const struct json_place *object, struct seed_provider *provider)
{
    static const char *const names[] = {"language", "text", NULL};
    struct json_place list = place_member(object, "consents");
    if (list.value == NULL || !reader_must_be_list(reader, &list, LIST_MAX))
        return;
    struct consent *rows = arena_array(reader->arena, place_size(&list) + 1, sizeof(*rows));
    for (size_t i = 0; rows != NULL && reader->status == STATUS_OK && i < place_size(&list); i++) {
        struct json_place place = place_element(&list, i);
        if (!reader_must_be_object(reader, &place))
            return;
        reader_only(reader, &place, names);
        rows[i].language = reader_text(reader, &place, "language", 35);
        if (rows[i].language == NULL)
            rows[i].language = "default";
        rows[i].text = reader_text_required(reader, &place, "text", 4096);
        struct consent consent;
        struct error reason = {0};
        const char *member = "";
        if (reader->status == STATUS_OK &&
            consent_from_row(reader->arena, &rows[i], &consent, &member, &reason) != STATUS_OK)
            fail_member(reader, &place, member, reason.text);
        for (size_t j = 0; j < i; j++)
            if (text_equal_nocase(rows[j].language, rows[i].language))
                reader_fail(reader, &place, "language '%s' is there twice", rows[i].language);
        provider->consent_count++;
    }
    provider->consents = rows;
}

static void oauth2(struct json_reader *reader, const struct json_place *object, struct seed_provider *provider)
{
    static const char *const names[] = {"issuer", "scope", "auth_url", "token_url", "client_id", NULL};
    struct json_place place = place_member(object, "oauth2");
    struct oauth2 judged;
    struct error reason = {0};
    const char *member = "";
    if (place.value == NULL || !reader_must_be_object(reader, &place))
        return;
    reader_only(reader, &place, names);
    provider->oauth2 = (struct oauth2){
        .issuer = reader_text_required(reader, &place, "issuer", 255),
        .scope = reader_text(reader, &place, "scope", 512),
        .auth_url = reader_text(reader, &place, "auth_url", 255),
        .token_url = reader_text(reader, &place, "token_url", 255),
        .client_id = reader_text(reader, &place, "client_id", 255),
    };
    /* Judged as it stands in the file, which blanks around it do not survive. */
    if (reader->status == STATUS_OK)
        provider->oauth2.issuer = arena_text(reader->arena, json_string_value(json_object_get(place.value, "issuer")));
    if (reader->status == STATUS_OK &&
        oauth2_from_row(reader->arena, &provider->oauth2, &judged, &member, &reason) != STATUS_OK)
        fail_member(reader, &place, member, reason.text);
}

const char *seed_short_name(struct arena *arena, const char *name)
{
    size_t length = strcspn(name, " ");
    if (length > SHORT_NAME_MAX) /* bytes: at most as many characters as the column takes */
        for (length = SHORT_NAME_MAX; ((unsigned char)name[length] & 0xc0) == 0x80;)
            length--;
    return arena_copy(arena, name, length);
}

void seed_parse_provider(struct seed_parser *parser, const struct json_place *place, struct seed_provider *provider)
{
    static const char *const names[] = {"name",  "short_name", "organization", "servers", "domains",
                                        "links", "oauth2",     "consents",     NULL};
    struct json_reader *reader = &parser->reader;
    if (!reader_must_be_object(reader, place))
        return;
    reader_only(reader, place, names);
    provider->name = reader_text_required(reader, place, "name", NAME_MAX_CHARS);
    provider->short_name = reader_text(reader, place, "short_name", 32);
    provider->organization = reader_text(reader, place, "organization", NAME_MAX_CHARS);
    if (provider->name != NULL && provider->short_name == NULL)
        provider->short_name = seed_short_name(reader->arena, provider->name);
    links(reader, place, provider);
    consents(reader, place, provider);
    oauth2(reader, place, provider);
}
