/* confine.c - the sandbox that goes with a configuration. */
/* SPDX-License-Identifier: MIT */
#include "http/confine.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "store/files.h"

static enum status out_of_memory(struct error *error_r)
{
    return error_set(error_r, STATUS_LIMIT, "out of memory");
}

static bool allow_database_file(void *context, const char *path, bool database)
{
    return sandbox_allow_file(context, path, database ? SANDBOX_WRITE : SANDBOX_READ);
}

/* The files that settings of their own name, and the configuration. */
static bool allow_named_files(struct sandbox *sandbox, const struct settings *settings)
{
    bool good = !settings->file || sandbox_allow_file(sandbox, settings->file, SANDBOX_READ);
    for (size_t i = 0; i < settings_count && good; i++) {
        const struct setting *row = &settings_table[i];
        const char *const *path = (const char *const *)((const char *)settings + row->offset);
        if (row->file && *path)
            good = sandbox_allow_file(sandbox, *path, SANDBOX_READ);
    }
    return good;
}

/* Calls allow for each entry of a list such as "unix:/run/a, 127.0.0.1:4243". */
static bool allow_list(struct sandbox *sandbox, const char *list, bool (*allow)(struct sandbox *, const char *))
{
    char *copy = strdup(list ? list : ""), *rest = copy;
    bool good = copy != NULL;
    for (char *entry; good && (entry = strsep(&rest, ", \t\r\n"));)
        good = *entry == '\0' || allow(sandbox, entry);
    free(copy);
    return good;
}

static bool allow_read(struct sandbox *sandbox, const char *path)
{
    if (access(path, F_OK) != 0)
        log_warning("sandbox_read: %s: %m", path);
    return sandbox_allow(sandbox, path, SANDBOX_READ);
}

static bool allow_socket(struct sandbox *sandbox, const char *entry)
{
    static const char local[] = "unix:";
    enum { LOW_PORTS = 1024 };
    const char *colon = strrchr(entry, ':');
    unsigned long port;
    if (text_starts_nocase(entry, local))
        return sandbox_allow_file(sandbox, entry + strlen(local), SANDBOX_SOCKET);
    if (colon && text_parse_unsigned(colon + 1, LOW_PORTS - 1, &port) && port > 0)
        sandbox_allow_low_ports(sandbox);
    return true;
}

/* What these settings need, but for the sockets, which are opened once. */
static enum status plan(const struct settings *settings, struct sandbox **sandbox_r, struct error *error_r)
{
    struct sandbox *sandbox = sandbox_new();
    enum status status = sandbox ? STATUS_OK : out_of_memory(error_r);
    if (status == STATUS_OK)
        status = store_files(settings, allow_database_file, sandbox, error_r);
    if (status == STATUS_OK &&
        !(allow_named_files(sandbox, settings) && allow_list(sandbox, settings->sandbox_read, allow_read)))
        status = out_of_memory(error_r);
    if (status != STATUS_OK)
        sandbox_free(&sandbox);
    *sandbox_r = sandbox;
    return status;
}

/* Large sorts of SQLite go to a file, which /tmp would be for. */
static bool sort_beside_database(void *context, const char *path, bool database)
{
    (void)context;
    char *directory = strdup(path);
    bool good = directory && (!database || setenv("SQLITE_TMPDIR", dirname(directory), 0) == 0);
    free(directory);
    return good;
}

enum status confine(const struct settings *settings, struct sandbox **sandbox_r, struct error *error_r)
{
    *sandbox_r = NULL;
    if (!settings->sandbox)
        return STATUS_OK;
    enum status status = plan(settings, sandbox_r, error_r);
    if (status != STATUS_OK)
        return status;
    if (!allow_list(*sandbox_r, settings->listen, allow_socket))
        status = out_of_memory(error_r);
    if (status == STATUS_OK)
        status = store_files(settings, sort_beside_database, NULL, error_r);
    if (status == STATUS_OK)
        status = sandbox_enter(*sandbox_r, error_r);
    if (status != STATUS_OK)
        sandbox_free(sandbox_r);
    return status;
}

enum status confine_check(const struct sandbox *sandbox, const struct settings *settings, struct error *error_r)
{
    struct sandbox *wanted;
    if (!sandbox)
        return STATUS_OK;
    enum status status = plan(settings, &wanted, error_r);
    if (status != STATUS_OK)
        return status;
    const char *lacking = sandbox_lacks(sandbox, wanted);
    if (lacking)
        status = error_set(error_r, STATUS_REFUSED,
                           "the sandbox closed %s off at the start; restart automxd to use what is there", lacking);
    sandbox_free(&wanted);
    return status;
}
