/* tool.h - what the commands of automxctl share: settings, database, people, and how failures are told. */
/* SPDX-License-Identifier: MIT */
#ifndef CTL_TOOL_H
#define CTL_TOOL_H

#include "account/account.h"
#include "base/arena.h"
#include "base/settings.h"
#include "ctl/arguments.h"
#include "store/store.h"
#include "userdb/userdb.h"

#include <stdbool.h>

/* The exit codes of design and manual. */
enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Everything but config and help is opened by the functions below when a command needs it, and closed by
 * tool_close(). */
struct tool {
    const char *command; /* name, for messages */
    const char *config;  /* --config, or NULL */
    bool help;
    struct arena *arena; /* of what is found */
    struct settings *settings;
    struct store *store;
    struct store_session *session;
    struct userdb *userdb;
    struct userdb_session *users;
};

/* The rows of a table of options that every command has. */
#define TOOL_ARGUMENTS(tool)                                                                                           \
    {"--config", &(tool)->config, NULL},                                                                               \
    {                                                                                                                  \
        "--help", NULL, &(tool)->help                                                                                  \
    }

/* Reads the words of a command. *count_r gets the number of operands, which must be min..max (max -1: any number);
 * operands names them in the message. EXIT_GOOD or EXIT_USAGE, told; with --help the operands are not counted. */
int tool_arguments(struct tool *tool, const struct argument *table, char **words, int min, int max,
                   const char *operands, int *count_r);

/* Each: EXIT_GOOD, or the code of a failure that was told. The store opens the settings, the users the store. */
int tool_open_settings(struct tool *tool);
int tool_open_store(struct tool *tool);
int tool_open_users(struct tool *tool);
void tool_close(struct tool *tool);

/* The same, for commands that write: a database that ends with this program is refused. */
int tool_open_store_to_write(struct tool *tool);

/* The database for people to read, without the password. Lives in the arena. */
const char *tool_store_name(struct tool *tool);

/* Reads an address, or a domain when there is no @ in it, and asks the store for the domain. The account's person is
 * not looked up. EXIT_FAILED, told, when the domain is not served. */
int tool_find(struct tool *tool, const char *text, struct account *account_r);

/* Adds the person to an account as the daemon would: without one when nobody is found or the answer fails, which is
 * told. EXIT_FAILED, told, when unknown users are refused. */
int tool_find_person(struct tool *tool, struct account *account);

/* Prints "automxctl: sentence" to stderr; returns the exit code that fits the status. */
int tool_failed(enum status status, const struct error *error);
[[gnu::format(printf, 2, 3)]] int tool_fail(int code, const char *format, ...);

#endif
