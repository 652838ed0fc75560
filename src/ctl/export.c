/* export.c - automxctl export: the whole database as one JSON file. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/command.h"

enum { EXPORT_MAX = 128 * 1024 * 1024 };

static void report_fault(void *context, const char *sentence)
{
    bool *left_out = context;

    *left_out = true;
    tool_fail(EXIT_FAILED, "%s", sentence);
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, bytes, length);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return fsync(file) == 0;
}

/* Passwords may be in it: nobody else can read the new file (mkstemp() makes it 0600), which takes the old one's place
 * only when it is complete. */
static int write_file(struct tool *tool, const char *path, const struct buf *text)
{
    struct stat there;

    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) /* root must not take the place of /dev/stdout */
        return tool_fail(EXIT_FAILED, "%s is no file; without --output the standard output is written to", path);
    char *temporary = arena_format(tool->arena, "%s.XXXXXX", path);
    if (temporary == NULL)
        return tool_fail(EXIT_FAILED, "memory is out");
    int file = mkstemp(temporary);
    if (file < 0)
        return tool_fail(EXIT_FAILED, "%s cannot be written: %s", path, strerror(errno));
    bool written = write_all(file, text->data, text->length);
    int reason = errno;

    if (close(file) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && rename(temporary, path) != 0) {
        written = false;
        reason = errno;
    }
    if (written)
        return EXIT_GOOD;
    unlink(temporary);
    return tool_fail(EXIT_FAILED, "%s cannot be written: %s", path, strerror(reason));
}

static int write_output(struct tool *tool, const char *path, const struct buf *text, bool secret)
{
    if (path != NULL)
        return write_file(tool, path, text);
    fwrite(text->data, 1, text->length, stdout);
    if (secret)
        tool_fail(EXIT_GOOD, "passwords of LDAP servers are in this output; 'automxctl export --output FILE' makes a "
                             "file that nobody else can read");
    return EXIT_GOOD;
}

static int run(struct tool *tool, char **words)
{
    const char *path = NULL;
    const struct argument options[] = {TOOL_ARGUMENTS(tool), {"--output", &path, NULL}, {0}};
    struct error error = {{0}};
    struct buf text;
    bool secret = false, left_out = false;
    int count;
    int code = tool_arguments(tool, options, words, 0, 0, "no arguments", &count);

    if (code != EXIT_GOOD || tool->help)
        return code;
    code = tool_open_store(tool);
    if (code != EXIT_GOOD)
        return code;
    buf_init(&text, EXPORT_MAX);
    enum status status = store_export(tool->session, &text, &secret, report_fault, &left_out, &error);
    if (status != STATUS_OK)
        code = tool_fail(EXIT_FAILED, "%s: %s", tool_store_name(tool), error.text);
    else
        code = write_output(tool, path, &text, secret);
    if (code == EXIT_GOOD && left_out)
        code = EXIT_FAILED;
    buf_free(&text);
    return code;
}

const struct command command_export = {
    .name = "export",
    .arguments = "[--output FILE]",
    .summary = "print the whole database as JSON that import takes",
    .details = "Writes everything that is in the database as JSON of format 3, to the standard output or to FILE,\n"
               "which nobody else can read: bind passwords of LDAP servers are in it as they are stored.\n"
               "Rows that the daemon leaves out, because they cannot be right, are left out and told; the exit\n"
               "code is 1 then.\n",
    .run = run,
};
