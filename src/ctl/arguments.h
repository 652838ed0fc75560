/* arguments.h - reads a command line, and knows what was meant. */
/* SPDX-License-Identifier: MIT */
#ifndef CTL_ARGUMENTS_H
#define CTL_ARGUMENTS_H

#include "base/status.h"

#include <stdbool.h>

/* An option. It takes a value ("--format FORMAT", "--format=FORMAT") when value_r is there, else it sets *flag_r. */
struct argument {
    const char *name; /* with its dashes */
    const char **value_r;
    bool *flag_r;
};

/* Reads words (NULL-terminated) by a table that ends with a NULL name. What is no option is moved to the front of
 * words, NULL-terminated again; all of it behind "--" and, with stop, behind the first such word. Returns how many
 * there are, or -1 with a sentence that suggests the option that was meant. */
int arguments_parse(const struct argument *table, char **words, bool stop, struct error *error_r);

#endif
