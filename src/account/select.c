/* select.c - which servers a format writes, and in which order. */
/* SPDX-License-Identifier: MIT */
#include "account/account.h"

#include "base/log.h"

bool server_has_auth(const struct server *server, auth_set usable)
{
    for (size_t i = 0; i < server->auth_count; i++) {
        if ((usable & (1u << server->auth[i])) != 0)
            return true;
    }
    return false;
}

static void warn_last_resort(const struct account *account, const struct server *server, const char *format)
{
    struct buf methods;
    buf_init(&methods, 512);
    for (size_t i = 0; i < server->auth_count; i++) {
        buf_adds(&methods, i > 0 ? ", " : "");
        buf_adds(&methods, auth_word(server->auth[i]));
    }
    log_warning_once("%s %lld (domain %s) is the only one of type %s and offers only %s, which %s cannot say to all "
                     "clients: some will refuse the whole document; add password-cleartext, password-encrypted or "
                     "another server",
                     server->table, (long long)server->id, account->config->name, server_type_word(server->type),
                     buf_failed(&methods) || methods.data == NULL ? "nothing" : methods.data, format);
    buf_free(&methods);
}

size_t account_servers(const struct account *account, enum server_type type, auth_set usable, bool keep_last_resort,
                       const char *format, const struct server **servers_r, size_t max)
{
    const struct server *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < account->config->server_count && count < max; i++) {
        const struct server *server = &account->config->servers[i];
        if (server->type != type)
            continue;
        if (first == NULL)
            first = server;
        if (server_has_auth(server, usable))
            servers_r[count++] = server;
    }
    if (count == 0 && first != NULL && keep_last_resort && max > 0) {
        warn_last_resort(account, first, format);
        servers_r[count++] = first;
    }
    return count;
}

const struct server *account_best_server(const struct account *account, enum server_type type, auth_set usable)
{
    const struct server *unencrypted = NULL;

    for (size_t i = 0; i < account->config->server_count; i++) {
        const struct server *server = &account->config->servers[i];
        if (server->type != type || !server_has_auth(server, usable))
            continue;
        if (server->security != SECURITY_NONE)
            return server;
        if (unencrypted == NULL)
            unencrypted = server;
    }
    return unencrypted;
}
