/* check.c - looks for faults in the accounts while the service already answers. */
/* SPDX-License-Identifier: MIT */
#include "http/check.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "format/format.h"

enum {
    FAULTS_MAX = 100,
    DOMAINS_MAX = 1000, /* whose documents are tried */
    ARENA_MAX = 4 * 1024 * 1024,
};

struct check {
    pthread_t thread;
    struct store *store;
    atomic_bool stopping;
};

static void warn(void *context, const char *sentence)
{
    log_warning_once("%s", sentence);
}

struct names {
    struct arena *arena;
    const char *names[DOMAINS_MAX];
    size_t count;
};

/* Domains only: a rule has no document of its own. */
static bool collect(void *context, const char *name)
{
    struct names *names = context;
    if (name[0] == '*')
        return true;
    const char *copy = arena_text(names->arena, name);
    if (copy)
        names->names[names->count++] = copy;
    return copy && names->count < DOMAINS_MAX;
}

/* Documents for nobody in particular, of which only what the formats tell in the log matters. */
static void try_documents(struct store_session *session, const char *name)
{
    static const struct format *const tried[] = {&format_autoconfig, &format_autodiscover, &format_pacc};
    struct buf body;
    buf_init(&body, 0);
    const struct domain *domain = NULL;
    struct arena *arena = arena_new(ARENA_MAX);
    if (arena && store_find(session, arena, name, &domain, NULL) == STATUS_OK) {
        const struct account account = {.domain = name, .config = domain};
        const struct document_request request = {.accounts = &account, .account_count = 1};
        for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
            buf_clear(&body);
            (void)tried[i]->render(&request, &body, NULL); /* none at all is no fault */
        }
    }
    arena_free(&arena);
    buf_free(&body);
}

/* A server that a format cannot say, or that spoils it for some clients, is told of in the log. An administrator shall
 * read that at the start, not when somebody asks. */
void check_documents(struct store_session *session)
{
    struct names *names = calloc(1, sizeof *names);
    if (names)
        names->arena = arena_new(ARENA_MAX);
    if (names && names->arena && store_names(session, collect, names, NULL) == STATUS_OK) {
        for (size_t i = 0; i < names->count; i++)
            try_documents(session, names->names[i]);
    }
    if (names)
        arena_free(&names->arena);
    free(names);
}

static void *run(void *context)
{
    struct check *check = context;
    struct store_session *session = NULL;
    struct error error = {""};
    enum status status = store_session_open(check->store, &session, &error);
    if (status == STATUS_OK)
        status = store_check(session, FAULTS_MAX, warn, NULL, &error);
    if (status == STATUS_OK && !atomic_load(&check->stopping))
        check_documents(session);
    if (status != STATUS_OK)
        log_warning("the accounts could not be checked: %s", error.text);
    store_session_close(&session);
    malloc_trim(0); /* this was more than the daemon needs from now on */
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
    atomic_store(&(*check)->stopping, true);
    store_end_checks((*check)->store);
    pthread_join((*check)->thread, NULL);
    free(*check);
    *check = NULL;
}
