/* autodiscover_request.c - reads the XML that an Autodiscover client posts. */
/* SPDX-License-Identifier: MIT */
#include "format/autodiscover_request.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "format/autodiscover.h"

enum {
    BODY_MAX = 64 * 1024,
    DEPTH_MAX = 16,
    ELEMENTS_MAX = 256,
    TEXT_MAX = 1024, /* of one element; an address has 320 at most */
};

#define MOBILESYNC_REQUEST "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"

struct field {
    char text[TEXT_MAX + 1];
    size_t length;
    bool given;
};

struct reader {
    XML_Parser parser;
    unsigned depth; /* elements open */
    unsigned elements;
    unsigned requests;
    bool in_request;    /* the element at level 2 is a Request */
    bool mobilesync;    /* it or Autodiscover names that namespace */
    struct field *open; /* where text goes, or NULL */
    struct field address;
    struct field schema;
    const char *fault; /* why the reading was stopped, or NULL */
};

static void stop(struct reader *reader, const char *fault)
{
    if (!reader->fault)
        reader->fault = fault;
    XML_StopParser(reader->parser, XML_FALSE);
}

/* Microsoft's pages show the names of namespaces with https://, and clients copy them. */
static bool same_namespace(const char *name, const char *http_name)
{
    const char *rest = http_name + strlen("http://");
    return (text_starts_nocase(name, "http://") && text_equal_nocase(name + strlen("http://"), rest)) ||
           (text_starts_nocase(name, "https://") && text_equal_nocase(name + strlen("https://"), rest));
}

static const char *local_name(const char *name)
{
    const char *prefix_end = strchr(name, ':');
    return prefix_end ? prefix_end + 1 : name;
}

/* Whether an element declares MobileSync's namespace, as its own or for a prefix. */
static bool names_mobilesync(const char **attributes)
{
    for (; attributes[0]; attributes += 2) {
        bool declares = strcmp(attributes[0], "xmlns") == 0 || strncmp(attributes[0], "xmlns:", 6) == 0;
        if (declares && same_namespace(attributes[1], MOBILESYNC_REQUEST))
            return true;
    }
    return false;
}

static void open_field(struct reader *reader, struct field *field)
{
    if (field->given) {
        stop(reader, "it names an address or a schema twice");
        return;
    }
    field->given = true;
    reader->open = field;
}

static void on_start(void *data, const char *name, const char **attributes)
{
    struct reader *reader = data;
    const char *local = local_name(name);
    if (reader->fault)
        return;
    if (++reader->elements > ELEMENTS_MAX) {
        stop(reader, "it has too many elements");
        return;
    }
    switch (reader->depth++) {
    case 0:
        if (!text_equal_nocase(local, "Autodiscover"))
            stop(reader, "its outermost element is not Autodiscover");
        reader->mobilesync = names_mobilesync(attributes);
        break;
    case 1:
        reader->in_request = text_equal_nocase(local, "Request");
        if (!reader->in_request)
            break;
        if (++reader->requests > 1)
            stop(reader, "it has more than one Request");
        if (names_mobilesync(attributes))
            reader->mobilesync = true;
        break;
    case 2:
        if (!reader->in_request)
            break;
        if (text_equal_nocase(local, "EMailAddress"))
            open_field(reader, &reader->address);
        else if (text_equal_nocase(local, "AcceptableResponseSchema"))
            open_field(reader, &reader->schema);
        break;
    case DEPTH_MAX:
        stop(reader, "its elements are nested too deeply");
        break;
    default:
        break;
    }
}

static void on_end(void *data, const char *name)
{
    struct reader *reader = data;
    if (!reader->fault && --reader->depth == 2)
        reader->open = NULL;
}

static void on_text(void *data, const char *text, int length)
{
    struct reader *reader = data;
    struct field *field = reader->open;
    if (reader->fault || !field || reader->depth != 3)
        return;
    if ((size_t)length > TEXT_MAX - field->length) {
        stop(reader, "an element holds too much text");
        return;
    }
    memcpy(field->text + field->length, text, (size_t)length);
    field->length += (size_t)length;
}

/* No entity is ever declared, so none can be expanded or fetched. */
static void on_doctype(void *data, const char *name, const char *system, const char *public, int has_subset)
{
    stop(data, "it has a DOCTYPE");
}

/* .NET programs that write into a string declare UTF-16, as which they hold it, and then send UTF-8. So what can be
 * UTF-8 is, and of the rest the declaration is believed (NULL). */
static const char *encoding_of(const char *body, size_t length)
{
    return text_utf8_valid(body, length) && memchr(body, '\0', length) == NULL ? "UTF-8" : NULL;
}

/* One pass of expat. STATUS_INVALID leaves reader->fault or *code_r. Without expat's own namespaces: it would write the
 * name of one in front of each attribute that has its prefix, a hundred megabytes for a body of 64 KiB. */
static enum status parse_once(struct reader *reader, const char *body, size_t length, enum XML_Error *code_r)
{
    *reader = (struct reader){.parser = XML_ParserCreate(encoding_of(body, length))};
    *code_r = XML_ERROR_NONE;
    if (!reader->parser)
        return STATUS_LIMIT;
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    if (XML_Parse(reader->parser, body, (int)length, XML_TRUE) != XML_STATUS_OK)
        *code_r = XML_GetErrorCode(reader->parser);
    XML_ParserFree(reader->parser);
    reader->parser = NULL;
    if (*code_r == XML_ERROR_NO_MEMORY)
        return STATUS_LIMIT;
    if (*code_r == XML_ERROR_NONE && reader->requests == 0)
        reader->fault = "it has no Request";
    return reader->fault || *code_r != XML_ERROR_NONE ? STATUS_INVALID : STATUS_OK;
}

/* Whether the & at the start of text begins something that has the form of a reference. */
static bool is_reference(const char *text, size_t length)
{
    size_t i = 1;
    if (i < length && text[i] == '#')
        i++;
    size_t start = i;
    while (i < length && ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
                          (text[i] >= 'A' && text[i] <= 'Z')))
        i++;
    return i > start && i < length && text[i] == ';';
}

/* Thunderbird puts the address into its request as it is, so that a&b@example.com arrives as broken XML. Writes each &
 * that stands for itself as it should have been written. */
static void escape_ampersands(const char *body, size_t length, struct buf *out)
{
    size_t done = 0;
    for (size_t i = 0; i < length; i++) {
        if (body[i] != '&' || is_reference(body + i, length - i))
            continue;
        buf_add(out, body + done, i + 1 - done);
        buf_adds(out, "amp;");
        done = i + 1;
    }
    buf_add(out, body + done, length - done);
}

static enum status parse(struct reader *reader, const char *body, size_t length, enum XML_Error *code_r)
{
    enum status status = parse_once(reader, body, length, code_r);
    /* In a text without NUL an & is one byte: not in UTF-16. */
    if (status != STATUS_INVALID || *code_r != XML_ERROR_INVALID_TOKEN || memchr(body, '\0', length))
        return status;
    struct buf mended;
    buf_init(&mended, BODY_MAX);
    escape_ampersands(body, length, &mended);
    if (!buf_failed(&mended) && mended.length > length)
        status = parse_once(reader, mended.data, mended.length, code_r);
    buf_free(&mended);
    return status;
}

static enum autodiscover_schema schema_of(struct reader *reader)
{
    const char *name = text_trim(reader->schema.text);
    if (!*name)
        return reader->mobilesync ? AUTODISCOVER_MOBILESYNC : AUTODISCOVER_OUTLOOK;
    if (same_namespace(name, AUTODISCOVER_NS_OUTLOOK))
        return AUTODISCOVER_OUTLOOK;
    if (same_namespace(name, AUTODISCOVER_NS_MOBILESYNC))
        return AUTODISCOVER_MOBILESYNC;
    return AUTODISCOVER_OTHER;
}

/* XML allows nothing in front of its declaration but a BOM; clients send blanks there. */
static size_t skip_blanks(const char *body, size_t length)
{
    static const char bom[] = {'\xef', '\xbb', '\xbf'};
    size_t i = 0;
    while (i < length) {
        if (strchr(" \t\r\n", body[i]) && body[i])
            i++;
        else if (length - i >= sizeof(bom) && memcmp(body + i, bom, sizeof(bom)) == 0)
            i += sizeof(bom);
        else
            break;
    }
    return i;
}

enum status autodiscover_request_parse(struct arena *arena, const char *body, size_t length,
                                       struct autodiscover_request *request_r, struct error *error_r)
{
    struct reader reader;
    enum XML_Error code;
    *request_r = (struct autodiscover_request){0};
    if (length > BODY_MAX)
        return error_set(error_r, STATUS_INVALID, "the request is longer than %d bytes", BODY_MAX);
    size_t start = skip_blanks(body, length);
    enum status status = parse(&reader, body + start, length - start, &code);
    if (status == STATUS_LIMIT)
        return error_set(error_r, status, "there is no memory to read the request");
    if (status != STATUS_OK) /* what was sent may be personal: only what is wrong with it is said */
        return error_set(error_r, status, "the request cannot be read: %s",
                         reader.fault ? reader.fault : XML_ErrorString(code));

    request_r->schema = schema_of(&reader);
    const char *address = text_trim(reader.address.text);
    if (*address && !(request_r->address = arena_text(arena, address)))
        return error_set(error_r, STATUS_LIMIT, "there is no memory to read the request");
    return STATUS_OK;
}
