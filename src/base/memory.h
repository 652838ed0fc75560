/* memory.h - whether there was memory enough. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

/* How often the calling thread could not get memory for an arena, a buffer or a name. What is made of many parts may
 * lack one without anybody knowing why; whoever sends it compares the count before and after. */
unsigned memory_failures(void);

/* One more. By those who allocate. */
void memory_note_failure(void);

#endif
