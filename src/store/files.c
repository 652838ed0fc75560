/* files.c - the files that the settings' database URLs name. */
/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include "sql/uri.h"

enum { FILES_ARENA_MAX = 64 * 1024 };

static bool visit_url(const struct sql_uri *uri, store_file visit, void *context)
{
    const char *file = sql_uri_file(uri);
    bool good = !file || visit(context, file, true);
    for (size_t i = 0; i < uri->option_count && good; i++) {
        if (uri->options[i].value[0] == '/') /* sslrootcert, ssl_ca, passfile, ... */
            good = visit(context, uri->options[i].value, false);
    }
    return good;
}

enum status store_files(const struct settings *settings, store_file visit, void *context, struct error *error_r)
{
    const struct {
        const char *key;
        const char *url;
    } rows[] = {{"db_uri", settings->db_uri}, {"user_db_uri", settings->user_db_uri}};
    struct arena *arena = arena_new(FILES_ARENA_MAX);
    enum status status = arena ? STATUS_OK : error_set(error_r, STATUS_LIMIT, "out of memory");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && status == STATUS_OK; i++) {
        struct sql_uri uri;
        if (!rows[i].url)
            continue;
        status = sql_uri_parse(arena, rows[i].url, &uri, error_r);
        if (status != STATUS_OK)
            error_prefix(error_r, "%s: ", rows[i].key);
        else if (!visit_url(&uri, visit, context))
            status = error_set(error_r, STATUS_LIMIT, "out of memory");
    }
    arena_free(&arena);
    return status;
}
