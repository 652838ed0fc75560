/* documents.h - what every document of an account has to be. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_DOCUMENTS_H
#define TESTS_FUZZ_DOCUMENTS_H

#include "account/account.h"

/* Renders it in all formats that can say it: each is well-formed, and the same when it is made again. all: what they
 * are added to, or NULL. */
void demand_documents(const struct account *account, struct buf *all);

#endif
