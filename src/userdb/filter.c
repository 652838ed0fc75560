/* filter.c - search filters with a person's address in them. */
/* SPDX-License-Identifier: MIT */
#include "userdb/filter.h"

#include <string.h>

#include "base/buf.h"

static void add_escaped(struct buf *out, const char *value)
{
    for (; *value; value++) {
        if (strchr("*()\\", *value))
            buf_addf(out, "\\%02x", (unsigned char)*value);
        else
            buf_addc(out, *value);
    }
}

/* The value of the placeholder at text and its length, or NULL when none begins here. */
static const char *value_at(const char *text, const struct address *address, size_t *length_r)
{
    const struct {
        const char *name;
        const char *value;
    } values[] = {{"{0}", address->text}, {"{local}", address->local}, {"{domain}", address->domain}};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        *length_r = strlen(values[i].name);
        if (strncmp(text, values[i].name, *length_r) == 0)
            return values[i].value;
    }
    return NULL;
}

const char *filter_expand(struct arena *arena, const char *filter, const struct address *address)
{
    struct buf out;
    const char *expanded;

    buf_init(&out, FILTER_MAX);
    while (*filter) {
        size_t length;
        const char *value = value_at(filter, address, &length);

        if (value) {
            add_escaped(&out, value);
            filter += length;
            continue;
        }
        buf_addc(&out, *filter);
        filter += (filter[0] == '{' && filter[1] == '{') || (filter[0] == '}' && filter[1] == '}') ? 2 : 1;
    }
    expanded = buf_failed(&out) ? NULL : arena_copy(arena, out.data ? out.data : "", out.length);
    buf_free(&out);
    return expanded;
}
