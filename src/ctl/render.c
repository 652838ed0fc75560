/* render.c - automxctl render: any document, without HTTP. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/command.h"
#include "format/format.h"
#include "format/signer.h"

enum { FORMATS_MAX = 32 };

static const struct format *find_format(const char *name)
{
    const char *names[FORMATS_MAX + 1] = {0};
    struct buf list;
    const struct format *format = format_find(name);

    if (format != NULL)
        return format;
    buf_init(&list, 0);
    for (size_t i = 0; i < FORMATS_MAX && formats[i] != NULL; i++) {
        names[i] = formats[i]->name;
        buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const char *meant = text_suggest(name, names);
    if (meant != NULL)
        tool_fail(EXIT_USAGE, "render: there is no format '%s'; did you mean '%s'?", name, meant);
    else
        tool_fail(EXIT_USAGE, "render: there is no format '%s'; there are: %s", name,
                  buf_failed(&list) ? "" : list.data);
    buf_free(&list);
    return NULL;
}

static int find_accounts(struct tool *tool, char **words, const struct format *format, const char *name,
                         struct account *accounts)
{
    int code = EXIT_GOOD;

    for (size_t i = 0; words[i] != NULL && code == EXIT_GOOD; i++) {
        code = tool_find(tool, words[i], &accounts[i]);
        if (code == EXIT_GOOD && format->needs_address && accounts[i].address == NULL)
            code = tool_fail(EXIT_USAGE, "render: the format %s needs an address, and '%s' is a domain", format->name,
                             words[i]);
        if (code == EXIT_GOOD && format->wants_person)
            code = tool_find_person(tool, &accounts[i]);
        if (code == EXIT_GOOD && accounts[i].full_name == NULL)
            accounts[i].full_name = name;
    }
    return code;
}

static int render(struct tool *tool, const struct format *format, const struct document_request *request)
{
    struct error error = {{0}};
    struct buf out;
    int code = EXIT_GOOD;

    buf_init(&out, 0);
    enum status status = format->render(request, &out, &error);
    if (status != STATUS_OK) {
        code = tool_fail(EXIT_FAILED, "%s", error.text);
    } else {
        fwrite(out.data, 1, out.length, stdout);
        /* The bytes as they are sent, but no prompt behind the last one. */
        if (isatty(STDOUT_FILENO) && out.length > 0 && out.data[out.length - 1] != '\n')
            fputc('\n', stdout);
        if (fflush(stdout) != 0)
            code = tool_fail(EXIT_FAILED, "the document could not be written");
    }
    buf_free(&out);
    return code;
}

static int run(struct tool *tool, char **words)
{
    const char *format_name = "autoconfig", *name = NULL, *protocol = "AutodiscoverV1", *base_url = NULL;
    const struct argument options[] = {TOOL_ARGUMENTS(tool),
                                       {"--format", &format_name, NULL},
                                       {"--name", &name, NULL},
                                       {"--protocol", &protocol, NULL},
                                       {"--base-url", &base_url, NULL},
                                       {0}};
    struct profile_signer *signer = NULL;
    struct error error = {{0}};
    int count;
    int code = tool_arguments(tool, options, words, 1, -1, "an address or a domain", &count);

    if (code != EXIT_GOOD || tool->help)
        return code;
    const struct format *format = find_format(format_name);
    if (format == NULL)
        return EXIT_USAGE;
    if (count > 1 && format != &format_mobileconfig && format != &format_qr)
        return tool_fail(EXIT_USAGE, "render: the format %s holds one account, and '%s' is a second one", format->name,
                         words[1]);
    code = tool_open_store(tool);
    if (code != EXIT_GOOD)
        return code;

    struct account *accounts = arena_array(tool->arena, (size_t)count, sizeof accounts[0]);
    if (accounts == NULL)
        return tool_fail(EXIT_FAILED, "memory is out");
    code = find_accounts(tool, words, format, name, accounts);
    if (code == EXIT_GOOD && format == &format_mobileconfig) {
        enum status status = profile_signer_load(tool->settings, &signer, &error);

        if (status != STATUS_OK)
            code = tool_fail(EXIT_USAGE, "%s", error.text);
    }
    if (code == EXIT_GOOD) {
        const struct document_request request = {.accounts = accounts,
                                                 .account_count = (size_t)count,
                                                 .base_url = base_url,
                                                 .protocol = protocol,
                                                 .signer = signer};
        code = render(tool, format, &request);
    }
    profile_signer_free(&signer);
    return code;
}

const struct command command_render = {
    .name = "render",
    .arguments = "ADDRESS|DOMAIN ... [--format FORMAT] [--name NAME] [--protocol PROTOCOL] [--base-url URL]",
    .summary = "print a document as clients get it",
    .details = "FORMAT is autoconfig (when none is given), autodiscover, mobilesync, autodiscover2, mobileconfig,\n"
               "pacc or qr. Several addresses share one profile (mobileconfig) or code for import (qr); profiles\n"
               "are signed when that is configured. NAME is the person's full name where the look-up has none,\n"
               "PROTOCOL what autodiscover2 is asked for, and URL where this service is reached.\n",
    .run = run,
};
