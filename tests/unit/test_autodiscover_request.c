/* test_autodiscover_request.c - what Autodiscover clients post, and what others might. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "format/autodiscover_request.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define HEAD           "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
#define NS             "http://schemas.microsoft.com/exchange/autodiscover/"
#define OUTLOOK_NS     NS "outlook/requestschema/2006"
#define OUTLOOK_SCHEMA NS "outlook/responseschema/2006a"
#define MOBILE_NS      NS "mobilesync/requestschema/2006"
#define MOBILE_SCHEMA  NS "mobilesync/responseschema/2006"

#define ADDRESS(text) "<EMailAddress>" text "</EMailAddress>"
#define SCHEMA(text)  "<AcceptableResponseSchema>" text "</AcceptableResponseSchema>"
#define REQUEST(ns, inside)                                                                                            \
    "<Autodiscover xmlns=\"" ns "\">\n  <Request>\n    " inside "\n  </Request>\n</Autodiscover>"
#define OUTLOOK(inside) REQUEST(OUTLOOK_NS, inside)

static enum status parse(struct arena **arena_r, const char *body, size_t length, struct autodiscover_request *request)
{
    struct error error = {{0}};
    char *copy = malloc(length ? length : 1); /* of the exact size, so that reading past its end is seen */
    *arena_r = arena_new(64 * 1024);
    memcpy(copy, body, length);
    enum status status = autodiscover_request_parse(*arena_r, copy, length, request, &error);
    free(copy);
    if (status != STATUS_OK)
        assert_true(strlen(error.text) > 0);
    return status;
}

static void test_accepted(void **state)
{
    static const struct {
        const char *body;
        const char *address;
        enum autodiscover_schema schema;
    } rows[] = {
        /* Thunderbird, with its blanks */
        {"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
         "    <Autodiscover xmlns=\"" OUTLOOK_NS "\">\n"
         "      <Request>\n"
         "        <EMailAddress>user+tag@example.com</EMailAddress>\n"
         "        <AcceptableResponseSchema>" OUTLOOK_SCHEMA "</AcceptableResponseSchema>\n"
         "      </Request>\n"
         "    </Autodiscover>",
         "user+tag@example.com", AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(SCHEMA(OUTLOOK_SCHEMA) ADDRESS("a@b.c")), "a@b.c", AUTODISCOVER_OUTLOOK},
        {"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>" OUTLOOK(ADDRESS("a@b.c")), "a@b.c",
         AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS("a@b.c") SCHEMA("")), "a@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS("a@b.c") SCHEMA("\n " OUTLOOK_SCHEMA "\t")), "a@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD REQUEST("https://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006",
                      ADDRESS("a@b.c") SCHEMA("https://schemas.microsoft.com/exchange/autodiscover/outlook/"
                                              "responseschema/2006a")),
         "a@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD REQUEST(MOBILE_NS, ADDRESS("a@b.c") SCHEMA(MOBILE_SCHEMA)), "a@b.c", AUTODISCOVER_MOBILESYNC},
        {HEAD REQUEST(OUTLOOK_NS, ADDRESS("a@b.c") SCHEMA(MOBILE_SCHEMA)), "a@b.c", AUTODISCOVER_MOBILESYNC},
        {HEAD REQUEST(MOBILE_NS, ADDRESS("a@b.c")), "a@b.c", AUTODISCOVER_MOBILESYNC},
        {HEAD REQUEST("https://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006",
                      ADDRESS("a@b.c")),
         "a@b.c", AUTODISCOVER_MOBILESYNC},
        {HEAD OUTLOOK(ADDRESS("a@b.c") SCHEMA(NS "outlook/responseschema/2013")), "a@b.c", AUTODISCOVER_OTHER},
        {HEAD OUTLOOK(ADDRESS("a@b.c") SCHEMA("ftp://x")), "a@b.c", AUTODISCOVER_OTHER},
        /* by local name: any prefix, no namespace, another one */
        {"<x:Autodiscover xmlns:x=\"" MOBILE_NS "\"><x:Request><x:EMailAddress>a@b.c</x:EMailAddress>"
         "</x:Request></x:Autodiscover>",
         "a@b.c", AUTODISCOVER_MOBILESYNC},
        {"<Autodiscover><Request>" ADDRESS("a@b.c") "</Request></Autodiscover>", "a@b.c", AUTODISCOVER_OUTLOOK},
        {REQUEST("urn:x", "<EmailAddress>a@b.c</EmailAddress>"), "a@b.c", AUTODISCOVER_OUTLOOK},
        /* no address */
        {HEAD OUTLOOK("<LegacyDN>/o=x</LegacyDN>" SCHEMA(OUTLOOK_SCHEMA)), NULL, AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK("<EMailAddress/>"), NULL, AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS(" \n ")), NULL, AUTODISCOVER_OUTLOOK},
        {HEAD "<Autodiscover><Request/></Autodiscover>", NULL, AUTODISCOVER_OUTLOOK},
        /* LegacyDN beside it, comments, instructions, elements of nobody's */
        {HEAD "<!-- a --><Autodiscover><?x y?><Request><LegacyDN>/o=x</LegacyDN><!-- b --><X><EMailAddress>no@x.y"
              "</EMailAddress></X><EMailAddress>a<!-- c -->@b<z>zz</z>.c</EMailAddress></Request><Y><EMailAddress>"
              "no@x.y</EMailAddress></Y></Autodiscover>\n\n",
         "a@b.c", AUTODISCOVER_OUTLOOK},
        /* blanks and BOMs in front */
        {"\n \t" HEAD OUTLOOK(ADDRESS("  a@b.c\r\n")), "a@b.c", AUTODISCOVER_OUTLOOK},
        {"\xef\xbb\xbf" HEAD OUTLOOK(ADDRESS("a@b.c")), "a@b.c", AUTODISCOVER_OUTLOOK},
        {" \xef\xbb\xbf\n" HEAD OUTLOOK(ADDRESS("a@b.c")), "a@b.c", AUTODISCOVER_OUTLOOK},
        /* text */
        {HEAD OUTLOOK(ADDRESS("a&amp;b&#64;b.c")), "a&b@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS("<![CDATA[a&b@b.c]]>")), "a&b@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS("j\xc3\xb6@b.c")), "j\xc3\xb6@b.c", AUTODISCOVER_OUTLOOK},
        {"<?xml version='1.0' encoding='iso-8859-1'?>" OUTLOOK(ADDRESS("j\xf6@b.c")), "j\xc3\xb6@b.c",
         AUTODISCOVER_OUTLOOK},
        {"<?xml version='1.0' encoding='utf-16'?>" OUTLOOK(ADDRESS("j\xc3\xb6@b.c")), "j\xc3\xb6@b.c",
         AUTODISCOVER_OUTLOOK},
        /* Thunderbird's: an & as it is */
        {HEAD OUTLOOK(ADDRESS("a&b@b.c")), "a&b@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS("a&@b.c")), "a&@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS("&&#&a@b.c")), "&&#&a@b.c", AUTODISCOVER_OUTLOOK},
        {HEAD OUTLOOK(ADDRESS("a&b&lt;@b.c")), "a&b<@b.c", AUTODISCOVER_OUTLOOK},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena;
        struct autodiscover_request request;
        enum status status = parse(&arena, rows[i].body, strlen(rows[i].body), &request);
        if (status != STATUS_OK)
            fail_msg("row %zu: status %d", i, (int)status);
        if (request.schema != rows[i].schema)
            fail_msg("row %zu: schema %d", i, (int)request.schema);
        if (!request.address != !rows[i].address || (request.address && strcmp(request.address, rows[i].address) != 0))
            fail_msg("row %zu: address %s", i, request.address ? request.address : "(none)");
        arena_free(&arena);
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "",
        " \n",
        "\xef\xbb\xbf",
        "no XML",
        "<html/>",
        "<Autodiscover/>",
        "<Request>" ADDRESS("a@b.c") "</Request>",
        HEAD "<Autodiscover><Request>" ADDRESS("a@b.c") "</Request>",
        HEAD OUTLOOK(ADDRESS("a@b.c")) "<x/>",
        HEAD OUTLOOK(ADDRESS("a<b@b.c")),
        HEAD OUTLOOK(ADDRESS("a\x01@b.c")),
        HEAD OUTLOOK(ADDRESS("a\xff@b.c")),
        HEAD OUTLOOK(ADDRESS("a&nothing;@b.c")),
        HEAD OUTLOOK(ADDRESS("a&#0;@b.c")),
        HEAD OUTLOOK(ADDRESS("a@b.c") ADDRESS("d@e.f")),
        HEAD OUTLOOK(SCHEMA(OUTLOOK_SCHEMA) SCHEMA(MOBILE_SCHEMA)),
        "<Autodiscover><Request>" ADDRESS("a@b.c") "</Request><Request/></Autodiscover>",
        "<?xml version='1.0' encoding='ebcdic'?>" OUTLOOK(ADDRESS("j\xf6@b.c")),
        /* no DOCTYPE, whatever it declares: a billion laughs, a file, nothing */
        "<!DOCTYPE Autodiscover><Autodiscover><Request>" ADDRESS("a@b.c") "</Request></Autodiscover>",
        "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>"
        "<Autodiscover><Request>" ADDRESS("&c;") "</Request></Autodiscover>",
        "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
        "<Autodiscover><Request>" ADDRESS("&a;@b.c") "</Request></Autodiscover>",
        "<!DOCTYPE x SYSTEM \"http://127.0.0.1/x.dtd\">" OUTLOOK(ADDRESS("a&b@b.c")),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena;
        struct autodiscover_request request;
        enum status status = parse(&arena, rows[i], strlen(rows[i]), &request);
        if (status != STATUS_INVALID || request.address)
            fail_msg("row %zu: status %d", i, (int)status);
        arena_free(&arena);
    }
}

static void add_times(struct buf *out, const char *text, size_t count)
{
    while (count-- > 0)
        buf_adds(out, text);
}

/* The bounds, from both sides: count times a text in front, and as often another behind. */
static void test_bounds(void **state)
{
    static const struct {
        const char *before, *each, *middle, *after, *end;
        size_t good, bad;
    } rows[] = {
        {"<Autodiscover><Request><EMailAddress>", "a", "", "", "</EMailAddress></Request></Autodiscover>", 1024, 1025},
        {"<Autodiscover><Request>", "<a>", "", "</a>", "</Request></Autodiscover>", 14, 15},
        {"<Autodiscover><Request>", "<a/>", "", "", "</Request></Autodiscover>", 254, 255},
        {"<Autodiscover><Request>", "          ", "", "", "</Request></Autodiscover>", 6548, 6554},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int bad = 0; bad <= 1; bad++) {
            size_t count = bad ? rows[i].bad : rows[i].good;
            struct buf body;
            struct arena *arena;
            struct autodiscover_request request;
            buf_init(&body, 0);
            buf_adds(&body, rows[i].before);
            add_times(&body, rows[i].each, count);
            buf_adds(&body, rows[i].middle);
            add_times(&body, rows[i].after, count);
            buf_adds(&body, rows[i].end);
            enum status status = parse(&arena, body.data, body.length, &request);
            if (status != (bad ? STATUS_INVALID : STATUS_OK))
                fail_msg("row %zu: %zu gave status %d", i, count, (int)status);
            arena_free(&arena);
            buf_free(&body);
        }
    }
}

/* A long namespace and thousands of attributes that have its prefix: the request is as short as any other, and must not
 * cost more. */
static void test_long_namespace(void **state)
{
    struct arena *arena;
    struct autodiscover_request request;
    struct buf body;
    buf_init(&body, 0);
    buf_adds(&body, "<p:Autodiscover xmlns:p=\"");
    add_times(&body, "n", 32000);
    buf_adds(&body, "\"");
    for (unsigned i = 0; body.length < 65000; i++)
        buf_addf(&body, " p:a%x=\"\"", i);
    buf_adds(&body, "><Request>" ADDRESS("a@b.c") "</Request></p:Autodiscover>");
    assert_int_equal(parse(&arena, body.data, body.length, &request), STATUS_OK);
    assert_string_equal(request.address, "a@b.c");
    arena_free(&arena);
    buf_free(&body);
}

/* UTF-16 in both byte orders; every beginning of a request is refused and none is read past. */
static void test_encodings(void **state)
{
    static const char text[] = "<?xml version='1.0' encoding='utf-16'?>" OUTLOOK(ADDRESS("a@b.c"));
    for (int big = 0; big <= 1; big++) {
        struct arena *arena;
        struct autodiscover_request request;
        struct buf body;
        buf_init(&body, 0);
        buf_add(&body, big ? "\xfe\xff" : "\xff\xfe", 2);
        for (const char *byte = text; *byte; byte++) {
            buf_addc(&body, big ? '\0' : *byte);
            buf_addc(&body, big ? *byte : '\0');
        }
        assert_int_equal(parse(&arena, body.data, body.length, &request), STATUS_OK);
        assert_string_equal(request.address, "a@b.c");
        arena_free(&arena);
        buf_free(&body);
    }
    static const char whole[] = HEAD OUTLOOK(ADDRESS("a&b@b.c") SCHEMA(MOBILE_SCHEMA));
    for (size_t length = 0; length < strlen(whole); length++) {
        struct arena *arena;
        struct autodiscover_request request;
        if (parse(&arena, whole, length, &request) != STATUS_INVALID)
            fail_msg("%zu bytes were enough", length);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),  cmocka_unit_test(test_refused),        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_encodings), cmocka_unit_test(test_long_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
