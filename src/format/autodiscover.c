/* autodiscover.c - Autodiscover's POX answer in the Outlook schema (MS-OXDSCLI), with DAV for eM Client. */
/* SPDX-License-Identifier: MIT */
#include "format/autodiscover.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/text.h"
#include "base/xml.h"
#include "format/format.h"
#include "format/parts.h"

enum {
    PASSWORD = 1u << AUTH_PASSWORD_CLEARTEXT | 1u << AUTH_PASSWORD_ENCRYPTED,
    NEGOTIATED = 1u << AUTH_NTLM | 1u << AUTH_GSSAPI,
    UNASKED = 1u << AUTH_NONE | 1u << AUTH_CLIENT_IP | 1u << AUTH_SMTP_AFTER_POP,
    ANY = (1u << AUTH_COUNT) - 1,
};

static const struct {
    enum server_type type;
    const char *word;
} mail_types[] = {{SERVER_IMAP, "IMAP"}, {SERVER_POP3, "POP3"}, {SERVER_SMTP, "SMTP"}},
  dav_types[] = {{SERVER_CALDAV, "CalDAV"}, {SERVER_CARDDAV, "CardDAV"}};
enum { MAIL_TYPES = sizeof(mail_types) / sizeof(mail_types[0]), DAV_TYPES = sizeof(dav_types) / sizeof(dav_types[0]) };

/* STARTTLS is on and TLS: Thunderbird and Delta Chat read SSL off as no encryption at all. */
static const struct {
    const char *ssl, *encryption;
} security_words[] = {
    [SECURITY_NONE] = {"off", "None"},
    [SECURITY_STARTTLS] = {"on", "TLS"},
    [SECURITY_TLS] = {"on", "SSL"},
};

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

/* The document has no word for a method: Outlook asks for a password and sends it plainly or, with SPA, by NTLM. So a
 * server that takes one of these is preferred, and another one told only when there is nothing else. */
static const struct server *choose(const struct account *account, enum server_type type)
{
    const struct server *server = account_best_server(account, type, PASSWORD | 1u << AUTH_NTLM);
    if (!server && type == SERVER_SMTP)
        server = account_best_server(account, type, UNASKED);
    if (server)
        return server;
    server = account_best_server(account, type, ANY);
    if (server)
        log_warning_once("autodiscover: %s %" PRId64 " is the only %s server and takes neither a password nor NTLM, "
                         "which is all that Outlook could use; add a password method or another server",
                         server->table, server->id, server_type_word(type));
    return server;
}

/* The order is the one of Microsoft's own samples. Everything is said, since the defaults are wrong for most: SPA is on
 * when it is absent, and the login is then the part before the @. */
static bool write_mail(struct xml *xml, const struct account *account, enum server_type type, const char *word,
                       struct buf *value)
{
    const struct server *server = choose(account, type);
    const char *host = server ? parts_host(account, server, value) : NULL;
    if (!host)
        return false;
    xml_open(xml, "Protocol");
    xml_element(xml, "Type", word);
    xml_element(xml, "Server", host);
    xml_element_number(xml, "Port", server->port);
    xml_element(xml, "LoginName", parts_user(account, server, EXPAND_ALL, value));
    xml_element(xml, "DomainRequired", "off");
    xml_element(xml, "SPA", on_off(!server_has_auth(server, PASSWORD) && server_has_auth(server, NEGOTIATED)));
    xml_element(xml, "SSL", security_words[server->security].ssl);
    xml_element(xml, "Encryption", security_words[server->security].encryption);
    bool unasked = type == SERVER_SMTP && !server_has_auth(server, ANY & ~UNASKED);
    xml_element(xml, "AuthRequired", on_off(!unasked));
    if (type == SERVER_SMTP) {
        xml_element(xml, "UsePOPAuth", "off");
        xml_element(xml, "SMTPLast", on_off(unasked && server_has_auth(server, 1u << AUTH_SMTP_AFTER_POP)));
    }
    xml_close(xml);
    return true;
}

/* Not in Microsoft's documents; eM Client reads these and the others skip them. */
static void write_dav(struct xml *xml, const struct account *account, enum server_type type, const char *word,
                      struct buf *value)
{
    const struct server *server = account_best_server(account, type, ANY);
    const char *url = server ? parts_url(account, server, value) : NULL;
    if (!url)
        return;
    bool tls = text_starts_nocase(url, "https:");
    xml_open(xml, "Protocol");
    xml_element(xml, "Type", word);
    xml_element(xml, "Server", url);
    if (server->port != 0 && server->port != (tls ? 443 : 80))
        xml_element_number(xml, "Port", server->port);
    xml_element(xml, "LoginName", parts_user(account, server, EXPAND_ALL, value));
    xml_element(xml, "DomainRequired", on_off(server->domain_required));
    xml_element(xml, "SSL", on_off(tls));
    xml_close(xml);
}

/* The account element of a domain that is served elsewhere; false when it is served here. Thunderbird follows a new
 * address only, Delta Chat a new URL only. */
static bool write_redirect(struct xml *xml, const struct account *account, struct buf *value)
{
    const struct domain *config = account->config;
    bool has_address = config->moved_to && account->address;
    if (!has_address && !config->redirect_url)
        return false;
    xml_open(xml, "Account");
    xml_element(xml, "AccountType", "email");
    xml_element(xml, "Action", has_address ? "redirectAddr" : "redirectUrl");
    if (has_address) {
        buf_clear(value);
        buf_addf(value, "%s@%s", account->address->local, config->moved_to);
        xml_element(xml, "RedirectAddr", value->data);
    } else {
        xml_element(xml, "RedirectUrl", parts_text(account, config->redirect_url, 0, value));
    }
    xml_close(xml);
    return true;
}

/* FairEmail wants AccountType and Action in front of the first Protocol. */
static bool write_settings(struct xml *xml, const struct account *account, struct buf *value)
{
    bool served = false;
    if (account->address) {
        bool named = account->full_name && *account->full_name;
        xml_open(xml, "User");
        xml_element(xml, "DisplayName", named ? account->full_name : account->address->text);
        xml_close(xml);
    }
    xml_open(xml, "Account");
    xml_element(xml, "AccountType", "email");
    xml_element(xml, "Action", "settings");
    for (size_t i = 0; i < MAIL_TYPES; i++)
        served |= write_mail(xml, account, mail_types[i].type, mail_types[i].word, value);
    for (size_t i = 0; i < DAV_TYPES; i++)
        write_dav(xml, account, dav_types[i].type, dav_types[i].word, value);
    xml_close(xml);
    return served;
}

static enum status autodiscover_render(const struct document_request *request, struct buf *out, struct error *error_r)
{
    const struct account *account = request->accounts;
    enum status status = STATUS_OK;
    struct xml xml;
    struct buf value;
    buf_init(&value, 0);

    xml_begin(&xml, out);
    xml_open(&xml, "Autodiscover");
    xml_attribute(&xml, "xmlns", AUTODISCOVER_NS);
    xml_open(&xml, "Response");
    xml_attribute(&xml, "xmlns", AUTODISCOVER_NS_OUTLOOK);
    bool served = write_redirect(&xml, account, &value) || write_settings(&xml, account, &value);
    xml_end(&xml);

    if (buf_failed(out) || buf_failed(&value))
        status = error_set(error_r, STATUS_LIMIT, "there is no memory for the document");
    else if (!served)
        status = error_set(error_r, STATUS_NOT_FOUND, "%s has no mail server that a mail client could be told of",
                           account->domain);
    buf_free(&value);
    return status;
}

/* Every answer to an address names it. */
static bool autodiscover_is_shared(const struct document_request *request)
{
    const struct account *account = request->accounts;
    return !account->address && !account->login && account->variable_count == 0;
}

const struct format format_autodiscover = {
    .name = "autodiscover",
    .content_type = AUTODISCOVER_CONTENT_TYPE,
    .slot = FORMAT_SLOT_AUTODISCOVER,
    .wants_person = true,
    .is_shared = autodiscover_is_shared,
    .render = autodiscover_render,
};
