/* test_resolver_users.c - questions about persons, errands, and everything at once. */
/* SPDX-License-Identifier: MIT */
#include <poll.h>

#include "resolver_world.h"

static void persons_are_asked_for_and_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    say(world.persons, (struct script){ada.text, STATUS_OK, "u17", false});

    check_ask(&fixture, "users.example", "U", false); /* no address, nobody asked */
    assert_int_equal(world.person_calls, 0);
    check_ask_ada(&fixture, "U", false, "u17");
    check_ask_ada(&fixture, "U", false, "u17");
    assert_int_equal(world.person_calls, 1);

    struct asker asker;
    ask(&fixture, &asker, &(struct question){.domain = "a.example", .address = &ada}); /* a domain without look-ups */
    check_asker(&asker, "A", false, NULL);
    assert_int_equal(world.person_calls, 1);

    say(world.persons, (struct script){ada.text, STATUS_NOT_FOUND, NULL, false});
    jumped += USER_TTL;
    check_ask_ada(&fixture, "U", false, NULL);
    check_ask_ada(&fixture, "U", false, NULL); /* also that there is nobody */
    assert_int_equal(world.person_calls, 2);
    stop(&fixture);
}

static void names_are_published_only_if_wanted(void **state)
{
    (void)state;
    for (int publish = 0; publish < 2; publish++) {
        struct fixture fixture;
        struct asker asker;
        begin(&fixture, PATIENCE);
        fixture.settings.publish_names = publish;
        start(&fixture);
        say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
        say(world.persons, (struct script){ada.text, STATUS_OK, "u17", false});
        ask(&fixture, &asker, &(struct question){.domain = "users.example", .address = &ada});
        wait_for_answer(&asker);
        check_text((size_t)publish, answer_person(&asker.answer)->full_name, publish ? "Full Name" : NULL);
        check_asker(&asker, "U", false, "u17");
        stop(&fixture);
    }
}

/* unknown_users = refuse says no to whom the directory does not know, never because it is down. */
static void unknown_persons_may_be_refused(void **state)
{
    (void)state;
    static const struct {
        bool refuse;
        enum status status;
        const char *want, *login;
    } rows[] = {
        {false, STATUS_OK, "U", "u17"}, {false, STATUS_NOT_FOUND, "U", NULL},      {false, STATUS_BACKEND, "U", NULL},
        {true, STATUS_OK, "U", "u17"},  {true, STATUS_NOT_FOUND, "refused", NULL}, {true, STATUS_BACKEND, "U", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fixture fixture;
        begin(&fixture, PATIENCE);
        fixture.settings.unknown_users_refused = rows[i].refuse;
        start(&fixture);
        say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
        say(world.persons, (struct script){ada.text, rows[i].status, "u17", false});
        for (int round = 0; round < 2; round++)
            check_ask_ada(&fixture, rows[i].want, false, rows[i].login);
        check_number(i, world.person_calls, 1); /* a failure is remembered, too: for a second */
        jumped += 1000;
        check_ask_ada(&fixture, rows[i].want, false, rows[i].login);
        check_number(i, world.person_calls, rows[i].status == STATUS_BACKEND ? 2 : 1);
        stop(&fixture);
    }
}

static void a_directory_that_hangs_holds_up_nobody_else(void **state)
{
    (void)state;
    enum { ASKERS = 6 };
    struct fixture fixture;
    struct asker askers[ASKERS];
    struct address addresses[ASKERS];
    char texts[ASKERS][32];
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    check_ask(&fixture, "users.example", "U", false);
    for (size_t i = 0; i < ASKERS; i++) {
        snprintf(texts[i], sizeof texts[i], "user%zu@users.example", i);
        addresses[i] = (struct address){texts[i], "user", "users.example"};
        say(world.persons, (struct script){texts[i], STATUS_OK, "login", true});
        ask(&fixture, &askers[i], &(struct question){.domain = "users.example", .address = &addresses[i]});
        if (i < 2) /* all threads for persons */
            wait_for_calls(&world.person_calls, (unsigned)i + 1);
    }
    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "users.example", "U", false);
    check_ask(&fixture, "none.example", "not served", false);
    /* the queue is full: the general answer */
    assert_int_equal(counts_of(&fixture).queued, 4);
    check_ask_ada(&fixture, "U", false, NULL);

    for (size_t i = 0; i < ASKERS; i++)
        assert_false(answered(&askers[i]));
    for (size_t i = 0; i < ASKERS; i++)
        release(world.persons, texts[i]);
    for (size_t i = 0; i < ASKERS; i++)
        check_asker(&askers[i], "U", false, "login");
    stop(&fixture);
}

static void a_person_who_is_not_there_in_time_is_left_out(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, SOON);
    fixture.settings.unknown_users_refused = true;
    start(&fixture);
    say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
    say(world.persons, (struct script){ada.text, STATUS_OK, "u17", true});
    check_ask_ada(&fixture, "U", false, NULL);
    assert_int_equal(counts_of(&fixture).timeouts, 1);
    int64_t before = clock_ms();
    check_ask_ada(&fixture, "U", false, NULL); /* remembered: nobody waits again */
    assert_true(clock_ms() - before < SOON);
    release(world.persons, ada.text);
    struct asker asker;
    for (bool come = false; !come;) {
        ask(&fixture, &asker, &(struct question){.domain = "users.example", .address = &ada});
        wait_for_answer(&asker);
        come = answer_person(&asker.answer) != NULL;
        if (!come)
            answer_clear(&asker.answer);
    }
    check_asker(&asker, "U", false, "u17");
    stop(&fixture);
}

/* The time is up once, for domain and person together. */
static void no_person_is_asked_for_after_the_deadline(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, SOON);
    start(&fixture);
    say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
    check_ask(&fixture, "users.example", "U", false);
    jumped += TTL;
    say(world.domains, (struct script){"users.example", STATUS_OK, "U", true});
    say(world.persons, (struct script){ada.text, STATUS_OK, "u17", true});
    check_ask_ada(&fixture, "U", true, NULL);
    assert_int_equal(calls_now(&world.person_calls), 0);
    release(world.domains, "users.example");
    stop(&fixture);
}

static void a_known_person_outlives_the_directory(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
    say(world.persons, (struct script){ada.text, STATUS_OK, "u17", false});
    check_ask_ada(&fixture, "U", false, "u17");
    say(world.persons, (struct script){ada.text, STATUS_BACKEND, NULL, false});
    jumped += USER_TTL;
    check_ask_ada(&fixture, "U", true, "u17");
    check_ask_ada(&fixture, "U", true, "u17");
    stop(&fixture);
}

/* ---- other work ---- */

struct errand {
    bool had_session, expired;
    unsigned ran, done, released;
    bool held;
    struct resolver *edited; /* what an edit makes forget in the end, as one through /initdb/ does */
};

static void errand_run(void *context, struct store_session *session, const struct error *no_session)
{
    struct errand *errand = context;
    lock();
    errand->ran++;
    errand->had_session = session != NULL;
    assert_true((session == NULL) == (no_session != NULL));
    pthread_cond_broadcast(&world.changed);
    while (errand->held)
        wait_for_change();
    unlock();
    /* Time and again, so that it meets every step of a resolver that stops meanwhile. */
    for (int i = 0; errand->edited && i < 100; i++) {
        resolver_forget(errand->edited);
        poll(NULL, 0, 1);
    }
}

static void errand_done(void *context, bool expired)
{
    struct errand *errand = context;
    lock();
    errand->done++;
    errand->expired = expired;
    unlock();
}

static void errand_release(void *context)
{
    struct errand *errand = context;
    lock();
    errand->released++;
    unlock();
}

static const struct resolver_work errand_work = {errand_run, errand_done, errand_release};

static void wait_for_errand(const unsigned *count)
{
    lock();
    while (!*count)
        wait_for_change();
    unlock();
}

static void errands_are_run(void **state)
{
    (void)state;
    struct fixture fixture;
    for (int down = 0; down < 2; down++) {
        struct errand errand = {0};
        begin(&fixture, PATIENCE);
        world.store_down = down;
        start(&fixture);
        assert_true(resolver_run(fixture.resolver, &errand_work, &errand));
        wait_for_errand(&errand.released);
        assert_int_equal(errand.ran, 1);
        assert_int_equal(errand.done, 1);
        assert_false(errand.expired);
        assert_int_equal(errand.had_session, !down);
        stop(&fixture);
        assert_int_equal(errand.released, 1);
    }
}

static void errands_expire(void **state)
{
    (void)state;
    struct fixture fixture;
    struct errand running = {.held = true}, waiting = {0};
    begin(&fixture, SOON);
    fixture.settings.lookup_workers = 1;
    start(&fixture);
    assert_true(resolver_run(fixture.resolver, &errand_work, &running));
    wait_for_errand(&running.ran);
    assert_true(resolver_run(fixture.resolver, &errand_work, &waiting));
    wait_for_errand(&running.done);
    wait_for_errand(&waiting.released);
    assert_true(running.expired && waiting.expired);
    assert_int_equal(waiting.ran, 0);
    assert_int_equal(waiting.done, 1);
    assert_int_equal(running.released, 0);
    lock();
    running.held = false;
    unlock();
    wait_for_errand(&running.released);
    assert_int_equal(running.done, 1);
    stop(&fixture);
    assert_int_equal(running.released, 1);
    assert_int_equal(waiting.released, 1);
}

static void errands_end_with_the_resolver(void **state)
{
    (void)state;
    struct fixture fixture;
    struct errand running = {.held = true}, waiting = {0};
    begin(&fixture, PATIENCE);
    fixture.settings.lookup_workers = 1;
    start(&fixture);
    assert_true(resolver_run(fixture.resolver, &errand_work, &running));
    wait_for_errand(&running.ran);
    assert_true(resolver_run(fixture.resolver, &errand_work, &waiting));
    pthread_t stopper = stop_elsewhere(&fixture);
    wait_for_errand(&running.done);
    wait_for_errand(&waiting.released);
    assert_int_equal(waiting.ran, 0);
    lock();
    running.held = false;
    unlock();
    pthread_join(stopper, NULL);
    assert_int_equal(running.released, 1);
}

/* Its client has been told that time was over, so that a reload may end the resolver before the edit has ended. */
static void an_edit_may_outlast_its_client(void **state)
{
    (void)state;
    struct fixture fixture;
    struct errand edit = {.held = true};
    begin(&fixture, PATIENCE);
    start(&fixture);
    edit.edited = fixture.resolver;
    assert_true(resolver_run(fixture.resolver, &errand_work, &edit));
    wait_for_errand(&edit.ran);
    pthread_t stopper = stop_elsewhere(&fixture);
    wait_for_errand(&edit.done);
    assert_true(edit.expired);
    lock();
    edit.held = false;
    unlock();
    pthread_join(stopper, NULL);
    assert_int_equal(edit.released, 1);
}

/* ---- everything at once, for the sanitizers ---- */

struct crowd {
    struct fixture *fixture;
    atomic_uint *open; /* questions not yet answered */
    unsigned seed;
};

static void crowd_called(void *context, enum resolve_outcome outcome, struct answer *answer)
{
    atomic_uint *open = context;
    assert_true((outcome == RESOLVE_FOUND) == (answer->snapshot != NULL));
    answer_clear(answer);
    --*open;
}

static void *crowd(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < 3000; i++) {
        unsigned what = (unsigned)rand_r(&crowd->seed);
        char domain[32], text[64];
        snprintf(domain, sizeof domain, what & 1 ? "users%u.example" : "d%u.example", what / 16 % 7);
        snprintf(text, sizeof text, "u%u@%s", what / 256 % 5, domain);
        struct address address = {text, "u", domain};
        struct question question = {
            .domain = domain,
            .address = what & 2 ? &address : NULL,
            .fallback_domain = what & 4 ? "d1.example" : NULL,
        };
        struct answer answer;
        ++*crowd->open;
        enum resolve_outcome outcome =
            resolver_ask(crowd->fixture->resolver, &question, &answer, crowd_called, crowd->open);
        if (outcome != RESOLVE_PENDING)
            crowd_called(crowd->open, outcome, &answer);
        if (i % 200 == 0)
            resolver_forget(crowd->fixture->resolver);
        if (i % 50 == 0)
            jumped += TTL;
    }
    return NULL;
}

static void everything_at_once(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    struct fixture fixture;
    pthread_t threads[THREADS];
    struct crowd crowds[THREADS];
    atomic_uint open = 0;
    begin(&fixture, SOON);
    fixture.settings.cache_entries = 4;
    start(&fixture);
    say(world.domains, (struct script){"users1.example", STATUS_OK, "U", false});
    say(world.domains, (struct script){"users2.example", STATUS_OK, "U", false});
    say(world.domains, (struct script){"d1.example", STATUS_OK, "D", false});
    say(world.domains, (struct script){"d2.example", STATUS_OK, "D", false});
    say(world.domains, (struct script){"d3.example", STATUS_BACKEND, NULL, false});
    say(world.persons, (struct script){"u1@users1.example", STATUS_OK, "u", false});
    say(world.persons, (struct script){"u2@users1.example", STATUS_BACKEND, NULL, false});
    for (unsigned i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){&fixture, &open, i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    stop(&fixture);
    assert_int_equal(open, 0);
}

int main(void)
{
    log_open("test_resolver_users");
    log_set_level(LOG_LEVEL_CRITICAL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(persons_are_asked_for_and_kept),
        cmocka_unit_test(names_are_published_only_if_wanted),
        cmocka_unit_test(unknown_persons_may_be_refused),
        cmocka_unit_test(a_directory_that_hangs_holds_up_nobody_else),
        cmocka_unit_test(a_person_who_is_not_there_in_time_is_left_out),
        cmocka_unit_test(no_person_is_asked_for_after_the_deadline),
        cmocka_unit_test(a_known_person_outlives_the_directory),
        cmocka_unit_test(errands_are_run),
        cmocka_unit_test(errands_expire),
        cmocka_unit_test(errands_end_with_the_resolver),
        cmocka_unit_test(an_edit_may_outlast_its_client),
        cmocka_unit_test(everything_at_once),
    };
    return cmocka_run_group_tests_name("resolver_users", tests, NULL, NULL);
}
