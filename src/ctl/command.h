/* command.h - what a command of automxctl is. */
/* SPDX-License-Identifier: MIT */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/tool.h"

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* a few words for the list */
    const char *details;   /* sentences for --help, ending in a newline */
    /* words: what follows the name, NULL-terminated. Returns the exit code. */
    int (*run)(struct tool *tool, char **words);
};

extern const struct command command_export;
extern const struct command command_import;
extern const struct command command_lookup;
extern const struct command command_pacc;
extern const struct command command_render;
extern const struct command command_upgrade;

#endif
