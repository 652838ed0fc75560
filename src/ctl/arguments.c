/* arguments.c - reads a command line, and knows what was meant. */
/* SPDX-License-Identifier: MIT */
#include "ctl/arguments.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { OPTIONS_MAX = 16 };

static const struct argument *find(const struct argument *table, const char *word, size_t length)
{
    for (; table->name != NULL; table++) {
        if (strlen(table->name) == length && strncmp(table->name, word, length) == 0)
            return table;
    }
    return NULL;
}

static int refuse(const struct argument *table, const char *word, size_t length, struct error *error_r)
{
    const char *names[OPTIONS_MAX + 1] = {0};
    char name[64];
    size_t count = 0;

    for (; table->name != NULL && count < OPTIONS_MAX; table++)
        names[count++] = table->name;
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    const char *meant = text_suggest(name, names);
    error_set(error_r, STATUS_INVALID, "unknown option '%s'%s%s%s", name, meant != NULL ? "; did you mean '" : "",
              meant != NULL ? meant : "", meant != NULL ? "'?" : "");
    return -1;
}

int arguments_parse(const struct argument *table, char **words, bool stop, struct error *error_r)
{
    int count = 0;
    bool all_operands = false;

    for (char **next = words; *next != NULL; next++) {
        char *word = *next;

        if (all_operands || word[0] != '-' || word[1] == '\0') {
            words[count++] = word;
            all_operands = all_operands || stop;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            all_operands = true;
            continue;
        }
        size_t length = strcspn(word, "=");
        const struct argument *option = find(table, word, length);

        if (option == NULL)
            return refuse(table, word, length, error_r);
        if (option->value_r == NULL && word[length] == '=') {
            error_set(error_r, STATUS_INVALID, "the option %s takes no value", option->name);
            return -1;
        }
        if (option->value_r == NULL) {
            *option->flag_r = true;
        } else if (word[length] == '=') {
            *option->value_r = word + length + 1;
        } else if (next[1] != NULL) {
            *option->value_r = *++next;
        } else {
            error_set(error_r, STATUS_INVALID, "the option %s needs a value", option->name);
            return -1;
        }
    }
    words[count] = NULL;
    return count;
}
