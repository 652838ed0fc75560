/* request_mutate.c - mutates the input of fuzz_request.c so that most of its requests stay well-formed. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_message.h"
#include "oracle.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum { REQUESTS_MAX = 16, PIECE_MAX = 8192 };

static const char *const options[] = {
    "0 203.0.113.7\n", "1 10.0.0.1\n",   "2 2001:db8::1\n",    "3 127.0.0.1\n",
    "3 ::1 p\n",       "1 10.0.0.2 p\n", "2 198.51.100.1 p\n",
};

static const char *const requests[] = {
    "GET /mail/config-v1.1.xml?emailaddress=a@example.com HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n",
    "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /initdb/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "PROPFIND /.well-known/caldav HTTP/1.1\r\nHost: example.com\r\n\r\n",
};

static const char *const methods[] = {"GET",     "HEAD",     "POST",  "DELETE", "PUT",
                                      "OPTIONS", "PROPFIND", "TRACE", "CONNECT"};

static const char *const targets[] = {
    "/mail/config-v1.1.xml",
    "/.well-known/autoconfig/mail/config-v1.1.xml",
    "/autodiscover/autodiscover.xml",
    "/Autodiscover/Autodiscover.xml",
    "/autodiscover/autodiscover.json?Protocol=ActiveSync&Email=a@example.com",
    "/autodiscover/autodiscover.json/v1.0/a@example.com?Protocol=AutodiscoverV1",
    "/mobileconfig/?emailaddress=a@example.com&emailaddress=b@own.example&name=A+B",
    "/.well-known/user-agent-configuration.json",
    "/.well-known/mail-v1.xml?emailaddress=nobody@example.com",
    "/v1.1/mail/config-v1.1.xml?emailaddress=%22a%20b%22@own.example",
    "/v1.1/sub.example.org",
    "/v1.1/own.example/",
    "/.well-known/caldav",
    "/.well-known/carddav",
    "/.well-known/jmap",
    "/",
    "/healthz",
    "/readyz",
    "/ask?domain=autoconfig.example.com",
    "/initdb",
    "/initdb/",
    "*",
    "http://example.com/",
    "https://example.com:443/?",
};

static const char *const parameters[] = {
    "emailaddress=",
    "?emailaddress=zqlocal@example.com",
    "?emailaddress=zqlocal@own.example",
    "&emailaddress=a@old.example",
    "&EmailAddress=%C3%BC@m%C3%BCller.example",
    "&Email=",
    "&Protocol=ActiveSync",
    "&Protocol=EWS",
    "&name=",
    "&domain=",
    "&",
    "%",
    "?",
    "%00",
    "%0d%0a",
    "@",
    "else.example",
    "alias.example",
};

static const char *const headers[] = {
    "Host: example.com\r\n",
    "Host: autodiscover.own.example:8080\r\n",
    "Host: ua-auto-config.example.com\r\n",
    "Host: [::1]:80\r\n",
    "Host: localhost\r\n",
    "X-Forwarded-For: 192.0.2.1, 10.1.1.1\r\n",
    "X-Forwarded-Host: autoconfig.example.com\r\n",
    "X-Forwarded-Proto: http\r\n",
    "X-Forwarded-Proto: https, http\r\n",
    "Forwarded: for=192.0.2.1\r\n",
    "Via: 1.1 proxy\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "If-None-Match: *\r\n",
    "If-None-Match: \"a\", W/\"b\"\r\n",
    "Expect: 100-continue\r\n",
    "Origin: https://example.com\r\n",
    "Sec-Fetch-Site: cross-site\r\n",
    "Content-Type: text/xml\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Cookie: a=b; c\r\n",
    "Content-Length: 0\r\n",
    "Accept: application/json\r\n",
    "Upgrade: websocket\r\n",
    "Range: bytes=0-1\r\n",
    "X: \r\n",
};

static const char *const bodies[] = {
    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\"><Request>"
    "<EMailAddress>a@example.com</EMailAddress></Request></Autodiscover>",
    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006\"><Request>"
    "<EMailAddress>a@example.com</EMailAddress></Request></Autodiscover>",
    "<Autodiscover><Request><LegacyDN>/o=x</LegacyDN></Request></Autodiscover>",
    "{\"version\":3,\"providers\":[{\"name\":\"P\",\"servers\":[{\"type\":\"imap\",\"name\":\"i.example\"}],"
    "\"domains\":[\"example.com\"]}]}",
    "5\r\nabcde\r\n0\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "",
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define PICK(list)  (list)[pick(COUNT(list))]

static unsigned state;

static size_t pick(size_t count)
{
    state = state * 1664525u + 1013904223u;
    return (size_t)(state >> 8) % count;
}

struct text {
    char *bytes;
    size_t length, max;
};

/* Puts bytes in place of a part; nothing happens when there is no room. */
static void splice(struct text *text, size_t at, size_t remove, const char *bytes, size_t length)
{
    if (text->length - remove + length > text->max)
        return;
    memmove(text->bytes + at + length, text->bytes + at + remove, text->length - at - remove);
    memcpy(text->bytes + at, bytes, length);
    text->length += length - remove;
}

/* Has libFuzzer change a part, with its dictionary and what it learnt from comparisons. */
static void mutate_part(struct text *text, size_t at, size_t length)
{
    uint8_t piece[PIECE_MAX];
    if (length > sizeof piece)
        return;
    memcpy(piece, text->bytes + at, length);
    size_t changed = LLVMFuzzerMutate(piece, length, sizeof piece);
    splice(text, at, length, (char *)piece, changed);
}

/* After the body has been changed from old to the bytes behind the head. */
static void set_length(struct text *text, size_t start, size_t head, size_t length)
{
    char line[48];
    struct http_message message = {.bytes = text->bytes + start, .head = head};
    size_t size;
    const char *value = http_header(&message, "Content-Length", &size);
    size_t at = value ? (size_t)(value - text->bytes) : start + head - 2;
    snprintf(line, sizeof line, value ? "%zu" : "Content-Length: %zu\r\n", length);
    splice(text, at, value ? size : 0, line, strlen(line));
}

static void change_body(struct text *text, size_t start, const struct http_message *request)
{
    size_t at = start + request->head, before = text->length;
    if (pick(3) == 0) {
        const char *body = PICK(bodies);
        splice(text, at, request->body, body, strlen(body));
    } else {
        mutate_part(text, at, request->body);
    }
    size_t size;
    if (!http_header(request, "Transfer-Encoding", &size))
        set_length(text, start, request->head, request->body + text->length - before);
}

/* Bytes from at up to the next blank, which a request line has. */
static size_t word_length(const struct text *text, size_t at)
{
    const char *blank = memchr(text->bytes + at, ' ', text->length - at);
    return (size_t)(blank - (text->bytes + at));
}

static void change_target(struct text *text, size_t start)
{
    size_t at = start + word_length(text, start) + 1;
    size_t length = word_length(text, at);
    const char *with = NULL;
    switch (pick(4)) {
    case 0:
        with = PICK(targets);
        splice(text, at, length, with, strlen(with));
        break;
    case 1:
        with = PICK(parameters);
        splice(text, at + length, 0, with, strlen(with));
        break;
    default:
        mutate_part(text, at, length);
    }
}

static void change_header(struct text *text, size_t start, const struct http_message *request)
{
    size_t lines[64], count = 0;
    for (size_t i = 0; i + 2 < request->head && count < COUNT(lines); i++) {
        if (text->bytes[start + i] == '\n')
            lines[count++] = start + i + 1;
    }
    size_t at = lines[pick(count)];
    const char *end = memchr(text->bytes + at, '\n', text->length - at);
    size_t length = (size_t)(end - (text->bytes + at)) + 1;
    const char *with = PICK(headers);
    const char *value = length > 2 ? memchr(text->bytes + at, ':', length) : NULL;
    if (value && pick(2) == 0)
        mutate_part(text, (size_t)(value + 1 - text->bytes), at + length - 2 - (size_t)(value + 1 - text->bytes));
    else
        splice(text, at, value && pick(3) == 0 ? length : 0, with, strlen(with));
}

static void change_method(struct text *text, size_t start)
{
    const char *method = PICK(methods);
    splice(text, start, word_length(text, start), method, strlen(method));
}

static void add_or_remove(struct text *text, size_t start, size_t length)
{
    char copy[PIECE_MAX];
    const char *with = PICK(requests);
    if (pick(3) == 0) {
        splice(text, start, length, "", 0);
    } else if (pick(2) == 0 && length <= sizeof copy) {
        memcpy(copy, text->bytes + start, length);
        splice(text, start, 0, copy, length);
    } else {
        splice(text, start, 0, with, strlen(with));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    struct text text = {(char *)data, size, max};
    struct http_message request, found[REQUESTS_MAX];
    size_t starts[REQUESTS_MAX], count = 0;
    state = seed;
    const char *newline = memchr(data, '\n', size);
    if (!newline || pick(16) == 0) {
        const char *line = PICK(options);
        splice(&text, 0, newline ? (size_t)(newline + 1 - text.bytes) : 0, line, strlen(line));
        return text.length;
    }
    if (pick(16) == 0)
        return LLVMFuzzerMutate(data, size, max);
    size_t at = (size_t)(newline + 1 - text.bytes);
    for (; count < REQUESTS_MAX && http_request_read(text.bytes + at, size - at, &request); count++) {
        starts[count] = at;
        found[count] = request;
        at += request.head + request.body;
    }
    if (count == 0 || pick(32) == 0) {
        const char *with = PICK(requests);
        splice(&text, at, count == 0 ? size - at : 0, with, strlen(with));
        return text.length;
    }
    size_t which = pick(count);
    switch (pick(8)) {
    case 0:
        change_method(&text, starts[which]);
        break;
    case 1:
        add_or_remove(&text, starts[which], found[which].head + found[which].body);
        break;
    case 2:
    case 3:
        change_body(&text, starts[which], &found[which]);
        break;
    case 4:
    case 5:
        change_header(&text, starts[which], &found[which]);
        break;
    default:
        change_target(&text, starts[which]);
    }
    return text.length;
}
