/* fuzz_xml.c - what the XML and property list writers write of any text, a reader gives back. Each line is one call:
 * its first byte says which, the rest is the text. */
/* SPDX-License-Identifier: MIT */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/plist.h"
#include "base/text.h"
#include "oracle.h"

/* What was written, and what was read: texts with a byte in front that says what they were. */
struct trace {
    struct buf expected, seen;
    bool too_deep;
    bool in_text; /* the element that is open has character data and nothing else */
};

/* What a reader makes of it: every byte that is no part of a character, and characters without a place in XML, become
 * U+FFFD. Told independently of the writer. */
static void expect(struct buf *out, const char *kind, const char *text)
{
    size_t length = strlen(text);
    buf_adds(out, kind);
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t size = text_utf8_next(text + i, length - i, &code);
        bool bad = size == 0 || (code < 0x20 && !strchr("\t\n\r", (int)code)) || code == 0xfffe || code == 0xffff;
        if (bad)
            buf_adds(out, "\xef\xbf\xbd");
        else
            buf_add(out, text + i, size);
        i += size ? size : 1;
    }
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct trace *trace = context;
    trace->in_text = strcmp(name, "t") == 0 || strcmp(name, "string") == 0;
    if (strcmp(name, "o") == 0) {
        buf_addc(&trace->seen, 'a');
        buf_adds(&trace->seen, attributes[1]);
    }
    if (trace->in_text)
        buf_addc(&trace->seen, 't');
}

static void on_end(void *context, const XML_Char *name)
{
    ((struct trace *)context)->in_text = false;
}

static void on_text(void *context, const XML_Char *text, int length)
{
    struct trace *trace = context;
    if (trace->in_text)
        buf_add(&trace->seen, text, (size_t)length);
}

static void compare(struct trace *trace, const struct buf *written)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    demand(parser != NULL);
    XML_SetUserData(parser, trace);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    demand(XML_Parse(parser, written->data, (int)written->length, XML_TRUE) == XML_STATUS_OK);
    XML_ParserFree(parser);
    demand(trace->seen.length == trace->expected.length);
    demand(trace->seen.length == 0 || memcmp(trace->seen.data, trace->expected.data, trace->seen.length) == 0);
}

static void write_xml(struct xml *xml, struct trace *trace, const char *line)
{
    trace->too_deep = (line[0] == 'o' || line[0] == 'i') && xml->depth == XML_DEPTH_MAX;
    switch (line[0]) {
    case 'o':
        xml_open(xml, "o");
        xml_attribute(xml, "a", line + 1);
        expect(&trace->expected, "a", line + 1);
        break;
    case 'c':
        if (xml->depth > 1)
            xml_close(xml);
        break;
    case 'n':
        xml_element_number(xml, "n", strlen(line));
        break;
    case 'i':
        xml_open(xml, "t");
        xml_text(xml, line + 1);
        xml_text(xml, line + 1);
        xml_close(xml);
        expect(&trace->expected, "t", line + 1);
        expect(&trace->expected, "", line + 1);
        break;
    default:
        xml_element(xml, "t", line);
        expect(&trace->expected, "t", line);
    }
}

static void write_plist(struct plist *plist, struct trace *trace, const char *line)
{
    static const char *const keys[] = {NULL, "key"};
    bool in_dict = strcmp(plist->xml.open[plist->xml.depth - 1], "dict") == 0;
    const char *key = keys[in_dict];
    trace->too_deep = !strchr("cbn", line[0]) && plist->xml.depth == XML_DEPTH_MAX;
    switch (line[0]) {
    case 'o':
        plist_dict_open(plist, key);
        break;
    case 'l':
        plist_array_open(plist, key);
        break;
    case 'c':
        if (plist->xml.depth > 2)
            plist_close(plist);
        break;
    case 'b':
        plist_bool(plist, key, line[1] != '\0');
        break;
    case 'n':
        plist_integer(plist, key, -(long)strlen(line));
        break;
    default:
        plist_string(plist, key, line);
        expect(&trace->expected, "t", line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size), *rest = text;
    struct trace trace = {0};
    struct buf written;
    struct plist plist;
    struct xml xml;
    bool is_plist = *rest == 'p';
    buf_init(&trace.expected, 0);
    buf_init(&trace.seen, 0);
    buf_init(&written, 0);
    if (is_plist) {
        plist_begin(&plist, &written);
    } else {
        xml_begin(&xml, &written);
        xml_open(&xml, "root");
    }
    while (*rest && !written.failed) {
        const char *line = next_line(&rest);
        if (!*line)
            continue;
        if (is_plist)
            write_plist(&plist, &trace, line);
        else
            write_xml(&xml, &trace, line);
    }
    if (is_plist)
        plist_end(&plist);
    else
        xml_end(&xml);
    /* Nothing else is wrong with these calls. */
    demand(buf_failed(&written) == trace.too_deep);
    if (!buf_failed(&written))
        compare(&trace, &written);
    buf_free(&trace.expected);
    buf_free(&trace.seen);
    buf_free(&written);
    free(text);
    return 0;
}
