/* json_read.h - reads members of JSON strictly, and says of a wrong one its line, path and what is wrong. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_JSON_READ_H
#define STORE_JSON_READ_H

#include "base/arena.h"
#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first failure stays: after it every reading function returns nothing and changes nothing, so that a caller may
 * look at status once, at the end of an object. */
struct json_reader {
    const char *text;
    size_t length;
    json_t *root;
    struct arena *arena; /* of the texts that are returned */
    enum status status;
    struct error *error_r;
    unsigned failures; /* of memory, before the text was read */
};

/* Where a value stands: a chain from the root (parent NULL), on the callers' stacks. */
struct json_place {
    const struct json_place *parent;
    const char *member; /* NULL: an element of a list */
    size_t index;
    const json_t *value; /* NULL: absent */
};

/* Lets jansson note (base/memory.h) what it gets no memory for: it goes on without the byte or member, and nobody would
 * know. Once, before there are threads that use it. */
void reader_init(void);

/* Parses the text; the root must be an object. Members twice in an object are refused. */
void reader_open(struct json_reader *reader, struct arena *arena, const char *text, size_t length,
                 struct error *error_r);
void reader_close(struct json_reader *reader);

[[gnu::format(printf, 3, 4)]] void reader_fail(struct json_reader *reader, const struct json_place *place,
                                               const char *format, ...);

struct json_place reader_root(const struct json_reader *reader);
struct json_place place_member(const struct json_place *object, const char *name);
struct json_place place_element(const struct json_place *list, size_t index);

/* Refuses members that are not in names (NULL-terminated). Those that begin with '_' are comments. */
void reader_only(struct json_reader *reader, const struct json_place *object, const char *const *names);

/* Whether a member is there. null counts as absent. */
bool place_given(const struct json_place *object, const char *name);

/* False (and a failure) when the place holds no object, or no list of at most max elements. */
bool reader_must_be_object(struct json_reader *reader, const struct json_place *place);
bool reader_must_be_list(struct json_reader *reader, const struct json_place *place, size_t max);
size_t place_size(const struct json_place *list);

/* Trimmed text of 1 to max characters without control characters; NULL when absent. _required: absent is a failure. */
const char *reader_text(struct json_reader *reader, const struct json_place *object, const char *name, size_t max);
const char *reader_text_required(struct json_reader *reader, const struct json_place *object, const char *name,
                                 size_t max);
const char *reader_text_of(struct json_reader *reader, const struct json_place *place, size_t max);

/* A name, which may be written as text or as a whole number. */
const char *reader_key_of(struct json_reader *reader, const struct json_place *place);

int64_t reader_number(struct json_reader *reader, const struct json_place *object, const char *name, int64_t min,
                      int64_t max, int64_t preset);

/* true, false, 1, 0, "yes", "no", "true", "false", "on", "off": automx2 takes all of them. */
bool reader_truth(struct json_reader *reader, const struct json_place *object, const char *name, bool preset);

#endif
