/* accounts_check.h - a store in memory, and what its accounts are good for. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_ACCOUNTS_CHECK_H
#define TESTS_FUZZ_ACCOUNTS_CHECK_H

#include "store/store.h"

struct store_session *accounts_open(void);

/* Every domain can be found and has good documents; what is exported can be imported, after which the documents are
 * the same, unless the export told of rows that it left out, and so is, soon, the next export. The database has that
 * content then. */
void demand_accounts(struct store_session *session);

#endif
