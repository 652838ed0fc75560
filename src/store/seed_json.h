/* seed_json.h - what the parsers of the formats share. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_SEED_JSON_H
#define STORE_SEED_JSON_H

#include "store/json_read.h"
#include "store/seed.h"

struct seed_parser {
    struct json_reader reader;
    struct seed *seed;
    unsigned version;     /* 1, 2 or 3 */
    size_t server_room;   /* of seed->servers */
    size_t links;         /* servers times domains so far */
    size_t lists;         /* of servers so far */
    json_t *server_ids;   /* name -> index of seed->servers */
    json_t *ldap_ids;     /* name -> index of seed->ldaps */
    json_t *provider_ids; /* name and short name -> index of seed->providers */
    json_t *domain_names; /* normalised name -> index of seed->domains */
};

/* Adds a server to the seed and returns its index, or NO_INDEX after a failure. */
int seed_parse_server(struct seed_parser *parser, const struct json_place *place);

/* Parses the list "ldapservers". */
void seed_parse_ldaps(struct seed_parser *parser, const struct json_place *list);

/* Parses the members of a provider of format 3 but its servers. */
void seed_parse_provider(struct seed_parser *parser, const struct json_place *place, struct seed_provider *provider);

/* The first word of a name, as automx2 makes it. */
const char *seed_short_name(struct arena *arena, const char *name);

/* A domain's name in its normal form. A second domain of the same name is a failure. */
const char *seed_parse_domain_name(struct seed_parser *parser, const struct json_place *place, int index);

/* Remembers name -> index; false (and no failure) when the name is taken. */
bool seed_remember(struct json_reader *reader, json_t *names, const char *name, int index);
/* NO_INDEX: not known. */
int seed_recall(const json_t *names, const char *name);

#endif
