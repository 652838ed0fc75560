/* pacc.c - automxctl pacc: the digest of a domain's PACC document and the DNS record that holds it. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ctl/command.h"
#include "ctl/record.h"
#include "format/pacc.h"

static int run(struct tool *tool, char **words)
{
    const struct argument options[] = {TOOL_ARGUMENTS(tool), {0}};
    struct error error = {{0}};
    char digest[DIGEST_SHA256_TEXT_SIZE];
    const char *domain;
    struct buf document, record;
    int count;
    int code = tool_arguments(tool, options, words, 1, 1, "a domain", &count);

    if (code != EXIT_GOOD || tool->help)
        return code;
    code = tool_open_store(tool);
    if (code != EXIT_GOOD)
        return code;
    if (!log_enabled(LOG_LEVEL_INFO))
        log_set_level(LOG_LEVEL_INFO); /* why services are left out of the document */
    enum status status = domain_name_normalize(tool->arena, words[0], strlen(words[0]), &domain, &error);
    if (status != STATUS_OK)
        return tool_failed(status, &error);

    buf_init(&document, 0);
    buf_init(&record, 0);
    status = record_make(tool->session, domain, &document, &record, &error);
    if (status == STATUS_OK) {
        pacc_digest(&document, digest);
        printf("document  https://ua-auto-config.%s/.well-known/user-agent-configuration.json (%zu bytes)\n", domain,
               document.length);
        printf("digest    %s\n", digest);
        printf("record    ");
        record_print(domain, record.data);
        printf("\n");
    } else {
        code = tool_failed(status, &error);
    }
    buf_free(&record);
    buf_free(&document);
    return code;
}

const struct command command_pacc = {
    .name = "pacc",
    .arguments = "DOMAIN",
    .summary = "print the digest of a domain's PACC document and its DNS record",
    .details = "Mail clients compare the document at ua-auto-config.DOMAIN with the digest in the TXT record at\n"
               "_ua-auto-config.DOMAIN. When the digest is about to change, publish the old and the new record\n"
               "together, wait for the old record's time to live, make the change, and remove the old record\n"
               "after as long again.\n",
    .run = run,
};
