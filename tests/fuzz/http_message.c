/* http_message.c - requests and answers taken apart, independently of the library that the daemon uses. */
/* SPDX-License-Identifier: MIT */
#include "http_message.h"

#include <string.h>
#include <strings.h>

#include "oracle.h"

static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Bytes from at that are of the set, or, with a NULL set, that may stand in a header's value. */
static size_t span(const char *bytes, size_t at, size_t length, const char *set)
{
    size_t end = at;
    while (end < length) {
        unsigned char byte = (unsigned char)bytes[end];
        bool good = set ? byte && strchr(set, byte) : byte == '\t' || (byte >= ' ' && byte != 0x7f);
        if (!good)
            break;
        end++;
    }
    return end - at;
}

static bool take(const char *bytes, size_t *at, size_t length, const char *text)
{
    size_t size = strlen(text);
    if (length - *at < size || memcmp(bytes + *at, text, size) != 0)
        return false;
    *at += size;
    return true;
}

/* Behind the start line: the headers and the empty line. */
static bool read_headers(const char *bytes, size_t at, size_t length, struct http_message *message)
{
    while (!take(bytes, &at, length, "\r\n")) {
        size_t name = span(bytes, at, length, token);
        at += name;
        if (name == 0 || !take(bytes, &at, length, ":"))
            return false;
        at += span(bytes, at, length, NULL);
        if (!take(bytes, &at, length, "\r\n"))
            return false;
    }
    message->bytes = bytes;
    message->head = at;
    return true;
}

const char *http_header(const struct http_message *message, const char *name, size_t *length_r)
{
    const char *end = message->bytes + message->head;
    const char *line = memchr(message->bytes, '\n', message->head);
    for (line = line + 1; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1) {
        size_t length = strlen(name);
        if ((size_t)(end - line) <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *value = line + length + 1;
        while (*value == ' ' || *value == '\t')
            value++;
        *length_r = (size_t)((const char *)memchr(value, '\r', (size_t)(end - value)) - value);
        return value;
    }
    return NULL;
}

static size_t count_headers(const struct http_message *message, const char *name)
{
    size_t count = 0, length;
    struct http_message rest = *message;
    for (const char *value; (value = http_header(&rest, name, &length)) != NULL; count++) {
        rest.bytes = value;
        rest.head = (size_t)(message->bytes + message->head - value);
    }
    return count;
}

/* At most six digits; false for anything else, and for no or several such headers. */
static bool content_length(const struct http_message *message, size_t *size_r)
{
    size_t length;
    const char *value = http_header(message, "Content-Length", &length);
    if (!value || length == 0 || length > 6 || span(value, 0, length, "0123456789") != length)
        return false;
    *size_r = 0;
    for (size_t i = 0; i < length; i++)
        *size_r = *size_r * 10 + (size_t)(value[i] - '0');
    return count_headers(message, "Content-Length") == 1;
}

/* The length of a chunked body without extensions and trailers; 0 when it is none, or not complete. */
static size_t chunked_length(const char *bytes, size_t length)
{
    size_t at = 0;
    for (;;) {
        size_t digits = span(bytes, at, length, "0123456789abcdefABCDEF"), size = 0;
        if (digits == 0 || digits > 5)
            return 0;
        for (; digits > 0; digits--)
            size = size * 16 + (size_t)(strchr("0123456789abcdef", bytes[at++] | 0x20) - "0123456789abcdef");
        if (!take(bytes, &at, length, "\r\n") || length - at < size)
            return 0;
        at += size;
        if (!take(bytes, &at, length, "\r\n"))
            return 0;
        if (size == 0)
            return at;
    }
}

bool http_request_read(const char *bytes, size_t length, struct http_message *request_r)
{
    *request_r = (struct http_message){0};
    size_t at = span(bytes, 0, length, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (at == 0 || at > 16 || !take(bytes, &at, length, " "))
        return false;
    request_r->is_head = at == 5 && memcmp(bytes, "HEAD ", 5) == 0;
    size_t target = span(bytes, at, length, NULL);
    const char *blank = memchr(bytes + at, ' ', target);
    if (!blank || blank == bytes + at || memchr(bytes + at, '\t', target))
        return false;
    at = (size_t)(blank - bytes);
    bool version_1_0 = take(bytes, &at, length, " HTTP/1.0\r\n");
    if ((!version_1_0 && !take(bytes, &at, length, " HTTP/1.1\r\n")) || !read_headers(bytes, at, length, request_r))
        return false;
    size_t size;
    request_r->closes = version_1_0 || http_header(request_r, "Connection", &size);
    const char *coding = http_header(request_r, "Transfer-Encoding", &size);
    if (coding) {
        /* With both lengths the request is refused, and its connection closed. */
        if (version_1_0 || size != strlen("chunked") || strncasecmp(coding, "chunked", size) != 0 ||
            count_headers(request_r, "Transfer-Encoding") > 1 || count_headers(request_r, "Content-Length") > 0)
            return false;
        request_r->body = chunked_length(bytes + request_r->head, length - request_r->head);
        return request_r->body > 0;
    }
    if (http_header(request_r, "Content-Length", &size) && !content_length(request_r, &request_r->body))
        return false;
    if (request_r->body == 0 && http_header(request_r, "Expect", &size))
        request_r->closes = true;
    return length - request_r->head >= request_r->body;
}

bool http_answer_read(const char *bytes, size_t length, bool to_head, struct http_message *answer_r)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end)
        return false;
    *answer_r = (struct http_message){0};
    size_t at = 0;
    demand(take(bytes, &at, length, "HTTP/1.1 ") && span(bytes, at, length, "0123456789") == 3);
    for (size_t i = 0; i < 3; i++)
        answer_r->status = answer_r->status * 10 + (unsigned)(bytes[at++] - '0');
    at += span(bytes, at, length, NULL);
    demand(take(bytes, &at, length, "\r\n"));
    demand(read_headers(bytes, at, length, answer_r));
    demand(answer_r->head == (size_t)(end - bytes) + 4);

    size_t size;
    const char *connection = http_header(answer_r, "Connection", &size);
    answer_r->closes = connection && size == 5 && strncasecmp(connection, "close", 5) == 0;
    if (answer_r->status < 200)
        return true;
    demand(http_header(answer_r, "Date", &size));
    demand(!http_header(answer_r, "Transfer-Encoding", &size));
    demand(content_length(answer_r, &answer_r->body));
    if (to_head || answer_r->status == 304)
        answer_r->body = 0;
    return length - answer_r->head >= answer_r->body;
}
