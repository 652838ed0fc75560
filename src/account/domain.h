/* domain.h - what is offered for a mail domain: its provider and servers, as the store found them. */
/* SPDX-License-Identifier: MIT */
#ifndef ACCOUNT_DOMAIN_H
#define ACCOUNT_DOMAIN_H

#include "account/words.h"
#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOMAIN_NAME_MAX = 253, AUTH_METHODS_MAX = 8 };

/* All of these are immutable once built and live in one arena (a snapshot's); texts are valid UTF-8 without control
 * characters, or NULL where a field says so. */

struct server {
    enum server_type type;
    const char *table; /* "server", "davserver", "service": for messages */
    int64_t id;
    int prio;         /* lower first; equal: lower id first */
    const char *host; /* may hold placeholders (%EMAILDOMAIN%); for a URL type the URL's host */
    const char *url;  /* URL types only, else NULL; may hold placeholders */
    uint16_t port;
    enum security security;
    enum auth auth[AUTH_METHODS_MAX]; /* in the administrator's order, without repetition */
    size_t auth_count;                /* at least 1 */
    const char *user;                 /* user name template; NULL means %EMAILADDRESS% */
    bool domain_required;
};

enum link_kind {
    LINK_WEBMAIL,
    LINK_DOCUMENTATION,
    LINK_DEVELOPER, /* PACC: documentation for client authors */
    LINK_CONTACT,   /* PACC: mailto: for client authors */
    LINK_LOGO,      /* PACC */
};

struct link {
    enum link_kind kind;
    const char *url;
    const char *language;   /* BCP 47, or NULL */
    const char *text;       /* or NULL */
    const char *media_type; /* logos, or NULL */
    unsigned width, height; /* logos; 0: not said */
};

/* Never holds a client secret: the document is public. */
struct oauth2 {
    const char *issuer;    /* kept byte for byte; a trailing slash matters */
    const char *scope;     /* or NULL */
    const char *auth_url;  /* or NULL */
    const char *token_url; /* or NULL */
    const char *client_id; /* or NULL */
};

struct consent {
    const char *language; /* "default" or BCP 47 */
    const char *text;
};

struct provider {
    int64_t id;
    const char *name;
    const char *short_name;
    const char *organization;    /* or NULL: name */
    const struct oauth2 *oauth2; /* or NULL */
    const struct link *links;
    size_t link_count;
    const struct consent *consents;
    size_t consent_count;
};

/* Where to ask for a person's login, from table ldapserver. The secret is kept out of every log. */
struct ldap_server {
    int64_t id;
    const char *hosts; /* one host, or several separated by blanks or commas, tried in order */
    uint16_t port;
    bool tls;            /* ldaps */
    bool starttls;       /* upgrade after connecting */
    bool verify;         /* check the certificate; default true */
    const char *ca_file; /* or NULL: the system's */
    const char *base;
    const char *filter; /* {0}, {local}, {domain} */
    const char *scope;  /* "sub", "one", "base" */
    const char *attr_login;
    const char *attr_name;     /* or NULL: no full name asked */
    const char *bind_dn;       /* or NULL: anonymous */
    const char *bind_password; /* or "file:/path", or NULL */
    const char *bind_method;   /* "simple", "external", "anonymous" */
};

struct domain {
    int64_t id;
    const char *name; /* the rule that matched, normalised: "example.com", "*.example.com" or "*" */
    const struct provider *provider;
    const struct server *servers; /* by type in enum order, then prio, then id; may be none */
    size_t server_count;
    const struct ldap_server *ldap; /* or NULL */
    bool has_user_query;            /* people are looked up by the setting user_query */
    const char *moved_to;           /* the domain that addresses moved to (Autodiscover RedirectAddr), or NULL */
    const char *redirect_url;       /* where Autodiscover clients shall ask instead, or NULL */
};

/* Turns a name as people and clients write it (any case, U-labels, one final dot) into the one form that is compared
 * and stored: lower-case A-labels. Underscores are allowed (host names of the field have them), empty labels, labels
 * past 63, names past 253 bytes, addresses in brackets and control characters are not. STATUS_INVALID says why. */
enum status domain_name_normalize(struct arena *arena, const char *text, size_t length, const char **name_r,
                                  struct error *error_r);

/* The same for the name of a rule, which may also be "*" or begin with "*.". */
enum status domain_rule_normalize(struct arena *arena, const char *text, size_t length, const char **name_r,
                                  struct error *error_r);

/* A legal ASCII host name or address literal without brackets, as Thunderbird's sanitizer wants it: no underscore. */
bool host_name_legal(const char *host);

#endif
