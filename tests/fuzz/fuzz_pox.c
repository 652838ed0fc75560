/* fuzz_pox.c - an Autodiscover request under any bytes, and the documents that answer the address in it. */
/* SPDX-License-Identifier: MIT */
#include <expat.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/autodiscover_request.h"
#include "format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

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

/* A reader that knows no DTD takes it. */
static void check_document(const struct format *format, const struct account *account)
{
    struct document_request request = {.accounts = account, .account_count = 1};
    struct buf out;
    buf_init(&out, 0);
    demand(format->render(&request, &out, NULL) == STATUS_OK);
    demand(text_utf8_valid(out.data, out.length));
    XML_Parser parser = XML_ParserCreate(NULL);
    demand(parser && XML_Parse(parser, out.data, (int)out.length, XML_TRUE) == XML_STATUS_OK);
    XML_ParserFree(parser);
    buf_free(&out);
}

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
            check_document(&format_autodiscover, &account);
            check_document(&format_mobilesync, &account);
            check_document(&format_autoconfig, &account);
            account.login = address.local;
            check_document(&format_autodiscover, &account);
            check_document(&format_autoconfig, &account);
        }
    }
    arena_free(&arena);
    return 0;
}
