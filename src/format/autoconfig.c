/* autoconfig.c - Mozilla's clientConfig 1.1, with the elements of draft-ietf-mailmaint-autoconfig after the servers. */
/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/xml.h"
#include "format/format.h"
#include "format/parts.h"

/* The draft's upper bounds, in characters. */
enum { DISPLAY_NAME_MAX = 60, DISPLAY_SHORT_NAME_MAX = 20 };

enum place {
    MAIL,           /* emailProvider, named by host and port */
    PROVIDER,       /* emailProvider, behind the mail servers */
    AFTER_PROVIDER, /* clientConfig */
};

/* The document's order. FairEmail and Geary look at the first incomingServer alone, which has to be IMAP. */
static const struct section {
    enum server_type type;
    enum place place;
    const char *element;
    const char *word; /* of the draft's registry */
} sections[] = {
    {SERVER_IMAP, MAIL, "incomingServer", "imap"},
    {SERVER_POP3, MAIL, "incomingServer", "pop3"},
    {SERVER_SMTP, MAIL, "outgoingServer", "smtp"},
    {SERVER_JMAP, PROVIDER, "incomingServer", "jmap"},
    {SERVER_EWS, PROVIDER, "incomingServer", "ews"},
    {SERVER_ACTIVESYNC, PROVIDER, "incomingServer", "activeSync"},
    {SERVER_CALDAV, AFTER_PROVIDER, "calendar", "caldav"},
    {SERVER_CARDDAV, AFTER_PROVIDER, "addressbook", "carddav"},
    {SERVER_WEBDAV, AFTER_PROVIDER, "fileShare", "webdav"},
    {SERVER_MANAGESIEVE, AFTER_PROVIDER, "setupServer", "managesieve"},
};
enum { SECTION_COUNT = sizeof(sections) / sizeof(sections[0]) };

/* Thunderbird for Android refuses the whole file for one IMAP or SMTP server that has none of these. */
static const auth_set mail_auth = 1u << AUTH_PASSWORD_CLEARTEXT | 1u << AUTH_PASSWORD_ENCRYPTED | 1u << AUTH_OAUTH2;
static const auth_set any_auth = (1u << AUTH_COUNT) - 1;

/* What an HTTP service can ask for, in the draft's words; NULL: it has none for it. */
static const char *const http_auth[AUTH_COUNT] = {
    [AUTH_PASSWORD_CLEARTEXT] = "Basic",
    [AUTH_PASSWORD_ENCRYPTED] = "Digest",
    [AUTH_OAUTH2] = "OAuth2",
};
static const auth_set url_auth = 1u << AUTH_PASSWORD_CLEARTEXT | 1u << AUTH_PASSWORD_ENCRYPTED | 1u << AUTH_OAUTH2;

struct autoconfig {
    struct xml xml;
    const struct account *account;
    struct buf value;     /* one text at a time */
    struct buf mail_user; /* the user name of the last mail server */
    size_t mail_servers;  /* written so far */
};

static void write_user(struct autoconfig *doc, const struct section *section, const struct server *server)
{
    const char *user = parts_user(doc->account, server, EXPAND_KEEP, &doc->value);
    if (!user)
        return;
    if (section->place == MAIL) {
        buf_clear(&doc->mail_user);
        buf_adds(&doc->mail_user, user);
    } else if (doc->mail_user.length > 0 && strcmp(user, doc->mail_user.data) != 0) {
        return; /* FairEmail logs in to IMAP with the last user name of the whole document */
    }
    xml_element(&doc->xml, "username", user);
}

static void open_section(struct autoconfig *doc, const struct section *section)
{
    xml_open(&doc->xml, section->element);
    xml_attribute(&doc->xml, "type", section->word); /* Evolution refuses the document for any other attribute here */
}

static bool write_host_server(struct autoconfig *doc, const struct section *section, const struct server *server)
{
    const char *host = parts_host(doc->account, server, &doc->value);
    if (!host)
        return false;
    open_section(doc, section);
    xml_element(&doc->xml, "hostname", host);
    xml_element_number(&doc->xml, "port", server->port);
    xml_element(&doc->xml, "socketType", security_word(server->security));
    for (size_t i = 0; i < server->auth_count; i++)
        xml_element(&doc->xml, "authentication", auth_word(server->auth[i]));
    write_user(doc, section, server);
    xml_close(&doc->xml);
    return true;
}

static bool write_url_server(struct autoconfig *doc, const struct section *section, const struct server *server)
{
    const char *url = parts_url(doc->account, server, &doc->value);
    if (!url)
        return false;
    open_section(doc, section);
    xml_element(&doc->xml, "url", url);
    for (size_t i = 0; i < server->auth_count; i++) {
        const char *word = http_auth[server->auth[i]];
        if (!word)
            continue;
        xml_open(&doc->xml, "authentication");
        if (server->auth[i] != AUTH_OAUTH2)
            xml_attribute(&doc->xml, "system", "http");
        xml_text(&doc->xml, word);
        xml_close(&doc->xml);
    }
    write_user(doc, section, server);
    xml_close(&doc->xml);
    return true;
}

/* Thunderbird for Android refuses the whole file for one plain server, too: such a one is told only when its type has
 * no other. Returns how many are left. */
static size_t leave_out_plain(const struct server **servers, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (servers[i]->security != SECURITY_NONE)
            servers[kept++] = servers[i];
    }
    if (kept > 0 || count == 0)
        return kept;
    log_warning_once("%s %" PRId64 " is without encryption and there is no other %s server: some clients will refuse "
                     "the whole autoconfig document; offer TLS or STARTTLS",
                     servers[0]->table, servers[0]->id, server_type_word(servers[0]->type));
    return count;
}

static void write_sections(struct autoconfig *doc, enum place place)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const struct section *section = &sections[i];
        if (section->place != place)
            continue;
        bool has_url = server_type_has_url(section->type);
        auth_set usable = place == MAIL ? mail_auth : has_url ? url_auth : any_auth;
        const struct server *servers[PARTS_SERVERS_MAX];
        size_t count = account_servers(doc->account, section->type, usable, place == MAIL, format_autoconfig.name,
                                       servers, PARTS_SERVERS_MAX);
        if (place == MAIL)
            count = leave_out_plain(servers, count);
        for (size_t k = 0; k < count; k++) {
            bool written =
                has_url ? write_url_server(doc, section, servers[k]) : write_host_server(doc, section, servers[k]);
            if (written && place != AFTER_PROVIDER)
                doc->mail_servers++;
        }
    }
}

static void write_names(struct autoconfig *doc)
{
    const struct provider *provider = doc->account->config->provider;
    const char *name = parts_text(doc->account, provider->name, DISPLAY_NAME_MAX, &doc->value);
    if (!*name) /* Thunderbird shows "true" for an empty one */
        name = parts_text(doc->account, doc->account->domain, DISPLAY_NAME_MAX, &doc->value);
    xml_element(&doc->xml, "displayName", name);
    xml_element(&doc->xml, "displayShortName",
                parts_text(doc->account, provider->short_name, DISPLAY_SHORT_NAME_MAX, &doc->value));
}

/* One element for each page, with a description in each of its languages. */
static void write_documentation(struct autoconfig *doc)
{
    const struct provider *provider = doc->account->config->provider;
    for (size_t i = 0; i < provider->link_count; i++) {
        const struct link *page = &provider->links[i];
        bool again = page->kind != LINK_DOCUMENTATION;
        for (size_t k = 0; k < i && !again; k++)
            again = provider->links[k].kind == LINK_DOCUMENTATION && strcmp(provider->links[k].url, page->url) == 0;
        if (again)
            continue;
        xml_open(&doc->xml, "documentation");
        xml_attribute(&doc->xml, "url", parts_text(doc->account, page->url, 0, &doc->value));
        for (size_t k = i; k < provider->link_count; k++) {
            const struct link *link = &provider->links[k];
            if (link->kind != LINK_DOCUMENTATION || !link->text || strcmp(link->url, page->url) != 0)
                continue;
            xml_open(&doc->xml, "descr");
            xml_attribute(&doc->xml, "lang", link->language);
            xml_text(&doc->xml, parts_text(doc->account, link->text, 0, &doc->value));
            xml_close(&doc->xml);
        }
        xml_close(&doc->xml);
    }
}

static void write_oauth2(struct autoconfig *doc)
{
    const struct oauth2 *oauth2 = doc->account->config->provider->oauth2;
    if (!oauth2)
        return;
    xml_open(&doc->xml, "oAuth2");
    xml_element(&doc->xml, "authURL", parts_text(doc->account, oauth2->auth_url, 0, &doc->value));
    xml_element(&doc->xml, "tokenURL", parts_text(doc->account, oauth2->token_url, 0, &doc->value));
    xml_element(&doc->xml, "issuer", oauth2->issuer); /* byte for byte */
    xml_element(&doc->xml, "scope", oauth2->scope);
    xml_element(&doc->xml, "clientID", oauth2->client_id);
    xml_close(&doc->xml);
}

static void write_webmail(struct autoconfig *doc)
{
    const struct provider *provider = doc->account->config->provider;
    for (size_t i = 0; i < provider->link_count; i++) {
        if (provider->links[i].kind != LINK_WEBMAIL)
            continue;
        xml_open(&doc->xml, "webMail");
        xml_open(&doc->xml, "loginPage");
        xml_attribute(&doc->xml, "url", parts_text(doc->account, provider->links[i].url, 0, &doc->value));
        xml_close(&doc->xml);
        xml_close(&doc->xml);
        return; /* the format has room for one */
    }
}

static enum status autoconfig_render(const struct document_request *request, struct buf *out, struct error *error_r)
{
    const struct account *account = request->accounts;
    struct autoconfig doc = {.account = account};
    enum status status = STATUS_OK;
    buf_init(&doc.value, 0);
    buf_init(&doc.mail_user, 0);

    xml_begin(&doc.xml, out);
    xml_open(&doc.xml, "clientConfig");
    xml_attribute(&doc.xml, "version", "1.1");
    xml_open(&doc.xml, "emailProvider");
    xml_attribute(&doc.xml, "id", account->domain);
    xml_element(&doc.xml, "domain", account->domain);
    write_names(&doc);
    write_sections(&doc, MAIL);
    write_sections(&doc, PROVIDER);
    write_documentation(&doc);
    xml_close(&doc.xml);
    write_sections(&doc, AFTER_PROVIDER);
    write_oauth2(&doc);
    write_webmail(&doc);
    xml_end(&doc.xml);

    if (buf_failed(out) || buf_failed(&doc.value) || buf_failed(&doc.mail_user))
        status = error_set(error_r, STATUS_LIMIT, "there is no memory for the document");
    else if (doc.mail_servers == 0) /* Evolution and Delta Chat end their search at a document without servers */
        status = error_set(error_r, STATUS_NOT_FOUND, "%s has no mail server that a mail client could be told of",
                           account->domain);
    buf_free(&doc.value);
    buf_free(&doc.mail_user);
    return status;
}

static bool any_needs_person(const struct domain *config)
{
    const struct provider *provider = config->provider;
    bool person = parts_needs_person(provider->name) || parts_needs_person(provider->short_name);
    for (size_t i = 0; i < config->server_count; i++)
        person = person || parts_needs_person(config->servers[i].host) || parts_needs_person(config->servers[i].url);
    for (size_t i = 0; i < provider->link_count; i++)
        person = person || parts_needs_person(provider->links[i].url) || parts_needs_person(provider->links[i].text);
    if (provider->oauth2)
        person =
            person || parts_needs_person(provider->oauth2->auth_url) || parts_needs_person(provider->oauth2->token_url);
    return person;
}

/* User names keep their placeholders, so nothing personal is left unless a look-up or a host name brings it in. Where a
 * host name would, the answer that is kept is the one to a request that named nobody. */
static bool autoconfig_is_shared(const struct document_request *request)
{
    const struct account *account = request->accounts;
    return !account->login && account->variable_count == 0 && (!account->address || !any_needs_person(account->config));
}

const struct format format_autoconfig = {
    .name = "autoconfig",
    .content_type = "text/xml; charset=utf-8",
    .slot = FORMAT_SLOT_AUTOCONFIG,
    .wants_person = true,
    .is_shared = autoconfig_is_shared,
    .render = autoconfig_render,
};
