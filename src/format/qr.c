/* qr.c - the text of the code by which Thunderbird for Android imports accounts (its format version 1). */
/* SPDX-License-Identifier: MIT */
#include "format/format.h"

#include <string.h>

#include <jansson.h>

#include "format/parts.h"

enum { SECURITY_WORDS = SECURITY_TLS + 1, NO_NUMBER = -1 };

static const int security_numbers[SECURITY_WORDS] = {[SECURITY_NONE] = 0, [SECURITY_STARTTLS] = 2, [SECURITY_TLS] = 3};

static const int auth_numbers[AUTH_COUNT] = {
    [AUTH_PASSWORD_CLEARTEXT] = 1,
    [AUTH_PASSWORD_ENCRYPTED] = 2,
    [AUTH_NTLM] = 4,
    [AUTH_GSSAPI] = 3,
    [AUTH_OAUTH2] = 6,
    [AUTH_TLS_CERT] = 5,
    [AUTH_CLIENT_IP] = NO_NUMBER,
    [AUTH_SMTP_AFTER_POP] = NO_NUMBER,
    [AUTH_NONE] = 0,
};

static const auth_set usable_auths = ~(1u << AUTH_CLIENT_IP | 1u << AUTH_SMTP_AFTER_POP);

/* The code holds one method, with nothing to fall back on. The app can sign in by OAuth2 with those providers only that
 * it was built for, so that comes last; the others in the administrator's order. */
static int auth_number(const struct server *server)
{
    int number = NO_NUMBER;

    for (size_t i = 0; i < server->auth_count && (number == NO_NUMBER || number == auth_numbers[AUTH_OAUTH2]); i++) {
        if (auth_numbers[server->auth[i]] != NO_NUMBER && (number == NO_NUMBER || server->auth[i] != AUTH_OAUTH2))
            number = auth_numbers[server->auth[i]];
    }
    return number;
}

/* [protocol, host, port, security, authentication, user], or NULL. The elements behind them are left out: an account is
 * named by its address then, and passwords are never sent. */
static json_t *server_json(const struct account *account, const struct server *server, int protocol)
{
    json_t *json = NULL;
    struct buf host, user;

    buf_init(&host, 0);
    buf_init(&user, 0);
    if (parts_host(account, server, &host) != NULL && parts_user(account, server, EXPAND_ALL, &user) != NULL)
        json = json_pack("[i,s,i,i,i,s]", protocol, host.data, (int)server->port, security_numbers[server->security],
                         auth_number(server), user.data);
    buf_free(&user);
    buf_free(&host);
    return json;
}

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

/* Appends the two elements of an account. */
static enum status add_account(json_t *root, const struct account *account, struct error *error_r)
{
    if (account->address == NULL)
        return error_set(error_r, STATUS_INVALID, "A code for import needs an e-mail address.");
    if (!is_ascii(account->address->text))
        return error_set(error_r, STATUS_NOT_FOUND,
                         "A code for import cannot hold an address with letters beyond "
                         "ASCII.");

    const struct server *incoming = account_best_server(account, SERVER_IMAP, usable_auths);
    bool is_imap = incoming != NULL;
    if (!is_imap)
        incoming = account_best_server(account, SERVER_POP3, usable_auths);
    const struct server *outgoing = account_best_server(account, SERVER_SMTP, usable_auths);
    if (incoming == NULL || outgoing == NULL)
        return error_set(error_r, STATUS_NOT_FOUND,
                         "There is no code for import for %s: it needs an IMAP or POP3 server and an SMTP server.",
                         account->domain);

    json_t *incoming_json = server_json(account, incoming, is_imap ? 0 : 1);
    json_t *outgoing_json = server_json(account, outgoing, 0);
    if (incoming_json == NULL || outgoing_json == NULL) {
        json_decref(incoming_json);
        json_decref(outgoing_json);
        return error_set(error_r, STATUS_NOT_FOUND,
                         "There is no code for import for %s: the name of a mail server is not a legal one.",
                         account->domain);
    }

    /* One group with one identity. The reader insists on a display name, but it may be empty. */
    const char *name = account->full_name != NULL ? account->full_name : "";
    json_t *groups = json_pack("[[o,[s,s]]]", outgoing_json, account->address->text, name);
    bool good = json_array_append_new(root, incoming_json) == 0;
    if (json_array_append_new(root, groups) != 0 || !good)
        return error_set(error_r, STATUS_LIMIT, "The code could not be made: out of memory.");
    return STATUS_OK;
}

static int add_bytes(const char *bytes, size_t size, void *context)
{
    buf_add(context, bytes, size);
    return 0;
}

static enum status render(const struct document_request *request, struct buf *out, struct error *error_r)
{
    json_t *root = json_pack("[i,[i,i]]", 1, 1, 1); /* version; the first code of one */
    enum status status = STATUS_OK;

    for (size_t i = 0; status == STATUS_OK && i < request->account_count; i++)
        status = add_account(root, &request->accounts[i], error_r);
    if (status == STATUS_OK && (json_dump_callback(root, add_bytes, out, JSON_COMPACT) != 0 || buf_failed(out)))
        status = error_set(error_r, STATUS_LIMIT, "The code could not be made: out of memory.");
    json_decref(root);
    return status;
}

const struct format format_qr = {
    .name = "qr",
    .content_type = "application/json",
    .slot = FORMAT_SLOT_QR,
    .needs_address = true,
    .wants_person = true,
    .render = render,
};
