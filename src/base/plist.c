/* plist.c - an Apple XML property list writer. */
/* SPDX-License-Identifier: MIT */
#include "base/plist.h"

#include <stdio.h>
#include <string.h>

void plist_begin(struct plist *plist, struct buf *out)
{
    struct xml *xml = &plist->xml;
    xml_begin(xml, out);
    xml_doctype(xml, "plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                     "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\"");
    xml_open(xml, "plist");
    xml_attribute(xml, "version", "1.0");
    xml_open(xml, "dict");
}

/* A member of a dict has a key, one of an array has none. */
static void write_key(struct plist *plist, const char *key)
{
    struct xml *xml = &plist->xml;
    bool in_dict = xml->depth > 0 && strcmp(xml->open[xml->depth - 1], "dict") == 0;
    if (in_dict != (key != NULL)) {
        xml->out->failed = true;
        return;
    }
    xml_element(xml, "key", key);
}

static void open_container(struct plist *plist, const char *key, const char *name)
{
    write_key(plist, key);
    xml_open(&plist->xml, name);
}

void plist_dict_open(struct plist *plist, const char *key)
{
    open_container(plist, key, "dict");
}

void plist_array_open(struct plist *plist, const char *key)
{
    open_container(plist, key, "array");
}

void plist_close(struct plist *plist)
{
    xml_close(&plist->xml);
}

void plist_string(struct plist *plist, const char *key, const char *value)
{
    if (!value)
        return;
    write_key(plist, key);
    /* Not xml_element(), which leaves an empty text out. */
    xml_open(&plist->xml, "string");
    xml_text(&plist->xml, value);
    xml_close(&plist->xml);
}

void plist_integer(struct plist *plist, const char *key, long value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%ld", value);
    write_key(plist, key);
    xml_element(&plist->xml, "integer", digits);
}

void plist_bool(struct plist *plist, const char *key, bool value)
{
    write_key(plist, key);
    xml_empty(&plist->xml, value ? "true" : "false");
}

void plist_end(struct plist *plist)
{
    xml_end(&plist->xml);
}
