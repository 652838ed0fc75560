/* format_fixture.h - servers, providers and accounts for the tests of the formats. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_FIXTURE_H
#define FORMAT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <expat.h>

#include "format/format.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* What a row says of a server stands in for what SERVER() says of every one. */
#pragma GCC diagnostic ignored "-Woverride-init"

/* A server as the store makes one: a password over TLS, the address as its user name. */
#define SERVER(kind, number, name, ...)                                                                                \
    {                                                                                                                  \
        .type = (kind), .table = "server", .id = (number), .prio = 10, .host = (name), .security = SECURITY_TLS,       \
        .auth = {AUTH_PASSWORD_CLEARTEXT}, .auth_count = 1, __VA_ARGS__                                                \
    }
#define AUTH(count, ...) .auth = {__VA_ARGS__}, .auth_count = (count)

[[gnu::unused]] static const struct provider example_provider = {
    .id = 1, .name = "Example Mail", .short_name = "Example"};
[[gnu::unused]] static const struct address joe = {"joe@example.test", "joe", "example.test"};

[[gnu::unused]] static const struct server example_servers[] = {
    SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993),
    SERVER(SERVER_POP3, 2, "pop.example.test", .port = 995),
    SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 587, .security = SECURITY_STARTTLS),
};
[[gnu::unused]] static const struct domain example_domain = {
    .id = 1,
    .name = "example.test",
    .provider = &example_provider,
    .servers = example_servers,
    .server_count = COUNT(example_servers),
};

/* The document in out, which the caller frees. */
[[gnu::unused]] static enum status render(const struct format *format, const struct account *account, struct buf *out)
{
    struct document_request request = {.accounts = account, .account_count = 1};
    struct error error = {{0}};
    buf_init(out, 0);
    enum status status = format->render(&request, out, &error);
    if (status != STATUS_OK)
        assert_true(strlen(error.text) > 0);
    return status;
}

/* Whether a reader that knows no DTD takes it. */
[[gnu::unused]] static void assert_well_formed(size_t row, const struct buf *document)
{
    XML_Parser parser = XML_ParserCreateNS(NULL, '\n');
    enum XML_Status status = XML_Parse(parser, document->data, (int)document->length, XML_TRUE);
    if (status != XML_STATUS_OK)
        fail_msg("row %zu: %s:\n%s", row, XML_ErrorString(XML_GetErrorCode(parser)), document->data);
    XML_ParserFree(parser);
}

[[gnu::unused]] static void assert_document(size_t row, const struct buf *document, const char *expected)
{
    if (strcmp(document->data, expected) != 0)
        fail_msg("row %zu: expected\n%s\ngot\n%s", row, expected, document->data);
}

/* Rows of a test that names only what a document must and must not say. */
[[gnu::unused]] static void assert_says(size_t row, const struct buf *document, const char *text)
{
    if (text && !strstr(document->data, text))
        fail_msg("row %zu: no \"%s\" in\n%s", row, text, document->data);
}

[[gnu::unused]] static void assert_says_not(size_t row, const struct buf *document, const char *text)
{
    if (text && strstr(document->data, text))
        fail_msg("row %zu: \"%s\" in\n%s", row, text, document->data);
}

#endif
