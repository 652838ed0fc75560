/* text.c - small questions about text: UTF-8, letter case, near misses. */
/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <string.h>

size_t text_utf8_next(const char *text, size_t length, uint32_t *code_r)
{
    if (length == 0)
        return 0;
    const unsigned char *byte = (const unsigned char *)text;
    uint32_t code = byte[0];
    uint32_t least; /* smaller code points have a shorter form */
    size_t size;
    if (code < 0x80) {
        size = 1;
        least = 0;
    } else if (code >= 0xc2 && code < 0xe0) {
        size = 2;
        least = 0x80;
        code &= 0x1f;
    } else if (code >= 0xe0 && code < 0xf0) {
        size = 3;
        least = 0x800;
        code &= 0x0f;
    } else if (code >= 0xf0 && code < 0xf5) {
        size = 4;
        least = 0x10000;
        code &= 0x07;
    } else {
        return 0;
    }
    if (size > length)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (byte[i] & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    if (code_r)
        *code_r = code;
    return size;
}

size_t text_utf8_cut(const char *text, size_t length)
{
    size_t start = length; /* where the bytes that go on with a character begin */
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xc0 &&
        text_utf8_next(text + start - 1, length - start + 1, NULL) == 0)
        return start - 1;
    return length;
}

/* How many of the leading bytes are ASCII, found in words of eight; the last few may be left for the caller. */
static size_t skip_ascii(const char *text, size_t length)
{
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, 8);
        if (word & 0x8080808080808080u)
            break;
    }
    return i;
}

bool text_utf8_valid(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length) {
        i += skip_ascii(text + i, length - i);
        /* At most eight characters, then another try at the quick way. */
        for (int n = 0; n < 8 && i < length; n++) {
            size_t size = text_utf8_next(text + i, length - i, NULL);
            if (size == 0)
                return false;
            i += size;
        }
    }
    return true;
}

bool text_has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f)
            return true;
        /* C1 controls are U+0080 to U+009F, in UTF-8 C2 80 to C2 9F. */
        if (byte == 0xc2 && i + 1 < length && ((unsigned char)text[i + 1] & 0xe0) == 0x80)
            return true;
    }
    return false;
}

char text_lower_byte(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return (char)(letter + ('a' - 'A'));
    return letter;
}

size_t text_make_harmless(char *text, size_t length)
{
    size_t out = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t size = text_utf8_next(text + i, length - i, &code);
        /* U+2028 and U+2029 end a line for some viewers. */
        if (size == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029) {
            text[out++] = '?';
            i += size ? size : 1;
        } else {
            memmove(text + out, text + i, size);
            out += size;
            i += size;
        }
    }
    return out;
}

bool text_equal_nocase(const char *a, const char *b)
{
    while (*a && text_lower_byte(*a) == text_lower_byte(*b)) {
        a++;
        b++;
    }
    return text_lower_byte(*a) == text_lower_byte(*b);
}

bool text_starts_nocase(const char *text, const char *prefix)
{
    while (*prefix && text_lower_byte(*text) == text_lower_byte(*prefix)) {
        text++;
        prefix++;
    }
    return !*prefix;
}

void text_lower(char *text)
{
    for (; *text; text++)
        *text = text_lower_byte(*text);
}

bool text_parse_unsigned(const char *text, unsigned long max, unsigned long *value_r)
{
    if (!*text)
        return false;
    unsigned long value = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (unsigned long)(*text - '0'), &value) || value > max)
            return false;
    }
    *value_r = value;
    return true;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

int text_hex_byte(const char *text, size_t length)
{
    if (length < 2)
        return -1;
    int high = hex_value(text[0]);
    int low = hex_value(text[1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum { WORD_MAX = 64 };

/* Letters to insert, drop, replace or swap with their neighbour to make b of a. Both are at most WORD_MAX long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = above[j - 1] + (text_lower_byte(a[i - 1]) != text_lower_byte(b[j - 1]));
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && text_lower_byte(a[i - 1]) == text_lower_byte(b[j - 2]) &&
                text_lower_byte(a[i - 2]) == text_lower_byte(b[j - 1]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b_length];
}

const char *text_suggest(const char *word, const char *const *words)
{
    size_t length = strlen(word);
    if (length == 0 || length > WORD_MAX)
        return NULL;
    const char *nearest = NULL;
    size_t least = length / 3 + 1; /* as many slips and more make another word */
    if (least < 2)
        least = 2;
    for (; *words; words++) {
        size_t other = strlen(*words);
        if (other > WORD_MAX)
            continue;
        size_t slips = distance(word, length, *words, other);
        if (slips < least) {
            least = slips;
            nearest = *words;
        }
    }
    return nearest;
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

char *text_trim(char *text)
{
    while (is_blank(*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}
