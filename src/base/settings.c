/* settings.c - finds, reads and checks the configuration file by the table of settings. */
/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ini.h"
#include "base/settings_table.h"
#include "base/text.h"

#define SECTION "automx2" /* the name that automx2's files have */

enum { ARENA_LIMIT = 16 * 1024 * 1024, KEYS_SHOWN = 64, THREADS_MAX = 256 };

unsigned settings_http_threads(const struct settings *settings)
{
    if (settings->http_threads > 0)
        return settings->http_threads;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (unsigned)processors;
}

bool setting_parse_duration(const char *text, unsigned long *milliseconds_r)
{
    static const struct {
        const char *name;
        unsigned long milliseconds;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char number[16];
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    unsigned long whole;
    if (!text_parse_unsigned(number, 1000000000, &whole))
        return false;
    const char *unit = text + digits;
    unsigned long part = 0, scale = 1;
    if (*unit == '.') {
        size_t places = strspn(++unit, "0123456789");
        if (places == 0 || places > 6)
            return false;
        for (; places > 0; places--, scale *= 10)
            part = part * 10 + (unsigned long)(*unit++ - '0');
    }
    while (*unit == ' ')
        unit++;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text_equal_nocase(unit, units[i].name)) {
            /* unsigned long has 32 bits on some machines */
            unsigned long long exact = (unsigned long long)whole * units[i].milliseconds +
                                       (unsigned long long)part * units[i].milliseconds / scale;
            *milliseconds_r = exact < ULONG_MAX ? (unsigned long)exact : ULONG_MAX;
            return true;
        }
    }
    return false;
}

void setting_format_duration(unsigned long milliseconds, char *text, size_t size)
{
    if (milliseconds == 0)
        snprintf(text, size, "0s");
    else if (milliseconds % 86400000 == 0)
        snprintf(text, size, "%lud", milliseconds / 86400000);
    else if (milliseconds % 3600000 == 0)
        snprintf(text, size, "%luh", milliseconds / 3600000);
    else if (milliseconds % 60000 == 0)
        snprintf(text, size, "%lum", milliseconds / 60000);
    else if (milliseconds % 1000 == 0)
        snprintf(text, size, "%lus", milliseconds / 1000);
    else if (milliseconds > 1000 && milliseconds % 100 == 0)
        snprintf(text, size, "%lu.%lus", milliseconds / 1000, milliseconds % 1000 / 100);
    else
        snprintf(text, size, "%lums", milliseconds);
}

/* configparser's words. */
static bool parse_bool(const char *text, bool *value_r)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_equal_nocase(text, words[i])) {
            *value_r = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/* Where a value comes from, for messages. */
struct place {
    const char *file;
    unsigned line;
    struct error *error;
};

static enum status bad_range(const struct setting *row, const struct place *place)
{
    if (row->type == SETTING_NUMBER)
        return error_set(place->error, STATUS_INVALID, "%s:%u: %s must be a whole number from %lu to %lu", place->file,
                         place->line, row->key, row->min, row->max);
    char min[32], max[32];
    setting_format_duration(row->min, min, sizeof min);
    setting_format_duration(row->max, max, sizeof max);
    return error_set(place->error, STATUS_INVALID,
                     "%s:%u: %s must be a time from %s to %s, such as 500ms, 2.5s, 10m, 1h or 1d", place->file,
                     place->line, row->key, min, max);
}

static enum status store_text(struct settings *settings, const struct setting *row, const char *text,
                              const struct place *place)
{
    for (const char *at = text; *at; at++) {
        if (*at == '\n' && row->lines)
            continue;
        if (*at == '\n')
            return error_set(place->error, STATUS_INVALID,
                             "%s:%u: %s goes on in the next line, because that one is indented; "
                             "begin every key in the first column",
                             place->file, place->line, row->key);
        size_t size = (unsigned char)*at == 0xc2 && at[1] ? 2 : 1; /* C1 controls have two bytes */
        if (*at != '\t' && text_has_control(at, size))
            return error_set(place->error, STATUS_INVALID, "%s:%u: %s holds a control character; remove it",
                             place->file, place->line, row->key);
    }
    const char **slot = (const char **)((char *)settings + row->offset);
    *slot = arena_text(settings->arena, text);
    return STATUS_OK;
}

static enum status store_choice(const struct setting *row, const char *text, const struct place *place, bool *slot)
{
    for (size_t i = 0; row->choices[i]; i++) {
        if (text_equal_nocase(text, row->choices[i])) {
            *slot = i == 1;
            return STATUS_OK;
        }
    }
    return error_set(place->error, STATUS_INVALID, "%s:%u: %s must be %s or %s", place->file, place->line, row->key,
                     row->choices[0], row->choices[1]);
}

static enum status store_value(struct settings *settings, const struct setting *row, const char *text,
                               const struct place *place)
{
    void *slot = (char *)settings + row->offset;
    unsigned long number;
    switch (row->type) {
    case SETTING_TEXT:
        return store_text(settings, row, text, place);
    case SETTING_CHOICE:
        return store_choice(row, text, place, slot);
    case SETTING_BOOL:
        if (!parse_bool(text, slot))
            return error_set(place->error, STATUS_INVALID, "%s:%u: %s must be yes or no", place->file, place->line,
                             row->key);
        return STATUS_OK;
    case SETTING_LEVEL:
        if (!log_level_parse(text, slot))
            return error_set(place->error, STATUS_INVALID, "%s:%u: %s must be DEBUG, INFO, WARNING, ERROR or CRITICAL",
                             place->file, place->line, row->key);
        return STATUS_OK;
    case SETTING_NUMBER:
        if (!text_parse_unsigned(text, row->max, &number) || number < row->min)
            return bad_range(row, place);
        *(unsigned *)slot = (unsigned)number;
        return STATUS_OK;
    case SETTING_DURATION:
        if (!setting_parse_duration(text, &number) || number < row->min || number > row->max)
            return bad_range(row, place);
        *(unsigned *)slot = (unsigned)number;
        return STATUS_OK;
    }
    return error_set(place->error, STATUS_INVALID, "%s: a setting of no known type", row->key);
}

static const struct setting *find_row(const char *key)
{
    for (size_t i = 0; i < settings_count; i++) {
        if (strcmp(settings_table[i].key, key) == 0)
            return &settings_table[i];
    }
    return NULL;
}

static enum status unknown_key(const struct ini *ini, const struct ini_entry *entry, struct error *error_r)
{
    const char *keys[KEYS_SHOWN + 1] = {NULL};
    for (size_t i = 0; i < settings_count && i < KEYS_SHOWN; i++)
        keys[i] = settings_table[i].key;
    const char *near = text_suggest(entry->key, keys);
    if (near)
        return error_set(error_r, STATUS_INVALID, "%s:%u: unknown key '%.64s'; did you mean '%s'?", ini->file,
                         entry->line, entry->key, near);
    return error_set(error_r, STATUS_INVALID, "%s:%u: unknown key '%.64s'; automxd.conf(5) lists the keys", ini->file,
                     entry->line, entry->key);
}

static enum status apply(struct settings *settings, const struct ini *ini, struct error *error_r)
{
    for (size_t i = 0; i < ini->count; i++) {
        const struct ini_entry *entry = &ini->entries[i];
        const struct setting *row = find_row(entry->key);
        /* Keys of [DEFAULT] may be there only for other sections or for %(key)s. */
        if (!row && entry->inherited)
            continue;
        if (!row)
            return unknown_key(ini, entry, error_r);
        char *copy = arena_text(settings->arena, entry->value);
        if (!copy)
            break;
        const char *value = text_trim(copy);
        if (!*value && row->type == SETTING_TEXT)
            continue; /* as if the key were not there */
        enum status status = store_value(settings, row, value, &(struct place){ini->file, entry->line, error_r});
        if (status != STATUS_OK)
            return status;
    }
    if (arena_failed(settings->arena))
        return error_set(error_r, STATUS_LIMIT, "%s: too large: out of memory", ini->file);
    return STATUS_OK;
}

static enum status new_settings(struct settings **settings_r, struct error *error_r)
{
    *settings_r = NULL;
    struct arena *arena = arena_new(ARENA_LIMIT);
    struct settings *settings = arena ? arena_alloc(arena, sizeof *settings) : NULL;
    if (!settings) {
        if (arena)
            arena_free(&arena);
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    }
    settings->arena = arena;
    *settings_r = settings;
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (!row->preset)
            continue;
        enum status status = store_value(settings, row, row->preset, &(struct place){"built-in default", 0, error_r});
        if (status != STATUS_OK)
            return status;
    }
    return arena_failed(arena) ? error_set(error_r, STATUS_LIMIT, "out of memory") : STATUS_OK;
}

/* Either parses text or, when that is NULL, reads the file. */
static enum status build(const char *file, const char *text, size_t length, struct settings **settings_r,
                         struct error *error_r)
{
    struct ini ini;
    enum status status = new_settings(settings_r, error_r);
    if (status != STATUS_OK)
        goto out;
    struct settings *settings = *settings_r;
    status = text ? ini_parse(settings->arena, file, text, length, SECTION, &ini, error_r)
                  : ini_read(settings->arena, file, SECTION, &ini, error_r);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_INVALID; /* a configuration file without our section is a wrong one */
    if (status != STATUS_OK)
        goto out;
    settings->file = ini.file;
    status = apply(settings, &ini, error_r);
out:
    if (status != STATUS_OK)
        settings_free(settings_r);
    return status;
}

enum status settings_parse(const char *file, const char *text, size_t length, struct settings **settings_r,
                           struct error *error_r)
{
    return build(file, text ? text : "", length, settings_r, error_r);
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static const char *home_directory(void)
{
    const char *home = getenv("HOME");
    if (home && *home)
        return home;
    /* cppcheck-suppress getpwuidCalled ; only the main thread reads settings */
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_dir : NULL;
}

enum status settings_load(const char *path, struct settings **settings_r, struct error *error_r)
{
    if (path)
        return build(path, NULL, 0, settings_r, error_r);
    const char *named = getenv("AUTOMX2_CONF");
    if (named && *named) {
        /* automx2 passes over a name that is wrong and serves something else than was meant. */
        enum status status = build(named, NULL, 0, settings_r, error_r);
        if (status == STATUS_BACKEND)
            error_prefix(error_r, "AUTOMX2_CONF is set, but ");
        return status;
    }
    const char *home = home_directory();
    char in_home[4096];
    if (home && (size_t)snprintf(in_home, sizeof in_home, "%s/.automx2.conf", home) < sizeof in_home && exists(in_home))
        return build(in_home, NULL, 0, settings_r, error_r);
    static const char *const system_files[] = {"/etc/automx2/automx2.conf", "/etc/automx2.conf"};
    for (size_t i = 0; i < sizeof system_files / sizeof system_files[0]; i++) {
        if (exists(system_files[i]))
            return build(system_files[i], NULL, 0, settings_r, error_r);
    }
    enum status status = new_settings(settings_r, error_r);
    if (status != STATUS_OK)
        settings_free(settings_r);
    return status;
}

void settings_free(struct settings **settings)
{
    if (!*settings)
        return;
    struct arena *arena = (*settings)->arena;
    arena_free(&arena); /* the settings are in it */
    *settings = NULL;
}
