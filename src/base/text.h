/* text.h - small questions about text: UTF-8, letter case, near misses. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes (1 to 4) of the character that text begins with, by the same strict rules, and its code point (code_r may be
 * NULL). 0 when there is no valid character: then skip one byte. */
size_t text_utf8_next(const char *text, size_t length, uint32_t *code_r);

/* The length without a character whose last bytes are missing at the end, for text that was cut at a limit. */
size_t text_utf8_cut(const char *text, size_t length);

/* Strict UTF-8: no surrogates, no overlong forms, nothing past U+10FFFF. */
bool text_utf8_valid(const char *text, size_t length);

/* True when there is a C0 control, DEL or C1 control (as UTF-8) in it. */
bool text_has_control(const char *text, size_t length);

/* In place: control characters, other ends of lines and what is no UTF-8 become '?', so that nobody forges a line or
 * talks to a terminal. Returns the new length, which is never greater. */
size_t text_make_harmless(char *text, size_t length);

/* ASCII only, independent of the locale. */
bool text_equal_nocase(const char *a, const char *b);
bool text_starts_nocase(const char *text, const char *prefix);
void text_lower(char *text);
char text_lower_byte(char letter);

/* Decimal digits only, no sign, no blank; false when empty, past max, or anything else is there. */
bool text_parse_unsigned(const char *text, unsigned long max, unsigned long *value_r);

/* The byte that the two hexadecimal digits at the start of text stand for; -1 when there are no two. */
int text_hex_byte(const char *text, size_t length);

/* The nearest of words (NULL-terminated) for a "did you mean", or NULL when none is near. */
const char *text_suggest(const char *word, const char *const *words);

/* In place: cuts ASCII blanks at both ends, returns the new start. */
char *text_trim(char *text);

#endif
