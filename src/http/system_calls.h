/* system_calls.h - the part of a sandbox that is about system calls. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SYSTEM_CALLS_H
#define HTTP_SYSTEM_CALLS_H

#include "base/status.h"

/* Refuses what the daemon never does, with EPERM, to this thread and those that it starts: running programs, touching
 * other processes, namespaces and mounts, the kernel's inner side, other sockets than IP's and unix's, and memory that
 * is written and run. A warning, and nothing else, when built without libseccomp. STATUS_BACKEND: the kernel refused.
 */
enum status system_calls_restrict(struct error *error_r);

#endif
