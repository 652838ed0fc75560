/* fuzz_pox.c - an Autodiscover request under any bytes, and the documents that answer the address in it. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "documents.h"
#include "format/autodiscover_request.h"
#include "oracle.h"

static const struct server servers[] = {
    {.type = SERVER_IMAP,
     .table = "server",
     .id = 1,
     .host = "imap.%EMAILDOMAIN%",
     .port = 993,
     .security = SECURITY_TLS,
     .auth = {AUTH_PASSWORD_CLEARTEXT},
     .auth_count = 1},
    {.type = SERVER_SMTP,
     .table = "server",
     .id = 2,
     .host = "smtp.example.test",
     .port = 587,
     .security = SECURITY_STARTTLS,
     .auth = {AUTH_NTLM},
     .auth_count = 1,
     .user = "%EMAILLOCALPART%"},
    {.type = SERVER_ACTIVESYNC,
     .table = "service",
     .id = 3,
     .url = "https://eas.test/%EMAILLOCALPART%?%EMAILADDRESS%",
     .port = 443,
     .security = SECURITY_TLS,
     .auth = {AUTH_PASSWORD_CLEARTEXT},
     .auth_count = 1},
    {.type = SERVER_CALDAV,
     .table = "davserver",
     .id = 4,
     .url = "https://dav.test/%EMAILLOCALPART%/",
     .port = 443,
     .security = SECURITY_TLS,
     .auth = {AUTH_PASSWORD_CLEARTEXT},
     .auth_count = 1},
};
static const struct provider provider = {.name = "For %EMAILADDRESS%", .short_name = "%EMAILLOCALPART%"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1024 * 1024);
    struct autodiscover_request request;
    struct address address;
    if (arena && autodiscover_request_parse(arena, (const char *)data, size, &request, NULL) == STATUS_OK &&
        request.address) {
        demand(text_utf8_valid(request.address, strlen(request.address)));
        if (address_parse(arena, request.address, strlen(request.address), &address, NULL) == STATUS_OK) {
            const struct domain domain = {.name = "*",
                                          .provider = &provider,
                                          .servers = servers,
                                          .server_count = sizeof(servers) / sizeof(servers[0])};
            struct account account = {.address = &address, .domain = address.domain, .config = &domain};
            account.full_name = address.local;
            demand_documents(&account, NULL);
            account.login = address.local;
            demand_documents(&account, NULL);
        }
    }
    arena_free(&arena);
    return 0;
}
