/* url.h - the URLs that a row may hold: servers, links, OAuth2 issuers. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_URL_H
#define STORE_URL_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct url {
    bool https;
    const char *host; /* lower case; may hold placeholders; an IPv6 literal without brackets */
    uint16_t port;    /* 0: none in the text */
    const char *rest; /* path, query and fragment; "" when there is none */
};

/* Takes an http or https URL apart. Placeholders (%EMAILDOMAIN%, %{home}) may stand anywhere behind the scheme.
 * STATUS_INVALID says why: another scheme, a user name in it, no legal host, a port out of range, characters that a
 * URL may not hold. An international host name becomes A-labels, other non-ASCII bytes are percent-encoded. */
enum status url_parse(struct arena *arena, const char *text, struct url *url_r, struct error *error_r);

/* Put together again; a port that is the scheme's own is left out. NULL when memory is out. */
const char *url_text(struct arena *arena, const struct url *url);

/* A host name, an address literal, or either with placeholders; international names become A-labels. */
enum status host_parse(struct arena *arena, const char *text, const char **host_r, struct error *error_r);

/* An issuer as draft-ietf-mailmaint-oauth-public wants it: https, no user information, query, fragment, dot segment or
 * percent-encoded unreserved character. Clients compare it byte for byte, so it is judged and never rewritten. */
enum status issuer_check(const char *text, struct error *error_r);

#endif
