/* xml.c - an XML writer that can only write well-formed, escaped text. */
/* SPDX-License-Identifier: MIT */
#include "base/xml.h"

#include <string.h>

#include "base/text.h"

void xml_begin(struct xml *xml, struct buf *out)
{
    *xml = (struct xml){.out = out};
    buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void xml_doctype(struct xml *xml, const char *doctype)
{
    buf_adds(xml->out, "<!DOCTYPE ");
    buf_adds(xml->out, doctype);
    buf_adds(xml->out, ">\n");
}

static void misuse(struct xml *xml)
{
    xml->out->failed = true;
}

static void indent(struct xml *xml)
{
    static const char blanks[] = "                                ";
    size_t width = (size_t)xml->depth * 2;
    for (; width > sizeof blanks - 1; width -= sizeof blanks - 1)
        buf_add(xml->out, blanks, sizeof blanks - 1);
    buf_add(xml->out, blanks, width);
}

/* What stands for a byte that may not stand for itself; NULL when it may. */
static const char *escape_ascii(char byte, bool attribute)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\r': /* a reader would make a newline of it */
        return "&#13;";
    case '\t': /* and blanks of these in an attribute */
        return attribute ? "&#9;" : NULL;
    case '\n':
        return attribute ? "&#10;" : NULL;
    default:
        return NULL;
    }
}

static bool is_allowed(uint32_t code)
{
    return code >= 0x20 ? code != 0xfffe && code != 0xffff : code == '\t' || code == '\n' || code == '\r';
}

/* Printable ASCII without what escape_ascii() names: nearly all that is ever written. */
static bool is_plain(char byte)
{
    static const uint64_t special = 1ull << '&' | 1ull << '<' | 1ull << '>' | 1ull << '"' | 1ull << '\'';
    unsigned char code = (unsigned char)byte;
    return code >= 0x20 && code < 0x7f && (code >= 64 || !(special >> code & 1));
}

static void add_escaped(struct buf *out, const char *text, bool attribute)
{
    size_t length = strlen(text);
    size_t done = 0; /* written so far; runs that need no escape go out at once */
    size_t i = 0;
    for (;;) {
        while (i < length && is_plain(text[i]))
            i++;
        if (i == length)
            break;
        uint32_t code;
        size_t size = text_utf8_next(text + i, length - i, &code);
        const char *instead = size == 0 || !is_allowed(code) ? "\uFFFD" : NULL;
        if (size == 1 && !instead)
            instead = escape_ascii(text[i], attribute);
        if (instead) {
            buf_add(out, text + done, i - done);
            buf_adds(out, instead);
        }
        i += size ? size : 1;
        if (instead)
            done = i;
    }
    buf_add(out, text + done, length - done);
}

/* Ends a start tag that still takes attributes, before a child element or another line. */
static void begin_child(struct xml *xml)
{
    if (xml->inline_text)
        misuse(xml); /* text and elements mixed: the indentation would change the text */
    if (xml->tag_open)
        buf_adds(xml->out, ">\n");
    xml->tag_open = false;
    indent(xml);
}

void xml_open(struct xml *xml, const char *name)
{
    if (xml->depth == XML_DEPTH_MAX) {
        misuse(xml);
        return;
    }
    begin_child(xml);
    buf_addc(xml->out, '<');
    buf_adds(xml->out, name);
    xml->open[xml->depth++] = name;
    xml->tag_open = true;
}

void xml_attribute(struct xml *xml, const char *name, const char *value)
{
    if (!xml->tag_open) {
        misuse(xml);
        return;
    }
    if (!value)
        return;
    buf_addc(xml->out, ' ');
    buf_adds(xml->out, name);
    buf_adds(xml->out, "=\"");
    add_escaped(xml->out, value, true);
    buf_addc(xml->out, '"');
}

static void end_tag(struct xml *xml, const char *name)
{
    buf_adds(xml->out, "</");
    buf_adds(xml->out, name);
    buf_adds(xml->out, ">\n");
}

void xml_close(struct xml *xml)
{
    if (xml->depth == 0) {
        misuse(xml);
        return;
    }
    const char *name = xml->open[--xml->depth];
    if (xml->tag_open)
        buf_addc(xml->out, '>');
    else if (!xml->inline_text)
        indent(xml);
    end_tag(xml, name);
    xml->tag_open = false;
    xml->inline_text = false;
}

void xml_text(struct xml *xml, const char *text)
{
    if (!xml->tag_open && !xml->inline_text) {
        misuse(xml);
        return;
    }
    if (xml->tag_open)
        buf_addc(xml->out, '>');
    xml->tag_open = false;
    xml->inline_text = true;
    if (text)
        add_escaped(xml->out, text, false);
}

void xml_element(struct xml *xml, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    begin_child(xml);
    buf_addc(xml->out, '<');
    buf_adds(xml->out, name);
    buf_addc(xml->out, '>');
    add_escaped(xml->out, text, false);
    end_tag(xml, name);
}

void xml_element_number(struct xml *xml, const char *name, unsigned long number)
{
    begin_child(xml);
    buf_addc(xml->out, '<');
    buf_adds(xml->out, name);
    buf_addc(xml->out, '>');
    buf_addu(xml->out, number);
    end_tag(xml, name);
}

void xml_empty(struct xml *xml, const char *name)
{
    begin_child(xml);
    buf_addc(xml->out, '<');
    buf_adds(xml->out, name);
    buf_adds(xml->out, "/>\n");
}

void xml_end(struct xml *xml)
{
    while (xml->depth > 0)
        xml_close(xml);
}
