/* check.h - looks for faults in the accounts while the service already answers. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CHECK_H
#define HTTP_CHECK_H

#include "store/store.h"

struct check;

/* Reads every domain once, on a thread of its own, and warns of each fault. A failure is logged. May return NULL. */
struct check *check_start(struct store *store);

/* What formats have to say of the domains (the first thousand), as warnings in the log. Part of the above; alone for
 * --check-config. */
void check_documents(struct store_session *session);

/* Ends it, and waits for that. */
void check_stop(struct check **check);

#endif
