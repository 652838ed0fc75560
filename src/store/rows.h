/* rows.h - turns what stands in a row into the types that documents are made of, or says what is wrong with it. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "account/domain.h"
#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A row of server, davserver or service, as it stands there; texts are NULL for SQL's NULL. */
struct server_row {
    const char *table;
    int64_t id;
    int64_t prio;
    const char *type;
    const char *name;
    const char *url;
    int64_t port;
    bool port_given; /* false: NULL */
    const char *socket_type;
    bool use_ssl;
    bool domain_required;
    const char *user_name;
    const char *authentication;
    const char *auth_methods; /* an ordered list; wins over authentication */
};

/* STATUS_INVALID: the server must be left out; *member_r is the column that is at fault, and the error says why
 * without naming table or row. Texts are copied into the arena. */
enum status server_from_row(struct arena *arena, const struct server_row *row, struct server *server_r,
                            const char **member_r, struct error *error_r);

/* Something that is served as it stands and can hardly work (993 with STARTTLS): a sentence, or NULL. */
const char *server_advice(const struct server *server);

/* A row of ldapserver. */
struct ldap_row {
    int64_t id;
    const char *name;
    int64_t port;
    bool use_ssl;
    const char *search_base;
    const char *search_filter;
    const char *attr_uid;
    const char *attr_cn;
    const char *bind_user;
    const char *bind_password;
    bool starttls;
    bool verify;
    const char *ca_file;
    const char *scope;
    const char *bind_method;
};
enum status ldap_from_row(struct arena *arena, const struct ldap_row *row, struct ldap_server *ldap_r,
                          const char **member_r, struct error *error_r);

/* A row of provider_link; numbers are 0 when absent. */
struct link_row {
    const char *kind;
    const char *url;
    const char *language;
    const char *text;
    const char *media_type;
    int64_t width, height;
};
enum status link_from_row(struct arena *arena, const struct link_row *row, struct link *link_r, const char **member_r,
                          struct error *error_r);

enum status oauth2_from_row(struct arena *arena, const struct oauth2 *row, struct oauth2 *oauth2_r,
                            const char **member_r, struct error *error_r);

enum status consent_from_row(struct arena *arena, const struct consent *row, struct consent *consent_r,
                             const char **member_r, struct error *error_r);

/* "pop3, caldav": bit 1 << enum server_type each. */
enum status types_off_parse(const char *text, unsigned *types_r, struct error *error_r);

/* A trimmed copy; *text_r is NULL when there is nothing but blanks. STATUS_INVALID for what is no UTF-8, has control
 * characters, or is longer than TEXT_MAX bytes. */
enum { TEXT_MAX = 16384 };
enum status text_take(struct arena *arena, const char *raw, const char **text_r, struct error *error_r);

/* The name of a rule as it may be stored, with blanks around and in any case, in its normal form. */
enum status rule_take(struct arena *arena, const char *raw, const char **name_r, struct error *error_r);

/* "webmail" and so on; NULL-terminated, in the order of enum link_kind. */
extern const char *const link_words[];

#endif
