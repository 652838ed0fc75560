/* test_resolver.c - questions about domains: sharing, staleness, deadlines, bounds, forgetting, stopping. */
/* SPDX-License-Identifier: MIT */
#include "resolver_world.h"

static void answers_are_kept_for_cache_ttl(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});

    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "b.example", "not served", false);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A2", false});
    say(world.domains, (struct script){"b.example", STATUS_OK, "B", false});
    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "b.example", "not served", false);
    assert_int_equal(world.domain_calls, 2);

    jumped += TTL;
    check_ask(&fixture, "a.example", "A2", false);
    check_ask(&fixture, "b.example", "B", false);
    assert_int_equal(world.domain_calls, 4);

    struct resolver_counts counts = counts_of(&fixture);
    assert_int_equal(counts.hits, 2);
    assert_int_equal(counts.misses, 4);
    assert_int_equal(counts.domains, 2);
    stop(&fixture);
}

static void cache_ttl_may_be_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    fixture.settings.cache_ttl = 0;
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    check_ask(&fixture, "a.example", "A", false);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A2", false});
    check_ask(&fixture, "a.example", "A2", false);
    stop(&fixture);
}

static void equal_questions_share_a_look_up(void **state)
{
    (void)state;
    enum { ASKERS = 50 };
    struct fixture fixture;
    struct asker askers[ASKERS];
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", true});

    for (size_t i = 0; i < ASKERS; i++)
        ask(&fixture, &askers[i], &(struct question){.domain = "a.example"});
    wait_for_calls(&world.domain_calls, 1);
    for (size_t i = 0; i < ASKERS; i++)
        assert_false(answered(&askers[i]));
    release(world.domains, "a.example");
    for (size_t i = 0; i < ASKERS; i++)
        check_asker(&askers[i], "A", false, NULL);
    assert_int_equal(world.domain_calls, 1);
    stop(&fixture);
}

static void one_slow_look_up_holds_up_nobody_else(void **state)
{
    (void)state;
    struct fixture fixture;
    struct asker slow;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"slow.example", STATUS_OK, "slow", true});
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});

    ask(&fixture, &slow, &(struct question){.domain = "slow.example"});
    wait_for_calls(&world.domain_calls, 1);
    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "b.example", "not served", false);
    assert_false(answered(&slow));
    release(world.domains, "slow.example");
    check_asker(&slow, "slow", false, NULL);
    stop(&fixture);
}

static void a_failing_store_serves_what_was_known(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "none.example", "not served", false);

    say(world.domains, (struct script){"a.example", STATUS_BACKEND, NULL, false});
    say(world.domains, (struct script){"none.example", STATUS_BACKEND, NULL, false});
    check_ask(&fixture, "a.example", "A", false);
    jumped += TTL;
    check_ask(&fixture, "a.example", "A", true);
    /* not "not served": it may exist by now */
    check_ask(&fixture, "none.example", "unavailable", false);
    check_ask(&fixture, "a.example", "A", true);

    jumped += STALE_TTL;
    check_ask(&fixture, "a.example", "unavailable", false);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A2", false});
    check_ask(&fixture, "a.example", "A2", false);
    assert_true(counts_of(&fixture).failures >= 3);
    stop(&fixture);
}

static void a_store_without_sessions_is_down(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    world.store_down = true;
    check_ask(&fixture, "a.example", "unavailable", false);
    lock();
    world.store_down = false;
    unlock();
    check_ask(&fixture, "a.example", "not served", false);
    stop(&fixture);
}

/* While the store is known to be down nobody waits, and one look-up a second and domain tries again. */
static void nobody_waits_for_a_store_that_is_down(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    say(world.domains, (struct script){"b.example", STATUS_OK, "B", false});
    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "b.example", "B", false);
    jumped += TTL;
    say(world.domains, (struct script){"a.example", STATUS_BACKEND, NULL, false});
    check_ask(&fixture, "a.example", "A", true);
    assert_int_equal(world.domain_calls, 3);

    /* from here on the store hangs */
    say(world.domains, (struct script){"a.example", STATUS_OK, "A2", true});
    say(world.domains, (struct script){"b.example", STATUS_OK, "B2", true});
    for (int i = 0; i < 100; i++)
        check_ask(&fixture, "a.example", "A", true);
    check_ask(&fixture, "b.example", "B", true); /* another domain of the same store, tried at once */
    wait_for_calls(&world.domain_calls, 4);
    jumped += 2000;
    for (int i = 0; i < 100; i++) {
        check_ask(&fixture, "a.example", "A", true);
        check_ask(&fixture, "b.example", "B", true);
    }
    wait_for_calls(&world.domain_calls, 5); /* one for each, which still hang */
    assert_int_equal(calls_now(&world.domain_calls), 5);

    release(world.domains, "a.example");
    release(world.domains, "b.example");
    /* the next answer is new, or stale and the one after it new: wait for the look-ups in the background */
    while (counts_of(&fixture).queued || counts_of(&fixture).stale == 0)
        ;
    struct asker asker;
    do {
        ask(&fixture, &asker, &(struct question){.domain = "a.example"});
        wait_for_answer(&asker);
        assert_int_equal(asker.outcome, RESOLVE_FOUND);
        if (asker.answer.stale)
            answer_clear(&asker.answer);
    } while (!asker.answer.snapshot);
    check_asker(&asker, "A2", false, NULL);
    assert_int_equal(calls_now(&world.domain_calls), 5);
    stop(&fixture);
}

/* Also when it is only this domain that cannot be asked for. */
static void nobody_waits_for_a_domain_that_fails(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    check_ask(&fixture, "a.example", "A", false);
    jumped += TTL;
    say(world.domains, (struct script){"a.example", STATUS_BACKEND, NULL, false});
    check_ask(&fixture, "a.example", "A", true);
    check_ask(&fixture, "b.example", "not served", false);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A2", true});
    check_ask(&fixture, "a.example", "A", true);
    release(world.domains, "a.example");
    stop(&fixture);
}

static void who_waits_too_long_is_answered_at_the_deadline(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, SOON);
    start(&fixture);
    say(world.domains, (struct script){"old.example", STATUS_OK, "old", false});
    check_ask(&fixture, "old.example", "old", false);
    jumped += TTL;
    say(world.domains, (struct script){"old.example", STATUS_OK, "new", true});
    say(world.domains, (struct script){"cold.example", STATUS_OK, "cold", true});

    int64_t before = clock_ms();
    check_ask(&fixture, "old.example", "old", true);
    check_ask(&fixture, "cold.example", "unavailable", false);
    assert_true(clock_ms() - before >= 2 * SOON - 2);
    assert_int_equal(counts_of(&fixture).timeouts, 2);

    /* a look-up that comes back later still fills the cache */
    assert_int_equal(calls_now(&world.domain_calls), 3);
    release(world.domains, "old.example");
    release(world.domains, "cold.example");
    while (counts_of(&fixture).domains < 2)
        ;
    check_ask(&fixture, "cold.example", "cold", false);
    assert_int_equal(calls_now(&world.domain_calls), 3);
    stop(&fixture);
}

static void a_full_queue_says_so(void **state)
{
    (void)state;
    struct fixture fixture;
    struct asker askers[6];
    char names[6][16];
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"old.example", STATUS_OK, "old", false});
    check_ask(&fixture, "old.example", "old", false);
    jumped += TTL;
    for (size_t i = 0; i < 2; i++) { /* both workers are busy */
        snprintf(names[i], sizeof names[i], "d%zu.example", i);
        say(world.domains, (struct script){names[i], STATUS_OK, "D", true});
        ask(&fixture, &askers[i], &(struct question){.domain = names[i]});
        wait_for_calls(&world.domain_calls, 2 + (unsigned)i);
    }
    for (size_t i = 2; i < 6; i++) { /* four wait */
        snprintf(names[i], sizeof names[i], "d%zu.example", i);
        ask(&fixture, &askers[i], &(struct question){.domain = names[i]});
    }
    assert_int_equal(counts_of(&fixture).queued, 4);
    check_ask(&fixture, "one.too.many.example", "busy", false);
    check_ask(&fixture, "old.example", "old", true);
    assert_int_equal(counts_of(&fixture).busy, 2);
    assert_false(resolver_run(fixture.resolver, &(struct resolver_work){0}, NULL));

    release(world.domains, names[0]);
    release(world.domains, names[1]);
    for (size_t i = 0; i < 6; i++)
        check_asker(&askers[i], i < 2 ? "D" : "not served", false, NULL);
    check_ask(&fixture, "one.too.many.example", "not served", false);
    stop(&fixture);
}

/* Questions whose askers were answered at the deadline leave the queue to others. */
static void what_nobody_wants_any_more_leaves_the_queue(void **state)
{
    (void)state;
    struct fixture fixture;
    struct asker askers[4];
    begin(&fixture, SOON);
    fixture.settings.lookup_workers = 1;
    start(&fixture);
    say(world.domains, (struct script){"slow.example", STATUS_OK, "slow", true});
    ask(&fixture, &askers[0], &(struct question){.domain = "slow.example"});
    wait_for_calls(&world.domain_calls, 1);
    ask(&fixture, &askers[1], &(struct question){.domain = "b.example"});
    ask(&fixture, &askers[2], &(struct question){.domain = "b.example"});
    ask(&fixture, &askers[3], &(struct question){.domain = "c.example"});
    for (size_t i = 0; i < 4; i++)
        check_asker(&askers[i], "unavailable", false, NULL);
    assert_int_equal(counts_of(&fixture).queued, 0);
    release(world.domains, "slow.example");
    stop(&fixture);
    assert_int_equal(world.domain_calls, 1);
}

static void the_host_is_asked_for_when_the_domain_is_not_served(void **state)
{
    (void)state;
    static const struct {
        const char *domain, *fallback, *want;
        bool is_fallback;
    } rows[] = {
        {"none.example", "host.example", "host", true},
        {"none.example", "nohost.example", "not served", false},
        {"none.example", NULL, "not served", false},
        {"a.example", "host.example", "A", false},
        {"down.example", "host.example", "unavailable", false},
        {"none.example", "down.example", "unavailable", false},
    };
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    say(world.domains, (struct script){"host.example", STATUS_OK, "host", false});
    say(world.domains, (struct script){"down.example", STATUS_BACKEND, NULL, false});
    for (unsigned round = 0; round < 2; round++) { /* from the store, then from the cache */
        for (size_t i = 0; i < ROWS(rows); i++) {
            struct asker asker;
            ask(&fixture, &asker, &(struct question){.domain = rows[i].domain, .fallback_domain = rows[i].fallback});
            wait_for_answer(&asker);
            check_number(i, asker.answer.fallback, rows[i].is_fallback);
            check_asker(&asker, rows[i].want, false, NULL);
        }
    }
    stop(&fixture);
}

static void overlong_names_are_not_served(void **state)
{
    (void)state;
    struct fixture fixture;
    char name[1000] = "";
    begin(&fixture, PATIENCE);
    start(&fixture);
    memset(name, 'a', sizeof name - 1);
    check_ask(&fixture, name, "not served", false);
    name[DOMAIN_NAME_MAX + 1] = '\0';
    check_ask(&fixture, name, "not served", false);
    assert_int_equal(world.domain_calls, 0);
    name[DOMAIN_NAME_MAX] = '\0';
    check_ask(&fixture, name, "not served", false);
    assert_int_equal(world.domain_calls, 1);
    stop(&fixture);
}

/* ---- forgetting and stopping ---- */

static void what_was_forgotten_is_asked_again(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    check_ask(&fixture, "a.example", "A", false);
    say(world.domains, (struct script){"a.example", STATUS_BACKEND, NULL, false});
    resolver_forget(fixture.resolver);
    check_ask(&fixture, "a.example", "unavailable", false); /* a removed domain does not come back as a stale one */
    stop(&fixture);
}

static void a_look_up_from_before_does_not_undo_forgetting(void **state)
{
    (void)state;
    struct fixture fixture;
    struct asker before, after;
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "old", true});
    ask(&fixture, &before, &(struct question){.domain = "a.example"});
    wait_for_calls(&world.domain_calls, 1);

    lock();
    script_of(world.domains, "a.example")->value = "new";
    unlock();
    resolver_forget(fixture.resolver);
    ask(&fixture, &after, &(struct question){.domain = "a.example"}); /* joins no look-up from before */
    wait_for_calls(&world.domain_calls, 2);
    release(world.domains, "a.example");
    check_asker(&before, "old", false, NULL);
    check_asker(&after, "new", false, NULL);
    check_ask(&fixture, "a.example", "new", false);
    assert_int_equal(world.domain_calls, 2);
    stop(&fixture);
}

static void stopping_answers_all_who_wait(void **state)
{
    (void)state;
    struct fixture fixture;
    struct asker askers[4];
    begin(&fixture, PATIENCE);
    start(&fixture);
    say(world.domains, (struct script){"users.example", STATUS_OK, "U", false});
    say(world.domains, (struct script){"slow.example", STATUS_OK, "slow", true});
    say(world.domains, (struct script){"slower.example", STATUS_OK, "slower", true});
    say(world.persons, (struct script){ada.text, STATUS_OK, "ada", true});
    ask(&fixture, &askers[0], &(struct question){.domain = "users.example", .address = &ada});
    wait_for_calls(&world.person_calls, 1);
    ask(&fixture, &askers[1], &(struct question){.domain = "slow.example"});
    ask(&fixture, &askers[2], &(struct question){.domain = "slower.example"});
    wait_for_calls(&world.domain_calls, 3);
    ask(&fixture, &askers[3], &(struct question){.domain = "waiting.example"});

    /* it waits for the workers, so somebody else has to let them go: after the answers, which come first */
    pthread_t stopper = stop_elsewhere(&fixture);
    for (size_t i = 0; i < 4; i++)
        check_asker(&askers[i], "unavailable", false, NULL);
    release(world.domains, "slow.example");
    release(world.domains, "slower.example");
    release(world.persons, ada.text);
    pthread_join(stopper, NULL);
    assert_null(fixture.resolver);
    assert_int_equal(world.sessions, 0);
}

int main(void)
{
    log_open("test_resolver");
    log_set_level(LOG_LEVEL_CRITICAL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_kept_for_cache_ttl),
        cmocka_unit_test(cache_ttl_may_be_nothing),
        cmocka_unit_test(equal_questions_share_a_look_up),
        cmocka_unit_test(one_slow_look_up_holds_up_nobody_else),
        cmocka_unit_test(a_failing_store_serves_what_was_known),
        cmocka_unit_test(a_store_without_sessions_is_down),
        cmocka_unit_test(nobody_waits_for_a_store_that_is_down),
        cmocka_unit_test(nobody_waits_for_a_domain_that_fails),
        cmocka_unit_test(who_waits_too_long_is_answered_at_the_deadline),
        cmocka_unit_test(a_full_queue_says_so),
        cmocka_unit_test(what_nobody_wants_any_more_leaves_the_queue),
        cmocka_unit_test(the_host_is_asked_for_when_the_domain_is_not_served),
        cmocka_unit_test(overlong_names_are_not_served),
        cmocka_unit_test(what_was_forgotten_is_asked_again),
        cmocka_unit_test(a_look_up_from_before_does_not_undo_forgetting),
        cmocka_unit_test(stopping_answers_all_who_wait),
    };
    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
