/* test_uuid.c - UUIDs made of names, and the identifiers of profiles. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "format/profile_id.h"
#include "format/uuid.h"

/* The name spaces that RFC 9562 (section 6.6) publishes. */
static const unsigned char space_dns[UUID_SIZE] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                                   0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
static const unsigned char space_url[UUID_SIZE] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                                   0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

static void known_names_have_known_uuids(void **state)
{
    static const struct {
        const unsigned char *space;
        const char *name, *want;
    } rows[] = {
        {space_dns, "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"}, /* RFC 9562, appendix A.4 */
        {space_dns, "python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d"},      /* Python's documentation of uuid */
        {space_url, "http://python.org/", "4c565f0d-3f5a-5890-b41b-20cf47701c5e"},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        char uuid[UUID_TEXT_SIZE];

        uuid_from_name(rows[i].space, rows[i].name, uuid);
        check_text(i, uuid, rows[i].want);
    }
}

static void identifiers_are_reverse_names(void **state)
{
    static const struct {
        struct address address;
        const char *kind, *want;
    } rows[] = {
        {{"joe7@example.com", "joe7", "example.com"}, "mail", "com.example.automxd.joe7.mail"},
        {{"a.b+C@x.co.uk", "a.b+C", "x.co.uk"}, "profile", "uk.co.x.automxd.a-2eb-2b-43.profile"},
        {{"\"j d\"@localhost", "\"j d\"", "localhost"}, "caldav", "localhost.automxd.-22j-20d-22.caldav"},
        {{"\xc3\xbc-@example.com", "\xc3\xbc-", "example.com"}, "eas", "com.example.automxd.-c3-bc-2d.eas"},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buf out;

        buf_init(&out, 0);
        profile_id_add(&out, &rows[i].address, rows[i].kind);
        check_text(i, out.data, rows[i].want);
        buf_free(&out);
    }
}

/* Pairs of address and kind that would be mixed up by a careless encoding. */
static void identifiers_never_collide(void **state)
{
    static const struct {
        struct address address;
        const char *kind;
    } rows[] = {
        {{"", "a+b", "example.com"}, "mail"},
        {{"", "a.b", "example.com"}, "mail"},
        {{"", "a_b", "example.com"}, "mail"},
        {{"", "a-b", "example.com"}, "mail"},
        {{"", "A", "example.com"}, "mail"},
        {{"", "a", "example.com"}, "mail"},
        {{"", "-41", "example.com"}, "mail"},
        {{"", "a-2bb", "example.com"}, "mail"},
        {{"", "automxd", "example.com"}, "mail"},
        {{"", "mail", "automxd.example.com"}, "mail"},
        {{"", "mail", "automxd.example.com"}, "profile"},
        {{"", "a", "b.example.com"}, "mail"},
        {{"", "b.a", "example.com"}, "mail"},
        {{"", "a", "example.com"}, "caldav"},
        {{"", "a", "example.com"}, "caldav2"},
    };
    char uuids[ROWS(rows)][UUID_TEXT_SIZE];
    struct buf ids[ROWS(rows)];

    for (size_t i = 0; i < ROWS(rows); i++) {
        buf_init(&ids[i], 0);
        profile_id_add(&ids[i], &rows[i].address, rows[i].kind);
        profile_id_uuid(ids[i].data, uuids[i]);
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(ids[i].data, ids[j].data) == 0 || strcmp(uuids[i], uuids[j]) == 0)
                fail_msg("rows %zu and %zu are both %s", j, i, ids[i].data);
        }
    }
    for (size_t i = 0; i < ROWS(rows); i++)
        buf_free(&ids[i]);
}

static void order_of_addresses_does_not_matter(void **state)
{
    static const struct address a = {"a@example.com", "a", "example.com"}, b = {"b@example.net", "b", "example.net"},
                                c = {"c@example.com", "c", "example.com"};
    const struct address *ab[] = {&a, &b}, *ba[] = {&b, &a}, *ac[] = {&a, &c};
    struct buf first, second, third;

    buf_init(&first, 0);
    buf_init(&second, 0);
    buf_init(&third, 0);
    profile_id_add_set(&first, ab, 2);
    profile_id_add_set(&second, ba, 2);
    profile_id_add_set(&third, ac, 2);
    check_text(0, first.data, second.data);
    assert_string_not_equal(first.data, third.data);
    assert_int_equal(strncmp(first.data, "com.example.automxd.", 20), 0);
    buf_free(&first);
    buf_free(&second);
    buf_free(&third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_names_have_known_uuids),
        cmocka_unit_test(identifiers_are_reverse_names),
        cmocka_unit_test(identifiers_never_collide),
        cmocka_unit_test(order_of_addresses_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
