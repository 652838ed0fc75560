/* test_cache.c - the bounded table of the resolver: freshness, bounds, second chances, many threads. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "resolve/cache.h"

enum { HOUR = 3600 * 1000 };

/* A counted number; live says how many there are, so that a lost or doubled reference shows. */
struct value {
    atomic_int references;
    int number;
};
static atomic_int live;

static void *value_new(int number)
{
    struct value *value = malloc(sizeof *value);
    assert_non_null(value);
    atomic_init(&value->references, 1);
    value->number = number;
    live++;
    return value;
}

static void *value_ref(void *at)
{
    struct value *value = at;
    assert_true(value->references++ > 0);
    return value;
}

static void value_unref(void *at)
{
    struct value *value = at;
    if (--value->references > 0)
        return;
    free(value);
    live--;
}

static const struct cache_type type = {value_ref, value_unref};

static struct cache_key key_of(const struct cache *cache, const char *name)
{
    return cache_key(cache, name, strlen(name));
}

static void put(struct cache *cache, const char *name, enum cache_kind kind, int64_t now)
{
    struct cache_key key = key_of(cache, name);
    void *value = kind == CACHE_PRESENT ? value_new((int)strlen(name)) : NULL;
    cache_put(cache, &key, kind, value, now + 10, now + HOUR, now);
}

/* What the cache says of a name; the value's reference is given back. */
static enum cache_state get(struct cache *cache, const char *name, int64_t now, struct cached *cached)
{
    struct cache_key key = key_of(cache, name);
    enum cache_state state = cache_get(cache, &key, now, cached);
    if (cached->value)
        value_unref(cached->value);
    return state;
}

static bool knows(struct cache *cache, const char *name, int64_t now)
{
    struct cached cached;
    return get(cache, name, now, &cached) != CACHE_UNKNOWN;
}

static void values_age(void **state)
{
    (void)state;
    static const struct {
        enum cache_kind kind;
        int64_t after;
        enum cache_state want;
    } rows[] = {
        {CACHE_PRESENT, 0, CACHE_FRESH},        {CACHE_PRESENT, 9, CACHE_FRESH},      {CACHE_PRESENT, 10, CACHE_STALE},
        {CACHE_PRESENT, HOUR - 1, CACHE_STALE}, {CACHE_PRESENT, HOUR, CACHE_UNKNOWN}, {CACHE_ABSENT, 9, CACHE_FRESH},
        {CACHE_ABSENT, 10, CACHE_UNKNOWN},      {CACHE_FAILED, 9, CACHE_FRESH},       {CACHE_FAILED, 10, CACHE_UNKNOWN},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cache *cache = cache_new(10, &type);
        struct cached cached;
        put(cache, "example.com", rows[i].kind, 1000);
        enum cache_state got = get(cache, "example.com", 1000 + rows[i].after, &cached);
        if (got != rows[i].want)
            fail_msg("row %zu: state %d and not %d", i, got, rows[i].want);
        if (got != CACHE_UNKNOWN && cached.kind != rows[i].kind)
            fail_msg("row %zu: kind %d and not %d", i, cached.kind, rows[i].kind);
        if ((cached.value != NULL) != (got != CACHE_UNKNOWN && rows[i].kind == CACHE_PRESENT))
            fail_msg("row %zu: a value where none should be, or none", i);
        cache_free(&cache);
    }
    assert_int_equal(live, 0);
}

static void the_newest_counts(void **state)
{
    (void)state;
    struct cache *cache = cache_new(10, &type);
    struct cache_key key = key_of(cache, "example.com");
    struct cached cached;
    struct cache_counts counts;

    cache_put(cache, &key, CACHE_PRESENT, value_new(1), 10, HOUR, 0);
    cache_put(cache, &key, CACHE_PRESENT, value_new(2), 10, HOUR, 0);
    assert_int_equal(live, 1);
    assert_int_equal(cache_get(cache, &key, 1, &cached), CACHE_FRESH);
    assert_int_equal(((struct value *)cached.value)->number, 2);
    value_unref(cached.value);

    cache_put(cache, &key, CACHE_ABSENT, NULL, 10, 10, 0);
    assert_int_equal(live, 0);
    assert_int_equal(cache_get(cache, &key, 1, &cached), CACHE_FRESH);
    assert_int_equal(cached.kind, CACHE_ABSENT);

    cache_put(cache, &key, CACHE_PRESENT, value_new(3), 10, HOUR, 0);
    cache_counts(cache, &counts);
    assert_int_equal(counts.entries, 1);
    assert_int_equal(counts.hits, 2);
    cache_free(&cache);
    assert_int_equal(live, 0);
}

static void names_that_do_not_exist_push_out_no_served_one(void **state)
{
    (void)state;
    enum { ENTRIES = 100 };
    struct cache *cache = cache_new(ENTRIES, &type);
    char name[32];
    struct cache_counts counts;

    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "served%d.example", i);
        put(cache, name, CACHE_PRESENT, 0);
    }
    for (int i = 0; i < 100 * ENTRIES; i++) {
        snprintf(name, sizeof name, "random%d.example", i);
        put(cache, name, i % 2 ? CACHE_ABSENT : CACHE_FAILED, 0);
    }
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "served%d.example", i);
        if (!knows(cache, name, 1))
            fail_msg("%s is gone", name);
    }
    cache_counts(cache, &counts);
    assert_int_equal(counts.entries, ENTRIES + ENTRIES / 4);
    cache_free(&cache);
    assert_int_equal(live, 0);
}

static void what_is_asked_for_gets_a_second_chance(void **state)
{
    (void)state;
    enum { ENTRIES = 100 };
    struct cache *cache = cache_new(ENTRIES, &type);
    char name[32];
    struct cache_counts counts;

    put(cache, "popular.example", CACHE_PRESENT, 0);
    for (int i = 0; i < 50 * ENTRIES; i++) {
        snprintf(name, sizeof name, "other%d.example", i);
        put(cache, name, CACHE_PRESENT, 0);
        if (i % 50 == 0 && !knows(cache, "popular.example", 1))
            fail_msg("pushed out after %d others", i);
    }
    cache_counts(cache, &counts);
    assert_int_equal(counts.entries, ENTRIES);
    assert_int_equal(live, ENTRIES);
    cache_free(&cache);
    assert_int_equal(live, 0);
}

static void a_failed_renewal_is_retried_now_and_then(void **state)
{
    (void)state;
    struct cache *cache = cache_new(10, &type);
    struct cache_key key = key_of(cache, "example.com"), other = key_of(cache, "example.org");
    struct cached cached;

    put(cache, "example.com", CACHE_PRESENT, 0);
    assert_int_equal(get(cache, "example.com", 20, &cached), CACHE_STALE);
    assert_false(cached.failing);
    assert_true(cache_fail(cache, &key, 20, 1020));
    assert_false(cache_fail(cache, &other, 20, 1020));
    cache_put(cache, &other, CACHE_ABSENT, NULL, 10, HOUR, 0);
    assert_false(cache_fail(cache, &other, 20, 1020));
    assert_int_equal(get(cache, "example.com", 20, &cached), CACHE_STALE);
    assert_true(cached.failing);

    assert_false(cache_may_retry(cache, &key, 1019, 1000));
    assert_true(cache_may_retry(cache, &key, 1020, 1000));
    assert_false(cache_may_retry(cache, &key, 1020, 1000));
    assert_true(cache_may_retry(cache, &key, 2020, 1000));

    put(cache, "example.com", CACHE_PRESENT, 2020);
    assert_int_equal(get(cache, "example.com", 2020, &cached), CACHE_FRESH);
    assert_false(cached.failing);
    assert_false(cache_fail(cache, &key, 2020 + HOUR, 2020 + HOUR));
    cache_free(&cache);
    assert_int_equal(live, 0);
}

static void clearing_forgets_everything_and_room_is_used_again(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4, 100, 5000};

    for (size_t s = 0; s < ROWS(sizes); s++) {
        struct cache *cache = cache_new(sizes[s], &type);
        struct cache_counts counts;
        char name[32];
        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < 2 * sizes[s]; i++) {
                snprintf(name, sizeof name, "d%zu.example", i);
                put(cache, name, i % 3 ? CACHE_PRESENT : CACHE_ABSENT, 0);
            }
            cache_counts(cache, &counts);
            if (counts.entries > sizes[s] + (sizes[s] + 3) / 4 + 8 || counts.entries < sizes[s])
                fail_msg("size %zu: %d entries", sizes[s], (int)counts.entries);
            cache_clear(cache);
            cache_counts(cache, &counts);
            assert_int_equal(counts.entries, 0);
            assert_int_equal(live, 0);
            assert_false(knows(cache, "d1.example", 0));
        }
        cache_free(&cache);
    }
}

struct hammer {
    struct cache *cache;
    unsigned seed;
};

static void *hammer(void *argument)
{
    struct hammer *hammer = argument;
    char name[32];

    for (int i = 0; i < 20000; i++) {
        unsigned what = (unsigned)rand_r(&hammer->seed);
        snprintf(name, sizeof name, "d%u.example", what / 16 % 200);
        struct cache_key key = key_of(hammer->cache, name);
        struct cached cached;
        switch (what % 16) {
        case 0:
            cache_put(hammer->cache, &key, CACHE_PRESENT, value_new(1), 10, HOUR, 0);
            break;
        case 1:
            cache_put(hammer->cache, &key, CACHE_ABSENT, NULL, 10, 10, 0);
            break;
        case 2:
            cache_fail(hammer->cache, &key, 0, 1);
            break;
        case 3:
            if (i % 100 == 0)
                cache_clear(hammer->cache);
            break;
        default:
            get(hammer->cache, name, what % 20, &cached);
        }
    }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct cache *cache = cache_new(64, &type);
    struct hammer hammers[THREADS];
    pthread_t threads[THREADS];
    struct cache_counts counts;

    for (unsigned i = 0; i < THREADS; i++) {
        hammers[i] = (struct hammer){cache, i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &hammers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cache_counts(cache, &counts);
    assert_true(counts.entries <= 64 + 16);
    cache_free(&cache);
    assert_int_equal(live, 0);
}

/* The first vectors of SipHash-1-3 with key 00..0f and messages of 0, 1, 2... bytes 00, 01, 02... */
static void hashes_as_siphash(void **state)
{
    (void)state;
    static const unsigned char key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint64_t want[] = {0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb};
    struct hash_seed seed;
    memcpy(&seed, key, sizeof seed);
    for (size_t i = 0; i < ROWS(want); i++) {
        uint64_t got = hash_bytes(&seed, key, i);
        if (got != want[i])
            fail_msg("row %zu: %016llx and not %016llx", i, (unsigned long long)got, (unsigned long long)want[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_age),
        cmocka_unit_test(the_newest_counts),
        cmocka_unit_test(names_that_do_not_exist_push_out_no_served_one),
        cmocka_unit_test(what_is_asked_for_gets_a_second_chance),
        cmocka_unit_test(a_failed_renewal_is_retried_now_and_then),
        cmocka_unit_test(clearing_forgets_everything_and_room_is_used_again),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(hashes_as_siphash),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
