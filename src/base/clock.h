/* clock.h - monotonic time in milliseconds. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since some start, never going back, unmoved by changes of the wall clock. Any thread. */
int64_t clock_ms(void);

#endif
