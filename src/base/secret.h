/* secret.h - passwords and keys from files. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/arena.h"
#include "base/status.h"

/* The first line of a file without its newline. STATUS_REFUSED when the file can be read or written by others than its
 * owner and group, with the chmod that mends it; STATUS_BACKEND when it cannot be read;
 * STATUS_INVALID when the line is empty or holds a NUL, STATUS_LIMIT past 4 KiB. The text lives in the arena. */
enum status secret_read(struct arena *arena, const char *path, const char **secret_r, struct error *error_r);

/* The mode check alone, for key files. */
enum status secret_check_mode(const char *path, struct error *error_r);

#endif
