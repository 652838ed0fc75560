/* check.c - looks for faults in the accounts while the service already answers. */
/* SPDX-License-Identifier: MIT */
#include "http/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"

enum { FAULTS_MAX = 100 };

struct check {
    pthread_t thread;
    struct store *store;
};

static void warn(void *context, const char *sentence)
{
    log_warning_once("%s", sentence);
}

static void *run(void *context)
{
    struct check *check = context;
    struct store_session *session = NULL;
    struct error error = {""};
    enum status status = store_session_open(check->store, &session, &error);
    if (status == STATUS_OK)
        status = store_check(session, FAULTS_MAX, warn, NULL, &error);
    if (status != STATUS_OK)
        log_warning("the accounts could not be checked: %s", error.text);
    store_session_close(&session);
    return NULL;
}

struct check *check_start(struct store *store)
{
    struct check *check = calloc(1, sizeof *check);
    if (!check)
        return NULL;
    check->store = store;
    if (pthread_create(&check->thread, NULL, run, check) != 0) {
        log_warning("the accounts could not be checked: no thread could be started");
        free(check);
        return NULL;
    }
    return check;
}

void check_stop(struct check **check)
{
    if (!*check)
        return;
    pthread_join((*check)->thread, NULL);
    free(*check);
    *check = NULL;
}
