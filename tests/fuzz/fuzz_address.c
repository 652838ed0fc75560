/* fuzz_address.c - addresses, names and placeholders under any bytes: line 1 an address, the rest stored text. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "account/account.h"
#include "base/arena.h"
#include "base/text.h"
#include "oracle.h"

/* What came out of the parser goes through it unchanged. */
static void check_address(struct arena *arena, const struct address *address)
{
    struct address again;
    const char *domain;
    demand(address_parse(arena, address->text, strlen(address->text), &again, NULL) == STATUS_OK);
    demand(strcmp(again.text, address->text) == 0 && strcmp(again.local, address->local) == 0);
    demand(strlen(address->text) <= ADDRESS_MAX);
    demand_domain(address->domain);
    demand(domain_name_normalize(arena, address->domain, strlen(address->domain), &domain, NULL) == STATUS_OK);
    demand(strcmp(domain, address->domain) == 0);
}

static void check_url(const char *url)
{
    for (; *url != '\0'; url++)
        demand(*url > ' ' && *url <= '~' && *url != '"' && *url != '<' && *url != '>');
}

static void check_account(const struct account *account, const struct server *server)
{
    struct buf out;
    buf_init(&out, 64 * 1024);

    account_expand(account, server->user, &out);
    buf_clear(&out);
    if (account_user(account, server, EXPAND_ALL, &out))
        demand(out.length > 0 && !text_has_control(out.data, out.length));
    buf_clear(&out);
    if (account_user(account, server, EXPAND_KEEP, &out))
        demand(out.length > 0 && !text_has_control(out.data, out.length));
    buf_clear(&out);
    if (account_host(account, server, &out))
        demand(host_name_legal(out.data));
    else
        demand(out.length == 0);
    buf_clear(&out);
    if (account_url(account, server, &out))
        check_url(out.data);
    else
        demand(out.length == 0);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1024 * 1024);
    if (arena == NULL)
        return 0;

    const char *bytes = (const char *)data;
    const char *newline = size > 0 ? memchr(bytes, '\n', size) : NULL;
    size_t first = newline != NULL ? (size_t)(newline - bytes) : size;
    const char *rest = newline != NULL ? newline + 1 : "";
    size_t rest_length = newline != NULL ? size - first - 1 : 0;

    struct address address;
    bool known = address_parse(arena, bytes, first, &address, NULL) == STATUS_OK;
    if (known)
        check_address(arena, &address);

    const char *name;
    if (domain_rule_normalize(arena, bytes, first, &name, NULL) == STATUS_OK && name[0] != '*') {
        const char *again;
        demand_domain(name);
        demand(domain_name_normalize(arena, name, strlen(name), &again, NULL) == STATUS_OK);
        demand(strcmp(name, again) == 0);
    }

    /* A store delivers valid UTF-8 without control characters; a look-up delivers anything. */
    const char *text = arena_copy(arena, rest, rest_length);
    if (text != NULL) {
        const struct variable variable = {"home", text};
        const struct domain config = {.name = "*"};
        const struct server templates = {.type = SERVER_CALDAV, .host = text, .url = text, .user = text};
        const struct server lookups = {
            .type = SERVER_CALDAV, .host = "%{home}", .url = "https://%{home}/%{home}", .user = "%{home}"};
        struct account account = {
            .address = known ? &address : NULL,
            .domain = known ? address.domain : "example.com",
            .config = &config,
            .variables = &variable,
            .variable_count = 1,
        };
        check_account(&account, &templates);
        check_account(&account, &lookups);
        account.login = text;
        check_account(&account, &templates);
    }
    arena_free(&arena);
    return 0;
}
