/* fuzz_rows.c - rows of a database under any text, one column a line, and the documents of what they offer. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "documents.h"
#include "oracle.h"
#include "store/rows.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { SERVERS_MAX = 8 };

static const char secret[] = "Zq-secret-Zq";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    log_set_level(LOG_LEVEL_CRITICAL);
    return 0;
}

/* SQL's NULL is an empty line. */
static const char *column(char **rest)
{
    const char *line = next_line(rest);
    return *line ? line : NULL;
}

static int64_t number(char **rest)
{
    return strtoll(next_line(rest), NULL, 10);
}

static void check_status(enum status status, const char *member, const struct error *error)
{
    demand((status == STATUS_OK) == (error->text[0] == '\0'));
    demand(status == STATUS_OK || (member && status == STATUS_INVALID));
    demand_text(error->text, strlen(error->text));
}

/* What has been taken is taken again as it is. */
static void check_server_again(struct arena *arena, const struct server *server)
{
    const struct server_row row = {
        .table = "service",
        .type = server_type_word(server->type),
        .name = server->url ? NULL : server->host,
        .url = server->url,
        .port = server->port,
        .port_given = true,
        .socket_type = security_word(server->security),
        .user_name = server->user,
        .auth_methods = auth_word(server->auth[0]),
    };
    struct server again;
    const char *member;
    demand(server_from_row(arena, &row, &again, &member, NULL) == STATUS_OK);
    demand(strcmp(again.host, server->host) == 0 && again.port == server->port && again.type == server->type);
    demand(again.security == server->security && again.auth[0] == server->auth[0]);
    demand(!server->url == !again.url && (!server->url || strcmp(again.url, server->url) == 0));
    demand(!server->user == !again.user && (!server->user || strcmp(again.user, server->user) == 0));
}

static bool take_server(struct arena *arena, char **rest, struct server *server_r)
{
    static const char *const tables[] = {"server", "davserver", "service"};
    struct server_row row = {.table = tables[(unsigned char)(**rest) % 3], .type = column(rest)};
    struct error error = {""};
    const char *member = NULL;
    row.name = column(rest);
    row.url = column(rest);
    row.port_given = **rest != '\n';
    row.port = number(rest);
    row.socket_type = column(rest);
    row.use_ssl = number(rest) & 1;
    row.user_name = column(rest);
    row.authentication = column(rest);
    row.auth_methods = column(rest);
    enum status status = server_from_row(arena, &row, server_r, &member, &error);
    check_status(status, member, &error);
    if (status != STATUS_OK)
        return false;
    demand(server_r->auth_count > 0 && server_r->auth_count <= AUTH_METHODS_MAX && server_r->port > 0);
    (void)server_advice(server_r);
    check_server_again(arena, server_r);
    return true;
}

static void check_ldap(struct arena *arena, char **rest)
{
    struct ldap_row row = {.name = column(rest)};
    struct ldap_server ldap;
    struct error error = {""};
    const char *member = NULL;
    row.port = number(rest);
    row.search_base = column(rest);
    row.search_filter = column(rest);
    row.attr_uid = column(rest);
    row.attr_cn = column(rest);
    row.bind_user = column(rest);
    row.bind_password = secret;
    row.ca_file = column(rest);
    row.scope = column(rest);
    row.bind_method = column(rest);
    enum status status = ldap_from_row(arena, &row, &ldap, &member, &error);
    check_status(status, member, &error);
    demand(!strstr(error.text, secret));
}

static void check_provider(struct arena *arena, char **rest, struct provider *provider)
{
    struct error error = {""};
    const char *member = NULL;
    struct link *link = arena_alloc(arena, sizeof *link);
    struct consent *consent = arena_alloc(arena, sizeof *consent);
    struct oauth2 *oauth2 = arena_alloc(arena, sizeof *oauth2);
    struct link_row row = {.kind = column(rest)};
    row.url = column(rest);
    row.language = column(rest);
    row.text = column(rest);
    row.media_type = column(rest);
    row.width = row.height = number(rest);
    struct oauth2 stored = {.issuer = column(rest), .scope = column(rest), .auth_url = column(rest)};
    stored.token_url = column(rest);
    stored.client_id = column(rest);
    struct consent said = {.language = column(rest), .text = column(rest)};

    provider->links = link;
    provider->consents = consent;
    provider->link_count = link_from_row(arena, &row, link, &member, &error) == STATUS_OK;
    check_status(provider->link_count ? STATUS_OK : STATUS_INVALID, member, &error);
    error.text[0] = '\0';
    if (stored.issuer && oauth2_from_row(arena, &stored, oauth2, &member, &error) == STATUS_OK)
        provider->oauth2 = oauth2;
    demand(!provider->oauth2 || error.text[0] == '\0');
    error.text[0] = '\0';
    provider->consent_count = consent_from_row(arena, &said, consent, &member, &error) == STATUS_OK;
    demand(provider->consent_count == 0 || error.text[0] == '\0');
}

static const char *take_text(struct arena *arena, char **rest)
{
    const char *text = NULL;
    if (text_take(arena, next_line(rest), &text, NULL) != STATUS_OK || !text)
        return NULL;
    const char *again = NULL;
    demand(text_take(arena, text, &again, NULL) == STATUS_OK && strcmp(text, again) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (memmem(data, size, secret, strlen(secret)))
        return 0; /* libFuzzer has found it out */
    char *text = input_text(data, size), *rest = text;
    struct arena *arena = arena_new(4 * 1024 * 1024);
    struct server servers[SERVERS_MAX];
    struct provider provider = {0};
    struct domain domain = {.name = "example.test", .provider = &provider, .servers = servers};
    struct address address;
    unsigned types;
    demand(arena != NULL);

    const char *person = next_line(&rest);
    bool known = address_parse(arena, person, strlen(person), &address, NULL) == STATUS_OK;
    provider.name = take_text(arena, &rest);
    provider.short_name = take_text(arena, &rest);
    if (!provider.name)
        provider.name = "Example";
    if (!provider.short_name)
        provider.short_name = provider.name;
    struct account account = {
        .address = known ? &address : NULL, .domain = known ? address.domain : domain.name, .config = &domain};
    account.login = take_text(arena, &rest);
    account.full_name = take_text(arena, &rest);
    (void)types_off_parse(next_line(&rest), &types, NULL);
    check_provider(arena, &rest, &provider);
    check_ldap(arena, &rest);
    while (*rest && domain.server_count < SERVERS_MAX)
        domain.server_count += take_server(arena, &rest, &servers[domain.server_count]) ? 1 : 0;
    demand_documents(&account, NULL);

    arena_free(&arena);
    free(text);
    return 0;
}
