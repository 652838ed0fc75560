/* sandbox.h - what a process gives up for good: files, system calls, capabilities. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SANDBOX_H
#define HTTP_SANDBOX_H

#include "base/status.h"

#include <stdbool.h>

/* Which files stay within reach. From the beginning that is reading what libraries need: /etc (names, certificates),
 * the directories of libraries and of our modules, the time zone, and random numbers. One thread at a time.
 */
struct sandbox;

enum sandbox_right {
    SANDBOX_READ,
    SANDBOX_SOCKET, /* make unix sockets, and remove files */
    SANDBOX_WRITE,  /* read, make, write and remove files: a database with its journal */
};

/* NULL when memory is out. */
struct sandbox *sandbox_new(void);
void sandbox_free(struct sandbox **sandbox);

/* The path and all below it. One that does not exist is passed over. False when memory is out. */
bool sandbox_allow(struct sandbox *sandbox, const char *path, enum sandbox_right right);

/* The directory that the file is in, and where it is a link, the one that the link leads to: programs that renew or
 * edit a file put a new one in its place. The file need not exist. False when memory is out. */
bool sandbox_allow_file(struct sandbox *sandbox, const char *file, enum sandbox_right right);

/* Keeps the power, where there is it, to listen on ports below 1024. */
void sandbox_allow_low_ports(struct sandbox *sandbox);

/* The first path of wanted that sandbox does not allow, or NULL. Valid as long as wanted. */
const char *sandbox_lacks(const struct sandbox *sandbox, const struct sandbox *wanted);

/* Gives up everything else, for this thread and those that it starts: call it before there are others. Files by
 * landlock, programs, other processes and the kernel's inner side by seccomp, capabilities, and new privileges. What is
 * not permitted fails with EACCES or EPERM. What kernel or build lack is left out, with a warning. STATUS_BACKEND: a
 * part is there, but the kernel refused it. */
enum status sandbox_enter(const struct sandbox *sandbox, struct error *error_r);

#endif
