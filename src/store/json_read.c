/* json_read.c - strict access to members, and the search for the line of one. */
/* SPDX-License-Identifier: MIT */
#include "store/json_read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

enum { PLACE_DEPTH_MAX = 16, SHOWN_MAX = 60, NAMES_SHOWN_MAX = 12 };

/* -- Where is it? -- jansson tells lines of syntax errors only, so the text is walked again to the place of a member.
 * It is known to be JSON then: nothing is checked twice. */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) != NULL)
        at++;
    return at;
}

static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    at = skip_blanks(at, end);
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
        } else if (*at == '[' || *at == '{') {
            depth++;
            at++;
        } else if (*at == ']' || *at == '}') {
            depth--;
            at++;
        } else if (depth > 0) {
            at++;
        } else { /* a number or a word */
            while (at < end && strchr(",]} \t\r\n", *at) == NULL)
                at++;
            return at;
        }
        if (depth == 0)
            return at;
    }
    return end;
}

/* Whether the string that begins at text, quotes and escapes included, spells a name. */
static bool string_is(const char *text, const char *end, const char *name)
{
    bool same = false;
    json_t *value = json_loadb(text, (size_t)(end - text), JSON_DECODE_ANY, NULL);
    if (value != NULL)
        same = strcmp(json_string_value(value), name) == 0;
    json_decref(value);
    return same;
}

/* From the beginning of a container to that of a member's name or of an element; NULL when it is not there. */
static const char *enter(const char *at, const char *end, const struct json_place *step, const char **value_r)
{
    at = skip_blanks(at, end);
    if (at == end)
        return NULL;
    at = skip_blanks(at + 1, end);
    for (size_t index = 0; at < end && *at != ']' && *at != '}'; index++) {
        const char *name = at;
        if (step->member != NULL) {
            const char *name_end = skip_string(at, end);
            at = skip_blanks(name_end, end);
            at = at < end ? skip_blanks(at + 1, end) : end;
            *value_r = at;
            if (string_is(name, name_end, step->member))
                return name;
        } else if (index == step->index) {
            *value_r = at;
            return at;
        }
        at = skip_blanks(skip_value(at, end), end);
        if (at < end && *at == ',')
            at = skip_blanks(at + 1, end);
    }
    return NULL;
}

static size_t line_of(const char *text, const char *at)
{
    size_t line = 1;
    while ((text = memchr(text, '\n', (size_t)(at - text))) != NULL) {
        line++;
        text++;
    }
    return line;
}

/* The steps from the root, outermost first; what is deeper than PLACE_DEPTH_MAX is not said. */
static size_t steps_of(const struct json_place *place, const struct json_place **steps)
{
    size_t depth = 0;
    for (const struct json_place *at = place; at->parent != NULL; at = at->parent)
        depth++;
    for (const struct json_place *at = place; at->parent != NULL; at = at->parent)
        if (--depth < PLACE_DEPTH_MAX)
            steps[depth] = at;
    for (const struct json_place *at = place; at->parent != NULL; at = at->parent)
        depth++;
    return depth < PLACE_DEPTH_MAX ? depth : PLACE_DEPTH_MAX;
}

/* Then what is missed or found wrong may be neither. */
static bool lacks_memory(struct json_reader *reader)
{
    if (memory_failures() == reader->failures)
        return false;
    reader->status = error_set(reader->error_r, STATUS_LIMIT, "memory is out");
    return true;
}

void reader_fail(struct json_reader *reader, const struct json_place *place, const char *format, ...)
{
    const struct json_place *steps[PLACE_DEPTH_MAX];
    const char *end = reader->text + reader->length;
    const char *value = skip_blanks(reader->text, end);
    const char *found = value;
    struct buf path;
    char reason[384];
    va_list arguments;
    if (reader->status != STATUS_OK || lacks_memory(reader))
        return;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);

    size_t count = steps_of(place, steps);
    buf_init(&path, 0);
    for (size_t i = 0; i < count; i++) {
        const char *next = enter(value, end, steps[i], &value);
        if (next == NULL) /* a member that is missing: the line of its object */
            value = end;
        else
            found = next;
        if (steps[i]->member != NULL)
            buf_addf(&path, "%s%.64s", i > 0 ? "." : "", steps[i]->member);
        else
            buf_addf(&path, "[%zu]", steps[i]->index);
    }
    buf_adds(&path, "");
    reader->status = error_set(reader->error_r, STATUS_INVALID, "line %zu: %s%s%s", line_of(reader->text, found),
                               path.length > 0 ? path.data : "", path.length > 0 ? ": " : "", reason);
    buf_free(&path);
}

/* -- What is it? -- */

static void *noting_malloc(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        memory_note_failure();
    return memory;
}

void reader_init(void)
{
    json_set_alloc_funcs(noting_malloc, free);
}

void reader_open(struct json_reader *reader, struct arena *arena, const char *text, size_t length,
                 struct error *error_r)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf"; /* Windows' editors write it */
    json_error_t fault;
    if (length >= strlen(byte_order_mark) && memcmp(text, byte_order_mark, strlen(byte_order_mark)) == 0) {
        text += strlen(byte_order_mark);
        length -= strlen(byte_order_mark);
    }
    *reader = (struct json_reader){
        .text = text, .length = length, .arena = arena, .error_r = error_r, .failures = memory_failures()};
    reader->root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &fault);
    if (lacks_memory(reader))
        return;
    if (reader->root == NULL) {
        /* The text before the mistake may be a password. */
        char *shown = strstr(fault.text, " near '");
        if (shown != NULL)
            *shown = '\0';
        reader->status = error_set(error_r, STATUS_INVALID, "line %d: %s at column %d", fault.line > 0 ? fault.line : 1,
                                   fault.text, fault.column > 0 ? fault.column : 1);
        return;
    }
    struct json_place root = reader_root(reader);
    reader_must_be_object(reader, &root);
}

void reader_close(struct json_reader *reader)
{
    json_decref(reader->root);
    reader->root = NULL;
}

struct json_place reader_root(const struct json_reader *reader)
{
    return (struct json_place){.value = reader->root};
}

struct json_place place_member(const struct json_place *object, const char *name)
{
    const json_t *value = json_object_get(object->value, name);
    return (struct json_place){object, name, 0, json_is_null(value) ? NULL : value};
}

struct json_place place_element(const struct json_place *list, size_t index)
{
    return (struct json_place){list, NULL, index, json_array_get(list->value, index)};
}

bool place_given(const struct json_place *object, const char *name)
{
    return place_member(object, name).value != NULL;
}

static void refuse_member(struct json_reader *reader, const struct json_place *object, const char *member,
                          const char *const *names)
{
    struct json_place place = place_member(object, member);
    const char *suggestion = text_suggest(member, names);
    if (text_equal_nocase(member, "client_secret") || text_equal_nocase(member, "clientSecret")) {
        reader_fail(reader, &place, "a client secret has no place here: everybody can read what is published");
    } else if (suggestion != NULL) {
        reader_fail(reader, &place, "there is no such member; did you mean '%s'?", suggestion);
    } else {
        struct buf list;
        buf_init(&list, 0);
        for (size_t i = 0; i < NAMES_SHOWN_MAX && names[i] != NULL; i++)
            buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
        buf_adds(&list, names[0] == NULL ? "none" : "");
        reader_fail(reader, &place, "there is no such member; here can be: %s", buf_failed(&list) ? "" : list.data);
        buf_free(&list);
    }
}

void reader_only(struct json_reader *reader, const struct json_place *object, const char *const *names)
{
    if (reader->status != STATUS_OK)
        return;
    json_t *members = json_incref((json_t *)(uintptr_t)object->value); /* its macro wants it without const */
    const char *member;
    json_t *value;
    json_object_foreach(members, member, value)
    {
        bool known = member[0] == '_';
        for (size_t i = 0; !known && names[i] != NULL; i++)
            known = strcmp(member, names[i]) == 0;
        if (!known) {
            refuse_member(reader, object, member, names);
            break;
        }
    }
    json_decref(members);
}

static const char *kind_of(const json_t *value)
{
    if (value == NULL)
        return "missing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

bool reader_must_be_object(struct json_reader *reader, const struct json_place *place)
{
    if (reader->status == STATUS_OK && !json_is_object(place->value))
        reader_fail(reader, place, "it must be an object, and is %s", kind_of(place->value));
    return reader->status == STATUS_OK;
}

bool reader_must_be_list(struct json_reader *reader, const struct json_place *place, size_t max)
{
    if (reader->status == STATUS_OK && !json_is_array(place->value))
        reader_fail(reader, place, "it must be a list, and is %s", kind_of(place->value));
    if (reader->status == STATUS_OK && json_array_size(place->value) > max)
        reader_fail(reader, place, "it has more than %zu elements", max);
    return reader->status == STATUS_OK;
}

size_t place_size(const struct json_place *list)
{
    return json_array_size(list->value);
}

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        if (((unsigned char)*text & 0xc0) != 0x80)
            count++;
    return count;
}

const char *reader_text_of(struct json_reader *reader, const struct json_place *place, size_t max)
{
    if (reader->status != STATUS_OK)
        return NULL;
    const char *text = json_string_value(place->value);
    if (text == NULL) {
        reader_fail(reader, place, "it must be text, and is %s", kind_of(place->value));
        return NULL;
    }
    if (text_has_control(text, strlen(text))) {
        reader_fail(reader, place, "it has control characters");
        return NULL;
    }
    char *copy = arena_text(reader->arena, text);
    if (copy == NULL) {
        reader->status = error_set(reader->error_r, STATUS_LIMIT, "memory is out");
        return NULL;
    }
    copy = text_trim(copy);
    if (*copy == '\0')
        reader_fail(reader, place, "it is empty");
    else if (characters(copy) > max)
        reader_fail(reader, place, "it is longer than %zu characters", max);
    return reader->status == STATUS_OK ? copy : NULL;
}

const char *reader_text(struct json_reader *reader, const struct json_place *object, const char *name, size_t max)
{
    struct json_place place = place_member(object, name);
    return place.value == NULL ? NULL : reader_text_of(reader, &place, max);
}

const char *reader_text_required(struct json_reader *reader, const struct json_place *object, const char *name,
                                 size_t max)
{
    struct json_place place = place_member(object, name);
    if (place.value == NULL)
        reader_fail(reader, &place, "this member is missing");
    return reader_text_of(reader, &place, max);
}

const char *reader_key_of(struct json_reader *reader, const struct json_place *place)
{
    if (reader->status == STATUS_OK && json_is_integer(place->value))
        return arena_format(reader->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(place->value));
    if (reader->status == STATUS_OK && !json_is_string(place->value))
        reader_fail(reader, place, "it must be text or a whole number, and is %s", kind_of(place->value));
    return reader_text_of(reader, place, SHOWN_MAX);
}

int64_t reader_number(struct json_reader *reader, const struct json_place *object, const char *name, int64_t min,
                      int64_t max, int64_t preset)
{
    struct json_place place = place_member(object, name);
    if (place.value == NULL || reader->status != STATUS_OK)
        return preset;
    int64_t number = json_integer_value(place.value);
    if (!json_is_integer(place.value))
        reader_fail(reader, &place, "it must be a whole number, and is %s", kind_of(place.value));
    else if (number < min || number > max)
        reader_fail(reader, &place, "%" PRId64 " is not within %" PRId64 " to %" PRId64, number, min, max);
    return reader->status == STATUS_OK ? number : preset;
}

bool reader_truth(struct json_reader *reader, const struct json_place *object, const char *name, bool preset)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1", NULL};
    struct json_place place = place_member(object, name);
    if (place.value == NULL || reader->status != STATUS_OK)
        return preset;
    if (json_is_boolean(place.value))
        return json_is_true(place.value);
    if (json_is_integer(place.value) && (uint64_t)json_integer_value(place.value) <= 1)
        return json_integer_value(place.value) == 1;
    const char *text = json_string_value(place.value);
    for (size_t i = 0; text != NULL && words[i] != NULL; i++)
        if (text_equal_nocase(text, words[i]))
            return i % 2 == 1;
    reader_fail(reader, &place, "it must be true or false");
    return preset;
}
