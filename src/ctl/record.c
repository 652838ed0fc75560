/* record.c - the PACC document of a domain as it is served, and the DNS record that goes with it. */
/* SPDX-License-Identifier: MIT */
#include "ctl/record.h"

#include <stdio.h>

#include "format/format.h"
#include "format/pacc.h"

enum { DOMAIN_ARENA_MAX = 16 * 1024 * 1024 };

enum status record_make(struct store_session *session, const char *domain, struct buf *document, struct buf *record,
                        struct error *error_r)
{
    struct account account = {.domain = domain};
    const struct document_request request = {.accounts = &account, .account_count = 1};
    struct arena *arena = arena_new(DOMAIN_ARENA_MAX); /* its own: import asks for thousands */
    enum status status = STATUS_LIMIT;

    if (arena == NULL)
        return error_set(error_r, status, "memory is out");
    status = store_find(session, arena, domain, &account.config, error_r);
    if (status == STATUS_NOT_FOUND)
        error_set(error_r, status, "the domain %s is not served", domain);
    if (status == STATUS_OK)
        status = format_pacc.render(&request, document, error_r);
    if (status == STATUS_OK)
        pacc_txt_record(document, record);
    if (status == STATUS_OK && buf_failed(record))
        status = error_set(error_r, STATUS_LIMIT, "memory is out");
    arena_free(&arena);
    return status;
}

void record_print(const char *domain, const char *record)
{
    printf("_ua-auto-config.%s. IN TXT \"%s\"", domain, record);
}
