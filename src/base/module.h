/* module.h - parts that are loaded when something first needs them, each with the libraries behind it. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_MODULE_H
#define BASE_MODULE_H

#include "base/status.h"

/* Who never asks PostgreSQL, MariaDB or a directory and signs nothing carries none of their client libraries, neither
 * in memory nor as packages. A module is a file of modules/meson.build; it calls what modules/exports.list names of the
 * program. */

/* By those who use a module: one static variable each, with its name. */
struct module {
    const char *name;
    _Atomic(const void *) calls; /* NULL until it is loaded */
};

/* Loads it unless that was done, and returns its table of functions. STATUS_INVALID: it or a library behind it is not
 * installed, or is of another version; another attempt may work after somebody mended that. Takes milliseconds the
 * first time, so no thread that serves connections may ask; any other may. What is loaded stays until the end. */
enum status module_load(struct module *module, const void **calls_r, struct error *error_r);

/* The table of one that is loaded. Any thread. */
const void *module_calls(const struct module *module);

/* Where modules are: "modules" beside the program, as a build has it, or else where they are installed. */
const char *module_directory(void);

/* What each module defines, once. */
struct module_export {
    const char *version; /* AUTOMXD_VERSION: program and modules belong together */
    const void *calls;   /* a table of functions; the module's name tells of which type */
};
extern const struct module_export automxd_module;

#endif
