/* memory.c - whether there was memory enough. */
/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

static _Thread_local unsigned failures;

unsigned memory_failures(void)
{
    return failures;
}

void memory_note_failure(void)
{
    failures++;
}
