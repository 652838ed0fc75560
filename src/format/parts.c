/* parts.c - what several formats say in the same way. */
/* SPDX-License-Identifier: MIT */
#include "format/parts.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "account/placeholder.h"
#include "base/log.h"
#include "base/text.h"

bool parts_needs_person(const char *text)
{
    struct part part;
    while (text && placeholder_next(&text, &part)) {
        if (part_is_person(&part) || part.kind == PART_VARIABLE)
            return true;
    }
    return false;
}

/* Never NULL: a buffer that nothing was added to has no memory yet. */
static const char *value_text(const struct buf *value)
{
    return value->data ? value->data : "";
}

/* Whether a value is missing that not everybody has: nobody is named, or the person's row does not have it. */
static bool lacks_person(const struct account *account, const char *template)
{
    const bool may_lack = !account->address || account->config->has_user_query;
    struct part part;

    while (template && placeholder_next(&template, &part)) {
        if (part_is_person(&part) && !account->address)
            return true;
        if (part.kind == PART_VARIABLE && may_lack && !placeholder_value(account, &part))
            return true;
    }
    return false;
}

static const char *name_or_warn(const struct account *account, const struct server *server, const char *template,
                                bool named, const struct buf *value)
{
    if (named && value->length > 0)
        return value->data;
    if (!lacks_person(account, template))
        log_warning_once("%s %" PRId64 ": \"%s\" is no %s that a client could use, so this server is left out; "
                         "correct the row",
                         server->table, server->id, template ? template : "",
                         server_type_has_url(server->type) ? "URL" : "host name");
    return NULL;
}

const char *parts_host(const struct account *account, const struct server *server, struct buf *value)
{
    buf_clear(value);
    return name_or_warn(account, server, server->host, account_host(account, server, value), value);
}

const char *parts_url(const struct account *account, const struct server *server, struct buf *value)
{
    buf_clear(value);
    return name_or_warn(account, server, server->url, account_url(account, server, value), value);
}

/* Thunderbird takes the text of an element that looks like a number for one: 007 becomes 7, 1e5 becomes 100000. */
static bool looks_like_number(const char *text)
{
    return *text && strspn(text, "0123456789") > 0 && text[strspn(text, "0123456789.eE+-")] == '\0';
}

const char *parts_user(const struct account *account, const struct server *server, enum expansion expansion,
                       struct buf *value)
{
    buf_clear(value);
    if (!account_user(account, server, expansion, value) || value->length == 0) {
        buf_clear(value);
        if (expansion == EXPAND_KEEP)
            buf_adds(value, "%EMAILADDRESS%");
        else if (account->address)
            buf_adds(value, account->address->text);
        return value->length > 0 ? value->data : NULL;
    }
    if (!account->login && server->user && looks_like_number(server->user))
        log_warning_once("%s %" PRId64 ": the user name is a number, from which Thunderbird takes leading zeros; "
                         "use a name with a letter or %%EMAILADDRESS%%",
                         server->table, server->id);
    return value->data;
}

static void trim(struct buf *value)
{
    size_t start = strspn(value->data, " \t\r\n");
    while (value->length > start && strchr(" \t\r\n", value->data[value->length - 1]))
        value->length--;
    memmove(value->data, value->data + start, value->length - start);
    value->length -= start;
    value->data[value->length] = '\0';
}

/* The byte at which a text has count characters behind it; its length when it has no more. */
static size_t offset_of(const char *text, size_t length, size_t count)
{
    size_t offset = 0;
    uint32_t code;
    while (count-- > 0 && offset < length) {
        size_t size = text_utf8_next(text + offset, length - offset, &code);
        offset += size ? size : 1;
    }
    return offset;
}

static void cut(struct buf *value, size_t max)
{
    if (offset_of(value->data, value->length, max) == value->length)
        return;
    size_t end = offset_of(value->data, value->length, max - 1);
    size_t blank = end;
    while (blank > end / 2 && value->data[blank] != ' ')
        blank--;
    value->length = blank > end / 2 ? blank : end;
    value->data[value->length] = '\0';
    trim(value);
    buf_adds(value, "…");
}

const char *parts_text(const struct account *account, const char *text, size_t max, struct buf *value)
{
    buf_clear(value);
    if (text)
        account_expand(account, text, value);
    if (value->length == 0 || buf_failed(value))
        return value_text(value);
    trim(value);
    if (max > 0)
        cut(value, max);
    return value_text(value);
}
