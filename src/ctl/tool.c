/* tool.c - what the commands of automxctl share: settings, database, people, and how failures are told. */
/* SPDX-License-Identifier: MIT */
#include "ctl/tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sql/uri.h"

enum { ARENA_MAX = 256 * 1024 * 1024 };

int tool_fail(int code, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("automxctl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

int tool_failed(enum status status, const struct error *error)
{
    return tool_fail(status == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED, "%s", error->text);
}

int tool_arguments(struct tool *tool, const struct argument *table, char **words, int min, int max,
                   const char *operands, int *count_r)
{
    struct error error = {{0}};
    int count = arguments_parse(table, words, false, &error);

    *count_r = count;
    if (tool->help)
        return EXIT_GOOD;
    if (count < 0)
        return tool_fail(EXIT_USAGE, "%s: %s; see 'automxctl %s --help'", tool->command, error.text, tool->command);
    if (count < min)
        return tool_fail(EXIT_USAGE, "%s needs %s; see 'automxctl %s --help'", tool->command, operands, tool->command);
    if (max >= 0 && count > max)
        return tool_fail(EXIT_USAGE, "%s does not know what to do with '%s'; see 'automxctl %s --help'", tool->command,
                         words[max], tool->command);
    return EXIT_GOOD;
}

int tool_open_settings(struct tool *tool)
{
    struct error error = {{0}};

    if (tool->settings != NULL)
        return EXIT_GOOD;
    tool->arena = arena_new(ARENA_MAX);
    if (tool->arena == NULL)
        return tool_fail(EXIT_FAILED, "memory is out");
    /* Whatever is wrong with the file is wrong with the configuration: exit code 2. */
    if (settings_load(tool->config, &tool->settings, &error) != STATUS_OK)
        return tool_fail(EXIT_USAGE, "%s", error.text);
    log_set_level(tool->settings->loglevel);
    return EXIT_GOOD;
}

int tool_open_store(struct tool *tool)
{
    struct error error = {{0}};
    int code = tool_open_settings(tool);

    if (code != EXIT_GOOD || tool->session != NULL)
        return code;
    /* The daemon would wait for a database that is away; a person would rather know. */
    enum status status = store_open(tool->settings, &tool->store, &error);
    if (status == STATUS_OK)
        status = store_session_open(tool->store, &tool->session, &error);
    return status == STATUS_OK ? EXIT_GOOD : tool_failed(status, &error);
}

static bool in_memory(const struct sql_uri *uri)
{
    return strcmp(uri->scheme, "sqlite") == 0 &&
           (uri->database == NULL || uri->database[0] == '\0' || strcmp(uri->database, ":memory:") == 0);
}

int tool_open_store_to_write(struct tool *tool)
{
    struct sql_uri uri;
    struct error error = {{0}};
    int code = tool_open_settings(tool);

    if (code != EXIT_GOOD)
        return code;
    if (tool->settings->accounts != NULL)
        return tool_fail(EXIT_USAGE,
                         "%s: the accounts come from %s (accounts = ...); edit that file and send automxd "
                         "SIGHUP instead",
                         tool->command, tool->settings->accounts);
    if (tool->settings->db_uri == NULL)
        return tool_fail(EXIT_USAGE, "%s: no database is configured; set db_uri", tool->command);
    if (sql_uri_parse(tool->arena, tool->settings->db_uri, &uri, &error) == STATUS_OK && in_memory(&uri))
        return tool_fail(EXIT_USAGE,
                         "%s: %s says that the database is in memory (%s), so all would be gone when automxctl ends; "
                         "set db_uri to a database that stays",
                         tool->command,
                         tool->settings->file != NULL ? tool->settings->file : "the default configuration",
                         tool->settings->db_uri);
    return tool_open_store(tool);
}

int tool_open_users(struct tool *tool)
{
    struct error error = {{0}};
    int code = tool_open_store(tool);

    if (code != EXIT_GOOD || tool->users != NULL)
        return code;
    enum status status = userdb_open(tool->settings, &tool->userdb, &error);
    if (status == STATUS_OK)
        status = userdb_session_open(tool->userdb, &tool->users, &error);
    return status == STATUS_OK ? EXIT_GOOD : tool_failed(status, &error);
}

void tool_close(struct tool *tool)
{
    userdb_session_close(&tool->users);
    userdb_close(&tool->userdb);
    store_session_close(&tool->session);
    store_close(&tool->store);
    settings_free(&tool->settings);
    arena_free(&tool->arena);
}

const char *tool_store_name(struct tool *tool)
{
    const struct settings *settings = tool->settings;
    struct sql_uri uri;

    if (settings->accounts != NULL)
        return settings->accounts;
    if (settings->db_uri == NULL || sql_uri_parse(tool->arena, settings->db_uri, &uri, NULL) != STATUS_OK)
        return "the database";
    const char *shown = sql_uri_shown(tool->arena, &uri);
    return shown != NULL ? shown : "the database";
}

int tool_find(struct tool *tool, const char *text, struct account *account_r)
{
    struct error error = {{0}};
    struct address *address = NULL;
    const char *domain = NULL;
    enum status status = STATUS_OK;
    int code = tool_open_store(tool);

    if (code != EXIT_GOOD)
        return code;
    if (strchr(text, '@') != NULL) {
        address = arena_alloc(tool->arena, sizeof *address);
        if (address == NULL)
            return tool_fail(EXIT_FAILED, "memory is out");
        status = address_parse(tool->arena, text, strlen(text), address, &error);
        domain = address->domain;
    } else {
        status = domain_name_normalize(tool->arena, text, strlen(text), &domain, &error);
    }
    if (status != STATUS_OK)
        return tool_failed(status, &error);

    *account_r = (struct account){.address = address, .domain = domain};
    status = store_find(tool->session, tool->arena, domain, &account_r->config, &error);
    if (status == STATUS_NOT_FOUND)
        return tool_fail(EXIT_FAILED, "the domain %s is not served: %s has neither a row for it nor one that fits",
                         domain, tool_store_name(tool));
    return status == STATUS_OK ? EXIT_GOOD : tool_failed(status, &error);
}

int tool_find_person(struct tool *tool, struct account *account)
{
    struct error error = {{0}};
    struct person person = {0};

    if (account->address == NULL)
        return EXIT_GOOD;
    int code = tool_open_users(tool);
    if (code != EXIT_GOOD || !userdb_applies(tool->userdb, account->config))
        return code;

    enum status status = userdb_find(tool->users, tool->arena, account->config, account->address,
                                     clock_ms() + tool->settings->lookup_timeout, &person, &error);
    if (status == STATUS_NOT_FOUND && tool->settings->unknown_users_refused)
        return tool_fail(EXIT_FAILED, "nobody has the address %s (unknown_users = refuse)", account->address->text);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        tool_fail(EXIT_FAILED, "the user look-up failed, so this is the general answer: %s", error.text);
        return EXIT_GOOD;
    }
    if (status == STATUS_OK) {
        account->login = person.login;
        account->full_name = tool->settings->publish_names ? person.full_name : NULL;
        account->variables = person.variables;
        account->variable_count = person.variable_count;
    }
    return EXIT_GOOD;
}
