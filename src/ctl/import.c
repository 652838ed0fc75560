/* import.c - automxctl import: fills the database from a JSON file. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/digests.h"

enum { FILE_MAX = 64 * 1024 * 1024, FAULTS_MAX = 100 };

/* "-" is the standard input. */
static int read_file(const char *path, struct buf *text)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return tool_fail(EXIT_FAILED, "%s cannot be read: %s", path, strerror(errno));
    bool whole = buf_read(text, fd);
    int reason = errno;

    if (!is_stdin)
        close(fd);
    if (buf_failed(text))
        return tool_fail(EXIT_FAILED, "%s is larger than %d MiB", path, FILE_MAX / (1024 * 1024));
    if (!whole)
        return tool_fail(EXIT_FAILED, "%s cannot be read: %s", path, strerror(reason));
    if (text->length == 0)
        return tool_fail(EXIT_FAILED, "%s is empty", path);
    return EXIT_GOOD;
}

static void report_fault(void *context, const char *sentence)
{
    tool_fail(EXIT_GOOD, "%s", sentence);
}

/* What the edit is, and how the documents were before it. */
struct import {
    struct tool *tool;
    const char *path;
    struct buf text;
    bool replace;
    bool dry_run;
    struct digests *before;
};

/* Digests change with the documents, and a client that finds another digest than it was told goes away. */
static void report_digests(const struct import *import, const struct digests *after)
{
    printf("DNS records of PACC documents that %s:\n", import->dry_run ? "would change" : "changed");
    if (digests_compare(import->before, after) == 0)
        printf("  none\n");
    else if (import->dry_run)
        printf(
            "Before the import, publish the new records beside the old ones and wait for the old ones' time to live;\n"
            "remove the old ones as long after it, and 300 seconds at least.\n");
}

/* What was written is read back, so that mistakes are heard of now and not when somebody asks. */
static int report_import(struct import *import, struct store_session *session)
{
    struct digests *after = NULL;
    struct error error = {{0}};
    enum status status = digests_read(session, &after, &error);

    if (status == STATUS_OK)
        status = store_check(session, FAULTS_MAX, report_fault, NULL, &error);
    if (status == STATUS_OK) {
        size_t domains = digests_domains(after);

        report_digests(import, after);
        printf("%s: %zu domain%s %s %s.\n", import->path, domains, domains == 1 ? "" : "s",
               import->dry_run   ? "would be in"
               : import->replace ? "now in"
                                 : "imported into",
               tool_store_name(import->tool));
    }
    digests_free(&after);
    return status == STATUS_OK ? EXIT_GOOD : tool_failed(status, &error);
}

static int import_failed(const struct import *import, enum status status, const struct error *error)
{
    if (status == STATUS_INVALID) /* the file's mistake, not the command line's */
        return tool_fail(EXIT_FAILED, "%s: %s; nothing was written", import->path, error->text);
    return tool_failed(status, error);
}

/* Into a database in memory, which ends with this program. */
static int try_import(struct import *import)
{
    struct settings settings = *import->tool->settings;
    struct store *store = NULL;
    struct store_session *session = NULL;
    struct error error = {{0}};
    int code = EXIT_GOOD;

    settings.db_uri = NULL;
    settings.domain_query = NULL;
    enum status status = store_open(&settings, &store, &error);
    if (status == STATUS_OK)
        status = store_session_open(store, &session, &error);
    if (status == STATUS_OK)
        status = store_replace(session, import->text.data, import->text.length, &error);
    code = status == STATUS_OK ? report_import(import, session) : import_failed(import, status, &error);
    store_session_close(&session);
    store_close(&store);
    return code;
}

static int write_import(struct import *import)
{
    struct tool *tool = import->tool;
    struct error error = {{0}};
    bool seeded = true;
    enum status status = import->replace
                             ? store_replace(tool->session, import->text.data, import->text.length, &error)
                             : store_seed(tool->session, import->text.data, import->text.length, &seeded, &error);

    if (status != STATUS_OK)
        return import_failed(import, status, &error);
    if (!seeded)
        return tool_fail(EXIT_FAILED,
                         "%s holds providers already, so nothing was written; --replace puts %s in place of all that "
                         "is there",
                         tool_store_name(tool), import->path);
    return report_import(import, tool->session);
}

static int run(struct tool *tool, char **words)
{
    struct import import = {.tool = tool};
    const struct argument options[] = {
        TOOL_ARGUMENTS(tool), {"--replace", NULL, &import.replace}, {"--dry-run", NULL, &import.dry_run}, {0}};
    struct error error = {{0}};
    int count;
    int code = tool_arguments(tool, options, words, 1, 1, "a JSON file", &count);

    if (code != EXIT_GOOD || tool->help)
        return code;
    import.path = words[0];
    buf_init(&import.text, FILE_MAX);
    code = tool_open_store_to_write(tool);
    if (code == EXIT_GOOD)
        code = read_file(import.path, &import.text);
    if (code != EXIT_GOOD)
        goto out;

    enum status status = digests_read(tool->session, &import.before, &error);
    if (status != STATUS_OK)
        code = tool_failed(status, &error);
    else
        code = import.dry_run ? try_import(&import) : write_import(&import);
out:
    digests_free(&import.before);
    buf_free(&import.text);
    return code;
}

const struct command command_import = {
    .name = "import",
    .arguments = "FILE [--replace] [--dry-run]",
    .summary = "fill the database from a JSON file",
    .details = "FILE has any of the JSON formats 1, 2 and 3 that /initdb/ takes; - is the standard input.\n"
               "Tables are made when they are missing. A database that holds providers is left as it is, unless\n"
               "--replace puts the file in place of everything in it. All of it is written in one transaction, or\n"
               "nothing. Prints the DNS records of PACC documents that change, old and new, and what is wrong\n"
               "with rows. --dry-run prints that and writes nothing.\n",
    .run = run,
};
