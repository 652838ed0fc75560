/* upgrade.c - automxctl upgrade: brings the tables of any automx2 to what automxd can use. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "ctl/command.h"

static void print_step(void *context, const char *sentence)
{
    bool *changed = context;

    *changed = true;
    printf("%s\n", sentence);
    fflush(stdout);
}

static int run(struct tool *tool, char **words)
{
    const struct argument options[] = {TOOL_ARGUMENTS(tool), {0}};
    struct error error = {{0}};
    bool changed = false;
    int count;
    int code = tool_arguments(tool, options, words, 0, 0, "no arguments", &count);

    if (code != EXIT_GOOD || tool->help)
        return code;
    code = tool_open_store_to_write(tool);
    if (code != EXIT_GOOD)
        return code;

    enum status status = store_upgrade(tool->session, print_step, &changed, &error);
    if (status != STATUS_OK)
        return tool_failed(status, &error);
    if (changed)
        printf("The tables of %s are up to date now. automx2 can go on using them.\n", tool_store_name(tool));
    else
        printf("The tables of %s are up to date; nothing was changed.\n", tool_store_name(tool));
    return EXIT_GOOD;
}

const struct command command_upgrade = {
    .name = "upgrade",
    .arguments = "",
    .summary = "bring the tables of any automx2 up to date",
    .details = "Adds to the configured database the columns and tables that automxd knows and automx2 does not,\n"
               "in one transaction, and prints each step. automx2 can go on using the database afterwards.\n"
               "automxd itself never changes a table, and works on a database that was not upgraded.\n",
    .run = run,
};
