/* address.c - e-mail addresses: one grammar for what people type and clients send. */
/* SPDX-License-Identifier: MIT */
#include "account/address.h"

#include <stdbool.h>
#include <string.h>

#include "account/domain.h"
#include "base/text.h"

/* Longer input cannot become an address of ADDRESS_MAX bytes: a U-label domain shrinks to a quarter at most. */
enum { INPUT_MAX = ADDRESS_MAX * 4 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 5322 atext, and UTF-8 as in RFC 6531. */
static bool is_atom_byte(char c)
{
    if ((unsigned char)c >= 0x80)
        return true;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static void cut_blanks(const char **text, size_t *length)
{
    while (*length > 0 && is_blank(**text)) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && is_blank((*text)[*length - 1]))
        (*length)--;
}

/* Bytes of the quoted string that begins at text, with both quotes; 0 when it does not end. */
static size_t quoted_length(const char *text, size_t length)
{
    for (size_t i = 1; i < length; i++) {
        if (text[i] == '"')
            return i + 1;
        if (text[i] == '\\')
            i++;
    }
    return 0;
}

/* Finds the @ behind the local part: words with dots between them, a word being an atom, a quoted string or nothing
 * (".a..b." is what some providers hand out). Returns NULL, or why there is none. */
static const char *find_at(const char *text, size_t length, size_t *at_r)
{
    size_t i = 0;
    while (i < length && text[i] != '@') {
        if (text[i] == '"') {
            size_t quoted = quoted_length(text + i, length - i);
            if (quoted == 0)
                return "a quote is not closed";
            i += quoted;
        } else {
            while (i < length && is_atom_byte(text[i]))
                i++;
        }
        if (i == length || text[i] == '@')
            break;
        if (text[i] != '.')
            return "the part before the @ holds a character that must be quoted";
        i++;
    }
    if (i == length)
        return "there is no @";
    *at_r = i;
    return NULL;
}

static enum status refuse(struct error *error_r, const char *fault)
{
    return error_set(error_r, STATUS_INVALID, "not an e-mail address: %s", fault);
}

enum status address_parse(struct arena *arena, const char *text, size_t length, struct address *address_r,
                          struct error *error_r)
{
    cut_blanks(&text, &length);
    if (length >= 2 && text[0] == '<' && text[length - 1] == '>') {
        text++;
        length -= 2;
        cut_blanks(&text, &length);
    }
    if (length == 0)
        return refuse(error_r, "it is empty");
    if (length > INPUT_MAX)
        return refuse(error_r, "it is too long");
    if (!text_utf8_valid(text, length) || text_has_control(text, length))
        return refuse(error_r, "it holds invalid UTF-8 or control characters");

    size_t at;
    const char *fault = find_at(text, length, &at);
    if (fault != NULL)
        return refuse(error_r, fault);
    if (at == 0)
        return refuse(error_r, "nothing stands before the @");
    if (at > LOCAL_PART_MAX)
        return refuse(error_r, "the part before the @ is too long");

    if (memchr(text + at + 1, '@', length - at - 1) != NULL)
        return refuse(error_r, "there is more than one @");

    struct address address;
    enum status status = domain_name_normalize(arena, text + at + 1, length - at - 1, &address.domain, error_r);
    if (status != STATUS_OK) {
        error_prefix(error_r, "not an e-mail address: ");
        return status;
    }
    if (at + 1 + strlen(address.domain) > ADDRESS_MAX)
        return refuse(error_r, "it is too long");

    address.local = arena_copy(arena, text, at);
    size_t domain_size = strlen(address.domain) + 1;
    char *whole = arena_alloc(arena, at + 1 + domain_size);
    if (address.local == NULL || whole == NULL)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    memcpy(whole, text, at + 1); /* with the @ */
    memcpy(whole + at + 1, address.domain, domain_size);
    address.text = whole;
    *address_r = address;
    return STATUS_OK;
}
