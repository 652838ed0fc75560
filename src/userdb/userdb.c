/* userdb.c - who a person is: asks the directory, then the query, and puts their answers together. */
/* SPDX-License-Identifier: MIT */
#include "userdb/userdb.h"

#include <stdlib.h>

#include "userdb/directory.h"
#include "userdb/query.h"

struct userdb {
    struct directory *directory;
    struct user_query *query; /* or NULL */
};

struct userdb_session {
    struct userdb *userdb;
    struct user_query_session *query; /* or NULL */
};

enum status userdb_open(const struct settings *settings, struct userdb **userdb_r, struct error *error_r)
{
    struct userdb *userdb = calloc(1, sizeof(*userdb));
    enum status status = STATUS_OK;

    *userdb_r = NULL;
    if (!userdb)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    userdb->directory = directory_new();
    if (!userdb->directory)
        status = error_set(error_r, STATUS_LIMIT, "out of memory");
    if (status == STATUS_OK)
        status = user_query_new(settings, &userdb->query, error_r);
    if (status != STATUS_OK)
        userdb_close(&userdb);
    *userdb_r = userdb;
    return status;
}

void userdb_close(struct userdb **userdb)
{
    struct userdb *closing = *userdb;

    *userdb = NULL;
    if (!closing)
        return;
    directory_free(&closing->directory);
    user_query_free(&closing->query);
    free(closing);
}

enum status userdb_session_open(struct userdb *userdb, struct userdb_session **session_r, struct error *error_r)
{
    struct userdb_session *session = calloc(1, sizeof(*session));

    *session_r = NULL;
    if (!session)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    session->userdb = userdb;
    if (userdb->query) {
        session->query = user_query_session_new(userdb->query);
        if (!session->query) {
            free(session);
            return error_set(error_r, STATUS_LIMIT, "out of memory");
        }
    }
    *session_r = session;
    return STATUS_OK;
}

void userdb_session_close(struct userdb_session **session)
{
    if (*session)
        user_query_session_free(&(*session)->query);
    free(*session);
    *session = NULL;
}

bool userdb_applies(const struct userdb *userdb, const struct domain *domain)
{
    return domain->ldap || userdb->query;
}

enum status userdb_find(struct userdb_session *session, struct arena *arena, const struct domain *domain,
                        const struct address *address, int64_t deadline, struct person *person_r, struct error *error_r)
{
    struct person entry = {0}, row = {0};
    enum status in_directory = STATUS_NOT_FOUND, in_query = STATUS_NOT_FOUND;

    *person_r = (struct person){0};
    if (domain->ldap)
        in_directory =
            directory_find(session->userdb->directory, domain->ldap, address, deadline, arena, &entry, error_r);
    /* Half an answer is none: without the directory's word, the query's login might be the wrong one. */
    if (in_directory == STATUS_BACKEND)
        return in_directory;
    if (session->query)
        in_query = user_query_find(session->query, address, deadline, arena, &row, error_r);
    if (in_query == STATUS_BACKEND)
        return in_query;
    if (in_directory != STATUS_OK && in_query != STATUS_OK)
        return STATUS_NOT_FOUND;
    *person_r = row;
    if (entry.login)
        person_r->login = entry.login;
    if (entry.full_name)
        person_r->full_name = entry.full_name;
    return STATUS_OK;
}
