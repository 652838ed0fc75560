/* filesystem.h - where a file lies. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_FILESYSTEM_H
#define BASE_FILESYSTEM_H

#include <stdbool.h>

/* Whether a file, or the directory in which it is to be made, is on a disk of this machine. False for network file
 * systems and those that a program provides: a read may take as long there as it takes them to answer, or for ever; and
 * when that cannot be found out. */
bool filesystem_is_local(const char *path);

#endif
