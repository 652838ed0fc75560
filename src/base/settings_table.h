/* settings_table.h - what reading and printing of settings share. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_SETTINGS_TABLE_H
#define BASE_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* "10", "10s", "2.5s", "500ms", "5m", "1h", "1d"; a bare number is seconds. False when it is none of these. */
bool setting_parse_duration(const char *text, unsigned long *milliseconds_r);

/* The shortest form that the parser reads back. */
void setting_format_duration(unsigned long milliseconds, char *text, size_t size);

#endif
