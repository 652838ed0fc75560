/* module.c - parts that are loaded when something first needs them. */
/* SPDX-License-Identifier: MIT */
#include "base/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *directory = MODULE_DIRECTORY;

static void find_directory(void)
{
    static const char name[] = "/modules";
    static char beside[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - sizeof name);
    char *slash = length > 0 ? memrchr(beside, '/', (size_t)length) : NULL;

    if (!slash)
        return;
    memcpy(slash, name, sizeof name);
    if (access(beside, F_OK) == 0)
        directory = beside;
}

const char *module_directory(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_directory);
    return directory;
}

/* The library is never closed: others may have begun threads or keep addresses of it. */
static enum status load(const char *name, const void **calls_r, struct error *error_r)
{
    char path[PATH_MAX + NAME_MAX];
    const struct module_export *export;

    snprintf(path, sizeof path, "%s/%s.so", module_directory(), name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    export = library ? dlsym(library, "automxd_module") : NULL;
    if (!export)
        return error_set(error_r, STATUS_INVALID,
                         "automxd's module for %s cannot be loaded; install the package that has it (%s)", name,
                         dlerror());
    if (strcmp(export->version, AUTOMXD_VERSION) != 0)
        return error_set(error_r, STATUS_INVALID,
                         "%s is of version %s, and this is automxd " AUTOMXD_VERSION
                         "; install the same version of both, and restart automxd",
                         path, export->version);
    *calls_r = export->calls;
    return STATUS_OK;
}

enum status module_load(struct module *module, const void **calls_r, struct error *error_r)
{
    *calls_r = module_calls(module);
    if (*calls_r)
        return STATUS_OK;

    enum status status = load(module->name, calls_r, error_r);

    if (status == STATUS_OK)
        atomic_store_explicit(&module->calls, *calls_r, memory_order_release);
    return status;
}

const void *module_calls(const struct module *module)
{
    return atomic_load_explicit(&module->calls, memory_order_acquire);
}
