/* profile_choice.c - which servers of an account go into a configuration profile. */
/* SPDX-License-Identifier: MIT */
#include "format/profile_choice.h"

#include "format/parts.h"

/* What com.apple.mail.managed has words for; there is none for OAuth2, GSSAPI or certificates. */
static const auth_set mail_auths =
    1u << AUTH_PASSWORD_CLEARTEXT | 1u << AUTH_PASSWORD_ENCRYPTED | 1u << AUTH_NTLM | 1u << AUTH_NONE;

/* Calendar, contact and Exchange accounts name no method: the device asks for a password and follows the server. */
static const auth_set password_auths = 1u << AUTH_PASSWORD_CLEARTEXT | 1u << AUTH_PASSWORD_ENCRYPTED | 1u << AUTH_NTLM;

static const enum server_type dav_types[PROFILE_DAV_COUNT] = {
    [PROFILE_CALDAV] = SERVER_CALDAV,
    [PROFILE_CARDDAV] = SERVER_CARDDAV,
};

/* Whether there is a server of the type that has one of the methods. */
static bool has_server(const struct account *account, enum server_type type, auth_set usable)
{
    for (size_t i = 0; i < account->config->server_count; i++) {
        if (account->config->servers[i].type == type && server_has_auth(&account->config->servers[i], usable))
            return true;
    }
    return false;
}

static bool has_part(const struct account *account, bool incoming, auth_set usable)
{
    return incoming ? has_server(account, SERVER_IMAP, usable) || has_server(account, SERVER_POP3, usable)
                    : has_server(account, SERVER_SMTP, usable);
}

/* Whether the host of a server, and its URL, can be written out; parts_host() warns when not. */
static bool can_write(const struct account *account, const struct server *server)
{
    struct buf text;

    buf_init(&text, 0);
    bool good = parts_host(account, server, &text) != NULL &&
                (!server_type_has_url(server->type) || parts_url(account, server, &text) != NULL);
    buf_free(&text);
    return good;
}

/* The best server of a type that can be written, or NULL. */
static const struct server *best(const struct account *account, enum server_type type, auth_set usable)
{
    const struct server *server = account_best_server(account, type, usable);

    return server != NULL && can_write(account, server) ? server : NULL;
}

/* The sentence that a person reads in the browser instead of a profile. */
static enum status refuse(const struct account *account, bool incoming, struct error *error_r)
{
    const char *part = incoming ? "incoming" : "outgoing";

    if (!has_part(account, incoming, ~0u))
        return error_set(error_r, STATUS_NOT_FOUND,
                         "There is no profile for %s: a profile needs an IMAP or POP3 server and an SMTP server, and "
                         "%s has no %s mail server.",
                         account->domain, account->domain, part);
    if (!has_part(account, incoming, mail_auths))
        return error_set(error_r, STATUS_NOT_FOUND,
                         "There is no profile for %s: its %s mail server takes no password, only ways to sign in, "
                         "such as OAuth2, that a profile cannot describe. Please add the account in the settings of "
                         "the device.",
                         account->domain, part);
    return error_set(error_r, STATUS_NOT_FOUND,
                     "There is no profile for %s: the name of its %s mail server is not a legal one.", account->domain,
                     part);
}

enum status profile_choose(const struct account *account, struct profile_choice *choice_r, struct error *error_r)
{
    *choice_r = (struct profile_choice){.account = account};
    if (account->address == NULL)
        return error_set(error_r, STATUS_INVALID, "A profile needs an e-mail address (emailaddress=...).");

    choice_r->incoming = best(account, SERVER_IMAP, mail_auths);
    if (choice_r->incoming == NULL)
        choice_r->incoming = best(account, SERVER_POP3, mail_auths);
    choice_r->outgoing = best(account, SERVER_SMTP, mail_auths);
    choice_r->exchange = best(account, SERVER_ACTIVESYNC, password_auths);
    if (choice_r->incoming == NULL || choice_r->outgoing == NULL) {
        /* ActiveSync alone is a whole account too. */
        if (choice_r->exchange == NULL)
            return refuse(account, choice_r->incoming == NULL, error_r);
        choice_r->incoming = choice_r->outgoing = NULL;
    }

    /* Several calendar servers are several accounts, not alternatives. */
    for (size_t i = 0; i < PROFILE_DAV_COUNT; i++) {
        const struct server *found[PROFILE_DAV_SERVERS_MAX];
        size_t count = account_servers(account, dav_types[i], password_auths | 1u << AUTH_NONE, false, "mobileconfig",
                                       found, PROFILE_DAV_SERVERS_MAX);

        for (size_t j = 0; j < count; j++) {
            if (can_write(account, found[j]))
                choice_r->dav[i][choice_r->dav_count[i]++] = found[j];
        }
    }
    return STATUS_OK;
}
