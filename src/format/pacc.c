/* pacc.c - the JSON document of PACC: services on their fixed ports, the same bytes for everybody. */
/* SPDX-License-Identifier: MIT */
#include "format/pacc.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/text.h"
#include "format/format.h"
#include "format/parts.h"

enum { NAME_MAX_CHARACTERS = 60, SHORT_NAME_MAX_CHARACTERS = 20 };

static const auth_set password_auths = 1u << AUTH_PASSWORD_CLEARTEXT | 1u << AUTH_PASSWORD_ENCRYPTED;
static const auth_set oauth_auths = 1u << AUTH_OAUTH2;

/* What the document has a member for. ManageSieve has one too, but no port on which TLS begins at once, as every
 * service here must; Exchange's protocols have none. */
struct service {
    enum server_type type;
    const char *member;
    uint16_t port;
    bool needs_path; /* the URL must lead to the service, not to the host alone */
};

static const struct service services[] = {
    {SERVER_IMAP, "imap", 993, false},    {SERVER_POP3, "pop3", 995, false},    {SERVER_SMTP, "submit", 465, false},
    {SERVER_JMAP, "jmap", 443, false},    {SERVER_CALDAV, "caldav", 443, true}, {SERVER_CARDDAV, "carddav", 443, true},
    {SERVER_WEBDAV, "webdav", 443, true},
};
enum { SERVICE_COUNT = sizeof services / sizeof services[0] };

static bool url_fits(const char *url, bool needs_path)
{
    static const char scheme[] = "https://";

    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *host = url + sizeof scheme - 1;
    size_t host_length = strcspn(host, "/?#");
    const char *path = host + host_length;

    if (host_length == 0 || memchr(host, ':', host_length) != NULL || memchr(host, '@', host_length) != NULL)
        return false;
    return !needs_path || (path[0] == '/' && path[1] != '\0' && path[1] != '?' && path[1] != '#');
}

/* With nobody's address given, a user name that is always the address is written as its placeholder. */
static bool user_is_address(const struct account *account, const struct server *server)
{
    struct buf user;

    buf_init(&user, 0);
    bool same = account_user(account, server, EXPAND_KEEP, &user) && !buf_failed(&user) &&
                strcmp(user.data, "%EMAILADDRESS%") == 0;
    buf_free(&user);
    return same;
}

/* Why a server cannot be in the document, which has no port, no STARTTLS and no user name; or NULL. value_r takes its
 * host or URL. */
static const char *misfit(const struct account *account, const struct server *server, const struct service *service,
                          bool has_issuer, struct buf *value_r)
{
    if (server->security != SECURITY_TLS)
        return "it has no TLS from the start";
    if (server->port != service->port)
        return "it is not on the registered port";
    if (account->config->ldap != NULL || account->config->has_user_query || !user_is_address(account, server))
        return "its user name is not always the e-mail address";
    if (!server_has_auth(server, password_auths) && !server_has_auth(server, oauth_auths))
        return "it takes neither a password nor OAuth2";
    if (!server_has_auth(server, password_auths) && !has_issuer)
        return "it takes OAuth2 only, and the provider has no issuer";
    if (!server_type_has_url(server->type)) {
        if (parts_host(account, server, value_r) == NULL)
            return "its host name cannot be written without an address";
        return strchr(value_r->data, ':') == NULL ? NULL : "its host is an address, not a name";
    }
    if (parts_url(account, server, value_r) == NULL)
        return "its URL cannot be written without an address";
    if (!url_fits(value_r->data, service->needs_path))
        return service->needs_path ? "its URL is not https with a path and without a port"
                                   : "its URL is not https without a port";
    return NULL;
}

/* What goes into the document: at most one server a member. */
struct selection {
    const struct server *server[SERVICE_COUNT];
    struct buf value[SERVICE_COUNT];
};

/* Takes the first server of a type that fits. The others are alternatives then; when none fits, the log says why.
 * It is no warning: nothing is wrong with such a server. */
static void select_server(const struct account *account, size_t index, bool has_issuer, struct selection *selection)
{
    const struct domain *config = account->config;
    const struct service *service = &services[index];

    for (size_t i = 0; i < config->server_count; i++) {
        const struct server *server = &config->servers[i];

        if (server->type == service->type &&
            misfit(account, server, service, has_issuer, &selection->value[index]) == NULL) {
            selection->server[index] = server;
            return;
        }
    }
    for (size_t i = 0; i < config->server_count; i++) {
        const struct server *server = &config->servers[i];

        if (server->type == service->type)
            log_info_once("%s %" PRId64 " (%s): left out of the PACC document, because %s", server->table, server->id,
                          server_type_word(server->type),
                          misfit(account, server, service, has_issuer, &selection->value[index]));
    }
}

static bool all_have(const struct selection *selection, auth_set usable)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (selection->server[i] != NULL && !server_has_auth(selection->server[i], usable))
            return false;
    }
    return true;
}

/* The document speaks of all its services at once: where no method is common to all of them, those without a password
 * are left out. */
static void agree_on_auth(struct selection *selection, bool has_issuer)
{
    if (all_have(selection, password_auths) || (has_issuer && all_have(selection, oauth_auths)))
        return;
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        const struct server *server = selection->server[i];

        if (server == NULL || server_has_auth(server, password_auths))
            continue;
        log_info_once("%s %" PRId64 " (%s): left out of the PACC document, because it takes no password and other "
                      "services of the domain no OAuth2",
                      server->table, server->id, server_type_word(server->type));
        selection->server[i] = NULL;
    }
}

/* A name as the document wants it: no blanks at its ends, and single ones inside. NULL when nothing is left. */
static json_t *name_json(const struct account *account, const char *name, size_t max)
{
    struct buf value;
    size_t length = 0;

    buf_init(&value, 0);
    parts_text(account, name, max, &value);
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] != ' ' || (length > 0 && value.data[length - 1] != ' '))
            value.data[length++] = value.data[i];
    }
    json_t *json = length > 0 && !buf_failed(&value) ? json_stringn(value.data, length) : NULL;
    buf_free(&value);
    return json;
}

static bool is_visible_ascii(const char *text)
{
    while (*text > ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

/* A link that is the same for everybody, begins as it must and is written as a URL, or NULL. */
static json_t *url_json(const struct account *account, const char *url, const char *scheme)
{
    struct buf value;
    json_t *json = NULL;

    buf_init(&value, 0);
    if (!parts_needs_person(url) && text_starts_nocase(parts_text(account, url, 0, &value), scheme) &&
        is_visible_ascii(value.data))
        json = json_stringn(value.data, value.length);
    buf_free(&value);
    return json;
}

/* The document knows no languages: the link that names none, else the English one, else the first. */
static const struct link *best_link(const struct provider *provider, enum link_kind kind)
{
    const struct link *best = NULL;

    for (size_t i = 0; i < provider->link_count; i++) {
        const struct link *link = &provider->links[i];

        if (link->kind != kind)
            continue;
        if (link->language == NULL)
            return link;
        if (best == NULL || (text_starts_nocase(link->language, "en") && !text_starts_nocase(best->language, "en")))
            best = link;
    }
    return best;
}

/* json_object_set_new() takes over value, also when it fails; a value of NULL is left out. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return value == NULL || json_object_set_new(object, key, value) == 0;
}

static bool set_unless_empty(json_t *object, const char *key, json_t *value)
{
    if (json_object_size(value) > 0 || json_array_size(value) > 0)
        return set(object, key, value);
    json_decref(value);
    return true;
}

static json_t *protocols_json(const struct selection *selection)
{
    json_t *protocols = json_object();
    bool good = protocols != NULL;

    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (selection->server[i] == NULL)
            continue;
        json_t *service = json_object();
        json_t *value = json_stringn(selection->value[i].data, selection->value[i].length);
        const char *key = server_type_has_url(services[i].type) ? "url" : "host";

        good = value != NULL && set(service, key, value) && good;
        good = service != NULL && set(protocols, services[i].member, service) && good;
    }
    if (!good)
        json_decref(protocols);
    return good ? protocols : NULL;
}

static json_t *authentication_json(const struct selection *selection, const char *issuer)
{
    json_t *authentication = json_object();
    bool oauth = issuer != NULL && all_have(selection, oauth_auths);
    bool good = set(authentication, "password", json_boolean(all_have(selection, password_auths)));

    /* The issuer is kept byte for byte: clients compare it. */
    if (oauth)
        good = set(authentication, "oauth-public", json_pack("{s:s}", "issuer", issuer)) && good;
    if (!good)
        json_decref(authentication);
    return good ? authentication : NULL;
}

static json_t *logos_json(const struct account *account, const struct provider *provider)
{
    json_t *logos = json_array();

    for (size_t i = 0; i < provider->link_count; i++) {
        const struct link *link = &provider->links[i];
        bool usable = link->kind == LINK_LOGO && link->media_type != NULL; /* the document demands the type */
        json_t *url = usable ? url_json(account, link->url, "https://") : NULL;

        if (url == NULL)
            continue;
        json_t *logo = json_object();
        set(logo, "url", url);
        set(logo, "content-type", json_string(link->media_type));
        set(logo, "width", link->width > 0 ? json_integer(link->width) : NULL);
        set(logo, "height", link->height > 0 ? json_integer(link->height) : NULL);
        json_array_append_new(logos, logo);
    }
    return logos;
}

static json_t *help_json(const struct account *account, const struct provider *provider)
{
    json_t *help = json_object();
    json_t *contacts = json_array();
    const struct link *documentation = best_link(provider, LINK_DOCUMENTATION);
    const struct link *developer = best_link(provider, LINK_DEVELOPER);

    for (size_t i = 0; i < provider->link_count; i++) {
        json_t *contact =
            provider->links[i].kind == LINK_CONTACT ? url_json(account, provider->links[i].url, "mailto:") : NULL;

        if (contact != NULL)
            json_array_append_new(contacts, contact);
    }
    set(help, "documentation", documentation != NULL ? url_json(account, documentation->url, "https://") : NULL);
    set(help, "developer", developer != NULL ? url_json(account, developer->url, "https://") : NULL);
    set_unless_empty(help, "contact", contacts);
    return help;
}

static json_t *info_json(const struct account *account)
{
    const struct provider *config = account->config->provider;
    json_t *info = json_object();
    json_t *provider = json_object();
    json_t *name = name_json(account, config->name, NAME_MAX_CHARACTERS);

    /* The name is mandatory; the domain's own takes its place. */
    set(provider, "name", name != NULL ? name : name_json(account, account->domain, NAME_MAX_CHARACTERS));
    set(provider, "shortName", name_json(account, config->short_name, SHORT_NAME_MAX_CHARACTERS));
    set_unless_empty(provider, "logo", logos_json(account, config));
    set(info, "provider", provider);
    set_unless_empty(info, "help", help_json(account, config));
    return info;
}

static int add_bytes(const char *bytes, size_t size, void *context)
{
    buf_add(context, bytes, size);
    return 0;
}

static bool write_document(const struct account *account, const struct selection *selection, const char *issuer,
                           struct buf *out)
{
    json_t *protocols = protocols_json(selection);
    json_t *authentication = authentication_json(selection, issuer);
    json_t *info = info_json(account);
    json_t *document = json_object();
    bool good = protocols != NULL && authentication != NULL && info != NULL;

    good = set(document, "protocols", protocols) && good;
    good = set(document, "authentication", authentication) && good;
    good = set(document, "info", info) && good;
    /* The digest in the DNS is of these bytes: sorted, compact, nothing that changes by itself. */
    good = good && json_dump_callback(document, add_bytes, out, JSON_COMPACT | JSON_SORT_KEYS) == 0;
    json_decref(document);
    return good && !buf_failed(out);
}

/* The issuer as it stands, when a client could use it. */
static const char *usable_issuer(const struct account *account)
{
    const struct oauth2 *oauth2 = account->config->provider->oauth2;

    if (oauth2 == NULL || oauth2->issuer == NULL || strncmp(oauth2->issuer, "https://", 8) != 0 ||
        strpbrk(oauth2->issuer, "?#@ ") != NULL)
        return NULL;
    return oauth2->issuer;
}

static enum status render(const struct document_request *request, struct buf *out, struct error *error_r)
{
    /* The same for everybody: whoever asks is left out before anything is read. */
    const struct account account = {.domain = request->accounts[0].domain, .config = request->accounts[0].config};
    const char *issuer = usable_issuer(&account);
    struct selection selection = {0};
    enum status status = STATUS_NOT_FOUND;

    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        buf_init(&selection.value[i], 0);
        select_server(&account, i, issuer != NULL, &selection);
    }
    agree_on_auth(&selection, issuer != NULL);

    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (selection.server[i] != NULL)
            status = STATUS_OK;
    }
    if (status != STATUS_OK)
        error_set(error_r, status,
                  "There is no PACC document for %s: none of its services fits (TLS on the registered port, and the "
                  "e-mail address as user name).",
                  account.domain);
    else if (!write_document(&account, &selection, issuer, out))
        status = error_set(error_r, STATUS_LIMIT, "The PACC document could not be made: out of memory.");

    for (size_t i = 0; i < SERVICE_COUNT; i++)
        buf_free(&selection.value[i]);
    return status;
}

void pacc_digest(const struct buf *document, char digest_r[DIGEST_SHA256_TEXT_SIZE])
{
    digest_sha256_text(document->data, document->length, digest_r);
}

void pacc_txt_record(const struct buf *document, struct buf *out)
{
    char digest[DIGEST_SHA256_TEXT_SIZE];

    pacc_digest(document, digest);
    buf_addf(out, "v=UAAC1; a=sha256; d=%s", digest);
}

static bool is_shared(const struct document_request *request)
{
    return true;
}

const struct format format_pacc = {
    .name = "pacc",
    .content_type = "application/json",
    .slot = FORMAT_SLOT_PACC,
    .is_shared = is_shared,
    .render = render,
};
