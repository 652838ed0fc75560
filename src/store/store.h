/* store.h - where domains, providers and servers are kept. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "account/domain.h"
#include "base/buf.h"
#include "base/settings.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A store is shared by threads; each thread that asks has a session of its own (a connection with its statements). */
struct store;
struct store_session;

/* Room for one domain's arena: a provider with consent texts and thousands of servers; far more than any has. */
enum { STORE_DOMAIN_SIZE_MAX = 4 << 20 };

/* Checks the settings (db_uri, accounts, domain_query) and connects once. A schema that is absent is no error: look-ups
 * find nothing until initdb makes it. With accounts = FILE, or on memory, the database lives in this process and is
 * filled here: a broken accounts file is STATUS_INVALID ("FILE:LINE: member: reason"). STATUS_BACKEND: the server
 * cannot be reached now; *store_r is set all the same, and its sessions try again. Other errors as sql_open(), without
 * a store. domain_query is asked on user_db_uri when that is set. settings must outlive the store. */
enum status store_open(const struct settings *settings, struct store **store_r, struct error *error_r);
void store_close(struct store **store);

/* Connects lazily at the first call, and again after a failure, with a back-off of its own (250 ms doubling to 2 s),
 * within which calls fail at once with STATUS_BACKEND. */
enum status store_session_open(struct store *store, struct store_session **session_r, struct error *error_r);

/* The same with a patience of its own, in milliseconds, for connecting and for each statement. */
enum status store_session_open_brief(struct store *store, unsigned patience, struct store_session **session_r,
                                     struct error *error_r);
void store_session_close(struct store_session **session);

/* Whether it is a database in a file on a disk of this machine, which answers without a journey. */
bool store_is_file(const struct store *store);

/* What is offered for a domain (a lower-case A-label): the rule with exactly this name, else the longest "*.suffix",
 * else "*", else the domain that settings.default_domain names; aliases are followed (8 deep at most). Faulty rows are
 * left out with one warning each that names table, id and word. The result lives in arena.
 * STATUS_OK, STATUS_NOT_FOUND, or STATUS_BACKEND when the database could not be asked. */
enum status store_find(struct store_session *session, struct arena *arena, const char *domain,
                       const struct domain **domain_r, struct error *error_r);

/* The same for a domain that has a row of exactly this name, in a file, by a short way that reads a few rows, whatever
 * the database holds; STATUS_NOT_FOUND means no more than that this way does not lead to it. The domain lives in
 * *arena_r, which becomes the caller's with STATUS_OK and is NULL otherwise. The session stays in a transaction, which
 * sees nothing that is written from then on and keeps others from writing, up to store_session_rest(). */
enum status store_find_present(struct store_session *session, const char *domain, struct arena **arena_r,
                               const struct domain **domain_r, struct error *error_r);

/* Ends the transaction of store_find_present(), if there is one. */
void store_session_rest(struct store_session *session);

/* Cheap: one row is asked for. For /readyz. */
enum status store_ping(struct store_session *session, struct error *error_r);

/* initdb, each in one transaction. store_seed(): json NULL means the sample data; *seeded_r is false when there were
 * provider data already (nothing is written then). Tables are made when missing. STATUS_INVALID: the JSON is wrong, and
 * the error names line, member and reason; nothing was written. STATUS_REFUSED: the database is read-only, or has
 * automx2's schema, which cannot hold what the JSON says (the sentence names 'automxctl upgrade'). */
enum status store_seed(struct store_session *session, const char *json, size_t length, bool *seeded_r,
                       struct error *error_r);
enum status store_clear(struct store_session *session, struct error *error_r);

/* Puts the JSON (any format) in place of everything that is there, in one transaction: whoever asks meanwhile, and
 * whatever breaks in the middle, finds all of the old content or all of the new. Statuses as for store_seed(). */
enum status store_replace(struct store_session *session, const char *json, size_t length, struct error *error_r);

/* Brings a schema of any automx2 since 2020.0 to ours in one transaction; step is called with a sentence for each
 * change before it is made. An up-to-date schema calls nothing. For automxctl upgrade. */
typedef void (*store_step)(void *context, const char *sentence);
enum status store_upgrade(struct store_session *session, store_step step, void *context, struct error *error_r);

/* Reads every domain and calls fault for each thing in a row that will be left out or cannot work; returns STATUS_OK
 * when the database could be read, however many faults. For start and --check-config. Stops after max faults. */
typedef void (*store_fault)(void *context, const char *sentence);
enum status store_check(struct store_session *session, size_t max, store_fault fault, void *context,
                        struct error *error_r);

/* For a store that is about to close: a store_check() that runs on another thread ends soon, as if all had been looked
 * at. */
void store_end_checks(struct store *store);

/* Adds everything that is there to out as JSON of format 3, as it was at one moment. What the daemon leaves out, since
 * it cannot be right, is left out here too, with a sentence for each to fault. *secret_r: a password is in it.
 * STATUS_NOT_FOUND: there are no providers. STATUS_REFUSED: import could not take it (too large, or two rows that a
 * file cannot tell apart); the error says why. */
enum status store_export(struct store_session *session, struct buf *out, bool *secret_r, store_fault fault,
                         void *context, struct error *error_r);

/* Names of all domains, in order, for tools (automxctl, digests). Return false from visit to stop. */
typedef bool (*store_visit)(void *context, const char *name);
enum status store_names(struct store_session *session, store_visit visit, void *context, struct error *error_r);

#endif
