/* text.c - what the text of a statement is made of: enough to find its parameters. */
/* SPDX-License-Identifier: MIT */
#include "sql/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum token_kind {
    TOKEN_OTHER,     /* operators, blanks, literals, quoted identifiers, comments */
    TOKEN_WORD,      /* keyword, identifier, number */
    TOKEN_PARAMETER, /* ? */
    TOKEN_NAME,      /* :name */
};

struct token {
    enum token_kind kind;
    size_t length;
};

static bool word_begin(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' || (byte & 0x80);
}

static bool word_part(char byte)
{
    return word_begin(byte) || (byte >= '0' && byte <= '9');
}

/* Up to and with the closing quote; a doubled one stands for itself. An open end reaches to the end of the text. */
static size_t quoted_length(const char *text, char quote, bool backslash)
{
    size_t i = 1;

    while (text[i]) {
        if (text[i] == '\\' && backslash && text[i + 1]) {
            i += 2;
        } else if (text[i] == quote) {
            if (text[i + 1] != quote)
                return i + 1;
            i += 2;
        } else {
            i++;
        }
    }
    return i;
}

/* Only PostgreSQL's comments nest. */
static size_t comment_length(const char *text, bool nests)
{
    size_t i = 2;
    size_t depth = 1;

    while (text[i]) {
        if (text[i] == '*' && text[i + 1] == '/') {
            i += 2;
            if (--depth == 0)
                return i;
        } else if (nests && text[i] == '/' && text[i + 1] == '*') {
            i += 2;
            depth++;
        } else {
            i++;
        }
    }
    return i;
}

/* $$ ... $$ and $tag$ ... $tag$; 0 when the dollar begins something else, such as $1. */
static size_t dollar_length(const char *text)
{
    size_t tag = 1;
    const char *end;

    while (word_part(text[tag]) && !(tag == 1 && !word_begin(text[tag])))
        tag++;
    if (text[tag] != '$')
        return 0;
    tag++;
    for (end = text + tag; (end = strchr(end, '$')) != NULL; end++) {
        if (strncmp(end, text, tag) == 0)
            return (size_t)(end - text) + tag;
    }
    return strlen(text);
}

static struct token word_token(enum sql_dialect dialect, const char *text)
{
    size_t length = 1;

    while (word_part(text[length]) || text[length] == '$')
        length++;
    /* E'...' is the literal in which PostgreSQL obeys backslashes. */
    if (dialect == SQL_POSTGRESQL && length == 1 && (text[0] == 'E' || text[0] == 'e') && text[1] == '\'')
        return (struct token){TOKEN_OTHER, 1 + quoted_length(text + 1, '\'', true)};
    return (struct token){TOKEN_WORD, length};
}

static struct token token_at(enum sql_dialect dialect, const char *text)
{
    const bool mysql = dialect == SQL_MYSQL;
    const bool sqlite = dialect == SQL_SQLITE;
    size_t length;

    switch (text[0]) {
    case '\'':
    case '"':
        return (struct token){TOKEN_OTHER, quoted_length(text, text[0], mysql)};
    case '`':
        return (struct token){TOKEN_OTHER, mysql || sqlite ? quoted_length(text, '`', false) : 1};
    case '[':
        length = sqlite ? strcspn(text, "]") : 0;
        return (struct token){TOKEN_OTHER, length + (length == 0 || text[length] ? 1 : 0)};
    case '-':
        /* MySQL wants a blank behind the two dashes: 5--3 is 8 there. */
        if (text[1] == '-' && (!mysql || text[2] == '\0' || (unsigned char)text[2] <= ' '))
            return (struct token){TOKEN_OTHER, strcspn(text, "\n")};
        return (struct token){TOKEN_OTHER, 1};
    case '#':
        return (struct token){TOKEN_OTHER, mysql ? strcspn(text, "\n") : 1};
    case '/':
        return (struct token){TOKEN_OTHER, text[1] == '*' ? comment_length(text, dialect == SQL_POSTGRESQL) : 1};
    case '$':
        length = dialect == SQL_POSTGRESQL ? dollar_length(text) : 0;
        return (struct token){TOKEN_OTHER, length > 0 ? length : 1};
    case '?':
        return (struct token){TOKEN_PARAMETER, 1};
    case ':':
        if (text[1] == ':' || text[1] == '=')
            return (struct token){TOKEN_OTHER, 2};
        if (!word_begin(text[1]))
            return (struct token){TOKEN_OTHER, 1};
        return (struct token){TOKEN_NAME, 1 + word_token(SQL_SQLITE, text + 1).length};
    default:
        if (word_part(text[0]))
            return word_token(dialect, text);
        return (struct token){TOKEN_OTHER, 1};
    }
}

unsigned sql_text_parameters(enum sql_dialect dialect, const char *text)
{
    unsigned count = 0;

    while (*text) {
        struct token token = token_at(dialect, text);

        if (token.kind == TOKEN_PARAMETER)
            count++;
        text += token.length;
    }
    return count;
}

static char *keep(struct arena *arena, struct buf *buf)
{
    char *copy = buf_failed(buf) ? NULL : arena_copy(arena, buf->data ? buf->data : "", buf->length);

    buf_free(buf);
    return copy;
}

char *sql_text_numbered(struct arena *arena, const char *text)
{
    struct buf numbered;
    unsigned count = 0;

    buf_init(&numbered, 0);
    while (*text) {
        struct token token = token_at(SQL_POSTGRESQL, text);

        if (token.kind == TOKEN_PARAMETER)
            buf_addf(&numbered, "$%u", ++count);
        else
            buf_add(&numbered, text, token.length);
        text += token.length;
    }
    return keep(arena, &numbered);
}

static bool find_name(const char *const *names, const char *name, size_t length, unsigned *index_r)
{
    for (unsigned i = 0; names[i]; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) {
            *index_r = i;
            return true;
        }
    }
    return false;
}

static enum status unknown_name(const char *const *names, const char *name, size_t length, struct error *error_r)
{
    struct buf known;

    buf_init(&known, 256);
    for (size_t i = 0; names[i]; i++)
        buf_addf(&known, "%s:%s", i > 0 ? ", " : "", names[i]);
    error_set(error_r, STATUS_INVALID, "the query names '%.*s'; the values that exist are %s",
              (int)(length < 64 ? length : 64), name, buf_failed(&known) ? "others" : known.data);
    buf_free(&known);
    return STATUS_INVALID;
}

enum status sql_text_named(struct arena *arena, enum sql_dialect dialect, const char *text, const char *const *names,
                           unsigned *order_r, unsigned max, const char **text_r, unsigned *count_r,
                           struct error *error_r)
{
    enum status status = STATUS_OK;
    struct buf out;
    unsigned count = 0;

    buf_init(&out, 0);
    while (*text && status == STATUS_OK) {
        struct token token = token_at(dialect, text);

        if (token.kind == TOKEN_NAME) {
            unsigned index;

            if (!find_name(names, text + 1, token.length - 1, &index))
                status = unknown_name(names, text, token.length, error_r);
            else if (count == max)
                status = error_set(error_r, STATUS_INVALID, "the query uses more than %u values", max);
            else
                order_r[count++] = index;
            buf_addc(&out, '?');
        } else if (token.kind == TOKEN_PARAMETER) {
            status = error_set(error_r, STATUS_INVALID,
                               "the query has a '?'; name its values instead, as :%s (PostgreSQL's operator ? is "
                               "written jsonb_exists())",
                               names[0]);
        } else {
            buf_add(&out, text, token.length);
        }
        text += token.length;
    }
    if (status == STATUS_OK) {
        *text_r = keep(arena, &out);
        *count_r = count;
        return *text_r ? STATUS_OK : error_set(error_r, STATUS_LIMIT, "out of memory");
    }
    buf_free(&out);
    return status;
}

int64_t sql_text_number(const char *text)
{
    if (!text)
        return 0;
    if (strcmp(text, "t") == 0 || text_equal_nocase(text, "true"))
        return 1;
    return strtoll(text, NULL, 10);
}
