/* profile_id.c - identifiers of configuration profiles and their payloads. */
/* SPDX-License-Identifier: MIT */
#include "format/profile_id.h"

#include <stdlib.h>
#include <string.h>

/* Never changes: another name space would duplicate every installed account. */
static const unsigned char name_space[UUID_SIZE] = {0xf5, 0x91, 0x45, 0xbb, 0x1c, 0xac, 0x42, 0x7a,
                                                    0xa3, 0xec, 0xc1, 0xdd, 0x04, 0x02, 0x44, 0x68};

static void add_domain_reversed(struct buf *out, const char *domain)
{
    const char *end = domain + strlen(domain);

    while (end > domain) {
        const char *start = end;

        while (start > domain && start[-1] != '.')
            start--;
        buf_add(out, start, (size_t)(end - start));
        buf_addc(out, '.');
        end = start > domain ? start - 1 : domain;
    }
}

/* Small letters and digits stand for themselves, every other byte becomes '-' and two hexadecimal digits, so that no
 * dot, hyphen or capital is left that could be mistaken. */
static void add_local_part(struct buf *out, const char *local)
{
    for (const char *c = local; *c != '\0'; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'))
            buf_addc(out, *c);
        else
            buf_addf(out, "-%02x", (unsigned)(unsigned char)*c);
    }
}

void profile_id_add(struct buf *out, const struct address *address, const char *kind)
{
    add_domain_reversed(out, address->domain);
    buf_adds(out, "automxd.");
    add_local_part(out, address->local);
    buf_addc(out, '.');
    buf_adds(out, kind);
}

static int compare_addresses(const void *a, const void *b)
{
    const struct address *const *left = a;
    const struct address *const *right = b;

    return strcmp((*left)->text, (*right)->text);
}

void profile_id_add_set(struct buf *out, const struct address **addresses, size_t count)
{
    char uuid[UUID_TEXT_SIZE];
    struct buf all;

    qsort(addresses, count, sizeof(const struct address *), compare_addresses);
    buf_init(&all, 0);
    for (size_t i = 0; i < count; i++) {
        profile_id_add(&all, addresses[i], "profile");
        buf_addc(&all, '\n');
    }
    if (all.length > 0 && !buf_failed(&all)) {
        profile_id_uuid(all.data, uuid);
        add_domain_reversed(out, addresses[0]->domain);
        buf_addf(out, "automxd.%s.accounts", uuid);
    }
    buf_free(&all);
}

void profile_id_uuid(const char *identifier, char uuid_r[UUID_TEXT_SIZE])
{
    uuid_from_name(name_space, identifier, uuid_r);
}
