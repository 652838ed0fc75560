/* host.h - what a Host header says: a name, and the mail domain behind it. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "base/arena.h"
#include "http/target.h"

#include <stdbool.h>

/* The host without its port; brackets of an IPv6 address are kept. Empty when the text is no "host" or "host:port". */
struct slice host_without_port(struct slice text);

/* The mail domain that a host stands for: without the port and a leading "autoconfig.", "autodiscover." or
 * "ua-auto-config.", as a lower-case A-label. NULL when it is an address or no legal name. Lives in the arena. */
const char *host_domain(struct arena *arena, struct slice text);

/* The host without its port as a lower-case A-label, for URLs that point back here; NULL as above. */
const char *host_name(struct arena *arena, struct slice text);

/* localhost, 127.0.0.0/8 or [::1], with or without a port. */
bool host_is_loopback(struct slice text);

#endif
