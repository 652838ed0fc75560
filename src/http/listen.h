/* listen.h - the sockets that the server listens on. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>

enum { LISTEN_SOCKETS_MAX = 64 };

struct listen_socket {
    int fd;           /* listening, close-on-exec, non-blocking */
    const char *name; /* for messages: "127.0.0.1:4243", "unix:/run/automxd.sock" */
    const char *path; /* of a unix socket, else NULL */
    bool owned;       /* the socket's file is ours to remove at the end */
};

/* Opens every entry of a setting such as "127.0.0.1:4243, [::1]:4243, unix:/run/automxd.sock"; "*:4243" is every
 * address of the machine. A unix socket left behind by a dead process is replaced; its mode is 0660. All or none: on
 * failure what was opened is closed. Texts live in the arena. STATUS_INVALID: an entry cannot be understood;
 * STATUS_BACKEND: an address cannot be bound. */
enum status listen_open(struct arena *arena, const char *setting, struct listen_socket *sockets_r, size_t *count_r,
                        struct error *error_r);

/* Whether listen_open() would understand every entry; nothing is opened. */
enum status listen_check(struct arena *arena, const char *setting, struct error *error_r);

/* Takes the sockets that systemd passed (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS), if any; *count_r is 0 otherwise.
 * STATUS_INVALID when one is no listening stream socket. */
enum status listen_inherit(struct arena *arena, struct listen_socket *sockets_r, size_t *count_r,
                           struct error *error_r);

/* Removes the file of a unix socket that is ours. The descriptor stays open. */
void listen_remove(const struct listen_socket *socket);

#endif
