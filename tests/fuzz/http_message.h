/* http_message.h - requests and answers taken apart, independently of the library that the daemon uses. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_HTTP_MESSAGE_H
#define TESTS_FUZZ_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Borrows the bytes that it was read from. */
struct http_message {
    const char *bytes;
    size_t head; /* bytes of the start line and the headers, with the empty line */
    size_t body;
    bool is_head;    /* a request: its answer has no body */
    bool closes;     /* the connection may end behind it */
    unsigned status; /* an answer's */
};

/* A request at the start of bytes that is so well-formed and complete that it has to be answered, whatever it asks.
 * False for anything else. */
bool http_request_read(const char *bytes, size_t length, struct http_message *request_r);

/* The answer at the start of bytes, which may be incomplete as yet: false. What is no answer fails the demand. */
bool http_answer_read(const char *bytes, size_t length, bool to_head, struct http_message *answer_r);

/* The value of a header, with its length; NULL when there is none. Letter case does not matter in the name. */
const char *http_header(const struct http_message *message, const char *name, size_t *length_r);

#endif
