/* notify.h - tells the service manager how the daemon is. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_NOTIFY_H
#define HTTP_NOTIFY_H

/* Sends a state such as "READY=1" as sd_notify(3) describes it; does nothing when nobody listens. The protocol is one
 * datagram, which is no reason to link a library. */
void notify_send(const char *state);

/* RELOADING=1 with the time stamp that Type=notify-reload asks for. */
void notify_reloading(void);

#endif
