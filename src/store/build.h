/* build.h - puts a domain together from its rows. */
/* SPDX-License-Identifier: MIT */
#ifndef STORE_BUILD_H
#define STORE_BUILD_H

#include "store/faults.h"
#include "store/session.h"

/* What is offered under the rule of this row when somebody asks for asked. Aliases are followed. Faulty rows are left
 * out and told. */
enum status build_domain(struct store_session *session, struct arena *arena, const struct domain_row *row,
                         const char *asked, struct faults *faults, const struct domain **domain_r,
                         struct error *error_r);

/* The provider part of a domain alone, and what a row of domain says of itself (alias_of, moved_to, ...): for checks.
 */
enum status build_provider(struct store_session *session, struct arena *arena, const struct domain_row *row,
                           const char *asked, struct domain *domain, struct faults *faults, struct error *error_r);
enum status build_check_domain(struct store_session *session, struct arena *arena, const struct domain_row *row,
                               struct faults *faults, struct error *error_r);

/* moved_to and redirect_url of a row, for whoever asks for asked. domain->name is the rule. */
void build_moved(struct arena *arena, const struct domain_row *row, const char *asked, struct domain *domain,
                 struct faults *faults);

/* The row with an id; *there_r is false when there is none. */
enum status build_read_domain(struct store_session *session, struct arena *arena, int64_t id, struct domain_row *row_r,
                              bool *there_r, struct error *error_r);

/* Whether there is a row for settings.default_domain (find.c). */
enum status find_default(struct store_session *session, struct arena *arena, bool *there_r, struct error *error_r);

#endif
