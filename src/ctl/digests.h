/* digests.h - how an edit changes the PACC documents of all domains, and so the records in the DNS. */
/* SPDX-License-Identifier: MIT */
#ifndef CTL_DIGESTS_H
#define CTL_DIGESTS_H

#include "base/status.h"
#include "store/store.h"

#include <stddef.h>

/* The record of each domain that has a document, at one time. */
struct digests;

/* Reads them all. Statuses as for store_names(). */
enum status digests_read(struct store_session *session, struct digests **digests_r, struct error *error_r);
void digests_free(struct digests **digests);

/* All domains, also those without a document. */
size_t digests_domains(const struct digests *digests);

/* Prints the old and the new record of every domain whose document differs. Returns how many there are. */
size_t digests_compare(const struct digests *old, const struct digests *new);

#endif
