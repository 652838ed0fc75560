/* network.c - IP addresses and networks. */
/* SPDX-License-Identifier: MIT */
#include "http/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static struct net_address from_ipv6(const struct in6_addr *ipv6)
{
    struct net_address address = {.family = NET_IPV6};
    if (IN6_IS_ADDR_V4MAPPED(ipv6)) {
        address.family = NET_IPV4;
        memcpy(address.bytes, ipv6->s6_addr + 12, 4);
    } else {
        memcpy(address.bytes, ipv6->s6_addr, 16);
    }
    return address;
}

struct net_address net_address_from(const struct sockaddr *address)
{
    struct net_address result = {.family = NET_NONE};
    if (!address)
        return result;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        result.family = NET_IPV4;
        memcpy(result.bytes, &ipv4.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        result = from_ipv6(&ipv6.sin6_addr);
    } else if (address->sa_family == AF_UNIX) {
        result.family = NET_LOCAL;
    }
    return result;
}

bool net_address_parse(struct slice text, struct net_address *address_r)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof copy)
        return false;
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';

    struct net_address address = {.family = NET_IPV4};
    struct in6_addr ipv6;
    if (inet_pton(AF_INET, copy, address.bytes) != 1) {
        if (inet_pton(AF_INET6, copy, &ipv6) != 1)
            return false;
        address = from_ipv6(&ipv6);
    }
    *address_r = address;
    return true;
}

bool net_address_parse_port(struct slice text, struct net_address *address_r)
{
    if (text.length > 0 && text.bytes[0] == '[') {
        const char *end = memchr(text.bytes, ']', text.length);
        return end && net_address_parse((struct slice){text.bytes + 1, (size_t)(end - text.bytes) - 1}, address_r);
    }
    if (net_address_parse(text, address_r))
        return true;
    const char *colon = memchr(text.bytes, ':', text.length);
    return colon && net_address_parse((struct slice){text.bytes, (size_t)(colon - text.bytes)}, address_r);
}

bool net_address_equal(const struct net_address *a, const struct net_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool net_address_is_loopback(const struct net_address *address)
{
    static const unsigned char one[16] = {[15] = 1};
    switch (address->family) {
    case NET_LOCAL:
        return true;
    case NET_IPV4:
        return address->bytes[0] == 127;
    case NET_IPV6:
        return memcmp(address->bytes, one, sizeof one) == 0;
    case NET_NONE:
        break;
    }
    return false;
}

const char *net_address_text(const struct net_address *address, char *text)
{
    switch (address->family) {
    case NET_IPV4:
        return inet_ntop(AF_INET, address->bytes, text, NET_ADDRESS_TEXT_MAX);
    case NET_IPV6:
        return inet_ntop(AF_INET6, address->bytes, text, NET_ADDRESS_TEXT_MAX);
    case NET_LOCAL:
        return "unix";
    case NET_NONE:
        break;
    }
    return "-";
}

static bool parse_network(struct slice text, struct network *network_r)
{
    const char *slash = memchr(text.bytes, '/', text.length);
    struct slice address = {text.bytes, slash ? (size_t)(slash - text.bytes) : text.length};
    if (!net_address_parse(address, &network_r->address))
        return false;
    unsigned long bits = network_r->address.family == NET_IPV4 ? 32 : 128;
    if (slash) {
        char digits[4] = "";
        size_t count = text.length - address.length - 1;
        if (count >= sizeof digits)
            return false;
        memcpy(digits, slash + 1, count);
        if (!text_parse_unsigned(digits, bits, &bits))
            return false;
    }
    network_r->bits = (unsigned)bits;
    return true;
}

enum status networks_parse(struct arena *arena, const char *text, const struct network **networks_r, size_t *count_r,
                           struct error *error_r)
{
    static const char separators[] = ", \t\r\n";
    *networks_r = NULL;
    *count_r = 0;
    if (!text)
        return STATUS_OK;

    struct network *networks = arena_array(arena, strlen(text) / 2 + 1, sizeof *networks);
    if (!networks)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    size_t count = 0;
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        struct slice entry = {text, strcspn(text, separators)};
        if (!parse_network(entry, &networks[count]))
            return error_set(error_r, STATUS_INVALID,
                             "trusted_proxies: '%.*s' is neither an address nor a network such as 10.0.0.0/8",
                             (int)entry.length, entry.bytes);
        count++;
        text += entry.length;
    }
    *networks_r = networks;
    *count_r = count;
    return STATUS_OK;
}

bool network_has(const struct network *network, const struct net_address *address)
{
    if (network->address.family != address->family)
        return false;
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    if (memcmp(network->address.bytes, address->bytes, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned char mask = (unsigned char)(0xff << (8 - rest));
    return ((network->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}
