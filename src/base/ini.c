/* ini.c - reads the INI dialect of Python's configparser. */
/* SPDX-License-Identifier: MIT */
#include "base/ini.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

enum {
    FILE_MAX = 1024 * 1024,
    KEYS_MAX = 4096,
    SECTIONS_MAX = 256,
    DEPTH_MAX = 10,           /* configparser's MAX_INTERPOLATION_DEPTH */
    SUBSTITUTIONS_MAX = 1000, /* in one file; ten levels of many references each would never end */
};

struct slice {
    const char *start;
    size_t length;
};

struct raw {
    size_t section;
    const char *key;
    const char *value;
    unsigned line;
};

struct reader {
    struct arena *arena;
    struct error *error;
    const char *file;
    const char *wanted; /* section; for messages */
    const char *sections[SECTIONS_MAX];
    size_t section_count;
    struct raw *keys; /* of all sections */
    size_t key_count;

    /* While lines are read: */
    unsigned line;
    size_t section; /* NO_SECTION before the first header */
    bool in_value;  /* an indented line goes on with the last key's value, which grows here: */
    struct buf value;
    size_t indent; /* of the last line that was no continuation, in characters */

    unsigned substitutions;
};

enum { DEFAULT_SECTION = 0, NO_SECTION = SECTIONS_MAX };

/* str.isspace(), which decides what configparser strips. */
static bool is_space(uint32_t code)
{
    return (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x20) || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f ||
           code == 0x205f || code == 0x3000;
}

/* Both expect valid UTF-8. */
static struct slice strip_right(struct slice text)
{
    while (text.length > 0) {
        size_t start = text.length - 1;
        while (start > 0 && ((unsigned char)text.start[start] & 0xc0) == 0x80)
            start--;
        uint32_t code;
        if (text_utf8_next(text.start + start, text.length - start, &code) == 0 || !is_space(code))
            break;
        text.length = start;
    }
    return text;
}

static struct slice strip_left(struct slice text, size_t *characters_r)
{
    *characters_r = 0;
    while (text.length > 0) {
        uint32_t code;
        size_t size = text_utf8_next(text.start, text.length, &code);
        if (size == 0 || !is_space(code))
            break;
        text.start += size;
        text.length -= size;
        ++*characters_r;
    }
    return text;
}

static struct slice strip(struct slice text)
{
    size_t characters;
    return strip_left(strip_right(text), &characters);
}

/* The text must be UTF-8 without NUL, of which Python would make characters and we a shorter text. */
static enum status check_bytes(struct reader *reader, const char *text, size_t length)
{
    if (text_utf8_valid(text, length) && !memchr(text, '\0', length))
        return STATUS_OK;
    unsigned line = 1;
    for (size_t i = 0; i < length;) {
        size_t size = text_utf8_next(text + i, length - i, NULL);
        if (text[i] == '\0' || size == 0)
            return error_set(reader->error, STATUS_INVALID, "%s:%u: %s", reader->file, line,
                             size == 0 ? "a byte that is not UTF-8; save the file as UTF-8" : "a NUL byte");
        line += text[i] == '\n' || (text[i] == '\r' && !(i + 1 < length && text[i + 1] == '\n'));
        i += size;
    }
    return STATUS_OK;
}

static enum status out_of_memory(struct reader *reader)
{
    return error_set(reader->error, STATUS_LIMIT, "%s:%u: too large: out of memory", reader->file, reader->line);
}

/* The value of the last key is complete. */
static enum status finish_value(struct reader *reader)
{
    if (reader->key_count == 0 || reader->keys[reader->key_count - 1].value)
        return STATUS_OK;
    if (buf_failed(&reader->value))
        return out_of_memory(reader);
    struct slice value = strip_right((struct slice){reader->value.data, reader->value.length});
    reader->keys[reader->key_count - 1].value = arena_copy(reader->arena, value.start, value.length);
    return arena_failed(reader->arena) ? out_of_memory(reader) : STATUS_OK;
}

static enum status read_section(struct reader *reader, struct slice name)
{
    /* configparser lets [DEFAULT] come again, no other section. */
    for (size_t i = 0; i < reader->section_count; i++) {
        if (strlen(reader->sections[i]) != name.length || memcmp(reader->sections[i], name.start, name.length) != 0)
            continue;
        if (i != DEFAULT_SECTION)
            return error_set(reader->error, STATUS_INVALID, "%s:%u: section [%s] is there already; put both together",
                             reader->file, reader->line, reader->sections[i]);
        reader->section = i;
        return STATUS_OK;
    }
    if (reader->section_count == SECTIONS_MAX)
        return error_set(reader->error, STATUS_LIMIT, "%s:%u: more than %d sections", reader->file, reader->line,
                         SECTIONS_MAX);
    reader->section = reader->section_count++;
    reader->sections[reader->section] = arena_copy(reader->arena, name.start, name.length);
    return arena_failed(reader->arena) ? out_of_memory(reader) : STATUS_OK;
}

static const struct raw *find_key(const struct reader *reader, size_t section, const char *key)
{
    for (size_t i = 0; i < reader->key_count; i++) {
        if (reader->keys[i].section == section && strcmp(reader->keys[i].key, key) == 0)
            return &reader->keys[i];
    }
    return NULL;
}

static enum status read_key(struct reader *reader, struct slice line)
{
    size_t delimiter = 0;
    while (delimiter < line.length && line.start[delimiter] != '=' && line.start[delimiter] != ':')
        delimiter++;
    if (delimiter == line.length)
        return error_set(reader->error, STATUS_INVALID,
                         "%s:%u: neither a [section] nor 'key = value'; start a comment with #", reader->file,
                         reader->line);
    struct slice name = strip_right((struct slice){line.start, delimiter});
    if (name.length == 0)
        return error_set(reader->error, STATUS_INVALID, "%s:%u: the key before '%c' is missing", reader->file,
                         reader->line, line.start[delimiter]);
    if (reader->key_count == KEYS_MAX)
        return error_set(reader->error, STATUS_LIMIT, "%s:%u: more than %d keys", reader->file, reader->line, KEYS_MAX);
    char *key = arena_copy(reader->arena, name.start, name.length);
    if (!key)
        return out_of_memory(reader);
    text_lower(key);
    const struct raw *earlier = find_key(reader, reader->section, key);
    if (earlier)
        return error_set(reader->error, STATUS_INVALID, "%s:%u: key '%s' is in line %u already; remove one of them",
                         reader->file, reader->line, key, earlier->line);
    reader->keys[reader->key_count++] = (struct raw){.section = reader->section, .key = key, .line = reader->line};
    struct slice value = strip((struct slice){line.start + delimiter + 1, line.length - delimiter - 1});
    buf_clear(&reader->value);
    buf_add(&reader->value, value.start, value.length);
    reader->in_value = true;
    return STATUS_OK;
}

static enum status read_line(struct reader *reader, struct slice line)
{
    size_t indent;
    struct slice text = strip_left(strip_right(line), &indent);
    if (text.length == 0) {
        if (reader->in_value)
            buf_addc(&reader->value, '\n');
        return STATUS_OK;
    }
    if (text.start[0] == '#' || text.start[0] == ';')
        return STATUS_OK;
    if (reader->in_value && indent > reader->indent) {
        buf_addc(&reader->value, '\n');
        buf_add(&reader->value, text.start, text.length);
        return STATUS_OK;
    }
    reader->indent = indent;
    enum status status = finish_value(reader);
    if (status != STATUS_OK)
        return status;
    /* configparser takes the last ']' for the end of the name and ignores what follows it. */
    const char *end = text.start[0] == '[' ? memrchr(text.start, ']', text.length) : NULL;
    if (end && end > text.start + 1) {
        reader->in_value = false;
        return read_section(reader, (struct slice){text.start + 1, (size_t)(end - text.start) - 1});
    }
    if (reader->section == NO_SECTION)
        return error_set(reader->error, STATUS_INVALID, "%s:%u: no section before this line; put [%s] above it",
                         reader->file, reader->line, reader->wanted);
    return read_key(reader, text);
}

/* Lines end with LF, CR or both, as in Python's text files. */
static enum status read_lines(struct reader *reader, const char *text, size_t length)
{
    size_t position = 0;
    while (position < length) {
        size_t end = position;
        while (end < length && text[end] != '\n' && text[end] != '\r')
            end++;
        reader->line++;
        enum status status = read_line(reader, (struct slice){text + position, end - position});
        if (status != STATUS_OK)
            return status;
        position = end + 1;
        if (end + 1 < length && text[end] == '\r' && text[end + 1] == '\n')
            position++;
    }
    return finish_value(reader);
}

/* The value that %(key)s stands for in a section. */
static const char *find_reference(const struct reader *reader, size_t section, const char *name, size_t length)
{
    char key[128];
    if (length >= sizeof key)
        return NULL;
    memcpy(key, name, length);
    key[length] = '\0';
    text_lower(key);
    const struct raw *raw = find_key(reader, section, key);
    if (!raw)
        raw = find_key(reader, DEFAULT_SECTION, key);
    return raw ? raw->value : NULL;
}

/* BasicInterpolation, with the values that are being expanded on a stack. */
static enum status interpolate(struct reader *reader, const struct raw *raw, size_t section, struct buf *out)
{
    const char *stack[DEPTH_MAX] = {raw->value};
    size_t depth = 1;
    while (depth > 0) {
        const char *rest = stack[depth - 1];
        size_t plain = strcspn(rest, "%");
        buf_add(out, rest, plain);
        rest += plain;
        if (!*rest) {
            depth--;
            continue;
        }
        if (rest[1] == '%') {
            buf_addc(out, '%');
            stack[depth - 1] = rest + 2;
            continue;
        }
        const char *close = rest[1] == '(' ? strchr(rest + 2, ')') : NULL;
        if (!close || close == rest + 2 || close[1] != 's')
            return error_set(reader->error, STATUS_INVALID,
                             "%s:%u: a lone %% in the value of '%s'; write %%%% for one %%", reader->file, raw->line,
                             raw->key);
        const char *value = find_reference(reader, section, rest + 2, (size_t)(close - rest - 2));
        if (!value) {
            /* Only the reference is shown: what is around it may be a password. */
            int shown = close - rest < 64 ? (int)(close - rest) + 2 : 64;
            return error_set(reader->error, STATUS_INVALID,
                             "%s:%u: %.*s in the value of '%s' names no key; write %%%% for one %%", reader->file,
                             raw->line, shown, rest, raw->key);
        }
        stack[depth - 1] = close + 2;
        if (!strchr(value, '%')) {
            buf_adds(out, value);
        } else if (depth == DEPTH_MAX) {
            return error_set(reader->error, STATUS_INVALID, "%s:%u: the references in '%s' go deeper than %d levels",
                             reader->file, raw->line, raw->key, DEPTH_MAX);
        } else {
            stack[depth++] = value;
        }
        if (++reader->substitutions > SUBSTITUTIONS_MAX || buf_failed(out))
            return error_set(reader->error, STATUS_LIMIT, "%s:%u: the references in '%s' make too much text",
                             reader->file, raw->line, raw->key);
    }
    return STATUS_OK;
}

static enum status collect(struct reader *reader, size_t section, struct ini *ini_r)
{
    struct ini_entry *entries = arena_array(reader->arena, reader->key_count, sizeof *entries);
    size_t count = 0;
    for (size_t i = 0; entries && i < reader->key_count; i++) {
        const struct raw *raw = &reader->keys[i];
        bool inherited = raw->section == DEFAULT_SECTION && section != DEFAULT_SECTION;
        if (raw->section != section && (!inherited || find_key(reader, section, raw->key)))
            continue;
        buf_clear(&reader->value);
        enum status status = interpolate(reader, raw, section, &reader->value);
        if (status != STATUS_OK)
            return status;
        entries[count++] = (struct ini_entry){
            .key = raw->key,
            .value = arena_copy(reader->arena, reader->value.data, reader->value.length),
            .line = raw->line,
            .inherited = inherited,
        };
    }
    if (arena_failed(reader->arena) || buf_failed(&reader->value))
        return out_of_memory(reader);
    *ini_r = (struct ini){.file = reader->file, .entries = entries, .count = count};
    return STATUS_OK;
}

enum status ini_parse(struct arena *arena, const char *file, const char *text, size_t length, const char *section,
                      struct ini *ini_r, struct error *error_r)
{
    struct reader reader = {
        .arena = arena,
        .error = error_r,
        .file = arena_text(arena, file),
        .wanted = section,
        .sections = {[DEFAULT_SECTION] = "DEFAULT"},
        .section_count = 1,
        .section = NO_SECTION,
        .keys = calloc(KEYS_MAX, sizeof *reader.keys),
    };
    buf_init(&reader.value, 2 * FILE_MAX);
    enum status status;
    if (!reader.keys || !reader.file) {
        status = out_of_memory(&reader);
        goto out;
    }
    /* Editors on Windows put a byte order mark in front. */
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        length -= 3;
    }
    status = check_bytes(&reader, text, length);
    if (status == STATUS_OK)
        status = read_lines(&reader, text, length);
    if (status != STATUS_OK)
        goto out;
    size_t found = 0;
    while (found < reader.section_count && strcmp(reader.sections[found], section) != 0)
        found++;
    if (found == reader.section_count)
        status = error_set(error_r, STATUS_NOT_FOUND, "%s: there is no section [%s]; put that line above the settings",
                           reader.file, section);
    else
        status = collect(&reader, found, ini_r);
out:
    buf_free(&reader.value);
    free(reader.keys);
    return status;
}

enum status ini_read(struct arena *arena, const char *file, const char *section, struct ini *ini_r,
                     struct error *error_r)
{
    enum status status;
    struct buf text;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error_r, STATUS_BACKEND, "cannot open %s: %m", file);
    buf_init(&text, FILE_MAX);
    if (buf_read(&text, fd))
        status = ini_parse(arena, file, text.data ? text.data : "", text.length, section, ini_r, error_r);
    else if (buf_failed(&text))
        status = error_set(error_r, STATUS_LIMIT, "%s: longer than %d KiB", file, FILE_MAX / 1024);
    else
        status = error_set(error_r, STATUS_BACKEND, "cannot read %s: %m", file);
    close(fd);
    buf_free(&text);
    return status;
}
