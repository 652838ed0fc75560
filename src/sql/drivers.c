/* drivers.c - which driver speaks with the server of a URL. */
/* SPDX-License-Identifier: MIT */
#include "sql/driver.h"

#include <string.h>

#include "base/module.h"

static struct module postgresql = {.name = "postgresql"}, mariadb = {.name = "mariadb"};

struct scheme {
    const char *name;
    enum sql_dialect dialect;
    const struct sql_driver *driver; /* linked in; or NULL */
    struct module *module;           /* that has it otherwise */
};

static const struct scheme schemes[] = {
#if HAVE_SQLITE
    {"sqlite", SQL_SQLITE, &sql_driver_sqlite, NULL},
#endif
    {"postgresql", SQL_POSTGRESQL, NULL, &postgresql},
    {"mariadb", SQL_MYSQL, NULL, &mariadb},
    {"mysql", SQL_MYSQL, NULL, &mariadb},
};

static const struct scheme *find_scheme(const char *name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strcmp(schemes[i].name, name) == 0)
            return &schemes[i];
    }
    return NULL;
}

enum sql_dialect sql_uri_dialect(const struct sql_uri *uri)
{
    const struct scheme *scheme = find_scheme(uri->scheme);

    return scheme ? scheme->dialect : SQL_SQLITE;
}

enum status sql_driver_find(const char *name, const struct sql_driver **driver_r, struct error *error_r)
{
    const struct scheme *scheme = find_scheme(name);
    const void *calls;

    if (!scheme)
        return error_set(error_r, STATUS_INVALID,
                         "this automxd was built without %s; build it again with its client library installed", name);
    *driver_r = scheme->driver;
    if (scheme->driver)
        return STATUS_OK;

    enum status status = module_load(scheme->module, &calls, error_r);

    if (status == STATUS_OK)
        *driver_r = calls;
    return status;
}
