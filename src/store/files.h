/* files.h - the files that the settings' database URLs name. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/settings.h"
#include "base/status.h"

#include <stdbool.h>

/* database: SQLite's, which is written, with others beside it; else a certificate or the like, which is read. The path
 * is valid during the call. False ends it all as if memory were out. */
typedef bool (*store_file)(void *context, const char *path, bool database);

/* STATUS_INVALID: a URL is wrong. */
enum status store_files(const struct settings *settings, store_file visit, void *context, struct error *error_r);

#endif
