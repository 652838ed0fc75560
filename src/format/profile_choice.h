/* profile_choice.h - which servers of an account go into a configuration profile. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PROFILE_CHOICE_H
#define FORMAT_PROFILE_CHOICE_H

#include "account/account.h"
#include "base/status.h"

#include <stddef.h>

enum { PROFILE_DAV_SERVERS_MAX = 8 };
enum profile_dav { PROFILE_CALDAV, PROFILE_CARDDAV };
enum { PROFILE_DAV_COUNT = PROFILE_CARDDAV + 1 };

struct profile_choice {
    const struct account *account;
    const struct server *incoming, *outgoing; /* both or neither */
    const struct server *exchange;            /* or NULL; there is one when there is no mail server */
    const struct server *dav[PROFILE_DAV_COUNT][PROFILE_DAV_SERVERS_MAX];
    size_t dav_count[PROFILE_DAV_COUNT];
};

/* Takes the best server of each kind whose sign-in a profile can describe, and of calendars and contacts all. Every
 * host and URL in it can be written out. STATUS_NOT_FOUND with a sentence for the person who asked when there is
 * neither mail nor ActiveSync; STATUS_INVALID without an address. */
enum status profile_choose(const struct account *account, struct profile_choice *choice_r, struct error *error_r);

#endif
