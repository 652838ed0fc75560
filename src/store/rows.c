/* rows.c - judges rows: closed vocabularies, ports, hosts, URLs, clean text. */
/* SPDX-License-Identifier: MIT */
#include "store/rows.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "store/url.h"

const char *const link_words[] = {"webmail", "documentation", "developer", "contact", "logo", NULL};

enum { PRIO_DEFAULT = 10, LOGO_MAX = 16384 };

enum status text_take(struct arena *arena, const char *raw, const char **text_r, struct error *error_r)
{
    *text_r = NULL;
    if (raw == NULL)
        return STATUS_OK;
    size_t length = strlen(raw);
    if (length > TEXT_MAX)
        return error_set(error_r, STATUS_INVALID, "it is longer than %d bytes", TEXT_MAX);
    if (!text_utf8_valid(raw, length))
        return error_set(error_r, STATUS_INVALID, "it is no valid UTF-8");
    if (text_has_control(raw, length))
        return error_set(error_r, STATUS_INVALID, "it has control characters");
    char *copy = arena_copy(arena, raw, length);
    if (copy == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    copy = text_trim(copy);
    if (*copy != '\0')
        *text_r = copy;
    return STATUS_OK;
}

enum status rule_take(struct arena *arena, const char *raw, const char **name_r, struct error *error_r)
{
    static const char blanks[] = " \t\r\n";
    raw += strspn(raw, blanks);
    size_t length = strlen(raw);
    while (length > 0 && strchr(blanks, raw[length - 1]) != NULL)
        length--;
    return domain_rule_normalize(arena, raw, length, name_r, error_r);
}

/* The next word of a list such as "OAuth2, password-cleartext" into word; false at the end. */
static bool list_next(const char **cursor, char *word, size_t size)
{
    *cursor += strspn(*cursor, ", \t");
    if (**cursor == '\0')
        return false;
    /* Blanks inside of an item stay ("client IP"), the vocabulary will not know it and say so whole. */
    size_t length = strcspn(*cursor, ",");
    const char *start = *cursor;
    *cursor += length;
    while (length > 0 && (start[length - 1] == ' ' || start[length - 1] == '\t'))
        length--;
    if (length >= size)
        length = size - 1;
    memcpy(word, start, length);
    word[length] = '\0';
    return true;
}

static enum status auth_take(const char *list, struct server *server, struct error *error_r)
{
    char word[64];
    bool seen[AUTH_COUNT] = {false};
    if (list == NULL) {
        server->auth[0] = AUTH_PASSWORD_CLEARTEXT;
        server->auth_count = 1;
        return STATUS_OK;
    }
    while (list_next(&list, word, sizeof(word))) {
        enum auth auth;
        if (!auth_parse(word, &auth))
            return error_set(error_r, STATUS_INVALID, "authentication '%s' is unknown", word);
        if (seen[auth] || server->auth_count == AUTH_METHODS_MAX)
            continue;
        seen[auth] = true;
        server->auth[server->auth_count++] = auth;
    }
    if (server->auth_count == 0)
        return error_set(error_r, STATUS_INVALID, "the list of authentication methods is empty");
    return STATUS_OK;
}

/* davserver has a flag, a port and a URL that need not agree. automx2 goes by the flag and the port; the URL is made to
 * say the same, since some clients are given nothing else. An https URL is never made less than that. */
static enum status url_take(struct arena *arena, const struct server_row *row, const char *text, struct server *server,
                            const char **member_r, struct error *error_r)
{
    *member_r = "url";
    if (text == NULL)
        return error_set(error_r, STATUS_INVALID, "a %s server needs a url", server_type_word(server->type));
    struct url url;
    enum status status = url_parse(arena, text, &url, error_r);
    if (status != STATUS_OK)
        return status;
    enum security named = SECURITY_NONE;
    bool tls = url.https || row->use_ssl;
    if (row->socket_type != NULL && security_parse(row->socket_type, &named) && named == SECURITY_TLS)
        tls = true;
    if (tls && !url.https && url.port == 80)
        url.port = 0;
    url.https = tls;
    *member_r = "port";
    if (row->port_given && row->port != 0) {
        if (row->port < 0 || row->port > UINT16_MAX)
            return error_set(error_r, STATUS_INVALID, "port %lld is not within 1 to 65535", (long long)row->port);
        url.port = (uint16_t)row->port;
    }
    server->host = url.host;
    server->port = url.port != 0 ? url.port : url.https ? 443 : 80;
    server->security = tls ? SECURITY_TLS : SECURITY_NONE;
    server->url = url_text(arena, &url);
    server->domain_required = row->domain_required;
    return server->url == NULL ? error_set(error_r, STATUS_LIMIT, "memory is out") : STATUS_OK;
}

/* The security that a service has when its row does not say. */
static enum security security_default(enum server_type type, const struct server_row *row)
{
    for (enum security security = SECURITY_TLS; security > SECURITY_NONE; security--)
        if (row->port_given && row->port == server_type_port(type, security))
            return security;
    if (type == SERVER_MANAGESIEVE) /* has STARTTLS only (RFC 5804) */
        return SECURITY_STARTTLS;
    return row->port_given ? SECURITY_STARTTLS : SECURITY_TLS;
}

static enum status host_take(struct arena *arena, const struct server_row *row, const char *name,
                             const char *socket_type, struct server *server, const char **member_r,
                             struct error *error_r)
{
    *member_r = "name";
    if (name == NULL)
        return error_set(error_r, STATUS_INVALID, "the host name is empty");
    enum status status = host_parse(arena, name, &server->host, error_r);
    if (status != STATUS_OK)
        return status;

    *member_r = "socket_type";
    bool service = strcmp(row->table, "service") == 0;
    if (socket_type == NULL && service)
        server->security = security_default(server->type, row);
    else if (socket_type == NULL || !security_parse(socket_type, &server->security))
        return error_set(error_r, STATUS_INVALID, "socket_type '%s' is unknown", socket_type ? socket_type : "");

    *member_r = "port";
    if (!row->port_given && service)
        server->port = server_type_port(server->type, server->security);
    else if (row->port < 1 || row->port > UINT16_MAX)
        return error_set(error_r, STATUS_INVALID, "port %lld is not within 1 to 65535", (long long)row->port);
    else
        server->port = (uint16_t)row->port;
    return STATUS_OK;
}

/* Every text of a row is taken the same way: clean, trimmed, NULL when empty. */
struct text_field {
    const char *member;
    const char *raw;
    const char **text_r;
};

static enum status texts_take(struct arena *arena, const struct text_field *fields, size_t count, const char **member_r,
                              struct error *error_r)
{
    for (size_t i = 0; i < count; i++) {
        *member_r = fields[i].member;
        enum status status = text_take(arena, fields[i].raw, fields[i].text_r, error_r);
        if (status != STATUS_OK) {
            error_prefix(error_r, "%s: ", fields[i].member);
            return status;
        }
    }
    return STATUS_OK;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum status server_from_row(struct arena *arena, const struct server_row *row, struct server *server_r,
                            const char **member_r, struct error *error_r)
{
    struct server server = {.table = row->table, .id = row->id, .prio = PRIO_DEFAULT};
    if (row->prio >= INT32_MIN && row->prio <= INT32_MAX)
        server.prio = (int)row->prio;
    const char *type, *name, *url, *socket_type, *authentication, *auth_methods;
    const struct text_field fields[] = {
        {"type", row->type, &type},
        {"name", row->name, &name},
        {"url", row->url, &url},
        {"socket_type", row->socket_type, &socket_type},
        {"user_name", row->user_name, &server.user},
        {"authentication", row->authentication, &authentication},
        {"auth_methods", row->auth_methods, &auth_methods},
    };
    enum status status = texts_take(arena, fields, COUNT(fields), member_r, error_r);
    if (status != STATUS_OK)
        return status;

    *member_r = "type";
    if (type == NULL || !server_type_parse(type, &server.type))
        return error_set(error_r, STATUS_INVALID, "type '%s' is unknown", type ? type : "");
    if (server_type_has_url(server.type))
        status = url_take(arena, row, url, &server, member_r, error_r);
    else
        status = host_take(arena, row, name, socket_type, &server, member_r, error_r);
    if (status != STATUS_OK)
        return status;
    *member_r = auth_methods != NULL ? "auth_methods" : "authentication";
    status = auth_take(auth_methods != NULL ? auth_methods : authentication, &server, error_r);
    if (status == STATUS_OK)
        *server_r = server;
    return status;
}

const char *server_advice(const struct server *server)
{
    bool mail = server->type == SERVER_IMAP || server->type == SERVER_POP3 || server->type == SERVER_SMTP;
    bool tls_port = mail && (server->port == 993 || server->port == 995 || server->port == 465);
    if (mail && server->user != NULL && server->user[strspn(server->user, "0123456789")] == '\0')
        return "its user name is a number, from which Thunderbird takes leading zeros; use %EMAILADDRESS% or a name "
               "with a letter";
    bool password = false;
    for (size_t i = 0; i < server->auth_count; i++)
        password = password || server->auth[i] != AUTH_OAUTH2;
    if (tls_port && server->security == SECURITY_STARTTLS)
        return "its port speaks TLS from the first byte, yet socket_type says STARTTLS; SSL is meant";
    bool upgrade_port = server->port == 143 || server->port == 110 || server->port == 587 || server->port == 25;
    if (server->security == SECURITY_TLS && upgrade_port && !server_type_has_url(server->type))
        return "its port begins without TLS, yet socket_type says SSL; STARTTLS is meant";
    if (!password && !server_type_has_url(server->type))
        return "it takes OAuth2 only, which most clients can use with their built-in providers alone; "
               "add password-cleartext if it is possible at all";
    return NULL;
}

enum status ldap_from_row(struct arena *arena, const struct ldap_row *row, struct ldap_server *ldap_r,
                          const char **member_r, struct error *error_r)
{
    struct ldap_server ldap = {.id = row->id, .tls = row->use_ssl, .starttls = row->starttls, .verify = row->verify};
    const struct text_field fields[] = {
        {"name", row->name, &ldap.hosts},
        {"search_base", row->search_base, &ldap.base},
        {"search_filter", row->search_filter, &ldap.filter},
        {"attr_uid", row->attr_uid, &ldap.attr_login},
        {"attr_cn", row->attr_cn, &ldap.attr_name},
        {"bind_user", row->bind_user, &ldap.bind_dn},
        {"ca_file", row->ca_file, &ldap.ca_file},
        {"scope", row->scope, &ldap.scope},
        {"bind_method", row->bind_method, &ldap.bind_method},
    };
    enum status status = texts_take(arena, fields, COUNT(fields), member_r, error_r);
    if (status != STATUS_OK)
        return status;
    /* A password is used as it is, blanks and all. */
    if (row->bind_password != NULL && row->bind_password[0] != '\0')
        ldap.bind_password = arena_text(arena, row->bind_password);

    *member_r = "name";
    if (ldap.hosts == NULL)
        return error_set(error_r, STATUS_INVALID, "the host name is empty");
    *member_r = "port";
    if (row->port < 1 || row->port > UINT16_MAX)
        return error_set(error_r, STATUS_INVALID, "port %lld is not within 1 to 65535", (long long)row->port);
    ldap.port = (uint16_t)row->port;
    *member_r = "attr_uid";
    if (ldap.attr_login == NULL)
        return error_set(error_r, STATUS_INVALID, "the attribute of the login is empty");
    *member_r = "search_filter";
    if (ldap.filter == NULL)
        return error_set(error_r, STATUS_INVALID, "the search filter is empty");
    if (ldap.base == NULL)
        ldap.base = "";
    if (ldap.tls)
        ldap.starttls = false;

    static const char *const scopes[] = {"sub", "one", "base"};
    static const char *const methods[] = {"simple", "external", "anonymous"};
    const char *scope = ldap.scope != NULL ? ldap.scope : "sub";
    const char *method = ldap.bind_method != NULL ? ldap.bind_method : ldap.bind_dn != NULL ? "simple" : "anonymous";
    ldap.scope = ldap.bind_method = NULL;
    for (size_t i = 0; i < COUNT(scopes); i++) {
        if (text_equal_nocase(scope, scopes[i]))
            ldap.scope = scopes[i];
        if (text_equal_nocase(method, methods[i]))
            ldap.bind_method = methods[i];
    }
    *member_r = "scope";
    if (ldap.scope == NULL)
        return error_set(error_r, STATUS_INVALID, "scope '%s' is none of sub, one, base", scope);
    *member_r = "bind_method";
    if (ldap.bind_method == NULL)
        return error_set(error_r, STATUS_INVALID, "bind_method '%s' is none of simple, external, anonymous", method);
    *ldap_r = ldap;
    return STATUS_OK;
}

/* The form of a BCP 47 tag: words of letters and digits with hyphens between, the first one of letters. */
static enum status language_check(const char *language, struct error *error_r)
{
    const char *word = language;
    for (bool first = true; word != NULL; first = false) {
        size_t length = 0;
        while (isalpha((unsigned char)word[length]) || (!first && isdigit((unsigned char)word[length])))
            length++;
        if (length < (first ? 2 : 1) || length > 8 || (word[length] != '-' && word[length] != '\0'))
            return error_set(error_r, STATUS_INVALID, "'%.100s' is no language tag, such as en or pt-BR", language);
        word = word[length] == '-' ? word + length + 1 : NULL;
    }
    return STATUS_OK;
}

enum status link_from_row(struct arena *arena, const struct link_row *row, struct link *link_r, const char **member_r,
                          struct error *error_r)
{
    struct link link = {0};
    const char *kind;
    const struct text_field fields[] = {
        {"kind", row->kind, &kind},
        {"url", row->url, &link.url},
        {"language", row->language, &link.language},
        {"text", row->text, &link.text},
        {"media_type", row->media_type, &link.media_type},
    };
    enum status status = texts_take(arena, fields, COUNT(fields), member_r, error_r);
    if (status != STATUS_OK)
        return status;
    *member_r = "kind";
    bool known = false;
    for (unsigned i = 0; kind != NULL && link_words[i] != NULL; i++)
        if (text_equal_nocase(kind, link_words[i])) {
            link.kind = (enum link_kind)i;
            known = true;
        }
    if (!known)
        return error_set(error_r, STATUS_INVALID, "kind '%s' is unknown", kind ? kind : "");
    *member_r = "url";
    if (link.url == NULL)
        return error_set(error_r, STATUS_INVALID, "the url is empty");
    if (link.kind == LINK_CONTACT && text_starts_nocase(link.url, "mailto:")) {
        if (strpbrk(link.url, " \"<>\\^`|") != NULL || strchr(link.url, '@') == NULL)
            return error_set(error_r, STATUS_INVALID, "'%s' is no mailto: URL", link.url);
    } else {
        struct url url;
        status = url_parse(arena, link.url, &url, error_r);
        if (status != STATUS_OK)
            return status;
        link.url = url_text(arena, &url);
    }
    *member_r = "language";
    status = language_check(link.language, error_r);
    if (status != STATUS_OK)
        return status;
    if (row->width > 0 && row->width <= LOGO_MAX)
        link.width = (unsigned)row->width;
    if (row->height > 0 && row->height <= LOGO_MAX)
        link.height = (unsigned)row->height;
    *link_r = link;
    return STATUS_OK;
}

static enum status https_check(struct arena *arena, const char *text, struct error *error_r)
{
    struct url url;
    if (text == NULL)
        return STATUS_OK;
    enum status status = url_parse(arena, text, &url, error_r);
    if (status == STATUS_OK && !url.https)
        status = error_set(error_r, STATUS_INVALID, "'%s' does not begin with https://", text);
    return status;
}

enum status oauth2_from_row(struct arena *arena, const struct oauth2 *row, struct oauth2 *oauth2_r,
                            const char **member_r, struct error *error_r)
{
    struct oauth2 oauth2 = {0};
    const struct text_field fields[] = {
        {"scope", row->scope, &oauth2.scope},
        {"auth_url", row->auth_url, &oauth2.auth_url},
        {"token_url", row->token_url, &oauth2.token_url},
        {"client_id", row->client_id, &oauth2.client_id},
    };
    enum status status = texts_take(arena, fields, COUNT(fields), member_r, error_r);
    if (status != STATUS_OK)
        return status;
    *member_r = "issuer";
    status = issuer_check(row->issuer != NULL ? row->issuer : "", error_r);
    if (status != STATUS_OK)
        return status;
    oauth2.issuer = arena_text(arena, row->issuer); /* not trimmed: it is compared byte for byte */
    *member_r = "auth_url";
    status = https_check(arena, oauth2.auth_url, error_r);
    if (status != STATUS_OK)
        return status;
    *member_r = "token_url";
    status = https_check(arena, oauth2.token_url, error_r);
    if (status == STATUS_OK)
        *oauth2_r = oauth2;
    return status;
}

enum status consent_from_row(struct arena *arena, const struct consent *row, struct consent *consent_r,
                             const char **member_r, struct error *error_r)
{
    struct consent consent = {0};
    const struct text_field fields[] = {
        {"language", row->language, &consent.language},
        {"text", row->text, &consent.text},
    };
    enum status status = texts_take(arena, fields, COUNT(fields), member_r, error_r);
    if (status != STATUS_OK)
        return status;
    if (consent.language == NULL)
        consent.language = "default";
    *member_r = "language";
    status = language_check(consent.language, error_r);
    if (status != STATUS_OK)
        return status;
    *member_r = "text";
    if (consent.text == NULL)
        return error_set(error_r, STATUS_INVALID, "the text is empty");
    *consent_r = consent;
    return STATUS_OK;
}

enum status types_off_parse(const char *text, unsigned *types_r, struct error *error_r)
{
    char word[64];
    *types_r = 0;
    while (text != NULL && list_next(&text, word, sizeof(word))) {
        enum server_type type;
        if (!server_type_parse(word, &type))
            return error_set(error_r, STATUS_INVALID, "type '%s' is unknown", word);
        *types_r |= 1u << type;
    }
    return STATUS_OK;
}
