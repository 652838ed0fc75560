/* export.h - what the files that read an export share. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_EXPORT_H
#define STORE_EXPORT_H

#include <jansson.h>

#include "store/faults.h"
#include "store/queries.h"
#include "store/session.h"

/* A domain that will be in the file. */
struct exported_domain {
    int64_t id;
    int64_t provider_id;
    int64_t alias_of;
    json_t *object; /* owned; with a name at least */
};

struct exporter {
    struct store_session *session;
    struct sql *sql;
    struct faults faults;
    json_t *servers;                 /* "server-12" -> object */
    json_t *uses;                    /* "server-12" -> how many rows of the tables between name it */
    json_t *ldaps;                   /* the list */
    json_t *ldap_ids;                /* "7" -> true */
    json_t *providers;               /* "3" -> object */
    json_t *names;                   /* of providers, and of domains (in the form "=name"): -> id */
    struct arena *arena;             /* of the domains */
    struct exported_domain *domains; /* by id */
    size_t domain_count;
    bool secret;
    bool memory_out;
};

/* Notes that jansson's call failed, which it does for want of memory alone. */
void exporter_keep(struct exporter *exporter, int result);

/* The key of something in a JSON object. */
enum { EXPORT_KEY_SIZE = 48 };
const char *exporter_key(char *key, const char *prefix, int64_t id);

/* Finds who has an id; NULL: nobody that is in the file. */
typedef json_t *(*find_owner)(struct exporter *exporter, int64_t id);

/* Gives their servers to the domains with ids from first to last. */
enum status exporter_give_to_domains(struct exporter *exporter, int64_t first, int64_t last, find_owner find,
                                     struct error *error_r);

json_t *exporter_find_provider(struct exporter *exporter, int64_t id);

/* Puts all domains into the lists of their providers, which are there (export_domains.c). */
enum status exporter_take_domains(struct exporter *exporter, struct error *error_r);

#endif
