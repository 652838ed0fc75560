/* confine.h - the sandbox that goes with a configuration. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CONFINE_H
#define HTTP_CONFINE_H

#include "base/settings.h"
#include "base/status.h"
#include "http/sandbox.h"

/* With sandbox = yes, gives up for good whatever these settings do not need: see sandbox_enter(). To be called before
 * any thread runs. *sandbox_r is the caller's; NULL with sandbox = no. STATUS_INVALID: a setting is wrong. */
enum status confine(const struct settings *settings, struct sandbox **sandbox_r, struct error *error_r);

/* Whether settings that were read later can work in it. STATUS_REFUSED names what is out of reach, and says what to do.
 * sandbox NULL: everything can. */
enum status confine_check(const struct sandbox *sandbox, const struct settings *settings, struct error *error_r);

#endif
