/* xml.h - an XML writer that can only write well-formed, escaped text. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_XML_H
#define BASE_XML_H

#include "base/buf.h"

#include <stdbool.h>

enum { XML_DEPTH_MAX = 16 };

/* Indents by two blanks, one element a line. Text is escaped (& < > " '); bytes that are no valid UTF-8 and characters
 * that XML 1.0 forbids become U+FFFD. A misuse (too deep, unbalanced close) sets the buffer's failure. */
struct xml {
    struct buf *out;
    const char *open[XML_DEPTH_MAX]; /* borrowed names: string literals */
    unsigned depth;
    bool tag_open;    /* the start tag still takes attributes */
    bool inline_text; /* the open element has character data; elements in it are a misuse */
};

/* Writes the XML declaration (UTF-8) and a newline. out stays the caller's. */
void xml_begin(struct xml *xml, struct buf *out);

/* doctype: literal text between "<!DOCTYPE " and ">". Right after xml_begin(). */
void xml_doctype(struct xml *xml, const char *doctype);

/* name: a literal that lives as long as the writer. */
void xml_open(struct xml *xml, const char *name);
void xml_attribute(struct xml *xml, const char *name, const char *value);
void xml_close(struct xml *xml);

/* <name>text</name> on one line. text NULL or "" writes nothing: an empty <username/> is the user "true" in
 * Thunderbird, and an empty <SSL/> makes Outlook give up. */
void xml_element(struct xml *xml, const char *name, const char *text);

/* The same with an unsigned number. */
void xml_element_number(struct xml *xml, const char *name, unsigned long number);

/* Character data inside the element that is open, on its line (for elements with attributes and text). */
void xml_text(struct xml *xml, const char *text);

/* <name/>: where a document demands an empty element. */
void xml_empty(struct xml *xml, const char *name);

/* Closes what is open and ends the last line. */
void xml_end(struct xml *xml);

#endif
