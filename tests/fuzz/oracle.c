/* oracle.c - what the fuzz targets demand of what they see. */
/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <expat.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void demand_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
    abort();
}

void demand_xml(const char *text, size_t length)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    demand(parser != NULL);
    demand(XML_Parse(parser, text, (int)length, XML_TRUE) == XML_STATUS_OK);
    XML_ParserFree(parser);
}

void demand_json(const char *text, size_t length)
{
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    demand(root != NULL);
    json_decref(root);
}

void demand_text(const char *text, size_t length)
{
    while (length > 0) {
        size_t line = length;
        const char *newline = memchr(text, '\n', length);
        if (newline)
            line = (size_t)(newline - text);
        demand(text_utf8_valid(text, line) && !text_has_control(text, line));
        text += line + (newline ? 1 : 0);
        length -= line + (newline ? 1 : 0);
    }
}

void demand_url(const char *text)
{
    for (; *text; text++)
        demand(*text > ' ' && *text <= '~' && !strchr("\"<>\\^`|", *text));
}

void demand_domain(const char *name)
{
    size_t length = strlen(name);
    demand(length > 0 && length <= 253 && name[0] != '.' && name[length - 1] != '.' && !strstr(name, ".."));
    demand(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length);
}

char *next_line(char **rest)
{
    char *line = *rest;
    size_t length = strcspn(line, "\n");
    *rest = line + length;
    if (line[length] == '\n') {
        line[length] = '\0';
        (*rest)++;
    }
    return line;
}

char *input_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    demand(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}
