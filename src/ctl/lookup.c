/* lookup.c - automxctl lookup: shows step by step where each part of an answer comes from, and how long it took. */
/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/command.h"
#include "sql/uri.h"

/* One source of people, asked by itself so that it can be told from the other. */
struct source {
    const char *label;
    const char *what;
    struct settings settings; /* with the other source left out; borrowed texts */
    struct domain config;
};

static void print_time(int64_t start)
{
    printf("  [%" PRId64 " ms]\n", clock_ms() - start);
}

/* Where user_query and domain_query ask. */
static const char *query_database(struct tool *tool)
{
    const struct settings *settings = tool->settings;
    const char *text = settings->user_db_uri != NULL ? settings->user_db_uri : settings->db_uri;
    const char *shown = NULL;
    struct sql_uri uri;

    if (text != NULL && sql_uri_parse(tool->arena, text, &uri, NULL) == STATUS_OK)
        shown = sql_uri_shown(tool->arena, &uri);
    return shown != NULL ? shown : "the database";
}

/* hosts may hold whole URLs, which say scheme and port themselves. */
static const char *directory_name(struct tool *tool, const struct ldap_server *ldap)
{
    const char *rest = arena_format(tool->arena, "%s, base %s, filter %s (ldapserver %" PRId64 ")",
                                    ldap->starttls ? " with StartTLS" : "", ldap->base, ldap->filter, ldap->id);
    const char *name = strstr(ldap->hosts, "://") != NULL
                           ? arena_format(tool->arena, "%s%s", ldap->hosts, rest != NULL ? rest : "")
                           : arena_format(tool->arena, "%s://%s port %u%s", ldap->tls ? "ldaps" : "ldap", ldap->hosts,
                                          (unsigned)ldap->port, rest != NULL ? rest : "");

    return name != NULL ? name : ldap->hosts;
}

static void print_domain(struct tool *tool, const struct account *account)
{
    const struct domain *config = account->config;

    /* What no row of ours holds has no id. */
    if (config->id == 0 && tool->settings->domain_query != NULL)
        printf("%-10s '%s', which domain_query knows", "rule", config->name);
    else
        printf("%-10s row '%s' (id %" PRId64 ")", "rule", config->name, config->id);
    if (strcmp(config->name, account->domain) != 0)
        printf(", which answers for %s", account->domain);
    if (tool->settings->domain_query != NULL)
        printf("\n%-10s %s\n%-10s asks %s", "query", tool->settings->domain_query, "", query_database(tool));
    printf("\n%-10s %s (%s, id %" PRId64 ")\n", "provider", config->provider->name, config->provider->short_name,
           config->provider->id);
    if (config->moved_to != NULL)
        printf("%-10s addresses moved to %s\n", "moved", config->moved_to);
    if (config->redirect_url != NULL)
        printf("%-10s Autodiscover clients are sent to %s\n", "redirect", config->redirect_url);
}

static void print_person(const struct person *person, bool publish_names)
{
    printf("login %s, full name %s%s", person->login != NULL ? person->login : "not given",
           person->full_name != NULL ? person->full_name : "not given",
           person->full_name != NULL && !publish_names ? " (kept back: publish_names = no)" : "");
    for (size_t i = 0; i < person->variable_count; i++)
        printf(", %s = %s", person->variables[i].name,
               person->variables[i].value != NULL ? person->variables[i].value : "NULL");
}

/* Prints what the source says; EXIT_FAILED when it could not be asked. */
static int ask_source(struct tool *tool, const struct source *source, const struct account *account)
{
    struct userdb *userdb = NULL;
    struct userdb_session *session = NULL;
    struct person person = {0};
    struct error error = {{0}};
    int64_t start = clock_ms();
    int code = EXIT_GOOD;
    enum status status = userdb_open(&source->settings, &userdb, &error);

    if (status == STATUS_OK)
        status = userdb_session_open(userdb, &session, &error);
    if (status == STATUS_OK)
        status = userdb_find(session, tool->arena, &source->config, account->address,
                             start + tool->settings->lookup_timeout, &person, &error);

    printf("%-10s %s\n%-10s ", source->label, source->what, "");
    if (status == STATUS_OK) {
        print_person(&person, tool->settings->publish_names);
    } else if (status == STATUS_NOT_FOUND) {
        printf("nobody, or more than one%s%s", error.text[0] != '\0' ? ": " : "", error.text);
    } else {
        printf("failed: %s", error.text);
        code = EXIT_FAILED;
    }
    print_time(start);
    userdb_session_close(&session);
    userdb_close(&userdb);
    return code;
}

static int ask_sources(struct tool *tool, const struct account *account)
{
    const struct settings *settings = tool->settings;
    const struct ldap_server *ldap = account->config->ldap;
    struct source source;
    int code = EXIT_GOOD;

    if (ldap == NULL && settings->user_query == NULL)
        printf("%-10s no LDAP server and no user_query: the login comes from the rows of the servers\n", "user");
    if (ldap != NULL) {
        source = (struct source){.label = "ldap", .settings = *settings, .config = *account->config};
        source.settings.user_query = NULL;
        source.what = directory_name(tool, ldap);
        code = ask_source(tool, &source, account);
    }
    if (settings->user_query != NULL) {
        source = (struct source){.label = "user_query", .settings = *settings, .config = *account->config};
        source.config.ldap = NULL;
        source.what = arena_format(tool->arena, "%s\n%-10s asks %s", settings->user_query, "", query_database(tool));
        if (source.what == NULL)
            source.what = settings->user_query;
        if (ask_source(tool, &source, account) != EXIT_GOOD)
            code = EXIT_FAILED;
    }
    return code;
}

static void print_text(bool known, const struct buf *text)
{
    printf("%s", known && text->length > 0 ? text->data : "(cannot be written out)");
}

static void print_server(const struct account *account, const struct server *server)
{
    struct buf text;

    buf_init(&text, 0);
    printf("%-10s ", server_type_word(server->type));
    if (server_type_has_url(server->type)) {
        print_text(account_url(account, server, &text), &text);
    } else {
        print_text(account_host(account, server, &text), &text);
        printf(":%u %s", (unsigned)server->port, security_word(server->security));
    }
    buf_clear(&text);
    printf(", user ");
    print_text(account_user(account, server, account->address != NULL ? EXPAND_ALL : EXPAND_KEEP, &text), &text);
    for (size_t i = 0; i < server->auth_count; i++)
        printf("%s%s", i == 0 ? ", " : " or ", auth_word(server->auth[i]));
    printf(" (%s %" PRId64 ", prio %d)\n", server->table, server->id, server->prio);
    buf_free(&text);
}

static int run(struct tool *tool, char **words)
{
    const struct argument options[] = {TOOL_ARGUMENTS(tool), {0}};
    struct account account;
    int count;
    int code = tool_arguments(tool, options, words, 1, 1, "an address or a domain", &count);

    if (code != EXIT_GOOD || tool->help)
        return code;
    code = tool_open_settings(tool);
    if (code != EXIT_GOOD)
        return code;
    printf("%-10s %s\n", "settings", tool->settings->file != NULL ? tool->settings->file : "none found; defaults");

    int64_t start = clock_ms();
    code = tool_open_store(tool);
    if (code != EXIT_GOOD)
        return code;
    printf("%-10s %s", "database", tool_store_name(tool));
    print_time(start);

    start = clock_ms();
    code = tool_find(tool, words[0], &account);
    if (code != EXIT_GOOD)
        return code;
    printf("%-10s %s", account.address != NULL ? "address" : "domain",
           account.address != NULL ? account.address->text : account.domain);
    print_time(start);
    print_domain(tool, &account);

    int sources = account.address != NULL ? ask_sources(tool, &account) : EXIT_GOOD;
    /* What failed was told; the answer below is the general one then. */
    code = sources == EXIT_GOOD ? tool_find_person(tool, &account) : EXIT_GOOD;
    if (code != EXIT_GOOD)
        return code;
    for (size_t i = 0; i < account.config->server_count; i++)
        print_server(&account, &account.config->servers[i]);
    if (account.config->server_count == 0)
        printf("%-10s none: most clients can do nothing with this domain\n", "servers");
    return sources;
}

const struct command command_lookup = {
    .name = "lookup",
    .arguments = "ADDRESS|DOMAIN",
    .summary = "show step by step where an answer comes from",
    .details = "Prints which database, rule, LDAP server and query gave what, and how long each took,\n"
               "then each server with the host and user name that clients are told.\n"
               "The exit code is 1 when something could not be asked.\n",
    .run = run,
};
