/* resolver_world.h - a store and user databases that do as a test tells them, and those who ask a resolver over them.
 */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_RESOLVER_WORLD_H
#define TESTS_UNIT_RESOLVER_WORLD_H

/* Included by one file of a test only: it defines what store, userdb and clock would. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "resolve/resolver.h"

enum {
    TTL = 10 * 1000,
    STALE_TTL = 3600 * 1000,
    USER_TTL = 60 * 1000,
    PATIENCE = 60 * 1000, /* lookup_timeout where no deadline is meant to pass */
    SOON = 50,            /* lookup_timeout where one is */
    LATE = 10,
};

/* Time goes on by itself, and jumps when a test says so. Takes the place of base's. */
static atomic_llong jumped;

int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + jumped;
}

/* ---- the back ends: they take the places of store and userdb ---- */

/* What a back end does for a name. */
struct script {
    const char *name;
    enum status status;
    const char *value; /* the provider's name, or the login */
    bool held;         /* whoever asks waits until this is false */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct script domains[8], persons[8];
    bool store_down; /* no session can be opened */
    bool is_file;    /* the store is asked for its domains at once, as scripts of present say */
    struct script present[8];
    unsigned domain_calls, person_calls, present_calls;
    unsigned reading;      /* sessions that are in a transaction */
    int64_t reading_since; /* when the first of them began; never nobody since then */
    unsigned joined,
        late; /* sessions that began beside others, and those of them that did so a while after the first */
    int sessions;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct store_session {
    bool reading;
};
struct userdb_session {
    int unused;
};

static inline void lock(void)
{
    pthread_mutex_lock(&world.lock);
}

static inline void unlock(void)
{
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

static inline void wait_for_change(void)
{
    pthread_cond_wait(&world.changed, &world.lock);
}

static inline struct script *script_of(struct script *scripts, const char *name)
{
    struct script *script = scripts;
    while (script->name && strcmp(script->name, name) != 0)
        script++;
    return script;
}

static inline void say(struct script *scripts, struct script new)
{
    lock();
    *script_of(scripts, new.name) = new;
    unlock();
}

/* With the lock: counts the call, waits while it is held, and says what is said then. */
static inline enum status follow(struct script *scripts, const char *name, unsigned *calls, struct arena *arena,
                                 const char **value_r, struct error *error_r)
{
    ++*calls;
    pthread_cond_broadcast(&world.changed);
    struct script *script = script_of(scripts, name);
    const char *value = script->value; /* read before the wait: what a slow look-up returns is old */
    enum status status = script->name ? script->status : STATUS_NOT_FOUND;
    while (script->held)
        wait_for_change();
    if (script->status == STATUS_BACKEND)
        status = STATUS_BACKEND;
    *value_r = arena_text(arena, value);
    return status == STATUS_BACKEND ? error_set(error_r, status, "the test says so") : status;
}

enum status store_session_open(struct store *store, struct store_session **session_r, struct error *error_r)
{
    lock();
    bool down = world.store_down;
    world.sessions += !down;
    unlock();
    *session_r = NULL;
    if (down)
        return error_set(error_r, STATUS_BACKEND, "the test says so");
    *session_r = calloc(1, sizeof **session_r);
    return STATUS_OK;
}

enum status store_session_open_brief(struct store *store, unsigned patience, struct store_session **session_r,
                                     struct error *error_r)
{
    return store_session_open(store, session_r, error_r);
}

bool store_is_file(const struct store *store)
{
    return world.is_file;
}

void store_session_rest(struct store_session *session)
{
    lock();
    world.reading -= session->reading;
    session->reading = false;
    unlock();
}

void store_session_close(struct store_session **session)
{
    if (!*session)
        return;
    store_session_rest(*session);
    lock();
    world.sessions--;
    unlock();
    free(*session);
    *session = NULL;
}

/* A domain that is what a script says. */
static inline enum status follow_domain(struct script *scripts, const char *name, unsigned *calls, struct arena *arena,
                                        const struct domain **domain_r, struct error *error_r)
{
    const char *value = NULL;
    lock();
    enum status status = follow(scripts, name, calls, arena, &value, error_r);
    unlock();
    if (status != STATUS_OK)
        return status;
    struct provider *provider = arena_alloc(arena, sizeof *provider);
    struct domain *domain = arena_alloc(arena, sizeof *domain);
    provider->name = value;
    *domain = (struct domain){.name = arena_text(arena, name), .provider = provider};
    *domain_r = domain;
    return STATUS_OK;
}

enum status store_find_present(struct store_session *session, const char *name, struct arena **arena_r,
                               const struct domain **domain_r, struct error *error_r)
{
    *arena_r = arena_new(64 << 10);
    enum status status = follow_domain(world.present, name, &world.present_calls, *arena_r, domain_r, error_r);
    if (status != STATUS_OK)
        arena_free(arena_r);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    lock();
    if (world.reading == 0)
        world.reading_since = clock_ms();
    if (world.reading > 0 && !session->reading) {
        world.joined++;
        world.late += clock_ms() - world.reading_since > LATE;
    }
    world.reading += !session->reading;
    session->reading = true;
    unlock();
    return status;
}

enum status store_find(struct store_session *session, struct arena *arena, const char *name,
                       const struct domain **domain_r, struct error *error_r)
{
    return follow_domain(world.domains, name, &world.domain_calls, arena, domain_r, error_r);
}

enum status userdb_session_open(struct userdb *userdb, struct userdb_session **session_r, struct error *error_r)
{
    lock();
    world.sessions++;
    unlock();
    *session_r = malloc(sizeof **session_r);
    return STATUS_OK;
}

void userdb_session_close(struct userdb_session **session)
{
    lock();
    world.sessions--;
    unlock();
    free(*session);
    *session = NULL;
}

bool userdb_applies(const struct userdb *userdb, const struct domain *domain)
{
    return strncmp(domain->name, "users", 5) == 0;
}

enum status userdb_find(struct userdb_session *session, struct arena *arena, const struct domain *domain,
                        const struct address *address, int64_t deadline, struct person *person_r, struct error *error_r)
{
    lock();
    enum status status = follow(world.persons, address->text, &world.person_calls, arena, &person_r->login, error_r);
    unlock();
    person_r->full_name = arena_text(arena, "Full Name");
    return status;
}

static inline void wait_for_calls(const unsigned *calls, unsigned count)
{
    lock();
    while (*calls < count)
        wait_for_change();
    unlock();
}

static inline unsigned calls_now(const unsigned *calls)
{
    lock();
    unsigned now = *calls;
    unlock();
    return now;
}

static inline void release(struct script *scripts, const char *name)
{
    lock();
    script_of(scripts, name)->held = false;
    unlock();
}

/* ---- a resolver, and those who ask it ---- */

struct fixture {
    struct settings settings;
    struct resolver *resolver;
};

static inline void begin(struct fixture *fixture, unsigned timeout)
{
    /* A test that fails leaves threads behind, which would disturb the next one: end there. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    jumped = 0;
    lock();
    memset(world.domains, 0, sizeof world.domains);
    memset(world.persons, 0, sizeof world.persons);
    memset(world.present, 0, sizeof world.present);
    world.domain_calls = world.person_calls = world.present_calls = 0;
    world.joined = world.late = 0;
    world.store_down = world.is_file = false;
    assert_int_equal(world.sessions, 0);
    unlock();
    fixture->settings = (struct settings){
        .cache_ttl = TTL,
        .stale_ttl = STALE_TTL,
        .user_cache_ttl = USER_TTL,
        .cache_entries = 100,
        .lookup_timeout = timeout,
        .http_threads = 2,
        .lookup_workers = 2,
        .lookup_queue = 4,
        .publish_names = true,
    };
}

static inline void start(struct fixture *fixture)
{
    struct error error = {0};
    assert_int_equal(resolver_start(&fixture->settings, NULL, NULL, &fixture->resolver, &error), STATUS_OK);
}

static inline void stop(struct fixture *fixture)
{
    resolver_stop(&fixture->resolver);
    assert_null(fixture->resolver);
    assert_int_equal(world.sessions, 0);
}

static inline void *stop_thread(void *resolver)
{
    resolver_stop(resolver);
    return NULL;
}

static inline pthread_t stop_elsewhere(struct fixture *fixture)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_thread, &fixture->resolver), 0);
    return thread;
}

struct asker {
    enum resolve_outcome outcome;
    struct answer answer;
    unsigned called;
};

static inline void called(void *context, enum resolve_outcome outcome, struct answer *answer)
{
    struct asker *asker = context;
    lock();
    asker->called++;
    asker->outcome = outcome;
    asker->answer = *answer;
    unlock();
}

static inline void ask(struct fixture *fixture, struct asker *asker, const struct question *question)
{
    *asker = (struct asker){0};
    struct answer answer;
    enum resolve_outcome outcome = resolver_ask(fixture->resolver, question, &answer, called, asker);
    if (outcome == RESOLVE_PENDING)
        return;
    lock();
    assert_int_equal(asker->called, 0);
    asker->called = 1;
    asker->outcome = outcome;
    asker->answer = answer;
    unlock();
}

static inline void wait_for_answer(struct asker *asker)
{
    lock();
    while (!asker->called)
        wait_for_change();
    assert_int_equal(asker->called, 1);
    unlock();
}

static inline bool answered(struct asker *asker)
{
    lock();
    bool answered = asker->called > 0;
    unlock();
    return answered;
}

/* Whose is the answer: its provider, or the outcome as a word. */
static inline void check_asker(struct asker *asker, const char *want, bool stale, const char *login)
{
    static const char *const words[] = {"found", "not served", "unavailable", "busy", "refused", "pending"};
    wait_for_answer(asker);
    const char *got = words[asker->outcome];
    if (asker->outcome == RESOLVE_FOUND)
        got = snapshot_domain(asker->answer.snapshot)->provider->name;
    else
        assert_null(asker->answer.snapshot);
    check_text(0, got, want);
    assert_int_equal(asker->answer.stale, stale);
    const struct person *person = answer_person(&asker->answer);
    check_text(1, person ? person->login : NULL, login);
    answer_clear(&asker->answer);
}

static inline void check_ask(struct fixture *fixture, const char *domain, const char *want, bool stale)
{
    struct asker asker;
    ask(fixture, &asker, &(struct question){.domain = domain});
    check_asker(&asker, want, stale, NULL);
}

static const struct address ada = {"ada@users.example", "ada", "users.example"};

static inline void check_ask_ada(struct fixture *fixture, const char *want, bool stale, const char *login)
{
    struct asker asker;
    ask(fixture, &asker, &(struct question){.domain = "users.example", .address = &ada});
    check_asker(&asker, want, stale, login);
}

static inline struct resolver_counts counts_of(struct fixture *fixture)
{
    struct resolver_counts counts;
    resolver_counts(fixture->resolver, &counts);
    return counts;
}

#endif
