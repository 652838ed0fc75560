/* fuzz_seed.c - the JSON of initdb under any bytes: refused with a line, or rows that a store can serve. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "oracle.h"
#include "store/seed.h"

/* What was accepted is in the bounds that writing relies on. */
static void check_seed(struct arena *arena, const struct seed *seed)
{
    demand(seed->provider_count > 0);
    for (size_t i = 0; i < seed->server_count; i++) {
        struct server server;
        const char *member;
        demand(server_from_row(arena, &seed->servers[i].row, &server, &member, NULL) == STATUS_OK);
    }
    for (size_t i = 0; i < seed->provider_count; i++) {
        const struct seed_provider *provider = &seed->providers[i];
        demand(provider->name != NULL && provider->short_name != NULL);
        for (size_t j = 0; j < provider->server_count; j++)
            demand(provider->servers[j] >= 0 && (size_t)provider->servers[j] < seed->server_count);
    }
    for (size_t i = 0; i < seed->domain_count; i++) {
        const struct seed_domain *domain = &seed->domains[i];
        const char *name;
        demand(rule_take(arena, domain->name, &name, NULL) == STATUS_OK && strcmp(name, domain->name) == 0);
        demand(domain->provider >= 0 && (size_t)domain->provider < seed->provider_count);
        demand(domain->ldap == NO_INDEX || (size_t)domain->ldap < seed->ldap_count);
        demand(domain->alias == NO_INDEX || (size_t)domain->alias < seed->domain_count);
        for (size_t j = 0; j < domain->server_count; j++)
            demand(domain->servers[j] >= 0 && (size_t)domain->servers[j] < seed->server_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(16 * 1024 * 1024);
    struct seed seed;
    struct error error = {0};
    if (arena == NULL)
        return 0;
    enum status status = seed_parse(arena, (const char *)data, size, &seed, &error);
    if (status == STATUS_OK)
        check_seed(arena, &seed);
    else
        demand(error.text[0] != '\0' && (status == STATUS_LIMIT || strncmp(error.text, "line ", 5) == 0));
    arena_free(&arena);
    return 0;
}
