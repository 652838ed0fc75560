/* ldap_deadline.h - a layer under libldap's TLS that ends reading and writing at a deadline. */
/* SPDX-License-Identifier: MIT */
#ifndef USERDB_LDAP_DEADLINE_H
#define USERDB_LDAP_DEADLINE_H

#include <ldap.h>
#include <stdbool.h>
#include <stdint.h>

/* libldap with GnuTLS, as Debian has it, does not obey LDAP_OPT_NETWORK_TIMEOUT in the TLS handshake: against a server
 * that is frozen it turns in a busy loop for ever. With this layer, every read or write that cannot be done by
 * *deadline (clock_ms(), read at each call) fails, and with it whatever wanted it. To be called before connecting;
 * deadline must outlive ld. */
bool ldap_deadline_install(LDAP *ld, int64_t *deadline);

#endif
