/* directory.h - people in LDAP directories: kept connections, several hosts, and servers that do not answer. */
/* SPDX-License-Identifier: MIT */
#ifndef USERDB_DIRECTORY_H
#define USERDB_DIRECTORY_H

#include "userdb/userdb.h"

/* Connections to any number of directory servers, shared by all threads. */
struct directory;

struct directory *directory_new(void); /* NULL: out of memory */
void directory_free(struct directory **directory);

/* As userdb_find(), for the server alone. A host that failed is left alone for a while (250 ms, doubling up to 4 s), in
 * which the others are asked, or the call fails at once. */
enum status directory_find(struct directory *directory, const struct ldap_server *server, const struct address *address,
                           int64_t deadline, struct arena *arena, struct person *person_r, struct error *error_r);

#endif
