/* resolver.h - turns a question (this domain, this address) into an answer, without ever making the asker wait. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_RESOLVER_H
#define RESOLVE_RESOLVER_H

#include "account/account.h"
#include "base/settings.h"
#include "resolve/snapshot.h"
#include "store/store.h"
#include "userdb/userdb.h"

#include <stdbool.h>

/* The cache of domains and persons, and the pool of workers that ask the store and the user databases. */
struct resolver;

/* settings, store and userdb must outlive it. Starts a thread that keeps deadlines; up to settings.lookup_workers
 * threads that ask the store, and as many that ask the user databases, are made when there is something to do. */
enum status resolver_start(const struct settings *settings, struct store *store, struct userdb *userdb,
                           struct resolver **resolver_r, struct error *error_r);

/* Answers what is waiting with RESOLVE_UNAVAILABLE, waits for the workers, frees everything. Not from a callback. */
void resolver_stop(struct resolver **resolver);

enum resolve_outcome {
    RESOLVE_FOUND,
    RESOLVE_NOT_SERVED,  /* the store was asked: there is no such domain */
    RESOLVE_UNAVAILABLE, /* not known now: the back end failed or the deadline passed, and nothing stale is left */
    RESOLVE_BUSY,        /* the queue is full */
    RESOLVE_REFUSED,     /* unknown_users = refuse and there is no such person */
    RESOLVE_PENDING,     /* the callback will be called */
};

/* A person found by a user look-up: counted like a snapshot. */
struct person_entry;

/* Released with answer_clear(). Texts live as long as the answer. */
struct answer {
    struct snapshot *snapshot;   /* NULL unless RESOLVE_FOUND */
    struct person_entry *person; /* NULL: none asked, found or wanted */
    bool asked;                  /* the store was asked just now: what is known was not enough */
    bool stale;                  /* the back end is down; this is what was known */
    bool fallback;               /* it is question.fallback_domain that is served */
};
void answer_clear(struct answer *answer);
/* NULL when there is no person in it. */
const struct person *answer_person(const struct answer *answer);

struct question {
    const char *domain;            /* lower-case A-label */
    const struct address *address; /* NULL: no person is looked up */
    const char *fallback_domain;   /* asked when domain is not served (host_fallback), or NULL */
};

/* Called once, on a worker's or the deadline's thread; it must not block (it resumes a connection). The answer is the
 * callee's. */
typedef void (*resolve_callback)(void *context, enum resolve_outcome outcome, struct answer *answer);

/* Answers at once from the cache, or from a file that is as quick, or returns RESOLVE_PENDING and calls back within
 * settings.lookup_timeout (perhaps before this returns). Equal questions share one look-up. The question is copied. Any
 * thread. Domains of which the store knows nothing are never answered from stale data: RESOLVE_UNAVAILABLE while it is
 * down. A person who is not found, or not in time, or whose look-up fails leaves answer.person NULL: the domain's
 * general answer. Only with unknown_users = refuse, and only when the back end said that there is nobody, it is
 * RESOLVE_REFUSED. */
enum resolve_outcome resolver_ask(struct resolver *resolver, const struct question *question, struct answer *answer_r,
                                  resolve_callback callback, void *context);

/* Runs work on a worker thread with a store session (initdb, readyz; session NULL: no_session says why there is none);
 * false when the queue is full. done is called
 * with the work's own context afterwards, or with expired = true when the deadline passed first (then work may still
 * run: the context must live until release is called, once, last). */
struct resolver_work {
    void (*run)(void *context, struct store_session *session, const struct error *no_session);
    void (*done)(void *context, bool expired);
    void (*release)(void *context);
};
bool resolver_run(struct resolver *resolver, const struct resolver_work *work, void *context);

/* Forgets everything cached: the next question asks the store. After every edit made through automxd. */
void resolver_forget(struct resolver *resolver);

struct resolver_counts {
    uint64_t hits, misses, stale, failures, timeouts, busy;
    uint64_t domains, persons, queued; /* now */
};
void resolver_counts(const struct resolver *resolver, struct resolver_counts *counts_r);

#endif
