/* test_snapshot.c - counted snapshots and the documents kept with them. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "resolve/snapshot.h"

static atomic_int freed;

static void free_document(void *document)
{
    freed++;
    free(document);
}

static struct snapshot *snapshot_of(const char *name)
{
    struct arena *arena = arena_new(4096);
    struct domain *domain = arena_alloc(arena, sizeof *domain);
    domain->name = arena_text(arena, name);
    return snapshot_new(arena, domain);
}

static void documents_live_with_the_last_reference(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_of("example.com"), *other = snapshot_ref(snapshot);
    char *first = strdup("first"), *second = strdup("second");

    freed = 0;
    check_text(0, snapshot_domain(snapshot)->name, "example.com");
    assert_null(snapshot_get(snapshot, 3));
    assert_false(snapshot_put(snapshot, 3, first, free_document)); /* perhaps nobody asks again */
    assert_null(snapshot_get(snapshot, 3));
    assert_true(snapshot_put(snapshot, 3, first, free_document));
    assert_false(snapshot_put(snapshot, 3, second, free_document)); /* it stays ours */
    assert_ptr_equal(snapshot_get(other, 3), first);
    assert_null(snapshot_get(other, 4));
    assert_null(snapshot_get(snapshot, SNAPSHOT_SLOT_COUNT));
    assert_false(snapshot_put(snapshot, SNAPSHOT_SLOT_COUNT, second, free_document));

    snapshot_unref(&snapshot);
    assert_null(snapshot);
    assert_int_equal(freed, 0);
    check_text(1, snapshot_get(other, 3), "first");
    snapshot_unref(&other);
    assert_int_equal(freed, 1);
    snapshot_unref(&other); /* nothing there, nothing done */
    free(second);
}

static void *put_everywhere(void *argument)
{
    struct snapshot *snapshot = argument;
    for (unsigned slot = 0; slot < SNAPSHOT_SLOT_COUNT; slot++) {
        for (int times = 0; times < 2; times++) {
            int *document = malloc(sizeof *document);
            *document = (int)slot;
            if (!snapshot_put(snapshot, slot, document, free_document))
                free(document);
        }
        assert_int_equal(*(int *)snapshot_get(snapshot, slot), slot);
    }
    snapshot_unref(&snapshot);
    return NULL;
}

static void one_thread_is_first(void **state)
{
    (void)state;
    enum { THREADS = 4, ROUNDS = 200 };
    freed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct snapshot *snapshot = snapshot_of("example.com");
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, put_everywhere, snapshot_ref(snapshot)), 0);
        snapshot_unref(&snapshot);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    assert_int_equal(freed, ROUNDS * SNAPSHOT_SLOT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_live_with_the_last_reference),
        cmocka_unit_test(one_thread_is_first),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
