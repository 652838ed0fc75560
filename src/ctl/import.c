/* import.c - automxctl import: fills the database from a JSON file. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/record.h"

enum { FILE_MAX = 64 * 1024 * 1024, FAULTS_MAX = 100 };

/* "-" is the standard input. */
static int read_file(const char *path, struct buf *text)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    char block[16384];
    size_t length;

    if (file == NULL)
        return tool_fail(EXIT_FAILED, "%s cannot be read: %s", path, strerror(errno));
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        buf_add(text, block, length);
    bool failed = ferror(file) != 0;
    int reason = errno;

    if (!is_stdin)
        fclose(file);
    if (failed)
        return tool_fail(EXIT_FAILED, "%s cannot be read: %s", path, strerror(reason));
    if (buf_failed(text))
        return tool_fail(EXIT_FAILED, "%s is larger than %d MiB", path, FILE_MAX / (1024 * 1024));
    if (text->length == 0)
        return tool_fail(EXIT_FAILED, "%s is empty", path);
    return EXIT_GOOD;
}

struct report {
    struct tool *tool;
    size_t domains;
    size_t records;
};

/* A domain that was not there had no document: its digest is new. */
static bool report_domain(void *context, const char *name)
{
    struct report *report = context;
    struct buf document, record;

    report->domains++;
    if (strchr(name, '*') != NULL) /* what a wildcard serves has a digest for each name */
        return true;
    buf_init(&document, 0);
    buf_init(&record, 0);
    if (record_make(report->tool, name, &document, &record, NULL) == STATUS_OK) {
        if (report->records++ == 0)
            printf("PACC documents that are new, with the DNS records to publish for them:\n");
        printf("  old: none\n  new: ");
        record_print(name, &record);
        printf("\n");
    }
    buf_free(&record);
    buf_free(&document);
    return true;
}

static void report_fault(void *context, const char *sentence)
{
    tool_fail(EXIT_GOOD, "%s", sentence);
}

/* What was written is read back, so that mistakes are heard of now and not when somebody asks. */
static int report_import(struct tool *tool, const char *path)
{
    struct report report = {.tool = tool};
    struct error error = {{0}};
    enum status status = store_names(tool->session, report_domain, &report, &error);

    if (status == STATUS_OK)
        status = store_check(tool->session, FAULTS_MAX, report_fault, NULL, &error);
    if (status != STATUS_OK)
        return tool_failed(status, &error);
    printf("%s: %zu domain%s imported into %s.\n", path, report.domains, report.domains == 1 ? "" : "s",
           tool_store_name(tool));
    return EXIT_GOOD;
}

static int run(struct tool *tool, char **words)
{
    const struct argument options[] = {TOOL_ARGUMENTS(tool), {0}};
    struct error error = {{0}};
    struct buf text;
    bool seeded = false;
    int count;
    int code = tool_arguments(tool, options, words, 1, 1, "a JSON file", &count);

    if (code != EXIT_GOOD || tool->help)
        return code;
    buf_init(&text, FILE_MAX);
    code = tool_open_store_to_write(tool);
    if (code == EXIT_GOOD)
        code = read_file(words[0], &text);
    if (code != EXIT_GOOD)
        goto out;

    enum status status = store_seed(tool->session, text.data, text.length, &seeded, &error);
    if (status == STATUS_INVALID) /* the file's mistake, not the command line's */
        code = tool_fail(EXIT_FAILED, "%s: %s; nothing was written", words[0], error.text);
    else if (status != STATUS_OK)
        code = tool_failed(status, &error);
    else if (!seeded)
        code =
            tool_fail(EXIT_FAILED, "%s holds providers already, so nothing was written; import fills an empty database",
                      tool_store_name(tool));
    else
        code = report_import(tool, words[0]);
out:
    buf_free(&text);
    return code;
}

const struct command command_import = {
    .name = "import",
    .arguments = "FILE",
    .summary = "fill an empty database from a JSON file",
    .details = "FILE has any of the JSON formats 1, 2 and 3 that /initdb/ takes; - is the standard input.\n"
               "Tables are made when they are missing. All of it is written in one transaction, or nothing.\n"
               "Prints the DNS records for domains that have a PACC document, and what is wrong with rows.\n",
    .run = run,
};
