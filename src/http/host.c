/* host.c - what a Host header says: a name, and the mail domain behind it. */
/* SPDX-License-Identifier: MIT */
#include "http/host.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "account/domain.h"
#include "base/text.h"
#include "http/network.h"

struct slice host_without_port(struct slice text)
{
    const struct slice none = {"", 0};
    if (text.length == 0)
        return none;
    size_t length;
    if (text.bytes[0] == '[') {
        const char *end = memchr(text.bytes, ']', text.length);
        if (!end)
            return none;
        length = (size_t)(end - text.bytes) + 1;
    } else {
        const char *colon = memchr(text.bytes, ':', text.length);
        length = colon ? (size_t)(colon - text.bytes) : text.length;
    }
    if (length < text.length) {
        if (text.bytes[length] != ':')
            return none;
        for (size_t i = length + 1; i < text.length; i++) {
            if (text.bytes[i] < '0' || text.bytes[i] > '9')
                return none;
        }
    }
    return (struct slice){text.bytes, length};
}

const char *host_name(struct arena *arena, struct slice text)
{
    struct slice host = host_without_port(text);
    const char *name;
    if (domain_name_normalize(arena, host.bytes, host.length, &name, NULL) != STATUS_OK)
        return NULL;
    return name;
}

const char *host_domain(struct arena *arena, struct slice text)
{
    static const char *const prefixes[] = {"autoconfig.", "autodiscover.", "ua-auto-config."};
    const char *name = host_name(arena, text);
    if (!name)
        return NULL;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        /* "autoconfig.com" is a domain of its own: what is left must have a dot. */
        if (text_starts_nocase(name, prefixes[i]) && strchr(name + strlen(prefixes[i]), '.'))
            return name + strlen(prefixes[i]);
    }
    return name;
}

bool host_is_loopback(struct slice text)
{
    struct slice host = host_without_port(text);
    if (host.length == strlen("localhost") && strncasecmp(host.bytes, "localhost", host.length) == 0)
        return true;
    if (host.length > 2 && host.bytes[0] == '[')
        host = (struct slice){host.bytes + 1, host.length - 2};
    struct net_address address;
    return net_address_parse(host, &address) && net_address_is_loopback(&address);
}
