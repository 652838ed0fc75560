/* target.c - request targets and queries, decoded once and by our own rule. */
/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include <string.h>

#include "base/text.h"

/* The byte that starts at text[*i], moving *i behind it. */
static char next_byte(const char *text, size_t length, size_t *i, enum plus plus)
{
    char c = text[(*i)++];
    if (c == '+' && plus == PLUS_IS_BLANK)
        return ' ';
    int byte = c == '%' ? text_hex_byte(text + *i, length - *i) : -1;
    if (byte < 0)
        return c;
    *i += 2;
    return (char)byte;
}

/* out may be text itself: what comes out is never longer than what went in. */
static size_t decode(const char *text, size_t length, enum plus plus, char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < length;)
        out[written++] = next_byte(text, length, &i, plus);
    return written;
}

/* Cuts "scheme://authority" off; false when that is not what stands there. */
static bool cut_authority(char **text, struct slice *authority_r)
{
    char *start = *text;
    if (text_starts_nocase(start, "http://"))
        start += strlen("http://");
    else if (text_starts_nocase(start, "https://"))
        start += strlen("https://");
    else
        return false;
    size_t length = strcspn(start, "/?");
    if (length == 0 || memchr(start, '@', length))
        return false;
    *authority_r = (struct slice){start, length};
    *text = start + length;
    return true;
}

bool target_parse(char *text, struct target *target_r)
{
    struct slice authority = {NULL, 0};
    if (text[0] != '/' && !cut_authority(&text, &authority))
        return false;

    size_t length = strcspn(text, "?");
    target_r->query = text[length] == '?' ? text + length + 1 : "";
    target_r->authority = authority;
    target_r->path = "/";
    if (length == 0)
        return true; /* "http://host" and "http://host?query" ask for the root */

    if (memchr(text, '%', length))
        length = decode(text, length, PLUS_IS_PLUS, text);
    text[length] = '\0';
    target_r->path = text;
    return strlen(text) == length;
}

bool query_next(const char **cursor, struct parameter *parameter_r)
{
    const char *start = *cursor;
    while (*start == '&')
        start++;
    if (*start == '\0')
        return false;

    size_t length = strcspn(start, "&");
    const char *equals = memchr(start, '=', length);
    size_t name_length = equals ? (size_t)(equals - start) : length;
    parameter_r->name = (struct slice){start, name_length};
    parameter_r->value = equals ? (struct slice){equals + 1, length - name_length - 1} : (struct slice){"", 0};
    *cursor = start + length;
    return true;
}

bool parameter_is(const struct parameter *parameter, const char *name)
{
    size_t i = 0;
    while (i < parameter->name.length && *name) {
        if (text_lower_byte(next_byte(parameter->name.bytes, parameter->name.length, &i, PLUS_IS_BLANK)) !=
            text_lower_byte(*name++))
            return false;
    }
    return i == parameter->name.length && *name == '\0';
}

struct slice parameter_value(struct arena *arena, const struct parameter *parameter, enum plus plus)
{
    char *value = arena_alloc(arena, parameter->value.length + 1);
    if (!value)
        return (struct slice){NULL, 0};
    size_t length = decode(parameter->value.bytes, parameter->value.length, plus, value);
    return (struct slice){value, length};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice slice)
{
    while (slice.length > 0 && is_blank(slice.bytes[0])) {
        slice.bytes++;
        slice.length--;
    }
    while (slice.length > 0 && is_blank(slice.bytes[slice.length - 1]))
        slice.length--;
    return slice;
}
