/* odd_names.h - domains whose stored name is not the form that is looked up: "Example.COM", " example.com", U-labels.
 */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_ODD_NAMES_H
#define STORE_ODD_NAMES_H

#include "sql/sql.h"

#include <stdint.h>

/* Administrators write such names by hand and automx2 takes them. An index cannot find them, so they are kept in a
 * bounded list, which is read again from time to time by whoever misses a name. Shared by all sessions. */
struct odd_names;

/* interval: milliseconds between two readings at least; timeout: those that a reading may take (the connection sees to
 * that). NULL: no memory. */
struct odd_names *odd_names_new(unsigned interval, unsigned timeout);
void odd_names_free(struct odd_names **odd);

/* Makes sure that the list has been read once, and reads it again when that is due. It never takes more than a fiftieth
 * of the time. A failure leaves the list as it was, with a warning. STATUS_BACKEND: there is no list yet, since the
 * database went away, and nobody can say of a name that it is not there. */
enum status odd_names_refresh(struct odd_names *odd, struct sql *sql, struct error *error_r);

/* The id of the domain with this normalised name, the lowest when there are several; 0: none. */
int64_t odd_names_find(struct odd_names *odd, const char *name);

#endif
