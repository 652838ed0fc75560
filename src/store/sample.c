/* sample.c - the sample data that initdb makes when it is given none: automx2's, with host names that stay. */
/* SPDX-License-Identifier: MIT */
#include "store/seed.h"

#include <string.h>

#define MAIL(type_word, host, port_number)                                                                             \
    {                                                                                                                  \
        .row = {                                                                                                       \
            .table = "server",                                                                                         \
            .prio = 10,                                                                                                \
            .type = (type_word),                                                                                       \
            .name = (host),                                                                                            \
            .port = (port_number),                                                                                     \
            .port_given = true,                                                                                        \
            .socket_type = "STARTTLS",                                                                                 \
            .user_name = "%EMAILADDRESS%",                                                                             \
            .authentication = "plain"                                                                                  \
        }                                                                                                              \
    }

static const struct seed_provider sample_providers[] = {
    {.name = "Big Corporation, Inc.", .short_name = "BigCorp"},
    {.name = "Ham & Eggs", .short_name = "H+E"},
    {.name = "Some Other Provider", .short_name = "SOP"},
};

static const struct seed_server sample_servers[] = {
    MAIL("smtp", "primary-smtp.example.com", 587),
    MAIL("smtp", "secondary-smtp.example.com", 587),
    MAIL("imap", "imap1.example.com", 143),
    MAIL("imap", "imap2.example.com", 143),
    MAIL("pop", "pop1.example.com", 143),
    MAIL("INVALID", "invalid.example.com", 123), /* as in automx2: shows what a mistake in a row does */
    {.row = {.table = "davserver",
             .prio = 10,
             .type = "caldav",
             .url = "https://caldav.example.com",
             .port = 443,
             .use_ssl = true,
             .user_name = "%EMAILADDRESS%"}},
    {.row = {.table = "davserver",
             .prio = 10,
             .type = "carddav",
             .url = "https://carddav.example.com",
             .use_ssl = true,
             .domain_required = true}},
};

static const int com_servers[] = {0, 2, 6, 7};
static const int net_servers[] = {0, 3, 7};
static const int org_servers[] = {1, 4};
static const int eggs_servers[] = {5};

static const struct seed_domain sample_domains[] = {
    {.name = "example.com",
     .provider = 0,
     .ldap = NO_INDEX,
     .alias = NO_INDEX,
     .servers = com_servers,
     .server_count = 4},
    {.name = "example.net",
     .provider = 0,
     .ldap = NO_INDEX,
     .alias = NO_INDEX,
     .servers = net_servers,
     .server_count = 3},
    {.name = "example.org",
     .provider = 0,
     .ldap = NO_INDEX,
     .alias = NO_INDEX,
     .servers = org_servers,
     .server_count = 2},
    {.name = "ham-n-eggs.tld",
     .provider = 1,
     .ldap = NO_INDEX,
     .alias = NO_INDEX,
     .servers = eggs_servers,
     .server_count = 1},
    {.name = "serverless.tld", .provider = 2, .ldap = NO_INDEX, .alias = NO_INDEX},
};

static void *copy(struct arena *arena, const void *from, size_t size)
{
    void *to = arena_alloc(arena, size);
    if (to != NULL)
        memcpy(to, from, size);
    return to;
}

enum status seed_sample(struct arena *arena, struct seed *seed_r, struct error *error_r)
{
    *seed_r = (struct seed){
        .providers = copy(arena, sample_providers, sizeof(sample_providers)),
        .provider_count = sizeof(sample_providers) / sizeof(sample_providers[0]),
        .servers = copy(arena, sample_servers, sizeof(sample_servers)),
        .server_count = sizeof(sample_servers) / sizeof(sample_servers[0]),
        .domains = copy(arena, sample_domains, sizeof(sample_domains)),
        .domain_count = sizeof(sample_domains) / sizeof(sample_domains[0]),
    };
    return arena_failed(arena) ? error_set(error_r, STATUS_LIMIT, "memory is out") : STATUS_OK;
}
