/* oracle.h - what the fuzz targets demand of what they see; a demand that does not hold ends the run as a crash does.
 */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_ORACLE_H
#define TESTS_FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define demand(holds) ((holds) ? (void)0 : demand_failed(#holds, __FILE__, __LINE__))
[[gnu::noreturn]] void demand_failed(const char *what, const char *file, int line);

/* An XML document that a reader takes which knows no DTD. */
void demand_xml(const char *text, size_t length);

/* JSON without two members of the same name in an object. */
void demand_json(const char *text, size_t length);

/* UTF-8 without control characters other than newlines. */
void demand_text(const char *text, size_t length);

/* The same without newlines, and nothing that RFC 3986 forbids in a URL. */
void demand_url(const char *text);

/* A domain name in its one spelling: lower-case letters, digits, '-', '_' and single dots between them. */
void demand_domain(const char *name);

/* The input as lines: cuts the next one off and returns it, NUL-terminated; "" when there is none. */
char *next_line(char **rest);

/* A NUL-terminated copy of the input, to free(). */
char *input_text(const uint8_t *data, size_t size);

#endif
