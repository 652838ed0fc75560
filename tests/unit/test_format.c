/* test_format.c - the table of formats. */
/* SPDX-License-Identifier: MIT */
#include "format_fixture.h"

#include "resolve/snapshot.h"

static const char *const names[] = {
    "autoconfig", "autodiscover", "mobilesync", "autodiscover2", "mobileconfig", "pacc", "qr",
};

/* Every format is there once, can be found by its name, and has a slot of its own. */
static void test_table(void **state)
{
    bool taken[SNAPSHOT_SLOT_COUNT] = {false};
    size_t count = 0;
    while (formats[count])
        count++;
    assert_int_equal(count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct format *format = format_find(names[i]);
        if (!format || format != formats[i])
            fail_msg("row %zu: %s is not found", i, names[i]);
        if ((size_t)format->slot >= SNAPSHOT_SLOT_COUNT || taken[format->slot])
            fail_msg("row %zu: slot %u", i, (unsigned)format->slot);
        taken[format->slot] = true;
        assert_non_null(format->render);
        assert_true(format->content_type && strlen(format->content_type) > 0);
    }
}

static void test_find(void **state)
{
    static const struct {
        const char *name;
        const struct format *format;
    } rows[] = {
        {"AutoConfig", &format_autoconfig},
        {"autodiscover", &format_autodiscover},
        {"auto", NULL},
        {"", NULL},
        {"autoconfigs", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (format_find(rows[i].name) != rows[i].format)
            fail_msg("row %zu: %s", i, rows[i].name);
    }
}

/* Thunderbird reads XML only under these types, in lower case and in front. */
static void test_content_types(void **state)
{
    static const struct {
        const struct format *format;
        const char *prefix;
    } rows[] = {
        {&format_autoconfig, "text/xml"},
        {&format_autodiscover, "text/xml"},
        {&format_mobilesync, "text/xml"},
        {&format_autodiscover2, "application/json"},
        {&format_mobileconfig, "application/x-apple-aspen-config"},
        {&format_pacc, "application/json"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (strncmp(rows[i].format->content_type, rows[i].prefix, strlen(rows[i].prefix)) != 0)
            fail_msg("row %zu: %s", i, rows[i].format->content_type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_content_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
