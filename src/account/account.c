/* account.c - texts and user names with their placeholders filled in. */
/* SPDX-License-Identifier: MIT */
#include "account/account.h"

#include <string.h>

#include "account/placeholder.h"
#include "base/text.h"

/* What can come out of one stored text; the longest column holds 255 characters, and an address is bounded too. */
enum { USER_NAME_MAX = 8192 };

void account_expand(const struct account *account, const char *text, struct buf *out)
{
    struct part part;
    while (placeholder_next(&text, &part)) {
        const char *value = placeholder_value(account, &part);
        if (value != NULL)
            buf_adds(out, value);
        else
            buf_add(out, part.text, part.length);
    }
}

static bool equals_address(const struct address *address, const char *login)
{
    const char *at = strrchr(login, '@');
    size_t local_length = strlen(address->local);
    return at != NULL && (size_t)(at - login) == local_length && memcmp(login, address->local, local_length) == 0 &&
           text_equal_nocase(at + 1, address->domain);
}

/* An empty value of a look-up counts as absent. */
static bool has_login(const struct account *account)
{
    return account->login != NULL && account->login[0] != '\0';
}

static size_t count_placeholders(const char *text)
{
    struct part part;
    size_t count = 0;
    while (placeholder_next(&text, &part)) {
        if (part_is_person(&part) || part.kind == PART_DOMAIN)
            count++;
    }
    return count;
}

/* Leaves the person to the client and fills in the rest. kept_r: how many placeholders are left on purpose; value_r:
 * whether something of a user look-up came in. */
static bool expand_keep(const struct account *account, const char *text, struct buf *out, size_t *kept_r, bool *value_r)
{
    struct part part;
    while (placeholder_next(&text, &part)) {
        if (part.kind == PART_TEXT || part_is_person(&part)) {
            buf_add(out, part.text, part.length);
            *kept_r += part_is_person(&part) ? 1 : 0;
            continue;
        }
        const char *value = placeholder_value(account, &part);
        if (value == NULL)
            return false;
        buf_adds(out, value);
        *value_r = *value_r || part.kind == PART_VARIABLE;
    }
    return true;
}

/* True when text is %EMAILLOCALPART% and then @ and the domain: the address in other words. */
static bool spells_address(const struct account *account, const char *text)
{
    static const char local[] = "%EMAILLOCALPART%@";
    return strncmp(text, local, sizeof(local) - 1) == 0 && text_equal_nocase(text + sizeof(local) - 1, account->domain);
}

/* The user name for a client that fills in placeholders itself. GNOME Online Accounts and Mailspring take nothing but a
 * bare placeholder, and Thunderbird makes a number of a login that is all digits, so a placeholder is written wherever
 * one says the same. */
static bool user_keep(const struct account *account, const char *template, struct buf *out)
{
    size_t kept = 0;
    bool looked_up = has_login(account);
    if (looked_up)
        buf_adds(out, account->login);
    else if (!expand_keep(account, template, out, &kept, &looked_up))
        return false;
    if (buf_failed(out) || out->data == NULL)
        return false;

    const char *same = NULL;
    if (spells_address(account, out->data) && !looked_up)
        same = "%EMAILADDRESS%";
    else if (looked_up && kept == 0 && account->address != NULL) {
        if (equals_address(account->address, out->data))
            same = "%EMAILADDRESS%";
        else if (strcmp(out->data, account->address->local) == 0)
            same = "%EMAILLOCALPART%";
    }
    if (same != NULL) {
        buf_clear(out);
        buf_adds(out, same);
        return true;
    }
    /* A login that holds "%EMAILADDRESS%" as its own text cannot be said to a client that replaces it, and no client
     * knows an escape for it: rather no user name than another one. */
    return count_placeholders(out->data) == kept;
}

bool account_user(const struct account *account, const struct server *server, enum expansion expansion, struct buf *out)
{
    const char *template = server->user != NULL && server->user[0] != '\0' ? server->user : "%EMAILADDRESS%";
    bool known = false;
    struct buf name;
    buf_init(&name, USER_NAME_MAX);

    if (expansion == EXPAND_KEEP) {
        known = user_keep(account, template, &name);
    } else if (has_login(account)) {
        buf_adds(&name, account->login);
        known = true;
    } else {
        known = placeholder_expand(account, template, &name);
    }

    known = known && !buf_failed(&name) && name.length > 0 && !text_has_control(name.data, name.length);
    if (known)
        buf_add(out, name.data, name.length);
    buf_free(&name);
    return known;
}
