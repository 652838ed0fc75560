/* placeholder.c - one pass over text with placeholders in it. */
/* SPDX-License-Identifier: MIT */
#include "account/placeholder.h"

#include <string.h>
#include <strings.h>

enum { VARIABLE_NAME_MAX = 64 };

static const struct {
    const char *word;
    enum part_kind kind;
} words[] = {
    {"%EMAILADDRESS%", PART_ADDRESS},
    {"%EMAILLOCALPART%", PART_LOCAL},
    {"%EMAILDOMAIN%", PART_DOMAIN},
};

/* Reads "%{name}" with a name that a database column may have. */
static bool read_variable(const char *text, struct part *part_r)
{
    if (text[1] != '{')
        return false;
    const char *name = text + 2;
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    if (length == 0 || length > VARIABLE_NAME_MAX || name[length] != '}')
        return false;
    *part_r = (struct part){PART_VARIABLE, text, length + 3, name, length};
    return true;
}

/* Reads the placeholder that begins at text, a '%'. */
static bool read_placeholder(const char *text, struct part *part_r)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i].word);
        if (strncmp(text, words[i].word, length) == 0) {
            *part_r = (struct part){words[i].kind, text, length, NULL, 0};
            return true;
        }
    }
    return read_variable(text, part_r);
}

bool placeholder_next(const char **cursor, struct part *part_r)
{
    const char *start = *cursor;
    if (*start == '\0')
        return false;
    if (*start == '%' && read_placeholder(start, part_r)) {
        *cursor = start + part_r->length;
        return true;
    }

    const char *end = start;
    do {
        end += 1 + strcspn(end + 1, "%");
    } while (*end == '%' && !read_placeholder(end, part_r));
    *part_r = (struct part){PART_TEXT, start, (size_t)(end - start), NULL, 0};
    *cursor = end;
    return true;
}

bool part_is_person(const struct part *part)
{
    return part->kind == PART_ADDRESS || part->kind == PART_LOCAL;
}

static const char *variable_value(const struct account *account, const char *name, size_t length)
{
    for (size_t i = 0; i < account->variable_count; i++) {
        const struct variable *variable = &account->variables[i];
        /* Databases disagree about the case of column names; an empty value counts as absent.
         * NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a PART_VARIABLE has a name */
        if (strlen(variable->name) == length && strncasecmp(variable->name, name, length) == 0)
            return variable->value != NULL && variable->value[0] != '\0' ? variable->value : NULL;
    }
    return NULL;
}

/* What a placeholder stands for, or NULL when that is not known. */
const char *placeholder_value(const struct account *account, const struct part *part)
{
    switch (part->kind) {
    case PART_ADDRESS:
        return account->address != NULL ? account->address->text : NULL;
    case PART_LOCAL:
        return account->address != NULL ? account->address->local : NULL;
    case PART_DOMAIN:
        return account->domain;
    case PART_VARIABLE:
        return variable_value(account, part->name, part->name_length);
    case PART_TEXT:
        break;
    }
    return NULL;
}

bool placeholder_expand(const struct account *account, const char *text, struct buf *out)
{
    struct part part;
    while (placeholder_next(&text, &part)) {
        const char *value = placeholder_value(account, &part);
        if (part.kind != PART_TEXT && value == NULL)
            return false;
        if (value != NULL)
            buf_adds(out, value);
        else
            buf_add(out, part.text, part.length);
    }
    return true;
}
