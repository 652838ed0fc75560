/* settings.h - every setting of the configuration file, from one table. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/arena.h"
#include "base/log.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Immutable once loaded; texts live in the settings' arena. Durations are in milliseconds, whatever unit the file uses
 * ("10", "10s", "2.5s", "500ms", "5m", "1h", "1d"; a bare number is seconds). An unset text is NULL. */
struct settings {
    struct arena *arena;
    const char *file; /* where they came from; NULL: built-in defaults */

    /* automx2's own */
    enum log_level loglevel;
    bool db_echo;
    const char *db_uri;
    unsigned proxy_count;

    /* listening and proxies */
    const char *listen; /* entries separated by commas, with blanks or newlines around */
    const char *trusted_proxies;
    bool https_redirect;
    unsigned http_threads; /* 0: one a processor */
    unsigned connections;
    unsigned connections_per_address; /* 0: as many as are still free */
    unsigned idle_timeout;
    unsigned request_timeout;
    unsigned rate_limit; /* a minute; 0: none */
    bool sandbox;
    const char *sandbox_read; /* paths separated by commas, with blanks or newlines around */

    /* what is served */
    bool initdb;
    bool allow_plain;
    const char *accounts; /* JSON file that is the in-memory database */
    const char *default_domain;
    bool host_fallback; /* an unknown domain in the address is answered by the domain in Host, if that is known */

    /* look-ups */
    unsigned cache_ttl;
    unsigned stale_ttl;
    unsigned cache_entries;
    unsigned lookup_timeout;
    unsigned lookup_workers;
    unsigned lookup_queue;

    /* signed profiles */
    const char *profile_certificate;
    const char *profile_key;
    const char *profile_chain;
    const char *profile_key_password_file;

    /* users */
    const char *user_query;
    const char *user_db_uri;
    const char *user_db_password_file;
    const char *domain_query;
    const char *domain_provider; /* name or short name: for rows of domain_query without a provider column */
    const char *db_password_file;
    bool publish_names;
    bool unknown_users_refused; /* unknown_users = refuse | general */
    unsigned user_cache_ttl;
};

enum setting_type {
    SETTING_TEXT,
    SETTING_BOOL,     /* yes/no/true/false/on/off/1/0 */
    SETTING_NUMBER,   /* min..max */
    SETTING_DURATION, /* min..max in milliseconds */
    SETTING_LEVEL,
    SETTING_CHOICE, /* one of choices, stored as bool: true for the second */
};

/* A row of the table: parser, checker, --check-config and the man page all come from it. */
struct setting {
    const char *key;
    enum setting_type type;
    size_t offset;
    const char *preset; /* default as it would stand in the file; NULL: unset */
    unsigned long min, max;
    const char *const *choices; /* NULL-terminated, for SETTING_CHOICE */
    bool lines;                 /* SETTING_TEXT: may go on in indented lines (a list, a query) */
    bool file;                  /* SETTING_TEXT: names a file that is read */
    bool secret;                /* may hold a password: never logged, and printed only without it */
    const char *help;           /* one or two plain sentences for the man page */
};

extern const struct setting settings_table[];
extern const size_t settings_count;

/* Finds the file as automx2 does: $AUTOMX2_CONF (it must exist), ~/.automx2.conf, /etc/automx2/automx2.conf,
 * /etc/automx2.conf. path NULL means search; a path (from --config) must exist. No file at all gives the defaults and
 * *settings_r->file is NULL. An unknown key or bad value is STATUS_INVALID: "FILE:LINE: unknown key 'dburi'; did you
 * mean 'db_uri'?". The caller frees with settings_free(). */
enum status settings_load(const char *path, struct settings **settings_r, struct error *error_r);
void settings_free(struct settings **settings);

/* How many threads serve connections: what http_threads says, or one a processor. */
unsigned settings_http_threads(const struct settings *settings);

/* Parses text as if it were the file (tests, fuzzers). */
enum status settings_parse(const char *file, const char *text, size_t length, struct settings **settings_r,
                           struct error *error_r);

/* "key = value" for each row, for --check-config, as it would stand in the file; the password in a URI is shown as ***.
 */
void settings_print(const struct settings *settings, FILE *out);

/* The section of the man page automxd.conf(5) in mdoc, printed by the build. */
void settings_print_mdoc(FILE *out);

#endif
