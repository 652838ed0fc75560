/* test_local.c - domains of a file, which are looked up on the thread that asks. */
/* SPDX-License-Identifier: MIT */
#include "resolver_world.h"

static void begin_on_file(struct fixture *fixture)
{
    begin(fixture, PATIENCE);
    world.is_file = true;
    start(fixture);
}

static void is_answered_at_once_and_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    begin_on_file(&fixture);
    say(world.present, (struct script){"a.example", STATUS_OK, "A", false});
    struct answer answer;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(resolver_ask(fixture.resolver, &(struct question){.domain = "a.example"}, &answer, NULL, NULL),
                         RESOLVE_FOUND);
        assert_int_equal(answer.asked, i == 0);
        assert_string_equal(snapshot_domain(answer.snapshot)->provider->name, "A");
        answer_clear(&answer);
    }
    assert_int_equal(world.present_calls, 1);
    assert_int_equal(world.domain_calls, 0);
    struct resolver_counts counts = counts_of(&fixture);
    assert_int_equal(counts.hits, 1);
    assert_int_equal(counts.misses, 1);
    assert_int_equal(counts.domains, 1);

    jumped += TTL;
    say(world.present, (struct script){"a.example", STATUS_OK, "A2", false});
    check_ask(&fixture, "a.example", "A2", false);
    stop(&fixture);
}

static void leaves_the_rest_to_workers(void **state)
{
    (void)state;
    struct fixture fixture;
    begin_on_file(&fixture);
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "b.example", "not served", false);
    assert_int_equal(world.present_calls, 2);
    assert_int_equal(world.domain_calls, 2);

    /* The one that serves is found at once, when a worker said that the other does not. */
    say(world.present, (struct script){"c.example", STATUS_OK, "C", false});
    struct asker asker;
    ask(&fixture, &asker, &(struct question){.domain = "b.example", .fallback_domain = "c.example"});
    check_asker(&asker, "C", false, NULL);
    assert_int_equal(world.domain_calls, 2);
    stop(&fixture);
}

struct call {
    struct fixture *fixture;
    const char *name;
};

static void *ask_for(void *context)
{
    const struct call *call = context;
    struct asker asker;
    ask(call->fixture, &asker, &(struct question){.domain = call->name});
    check_asker(&asker, "C", false, NULL);
    return NULL;
}

static void does_not_try_again_for_a_while(void **state)
{
    (void)state;
    struct fixture fixture;
    begin_on_file(&fixture);
    say(world.present, (struct script){"a.example", STATUS_BACKEND, NULL, false});
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    say(world.domains, (struct script){"b.example", STATUS_OK, "B", false});
    say(world.domains, (struct script){"c.example", STATUS_OK, "C", false});
    check_ask(&fixture, "a.example", "A", false);
    check_ask(&fixture, "b.example", "B", false);
    assert_int_equal(world.present_calls, 1);

    /* The time it took counts: one that is held for 1000 s is not followed by another for 5000. */
    jumped += 1000 * 1000;
    say(world.present, (struct script){"c.example", STATUS_NOT_FOUND, NULL, true});
    pthread_t thread;
    struct call call = {&fixture, "c.example"};
    assert_int_equal(pthread_create(&thread, NULL, ask_for, &call), 0);
    wait_for_calls(&world.present_calls, 2);
    jumped += 1000 * 1000;
    release(world.present, "c.example");
    assert_int_equal(pthread_join(thread, NULL), 0);
    jumped += 4999 * 1000;
    check_ask(&fixture, "b.example", "B", false);
    assert_int_equal(world.present_calls, 2);
    jumped += 2 * 1000 * 1000;
    check_ask(&fixture, "b.example", "B", false);
    assert_int_equal(world.present_calls, 3);
    stop(&fixture);
}

/* What was read before everything was forgotten is the asker's, and nobody else's. */
static void is_not_kept_when_forgotten_meanwhile(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t thread;
    begin_on_file(&fixture);
    say(world.present, (struct script){"c.example", STATUS_OK, "C", true});
    struct call call = {&fixture, "c.example"};
    assert_int_equal(pthread_create(&thread, NULL, ask_for, &call), 0);
    wait_for_calls(&world.present_calls, 1);
    resolver_forget(fixture.resolver);
    release(world.present, "c.example");
    assert_int_equal(pthread_join(thread, NULL), 0);
    say(world.present, (struct script){"c.example", STATUS_OK, "C2", false});
    check_ask(&fixture, "c.example", "C2", false);
    stop(&fixture);
}

static unsigned reading_now(void)
{
    lock();
    unsigned reading = world.reading;
    unlock();
    return reading;
}

/* A single look-up leaves no transaction behind, and a run of them not for long. */
static void ends_its_transactions(void **state)
{
    (void)state;
    struct fixture fixture;
    begin_on_file(&fixture);
    static const char *const names[] = {"a.example", "b.example", "c.example"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        say(world.present, (struct script){names[i], STATUS_OK, "D", false});
    jumped += 1000;
    check_ask(&fixture, "a.example", "D", false);
    assert_int_equal(reading_now(), 0);
    check_ask(&fixture, "b.example", "D", false);
    check_ask(&fixture, "c.example", "D", false);
    lock();
    while (world.reading > 0)
        wait_for_change();
    unlock();
    stop(&fixture);
}

enum { JOINED_ENOUGH = 300, JOINED_MS_MAX = 20000 };

static void *ask_on_and_on(void *context)
{
    struct fixture *fixture = context;
    /* Where look-ups take too long to follow each other closely, under valgrind, there is nothing to see. */
    int64_t end = clock_ms() + JOINED_MS_MAX;
    for (bool enough = false; !enough && clock_ms() < end;) {
        check_ask(fixture, "a.example", "A", false);
        lock();
        enough = world.joined >= JOINED_ENOUGH;
        unlock();
    }
    return NULL;
}

/* Whoever wants to write waits until nobody reads: so none may begin while another goes on and on. */
static void transactions_end_together(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t threads[2];
    begin(&fixture, PATIENCE);
    world.is_file = true;
    fixture.settings.cache_ttl = 0;
    start(&fixture);
    say(world.present, (struct script){"a.example", STATUS_OK, "A", false});
    say(world.domains, (struct script){"a.example", STATUS_OK, "A", false});
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on_and_on, &fixture), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (world.late > JOINED_ENOUGH / 10)
        fail_msg("%u of %u", world.late, world.joined);
    stop(&fixture);
}

static void nobody_waits_for_a_seat(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t threads[2];
    begin_on_file(&fixture);
    say(world.present, (struct script){"c.example", STATUS_OK, "C", true});
    say(world.domains, (struct script){"b.example", STATUS_OK, "B", false});
    struct call call = {&fixture, "c.example"};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for, &call), 0);
    wait_for_calls(&world.present_calls, 2);
    check_ask(&fixture, "b.example", "B", false);
    assert_int_equal(world.present_calls, 2);
    release(world.present, "c.example");
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_answered_at_once_and_kept),   cmocka_unit_test(leaves_the_rest_to_workers),
        cmocka_unit_test(does_not_try_again_for_a_while), cmocka_unit_test(is_not_kept_when_forgotten_meanwhile),
        cmocka_unit_test(ends_its_transactions),          cmocka_unit_test(transactions_end_together),
        cmocka_unit_test(nobody_waits_for_a_seat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
