/* account.h - what one request is about, and what every format asks of it. */
/* SPDX-License-Identifier: MIT */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include "account/address.h"
#include "account/domain.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* A named value that a user look-up returned, usable as %{name} in user names, hosts and URLs. */
struct variable {
    const char *name;
    const char *value;
};

struct account {
    const struct address *address; /* NULL when only the domain is known */
    const char *domain;            /* the domain asked for (A-label); never NULL, never a wildcard */
    const struct domain *config;   /* never NULL */
    const char *login;             /* of this person, from a user look-up, or NULL */
    const char *full_name;         /* or NULL */
    const struct variable *variables;
    size_t variable_count;
};

/* How much a format wants to be written out. */
enum expansion {
    EXPAND_ALL,  /* every placeholder that is known becomes text */
    EXPAND_KEEP, /* a login that equals the address or its local part is written as the placeholder, and placeholders
                    of the person stay: autoconfig, where GOA and Mailspring understand nothing else */
};

/* The user name for a server: the look-up's login if there is one, else the server's template. False (and nothing
 * written) when EXPAND_ALL needs the person and no address is known. */
bool account_user(const struct account *account, const struct server *server, enum expansion expansion,
                  struct buf *out);

/* A host or URL with %EMAILDOMAIN% and other known placeholders expanded, always by us (most clients replace them in
 * user names only). Inside a URL a value is percent-encoded. False when it needs a person and no address is known, or
 * when what comes out is no legal host (ASCII letters, digits, dots, hyphens). */
bool account_host(const struct account *account, const struct server *server, struct buf *out);
bool account_url(const struct account *account, const struct server *server, struct buf *out);

/* Any text in which placeholders may stand (display names, links). Single pass: what comes out of a placeholder is
 * never expanded again. Unknown %WORDS% stay as they are. */
void account_expand(const struct account *account, const char *text, struct buf *out);

/* Which authentication methods a format can say. */
typedef unsigned auth_set; /* bit 1u << enum auth */
bool server_has_auth(const struct server *server, auth_set usable);

/* The servers of one type that a format should write, best first, into servers_r (at most max): those with a method of
 * usable; when none has one, the first of the type, with a warning once that names format, table, id and the methods
 * (only if keep_last_resort). Encryption comes before prio only in account_best_server(). Returns how many. */
size_t account_servers(const struct account *account, enum server_type type, auth_set usable, bool keep_last_resort,
                       const char *format, const struct server **servers_r, size_t max);

/* The one server for formats that hold one of each type: the best encrypted one of lowest prio, else the unencrypted
 * one of lowest prio (present only with allow_plain). NULL when there is none with a method of usable. */
const struct server *account_best_server(const struct account *account, enum server_type type, auth_set usable);

#endif
