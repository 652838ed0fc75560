/* settings_print.c - shows settings: for --check-config, and as a section of the manual. */
/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#include <string.h>

#include "base/settings_table.h"
#include "base/text.h"

/* A value as the file would have it: % doubled, further lines indented. */
static void print_value(const char *text, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%')
            fputs("%%", out);
        else if (text[i] == '\n')
            fputs("\n    ", out);
        else
            fputc(text[i], out);
    }
}

/* Options that carry a password in some driver: password, passwd, sslpassword, ... */
static bool is_secret_option(const char *name, size_t length)
{
    static const char *const parts[] = {"pass", "pwd", "secret", "token"};
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        for (size_t i = 0; i + strlen(parts[p]) <= length; i++) {
            if (text_starts_nocase(name + i, parts[p]))
                return true;
        }
    }
    return false;
}

static void print_options(const char *text, FILE *out)
{
    while (*text) {
        size_t length = strcspn(text + 1, "&") + 1; /* with the ? or & before it */
        size_t name = strcspn(text, "=");
        if (name < length && is_secret_option(text, name)) {
            print_value(text, name + 1, out);
            fputs("***", out);
        } else {
            print_value(text, length, out);
        }
        text += length;
    }
}

/* scheme://user:password@rest?options with *** for what is secret. Where a password holds an @, / or ? that ought to be
 * encoded, rather too much is hidden than too little. */
static void print_uri(const char *uri, FILE *out)
{
    const char *rest = strstr(uri, "://");
    if (!rest) {
        fputs("(hidden)", out);
        return;
    }
    rest += 3;
    print_value(uri, (size_t)(rest - uri), out);
    const char *at = strrchr(rest, '@');
    const char *colon = strchr(rest, ':');
    if (at && colon && colon < at) {
        print_value(rest, (size_t)(colon + 1 - rest), out);
        fputs("***", out);
        rest = at;
    }
    const char *options = strchr(rest, '?');
    size_t plain = options ? (size_t)(options - rest) : strlen(rest);
    print_value(rest, plain, out);
    if (options)
        print_options(options, out);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "DEBUG";
    case LOG_LEVEL_INFO:
        return "INFO";
    case LOG_LEVEL_WARNING:
        return "WARNING";
    case LOG_LEVEL_ERROR:
        return "ERROR";
    case LOG_LEVEL_CRITICAL:
        break;
    }
    return "CRITICAL";
}

static void print_setting(const struct settings *settings, const struct setting *row, FILE *out)
{
    const void *slot = (const char *)settings + row->offset;
    const char *text;
    char duration[32];
    switch (row->type) {
    case SETTING_TEXT:
        text = *(const char *const *)slot;
        if (text && row->secret)
            print_uri(text, out);
        else if (text)
            print_value(text, strlen(text), out);
        break;
    case SETTING_BOOL:
        fputs(*(const bool *)slot ? "yes" : "no", out);
        break;
    case SETTING_NUMBER:
        fprintf(out, "%u", *(const unsigned *)slot);
        break;
    case SETTING_DURATION:
        setting_format_duration(*(const unsigned *)slot, duration, sizeof duration);
        fputs(duration, out);
        break;
    case SETTING_LEVEL:
        fputs(level_name(*(const enum log_level *)slot), out);
        break;
    case SETTING_CHOICE:
        fputs(row->choices[*(const bool *)slot], out);
        break;
    }
}

void settings_print(const struct settings *settings, FILE *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        fprintf(out, "%s = ", settings_table[i].key);
        print_setting(settings, &settings_table[i], out);
        fputc('\n', out);
    }
}

/* One word for roff: no escape, no request at the start of a line. */
static void print_roff_word(const char *word, size_t length, bool line_start, FILE *out)
{
    if (line_start && length > 0 && (*word == '.' || *word == '\''))
        fputs("\\&", out);
    for (size_t i = 0; i < length; i++) {
        if (word[i] == '\\')
            fputs("\\e", out);
        else
            fputc(word[i], out);
    }
}

/* Fills lines, and begins one with each sentence, as mdoc wants it. */
static void print_roff_text(const char *text, FILE *out)
{
    enum { WIDTH = 78 };
    size_t column = 0;
    bool sentence_ended = false;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column > 0 && (sentence_ended || column + 1 + length > WIDTH)) {
            fputc('\n', out);
            column = 0;
        } else if (column > 0) {
            fputc(' ', out);
            column++;
        }
        print_roff_word(text, length, column == 0, out);
        column += length;
        sentence_ended = length > 0 && text[length - 1] == '.';
        text += length;
        while (*text == ' ')
            text++;
    }
    fputc('\n', out);
}

static void print_type(const struct setting *row, FILE *out)
{
    char min[32], max[32];
    switch (row->type) {
    case SETTING_TEXT:
    case SETTING_LEVEL:
        break;
    case SETTING_BOOL:
        fputs("Yes or no", out);
        break;
    case SETTING_NUMBER:
        fprintf(out, "A number from %lu to %lu", row->min, row->max);
        break;
    case SETTING_DURATION:
        setting_format_duration(row->min, min, sizeof min);
        setting_format_duration(row->max, max, sizeof max);
        fprintf(out, "A time from %s to %s", min, max);
        break;
    case SETTING_CHOICE:
        for (size_t i = 0; row->choices[i]; i++)
            fprintf(out, "%s%s", i > 0 ? " or " : "", row->choices[i]);
        break;
    }
}

void settings_print_mdoc(FILE *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        fprintf(out, ".It Ic %s\n", row->key);
        print_roff_text(row->help, out);
        bool typed = row->type != SETTING_TEXT && row->type != SETTING_LEVEL;
        print_type(row, out);
        if (typed)
            fputs(row->preset ? "; the default is\n" : ".\n", out);
        else if (row->preset)
            fputs("The default is\n", out);
        if (row->preset) {
            fputs(".Ql ", out);
            print_roff_word(row->preset, strlen(row->preset), false, out);
            fputs("\\& .\n", out); /* a colon at the end of a value is no punctuation */
        }
    }
}
