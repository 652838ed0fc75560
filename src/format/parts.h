/* parts.h - what several formats say in the same way. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PARTS_H
#define FORMAT_PARTS_H

#include "account/account.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* As many servers of one type as a document lists at most. */
enum { PARTS_SERVERS_MAX = 32 };

/* Whether text (NULL is fine) holds a placeholder that only an address or a user look-up can fill. */
bool parts_needs_person(const char *text);

/* The host or URL of a server in value, which is emptied first; NULL when the server cannot be named. A text that no
 * address could mend is warned of once. */
const char *parts_host(const struct account *account, const struct server *server, struct buf *value);
const char *parts_url(const struct account *account, const struct server *server, struct buf *value);

/* The same for a user name. The address stands in for one that cannot be made (a template with a value that the user
 * look-up did not return): a server without a user name would spoil the document, and a missing server would tell who
 * exists. NULL when no address is known either. */
const char *parts_user(const struct account *account, const struct server *server, enum expansion expansion,
                       struct buf *value);

/* A text with its placeholders expanded and without blanks around it, of at most max characters (0: any number). A
 * longer one is cut between words and ends in an ellipsis. "" for NULL. */
const char *parts_text(const struct account *account, const char *text, size_t max, struct buf *value);

#endif
