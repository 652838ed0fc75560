/* automxctl.c - the administrator's tool: finds the command and runs it. */
/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "ctl/command.h"

static const struct command *const commands[] = {
    &command_export, &command_import, &command_lookup, &command_pacc, &command_render, &command_upgrade,
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct command *find_command(const char *name)
{
    const char *names[COMMAND_COUNT + 1] = {0};

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
        names[i] = commands[i]->name;
    }
    const char *meant = text_suggest(name, names);
    if (meant != NULL)
        tool_fail(EXIT_USAGE, "there is no command '%s'; did you mean '%s'?", name, meant);
    else
        tool_fail(EXIT_USAGE, "there is no command '%s'; see 'automxctl --help'", name);
    return NULL;
}

static void print_help(void)
{
    printf("usage: automxctl [--config FILE] COMMAND ...\n"
           "       automxctl COMMAND --help | --help | --version\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
    printf("\nThe configuration is automxd's, found where automxd finds it. See automxctl(1).\n");
}

static void print_command_help(const struct command *command)
{
    printf("usage: automxctl [--config FILE] %s%s%s\n\n%s", command->name, command->arguments[0] != '\0' ? " " : "",
           command->arguments, command->details);
}

/* What was printed counts only when it arrived: a full disk must not look like success. */
static int finish_output(int code)
{
    bool failed = ferror(stdout) != 0;

    if (fclose(stdout) != 0 || failed) {
        fputs("automxctl: the output could not be written\n", stderr);
        return code == EXIT_GOOD ? EXIT_FAILED : code;
    }
    return code;
}

int main(int argc, char **argv)
{
    struct tool tool = {0};
    struct error error = {{0}};
    bool version = false;
    const struct argument options[] = {TOOL_ARGUMENTS(&tool), {"--version", NULL, &version}, {0}};
    char **words = argv + (argc > 0 ? 1 : 0);
    int code = EXIT_GOOD;

    /* libldap writes to connections that a directory may have closed. */
    signal(SIGPIPE, SIG_IGN);
    log_open("automxctl");
    log_set_level(LOG_LEVEL_WARNING);
    int count = arguments_parse(options, words, true, &error);
    if (count < 0)
        return tool_fail(EXIT_USAGE, "%s; see 'automxctl --help'", error.text);
    if (version) {
        printf("automxctl %s\n", AUTOMXD_VERSION);
        return finish_output(EXIT_GOOD);
    }
    if (count == 0 && !tool.help)
        return tool_fail(EXIT_USAGE, "which command? See 'automxctl --help'");
    if (count == 0) {
        print_help();
        return finish_output(EXIT_GOOD);
    }

    const struct command *command = find_command(words[0]);
    if (command == NULL)
        return EXIT_USAGE;
    tool.command = command->name;
    code = command->run(&tool, words + 1);
    if (code == EXIT_GOOD && tool.help)
        print_command_help(command);
    tool_close(&tool);
    return finish_output(code);
}
