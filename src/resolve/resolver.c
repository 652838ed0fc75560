/* resolver.c - turns a question (this domain, this address) into an answer, without ever making the asker wait. */
/* SPDX-License-Identifier: MIT */
#include "resolve/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "resolve/deadline.h"
#include "resolve/inquiry.h"
#include "resolve/lookups.h"
#include "resolve/person.h"
#include "resolve/task.h"

enum {
    PERSON_ARENA_MAX = 64 << 10,
    PERSON_FAILURE_MS = 1000, /* a dead directory costs one request a second its time-out, not each */
};

struct resolver {
    const struct settings *settings;
    struct store *store;
    struct userdb *userdb;
    pthread_mutex_t lock; /* of flights, tickets, tasks and deadlines; never held while asking or calling back */
    struct sources sources;
    struct deadlines *deadlines;
    struct task_place tasks;
    bool stopping;
};

/* A question that waits, with the texts it is made of. */
struct ticket {
    struct resolver *resolver;
    struct deadline deadline;
    struct lookup_waiter waiter;
    struct inquiry inquiry;
    enum resolve_outcome outcome;
    resolve_callback callback;
    void *context;
    struct address address;
    char texts[];
};

/* ---- the values of the two caches ---- */

static void *domain_ref(void *value)
{
    return snapshot_ref(value);
}

static void domain_unref(void *value)
{
    struct snapshot *snapshot = value;
    snapshot_unref(&snapshot);
}

static void *person_ref(void *value)
{
    return person_entry_ref(value);
}

static void person_unref(void *value)
{
    struct person_entry *entry = value;
    person_entry_unref(&entry);
}

static const struct cache_type domain_type = {domain_ref, domain_unref};
static const struct cache_type person_type = {person_ref, person_unref};

/* Without the lock; the ticket is in no list any more. */
static void ticket_deliver(struct ticket *ticket)
{
    ticket->callback(ticket->context, ticket->outcome, &ticket->inquiry.answer);
    free(ticket);
}

static void ticket_expire(struct deadline *deadline)
{
    struct ticket *ticket = LIST_ITEM(deadline, struct ticket, deadline);
    struct resolver *resolver = ticket->resolver;
    int64_t now = clock_ms();

    if (resolver->stopping) {
        lookups_leave(&ticket->waiter);
        answer_clear(&ticket->inquiry.answer);
        ticket->outcome = RESOLVE_UNAVAILABLE;
    } else {
        struct lookups *lookups = inquiry_lookups(&resolver->sources, &ticket->inquiry);
        struct finding finding = lookups_give_up(lookups, &ticket->waiter, now);
        ticket->outcome = inquiry_take(&resolver->sources, &ticket->inquiry, &finding, &ticket->waiter, true, now);
    }
    pthread_mutex_unlock(&resolver->lock);
    ticket_deliver(ticket);
    pthread_mutex_lock(&resolver->lock);
}

static struct ticket *ticket_new(struct resolver *resolver, const struct inquiry *inquiry, resolve_callback callback,
                                 void *context)
{
    struct ticket *ticket = malloc(sizeof *ticket + question_size(&inquiry->question));
    if (!ticket)
        return NULL;
    *ticket = (struct ticket){.resolver = resolver, .inquiry = *inquiry, .callback = callback, .context = context};
    list_init(&ticket->deadline.link);
    list_init(&ticket->waiter.link);
    ticket->deadline.expire = ticket_expire;
    question_copy(&ticket->inquiry.question, &ticket->address, ticket->texts, &inquiry->question);
    return ticket;
}

enum resolve_outcome resolver_ask(struct resolver *resolver, const struct question *question, struct answer *answer_r,
                                  resolve_callback callback, void *context)
{
    struct inquiry inquiry = {.question = *question, .phase = PHASE_DOMAIN};
    *answer_r = (struct answer){0};
    /* Overlong names can be neither in the store nor in a key. */
    if (strlen(question->domain) > DOMAIN_NAME_MAX)
        return RESOLVE_NOT_SERVED;
    if (question->fallback_domain && strlen(question->fallback_domain) > DOMAIN_NAME_MAX)
        inquiry.question.fallback_domain = NULL;
    if (question->address && strlen(question->address->text) > ADDRESS_MAX)
        inquiry.question.address = NULL;

    int64_t now = clock_ms();
    enum resolve_outcome outcome = inquiry_at_once(&resolver->sources, &inquiry, now);
    if (outcome != RESOLVE_PENDING) {
        *answer_r = inquiry.answer;
        return outcome;
    }

    struct ticket *ticket = ticket_new(resolver, &inquiry, callback, context);
    if (!ticket) {
        answer_clear(&inquiry.answer);
        return RESOLVE_BUSY;
    }
    pthread_mutex_lock(&resolver->lock);
    if (resolver->stopping) {
        answer_clear(&ticket->inquiry.answer);
        outcome = RESOLVE_UNAVAILABLE;
    } else {
        outcome = inquiry_go_on(&resolver->sources, &ticket->inquiry, &ticket->waiter, false, now);
    }
    if (outcome == RESOLVE_PENDING) {
        ticket->deadline.at = clock_ms() + resolver->settings->lookup_timeout;
        deadlines_add(resolver->deadlines, &ticket->deadline);
    }
    pthread_mutex_unlock(&resolver->lock);
    if (outcome == RESOLVE_PENDING)
        return outcome; /* the ticket may be gone already */
    *answer_r = ticket->inquiry.answer;
    free(ticket);
    return outcome;
}

/* ---- on the workers ---- */

/* The flight is over: those who waited go on, and who has an answer gets it. */
static void land(struct resolver *resolver, struct flight *flight, enum status status, void *value,
                 const struct cache_type *type, const struct error *error)
{
    struct list waiters, answered;
    struct list *link;
    list_init(&waiters);
    list_init(&answered);

    pthread_mutex_lock(&resolver->lock);
    int64_t now = clock_ms();
    struct finding finding = flight_land(flight, status, value, error, now, &waiters);
    while ((link = list_take(&waiters)) != NULL) {
        struct ticket *ticket = LIST_ITEM(link, struct ticket, waiter.link);
        struct finding own = finding;
        if (own.value)
            own.value = type->ref(own.value);
        ticket->outcome = inquiry_take(&resolver->sources, &ticket->inquiry, &own, &ticket->waiter, false, now);
        if (ticket->outcome != RESOLVE_PENDING) {
            deadlines_remove(&ticket->deadline);
            list_append(&answered, &ticket->waiter.link);
        }
    }
    pthread_mutex_unlock(&resolver->lock);

    flight_free(flight);
    while ((link = list_take(&answered)) != NULL)
        ticket_deliver(LIST_ITEM(link, struct ticket, waiter.link));
}

static void close_store_session(void *session)
{
    struct store_session *opened = session;
    store_session_close(&opened);
}

static void close_userdb_session(void *session)
{
    struct userdb_session *opened = session;
    userdb_session_close(&opened);
}

static enum status find_domain(struct store_session *session, const char *name, struct snapshot **snapshot_r,
                               struct error *error)
{
    const struct domain *domain = NULL;

    struct arena *arena = arena_new(STORE_DOMAIN_SIZE_MAX);
    if (!arena)
        return error_set(error, STATUS_LIMIT, "out of memory");
    enum status status = store_find(session, arena, name, &domain, error);
    if (status != STATUS_OK) {
        arena_free(&arena);
        return status;
    }
    *snapshot_r = snapshot_new(arena, domain);
    return *snapshot_r ? STATUS_OK : error_set(error, STATUS_LIMIT, "out of memory");
}

static void run_domain(struct pool_job *job, void **session)
{
    struct flight *flight = flight_of(job);
    struct resolver *resolver = flight_context(flight);
    struct snapshot *snapshot = NULL;
    struct error error = {0};
    enum status status = STATUS_BACKEND;

    struct store_session *store = worker_store(resolver->store, session, &error);
    if (store)
        status = find_domain(store, flight_key(flight), &snapshot, &error);
    land(resolver, flight, status, snapshot, &domain_type, &error);
}

static enum status find_person(const struct resolver *resolver, struct userdb_session *session,
                               const struct subject *subject, struct person_entry **entry_r, struct error *error)
{
    struct person person = {0};

    struct arena *arena = arena_new(PERSON_ARENA_MAX);
    if (!arena)
        return error_set(error, STATUS_LIMIT, "out of memory");
    enum status status = userdb_find(session, arena, snapshot_domain(subject->snapshot), &subject->address,
                                     clock_ms() + resolver->settings->lookup_timeout, &person, error);
    if (status != STATUS_OK) {
        arena_free(&arena);
        return status;
    }
    if (!resolver->settings->publish_names)
        person.full_name = NULL;
    *entry_r = person_entry_new(arena, &person);
    return *entry_r ? STATUS_OK : error_set(error, STATUS_LIMIT, "out of memory");
}

static void run_person(struct pool_job *job, void **session)
{
    struct flight *flight = flight_of(job);
    struct resolver *resolver = flight_context(flight);
    struct person_entry *entry = NULL;
    struct error error = {0};
    enum status status = STATUS_OK;

    struct userdb_session *userdb = *session;
    if (!userdb) {
        status = userdb_session_open(resolver->userdb, &userdb, &error);
        *session = status == STATUS_OK ? userdb : NULL;
    }
    if (status == STATUS_OK)
        status = find_person(resolver, userdb, flight_subject(flight), &entry, &error);
    land(resolver, flight, status, entry, &person_type, &error);
}

bool resolver_run(struct resolver *resolver, const struct resolver_work *work, void *context)
{
    pthread_mutex_lock(&resolver->lock);
    bool accepted = !resolver->stopping && task_submit(&resolver->tasks, work, context);
    pthread_mutex_unlock(&resolver->lock);
    return accepted;
}

/* ---- the whole ---- */

static bool start_lookups(struct resolver *resolver)
{
    const struct settings *settings = resolver->settings;
    struct lookups_plan plan = {
        .what = "domain",
        .type = &domain_type,
        .entries = settings->cache_entries,
        .fresh_for = settings->cache_ttl,
        .stale_for = settings->stale_ttl,
        .timeout = settings->lookup_timeout,
        .pool = {"domains", settings->lookup_workers, settings->lookup_queue, close_store_session},
        .run = run_domain,
        .context = resolver,
        .lock = &resolver->lock,
    };
    resolver->sources.domains = lookups_new(&plan);

    /* Persons have threads of their own: a directory that hangs holds up nobody who asks for a domain. */
    plan.what = "user";
    plan.type = &person_type;
    plan.fresh_for = settings->user_cache_ttl;
    plan.failure_for = PERSON_FAILURE_MS;
    plan.pool.name = "users";
    plan.pool.close_session = close_userdb_session;
    plan.run = run_person;
    plan.free_subject = subject_free;
    resolver->sources.persons = lookups_new(&plan);
    if (!resolver->sources.domains || !resolver->sources.persons)
        return false;
    if (!store_is_file(resolver->store))
        return true;
    resolver->sources.local = local_new(resolver->store, settings_http_threads(settings));
    return resolver->sources.local != NULL;
}

static void resolver_free(struct resolver *resolver)
{
    deadlines_stop(&resolver->deadlines);
    /* In this order: an edit on a thread of the first makes both forget when it ends. */
    lookups_stop(&resolver->sources.domains);
    lookups_stop(&resolver->sources.persons);
    local_free(&resolver->sources.local);
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

enum status resolver_start(const struct settings *settings, struct store *store, struct userdb *userdb,
                           struct resolver **resolver_r, struct error *error_r)
{
    *resolver_r = NULL;
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (!resolver)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    resolver->settings = settings;
    resolver->store = store;
    resolver->userdb = userdb;
    resolver->sources.settings = settings;
    resolver->sources.userdb = userdb;
    pthread_mutex_init(&resolver->lock, NULL);

    enum status status = deadlines_start(&resolver->lock, &resolver->deadlines, error_r);
    if (status == STATUS_OK && !start_lookups(resolver))
        status = error_set(error_r, STATUS_LIMIT, "out of memory: lower cache_entries (%u)", settings->cache_entries);
    if (status != STATUS_OK) {
        resolver_free(resolver);
        return status;
    }
    resolver->tasks = (struct task_place){
        .lock = &resolver->lock,
        .deadlines = resolver->deadlines,
        .pool = lookups_pool(resolver->sources.domains),
        .store = store,
        .timeout = settings->lookup_timeout,
    };
    *resolver_r = resolver;
    return STATUS_OK;
}

void resolver_stop(struct resolver **resolver_at)
{
    struct resolver *resolver = *resolver_at;
    if (!resolver)
        return;
    *resolver_at = NULL;

    /* Everything that waits has a deadline: once none is left and no more is taken, nobody waits. */
    pthread_mutex_lock(&resolver->lock);
    resolver->stopping = true;
    for (struct deadline *deadline; (deadline = deadlines_take(resolver->deadlines)) != NULL;)
        deadline->expire(deadline);
    pthread_mutex_unlock(&resolver->lock);
    resolver_free(resolver);
}

void resolver_forget(struct resolver *resolver)
{
    lookups_forget(resolver->sources.domains);
    lookups_forget(resolver->sources.persons);
}

void resolver_counts(const struct resolver *resolver, struct resolver_counts *counts_r)
{
    struct lookups_counts domains, persons;
    lookups_counts(resolver->sources.domains, &domains);
    lookups_counts(resolver->sources.persons, &persons);
    *counts_r = (struct resolver_counts){
        .hits = domains.hits + persons.hits,
        .misses = domains.misses + persons.misses,
        .stale = domains.stale + persons.stale,
        .failures = domains.failures + persons.failures,
        .timeouts = domains.timeouts + persons.timeouts,
        .busy = domains.busy + persons.busy,
        .domains = domains.entries,
        .persons = persons.entries,
        .queued = domains.waiting + persons.waiting,
    };
}
