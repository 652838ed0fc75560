/* check.h - cmocka and assertions that name the row of a table. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof(table)[0])

/* Either text may be NULL. */
#define check_text(row, got, want)                                                                                     \
    do {                                                                                                               \
        const char *got_ = (got), *want_ = (want);                                                                     \
        if (!got_ || !want_ ? got_ != want_ : strcmp(got_, want_) != 0)                                                \
            fail_msg("row %zu: got [%s], want [%s]", (size_t)(row), got_ ? got_ : "NULL", want_ ? want_ : "NULL");     \
    } while (0)

#define check_number(row, got, want)                                                                                   \
    do {                                                                                                               \
        long long got_ = (long long)(got), want_ = (long long)(want);                                                  \
        if (got_ != want_)                                                                                             \
            fail_msg("row %zu: got %lld, want %lld", (size_t)(row), got_, want_);                                      \
    } while (0)

/* part stands somewhere in text. */
#define check_part(row, text, part)                                                                                    \
    do {                                                                                                               \
        const char *text_ = (text), *part_ = (part);                                                                   \
        if (!strstr(text_, part_))                                                                                     \
            fail_msg("row %zu: [%s] lacks [%s]", (size_t)(row), text_, part_);                                         \
    } while (0)

#endif
