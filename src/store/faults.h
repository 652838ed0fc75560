/* faults.h - where sentences about faulty rows go: to the log, once each, or to whoever checks the database. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_FAULTS_H
#define STORE_FAULTS_H

#include "store/store.h"

struct faults {
    store_fault say; /* NULL: the log */
    void *context;
    size_t left; /* how many say may still get */
};

[[gnu::format(printf, 2, 3)]] void faults_add(struct faults *faults, const char *format, ...);

#endif
