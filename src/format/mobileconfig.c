/* mobileconfig.c - Apple's configuration profile: mail, calendars and contacts of one or several addresses. */
/* SPDX-License-Identifier: MIT */
#include "format/format.h"

#include <stdlib.h>
#include <string.h>

#include "base/plist.h"
#include "base/text.h"
#include "format/parts.h"
#include "format/profile_choice.h"
#include "format/profile_id.h"
#include "format/signer.h"

/* The words of com.apple.mail.managed; profile_choose() takes no server without one of them. */
static const char *const mail_auth_words[AUTH_COUNT] = {
    [AUTH_PASSWORD_CLEARTEXT] = "EmailAuthPassword",
    [AUTH_PASSWORD_ENCRYPTED] = "EmailAuthCRAMMD5",
    [AUTH_NTLM] = "EmailAuthNTLM",
    [AUTH_NONE] = "EmailAuthNone",
};

struct dav_kind {
    const char *payload_type;
    const char *kind; /* end of the identifier */
    const char *display;
    const char *description, *host, *port, *user, *ssl, *url; /* keys */
};

static const struct dav_kind dav_kinds[PROFILE_DAV_COUNT] = {
    [PROFILE_CALDAV] = {"com.apple.caldav.account", "caldav", "Calendars", "CalDAVAccountDescription", "CalDAVHostName",
                        "CalDAVPort", "CalDAVUsername", "CalDAVUseSSL", "CalDAVPrincipalURL"},
    [PROFILE_CARDDAV] = {"com.apple.carddav.account", "carddav", "Contacts", "CardDAVAccountDescription",
                         "CardDAVHostName", "CardDAVPort", "CardDAVUsername", "CardDAVUseSSL", "CardDAVPrincipalURL"},
};

struct profile {
    const struct profile_choice *choices; /* one an address */
    size_t count;
    const struct address **addresses; /* room for sorting them */
    struct plist plist;
    struct buf *out;
    struct buf text; /* one value at a time */
};

static void put_text(struct profile *profile, const char *key)
{
    if (buf_failed(&profile->text))
        profile->out->failed = true;
    if (profile->text.length > 0)
        plist_string(&profile->plist, key, profile->text.data);
    buf_clear(&profile->text);
}

static void put_expanded(struct profile *profile, const char *key, const struct account *account, const char *text)
{
    parts_text(account, text, 0, &profile->text);
    put_text(profile, key);
}

static void put_user(struct profile *profile, const char *key, const struct account *account,
                     const struct server *server)
{
    parts_user(account, server, EXPAND_ALL, &profile->text);
    put_text(profile, key);
}

static void put_host(struct profile *profile, const char *key, const struct account *account,
                     const struct server *server)
{
    parts_host(account, server, &profile->text);
    put_text(profile, key);
}

/* The keys that every payload has, and the profile itself. The identifier waits in profile->text. */
static void put_identity(struct profile *profile, const char *payload_type)
{
    char uuid[UUID_TEXT_SIZE] = "";

    if (profile->text.length > 0)
        profile_id_uuid(profile->text.data, uuid);
    else
        profile->out->failed = true;
    plist_string(&profile->plist, "PayloadType", payload_type);
    plist_integer(&profile->plist, "PayloadVersion", 1);
    put_text(profile, "PayloadIdentifier");
    plist_string(&profile->plist, "PayloadUUID", uuid);
}

/* number: 0 for the first payload of this kind, whose identifier stays what it was when a second one is added. */
static void open_payload(struct profile *profile, const struct account *account, const char *payload_type,
                         const char *kind, size_t number, const char *display)
{
    plist_dict_open(&profile->plist, NULL);
    profile_id_add(&profile->text, account->address, kind);
    if (number > 0)
        buf_addf(&profile->text, "%zu", number + 1);
    put_identity(profile, payload_type);
    buf_addf(&profile->text, "%s (%s)", display, account->address->text);
    put_text(profile, "PayloadDisplayName");
}

static const char *mail_auth_word(const struct server *server)
{
    for (size_t i = 0; i < server->auth_count; i++) {
        if (mail_auth_words[server->auth[i]] != NULL)
            return mail_auth_words[server->auth[i]];
    }
    return NULL; /* profile_choose() takes no such server */
}

static void write_mail(struct profile *profile, const struct profile_choice *choice)
{
    const struct account *account = choice->account;
    const struct server *incoming = choice->incoming;
    const struct server *outgoing = choice->outgoing;
    struct plist *plist = &profile->plist;

    open_payload(profile, account, "com.apple.mail.managed", "mail", 0, "Mail");
    /* The address, not the provider: somebody may have two accounts with one provider. */
    plist_string(plist, "EmailAccountDescription", account->address->text);
    /* The name in outgoing messages: a person's name or none, never the provider's. */
    plist_string(plist, "EmailAccountName", account->full_name);
    plist_string(plist, "EmailAccountType", incoming->type == SERVER_IMAP ? "EmailTypeIMAP" : "EmailTypePOP");
    plist_string(plist, "EmailAddress", account->address->text);

    plist_string(plist, "IncomingMailServerAuthentication", mail_auth_word(incoming));
    put_host(profile, "IncomingMailServerHostName", account, incoming);
    plist_integer(plist, "IncomingMailServerPortNumber", incoming->port);
    /* Absent means false, and true covers both ways: the port tells Apple Mail whether it is STARTTLS. */
    plist_bool(plist, "IncomingMailServerUseSSL", incoming->security != SECURITY_NONE);
    put_user(profile, "IncomingMailServerUsername", account, incoming);

    plist_string(plist, "OutgoingMailServerAuthentication", mail_auth_word(outgoing));
    put_host(profile, "OutgoingMailServerHostName", account, outgoing);
    plist_integer(plist, "OutgoingMailServerPortNumber", outgoing->port);
    plist_bool(plist, "OutgoingMailServerUseSSL", outgoing->security != SECURITY_NONE);
    put_user(profile, "OutgoingMailServerUsername", account, outgoing);
    /* One question for the password instead of two. */
    plist_bool(plist, "OutgoingPasswordSameAsIncomingPassword", true);
    plist_close(plist);
}

static void write_dav(struct profile *profile, const struct account *account, const struct dav_kind *kind,
                      const struct server *server, size_t number)
{
    struct plist *plist = &profile->plist;

    open_payload(profile, account, kind->payload_type, kind->kind, number, kind->display);
    plist_string(plist, kind->description, account->address->text);
    put_host(profile, kind->host, account, server);
    plist_integer(plist, kind->port, server->port);
    plist_bool(plist, kind->ssl, server->security != SECURITY_NONE);
    put_user(profile, kind->user, account, server);
    parts_url(account, server, &profile->text);
    put_text(profile, kind->url);
    plist_close(plist);
}

static void write_exchange(struct profile *profile, const struct profile_choice *choice)
{
    const struct account *account = choice->account;
    struct plist *plist = &profile->plist;

    open_payload(profile, account, "com.apple.eas.account", "eas", 0, "Exchange");
    plist_string(plist, "EmailAddress", account->address->text);
    put_host(profile, "Host", account, choice->exchange);
    plist_bool(plist, "SSL", choice->exchange->security != SECURITY_NONE);
    put_user(profile, "UserName", account, choice->exchange);
    /* What other payloads of this profile bring would be on the device twice. Notes stay on, so one service is. */
    plist_bool(plist, "EnableMail", choice->incoming == NULL);
    plist_bool(plist, "EnableCalendars", choice->dav_count[PROFILE_CALDAV] == 0);
    plist_bool(plist, "EnableReminders", choice->dav_count[PROFILE_CALDAV] == 0);
    plist_bool(plist, "EnableContacts", choice->dav_count[PROFILE_CARDDAV] == 0);
    plist_close(plist);
}

/* Whether the provider of the account at index did not come before. */
static bool is_new_provider(const struct profile *profile, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (profile->choices[i].account->config->provider->id == profile->choices[index].account->config->provider->id)
            return false;
    }
    return true;
}

/* Adds what every provider of the profile has to say in the language of one consent. False when an earlier consent has
 * that language: all was said there. */
static bool add_consents(struct profile *profile, const struct consent *consent)
{
    for (size_t i = 0; i < profile->count; i++) {
        const struct account *account = profile->choices[i].account;
        const struct provider *provider = account->config->provider;

        for (size_t j = 0; is_new_provider(profile, i) && j < provider->consent_count; j++) {
            if (!text_equal_nocase(provider->consents[j].language, consent->language))
                continue;
            if (profile->text.length == 0 && &provider->consents[j] != consent)
                return false;
            if (profile->text.length > 0)
                buf_adds(&profile->text, "\n\n");
            account_expand(account, provider->consents[j].text, &profile->text);
        }
    }
    return true;
}

/* A dictionary of languages; the device shows the text in the person's own, and they have to agree. */
static void write_consents(struct profile *profile)
{
    bool opened = false;

    for (size_t i = 0; i < profile->count; i++) {
        const struct provider *provider = profile->choices[i].account->config->provider;

        for (size_t j = 0; is_new_provider(profile, i) && j < provider->consent_count; j++) {
            if (!opened)
                plist_dict_open(&profile->plist, "ConsentText");
            opened = true;
            if (add_consents(profile, &provider->consents[j]))
                put_text(profile, provider->consents[j].language);
        }
    }
    if (opened)
        plist_close(&profile->plist);
}

static void write_head(struct profile *profile)
{
    const struct account *first = profile->choices[0].account;
    const struct provider *provider = first->config->provider;

    /* Several addresses are a profile of their own, which must not replace that of one of them. */
    if (profile->count == 1) {
        profile_id_add(&profile->text, first->address, "profile");
    } else {
        for (size_t i = 0; i < profile->count; i++)
            profile->addresses[i] = profile->choices[i].account->address;
        profile_id_add_set(&profile->text, profile->addresses, profile->count);
    }
    put_identity(profile, "Configuration");

    put_expanded(profile, "PayloadDisplayName", first, provider->name);
    put_expanded(profile, "PayloadOrganization", first,
                 provider->organization != NULL ? provider->organization : provider->name);
    for (size_t i = 0; i < profile->count; i++)
        buf_addf(&profile->text, "%s%s", i == 0 ? "Accounts of " : ", ", profile->choices[i].account->address->text);
    put_text(profile, "PayloadDescription");
    /* Mail, calendars and contacts belong to a person, not to the machine. */
    plist_string(&profile->plist, "PayloadScope", "User");
    plist_bool(&profile->plist, "PayloadRemovalDisallowed", false);
    write_consents(profile);
}

static void write_account(struct profile *profile, const struct profile_choice *choice)
{
    if (choice->incoming != NULL)
        write_mail(profile, choice);
    for (size_t i = 0; i < PROFILE_DAV_COUNT; i++) {
        for (size_t j = 0; j < choice->dav_count[i]; j++)
            write_dav(profile, choice->account, &dav_kinds[i], choice->dav[i][j], j);
    }
    if (choice->exchange != NULL)
        write_exchange(profile, choice);
}

static enum status write_profile(struct profile *profile, struct buf *out, struct error *error_r)
{
    profile->out = out;
    buf_init(&profile->text, 0);
    plist_begin(&profile->plist, out);
    write_head(profile);
    plist_array_open(&profile->plist, "PayloadContent");
    for (size_t i = 0; i < profile->count; i++)
        write_account(profile, &profile->choices[i]);
    plist_end(&profile->plist);
    buf_free(&profile->text);
    return buf_failed(out) ? error_set(error_r, STATUS_LIMIT, "The profile could not be made: out of memory.")
                           : STATUS_OK;
}

/* Identifiers must be unique within a profile, so an address that was asked for twice is one account. */
static bool is_repeated(const struct document_request *request, size_t index)
{
    const struct address *address = request->accounts[index].address;

    for (size_t i = 0; i < index && address != NULL; i++) {
        if (strcmp(request->accounts[i].address->text, address->text) == 0)
            return true;
    }
    return false;
}

static enum status render(const struct document_request *request, struct buf *out, struct error *error_r)
{
    struct profile_choice *choices = calloc(request->account_count, sizeof choices[0]);
    struct profile profile = {.choices = choices};
    struct buf document;
    enum status status = STATUS_OK;

    buf_init(&document, 0);
    profile.addresses = calloc(request->account_count, sizeof(const struct address *));
    if (choices == NULL || profile.addresses == NULL)
        status = error_set(error_r, STATUS_LIMIT, "The profile could not be made: out of memory.");

    for (size_t i = 0; status == STATUS_OK && i < request->account_count; i++) {
        if (!is_repeated(request, i))
            status = profile_choose(&request->accounts[i], &choices[profile.count++], error_r);
    }
    if (status == STATUS_OK && request->signer == NULL)
        status = write_profile(&profile, out, error_r);
    else if (status == STATUS_OK)
        status = write_profile(&profile, &document, error_r);
    if (status == STATUS_OK && request->signer != NULL)
        status = profile_signer_sign(request->signer, &document, out, error_r);

    buf_free(&document);
    free(profile.addresses);
    free(choices);
    return status;
}

const struct format format_mobileconfig = {
    .name = "mobileconfig",
    .content_type = "application/x-apple-aspen-config",
    .slot = FORMAT_SLOT_MOBILECONFIG,
    .needs_address = true,
    .wants_person = true,
    .render = render,
};
