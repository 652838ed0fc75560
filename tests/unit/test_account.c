/* test_account.c - placeholders, user names, hosts, URLs, and the choice of servers. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "account/account.h"
#include "base/log.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BIT(auth)    (1u << (auth))

static const struct address plus = {"Joe+x@example.com", "Joe+x", "example.com"};
static const struct address hostile = {"%EMAILDOMAIN%@example.com", "%EMAILDOMAIN%", "example.com"};
static const struct address stubborn = {"%EMAILLOCALPART%-joe7@example.com", "%EMAILLOCALPART%-joe7", "example.com"};
static const struct address quoted = {"\"j doe\"@example.com", "\"j doe\"", "example.com"};
static const struct variable variables[] = {
    {"Home", "mx7.example.net"},
    {"home_path", "a b/\xc3\xbc%"},
    {"empty", ""},
    {"null", NULL},
    {"trick", "%EMAILADDRESS%"},
    {"uid", "joe7"},
    {"mine", "Joe+x"},
};
static const struct domain config = {.name = "example.com"};

static struct account account_of(const struct address *address, const char *login)
{
    return (struct account){
        .address = address,
        .domain = "example.com",
        .config = &config,
        .login = login,
        .variables = variables,
        .variable_count = COUNT(variables),
    };
}

static void text_is_expanded_once(void **state)
{
    static const struct {
        const struct address *address;
        const char *text;
        const char *expected;
    } rows[] = {
        {&plus, "", ""},
        {&plus, "no placeholder, 100 %", "no placeholder, 100 %"},
        {&plus, "%EMAILADDRESS%", "Joe+x@example.com"},
        {&plus, "<%EMAILLOCALPART%|%EMAILDOMAIN%>", "<Joe+x|example.com>"},
        {&plus, "%EMAILDOMAIN%%EMAILDOMAIN%", "example.comexample.com"},
        {&plus, "%%EMAILDOMAIN%%", "%example.com%"},
        {&plus, "%emaildomain% %REALNAME% %EMAILDOMAIN", "%emaildomain% %REALNAME% %EMAILDOMAIN"},
        {&plus, "%EMAIL%EMAILDOMAIN%", "%EMAILexample.com"},
        {&plus, "%{home}/%{HOME}", "mx7.example.net/mx7.example.net"}, /* databases disagree on case */
        {&plus, "%{nobody}%{}%{a b}%{home", "%{nobody}%{}%{a b}%{home"},
        {&plus, "%{trick}", "%EMAILADDRESS%"},
        {&hostile, "%EMAILADDRESS%|%EMAILLOCALPART%", "%EMAILDOMAIN%@example.com|%EMAILDOMAIN%"},
        {NULL, "%EMAILADDRESS% at %EMAILDOMAIN%", "%EMAILADDRESS% at example.com"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account account = account_of(rows[i].address, NULL);
        struct buf out;
        buf_init(&out, 0);
        buf_adds(&out, ">");
        account_expand(&account, rows[i].text, &out);
        if (strcmp(out.data + 1, rows[i].expected) != 0)
            fail_msg("row %zu: %s became %s", i, rows[i].text, out.data + 1);
        buf_free(&out);
    }
}

static void user_names_are_written_for_the_format(void **state)
{
    static const struct {
        const struct address *address;
        const char *template;
        const char *login;
        const char *all; /* NULL: no user name */
        const char *keep;
    } rows[] = {
        {&plus, NULL, NULL, "Joe+x@example.com", "%EMAILADDRESS%"},
        {&plus, "", NULL, "Joe+x@example.com", "%EMAILADDRESS%"},
        {&plus, "%EMAILADDRESS%", NULL, "Joe+x@example.com", "%EMAILADDRESS%"},
        {&plus, "%EMAILLOCALPART%", NULL, "Joe+x", "%EMAILLOCALPART%"},
        {&plus, "%EMAILLOCALPART%@%EMAILDOMAIN%", NULL, "Joe+x@example.com", "%EMAILADDRESS%"},
        {&plus, "%EMAILLOCALPART%@example.com", NULL, "Joe+x@example.com", "%EMAILADDRESS%"},
        {&plus, "%EMAILLOCALPART%.mail", NULL, "Joe+x.mail", "%EMAILLOCALPART%.mail"},
        {&plus, "%EMAILDOMAIN%/%EMAILLOCALPART%", NULL, "example.com/Joe+x", "example.com/%EMAILLOCALPART%"},
        {&plus, "shared", NULL, "shared", "shared"},
        {&plus, "Joe+x", NULL, "Joe+x", "Joe+x"}, /* the same for everybody: not this person's local part */
        {&plus, "%REALNAME%", NULL, "%REALNAME%", "%REALNAME%"},
        {&plus, "%{uid}", NULL, "joe7", "joe7"},
        {&plus, "%{mine}", NULL, "Joe+x", "%EMAILLOCALPART%"},
        {&plus, "%{uid}-%EMAILLOCALPART%", NULL, "joe7-Joe+x", "joe7-%EMAILLOCALPART%"},
        {&plus, "%{nobody}", NULL, NULL, NULL},
        {&plus, "%{empty}", NULL, NULL, NULL},
        {&plus, "%{null}", NULL, NULL, NULL},
        /* a client would fill this in although it is the person's own text */
        {&plus, "%{trick}", NULL, "%EMAILADDRESS%", NULL},
        {&plus, "%EMAILADDRESS%", "%EMAILADDRESS%", "%EMAILADDRESS%", NULL},
        {&plus, "%EMAILADDRESS%", "x%EMAILDOMAIN%", "x%EMAILDOMAIN%", NULL},
        {&plus, "%EMAILADDRESS%", "%EMAILLOCALPART%@example.com", "%EMAILLOCALPART%@example.com", NULL},
        {&hostile, "%EMAILLOCALPART%", NULL, "%EMAILDOMAIN%", "%EMAILLOCALPART%"},
        {&stubborn, "%EMAILLOCALPART%-%{uid}", NULL, "%EMAILLOCALPART%-joe7-joe7", "%EMAILLOCALPART%-joe7"},
        /* the look-up's login wins over the template */
        {&plus, "%EMAILADDRESS%", "joe7", "joe7", "joe7"},
        {&plus, "%EMAILLOCALPART%", "Joe+x@example.com", "Joe+x@example.com", "%EMAILADDRESS%"},
        {&plus, "%EMAILLOCALPART%", "Joe+x@EXAMPLE.com", "Joe+x@EXAMPLE.com", "%EMAILADDRESS%"},
        {&plus, "%EMAILADDRESS%", "joe+x@example.com", "joe+x@example.com", "joe+x@example.com"},
        {&plus, "%EMAILADDRESS%", "Joe+x", "Joe+x", "%EMAILLOCALPART%"},
        {&plus, "%EMAILADDRESS%", "", "Joe+x@example.com", "%EMAILADDRESS%"},
        {&plus, "%EMAILADDRESS%", "a\nb", NULL, NULL},
        {&quoted, "%EMAILLOCALPART%", NULL, "\"j doe\"", "%EMAILLOCALPART%"},
        {&quoted, "%EMAILADDRESS%", "j doe", "j doe", "j doe"},
        /* without an address */
        {NULL, "%EMAILADDRESS%", NULL, NULL, "%EMAILADDRESS%"},
        {NULL, NULL, NULL, NULL, "%EMAILADDRESS%"},
        {NULL, "%EMAILLOCALPART%@%EMAILDOMAIN%", NULL, NULL, "%EMAILADDRESS%"},
        {NULL, "shared@%EMAILDOMAIN%", NULL, "shared@example.com", "shared@example.com"},
    };
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        bool keep = i % 2 != 0;
        size_t row = i / 2;
        struct account account = account_of(rows[row].address, rows[row].login);
        struct server server = {.type = SERVER_IMAP, .user = rows[row].template};
        const char *expected = keep ? rows[row].keep : rows[row].all;
        struct buf out;
        buf_init(&out, 0);
        buf_adds(&out, ">");
        bool written = account_user(&account, &server, keep ? EXPAND_KEEP : EXPAND_ALL, &out);
        if (written != (expected != NULL))
            fail_msg("row %zu, %s: returned %d", row, keep ? "keep" : "all", written);
        if (strcmp(out.data + 1, expected != NULL ? expected : "") != 0)
            fail_msg("row %zu, %s: %s", row, keep ? "keep" : "all", out.data + 1);
        buf_free(&out);
    }
}

static void hosts_are_filled_in_and_checked(void **state)
{
    static const struct {
        const struct address *address;
        const char *host;
        const char *expected; /* NULL: none */
    } rows[] = {
        {&plus, "imap.example.com", "imap.example.com"},
        {&plus, "IMAP.Example.com", "imap.example.com"},
        {&plus, "imap.example.com.", "imap.example.com"},
        {&plus, "imap.%EMAILDOMAIN%", "imap.example.com"},
        {NULL, "imap.%EMAILDOMAIN%", "imap.example.com"},
        {&plus, "%{home}", "mx7.example.net"},
        {&plus, "imap.m\xc3\xbcnchen.de", "imap.xn--mnchen-3ya.de"},
        {&plus, "192.0.2.1", "192.0.2.1"},
        {&plus, "2001:DB8::1", "2001:db8::1"},
        {&plus, NULL, NULL},
        {&plus, "", NULL},
        {&plus, "%{nobody}", NULL},
        {&plus, "%EMAILLOCALPART%.example.com", NULL}, /* a plus is in no host */
        {NULL, "%EMAILLOCALPART%.example.com", NULL},
        {&plus, "%UNKNOWN%.example.com", NULL},
        {&plus, "imap_1.example.com", NULL},
        {&plus, "imap.example.com:993", NULL},
        {&plus, "[2001:db8::1]", NULL},
        {&plus, "imap example.com", NULL},
        {&plus, "imap.example.com\n", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account account = account_of(rows[i].address, NULL);
        struct server server = {.type = SERVER_IMAP, .host = rows[i].host};
        struct buf out;
        buf_init(&out, 0);
        buf_adds(&out, ">");
        bool written = account_host(&account, &server, &out);
        if (written != (rows[i].expected != NULL) ||
            strcmp(out.data + 1, rows[i].expected != NULL ? rows[i].expected : "") != 0)
            fail_msg("row %zu: returned %d, wrote %s", i, written, out.data + 1);
        buf_free(&out);
    }
}

static void urls_are_filled_in_and_encoded(void **state)
{
    static const struct {
        const struct address *address;
        const char *url;
        const char *expected; /* NULL: none */
    } rows[] = {
        {&plus, "https://dav.example.com/", "https://dav.example.com/"},
        {&plus, "https://dav.example.com", "https://dav.example.com"},
        {&plus, "HTTPS://DAV.Example.com/Path", "https://dav.example.com/Path"},
        {&plus, "http://dav.example.com:8080/", "http://dav.example.com:8080/"},
        {&plus, "https://dav.%EMAILDOMAIN%/%EMAILADDRESS%/", "https://dav.example.com/Joe%2Bx%40example.com/"},
        {&plus, "https://%{home}:8443/?u=%EMAILLOCALPART%#a", "https://mx7.example.net:8443/?u=Joe%2Bx#a"},
        {&plus, "https://dav.example.com/%{home_path}", "https://dav.example.com/a%20b%2F%C3%BC%25"},
        {&plus, "https://dav.example.com/a b\xc3\xbc%20", "https://dav.example.com/a%20b%C3%BC%20"},
        {&plus, "https://dav.m\xc3\xbcnchen.de/", "https://dav.xn--mnchen-3ya.de/"},
        {&plus, "https://[2001:db8::1]:444/x", "https://[2001:db8::1]:444/x"},
        {&plus, "https://[2001:db8::1]/", "https://[2001:db8::1]/"},
        {&hostile, "https://dav.example.com/%EMAILLOCALPART%", "https://dav.example.com/%25EMAILDOMAIN%25"},
        {NULL, "https://dav.%EMAILDOMAIN%/", "https://dav.example.com/"},
        {NULL, "https://dav.%EMAILDOMAIN%/%EMAILADDRESS%", NULL},
        {&plus, NULL, NULL},
        {&plus, "", NULL},
        {&plus, "https://", NULL},
        {&plus, "https:///path", NULL},
        {&plus, "ftp://dav.example.com/", NULL},
        {&plus, "javascript:alert(1)", NULL},
        {&plus, "dav.example.com", NULL},
        {&plus, "https://user:secret@dav.example.com/", NULL},
        {&plus, "https://%EMAILADDRESS%/", NULL},
        {&plus, "https://dav.example.com:0/", NULL},
        {&plus, "https://dav.example.com:65536/", NULL},
        {&plus, "https://dav.example.com:/", NULL},
        {&plus, "https://dav.example.com:x/", NULL},
        {&plus, "https://[2001:db8::1/", NULL},
        {&plus, "https://[2001:db8::1]x/", NULL},
        {&plus, "https://dav_1.example.com/", NULL},
        {&plus, "https://dav.example.com/%{nobody}", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account account = account_of(rows[i].address, NULL);
        struct server server = {.type = SERVER_CALDAV, .url = rows[i].url};
        struct buf out;
        buf_init(&out, 0);
        buf_adds(&out, ">");
        bool written = account_url(&account, &server, &out);
        if (written != (rows[i].expected != NULL) ||
            strcmp(out.data + 1, rows[i].expected != NULL ? rows[i].expected : "") != 0)
            fail_msg("row %zu: returned %d, wrote %s", i, written, out.data + 1);
        buf_free(&out);
    }
}

/* In the order in which a store delivers them: type, prio, id. */
static const struct server servers[] = {
    {.type = SERVER_IMAP,
     .table = "server",
     .id = 4,
     .prio = 1,
     .security = SECURITY_NONE,
     .auth = {AUTH_PASSWORD_CLEARTEXT},
     .auth_count = 1},
    {.type = SERVER_IMAP,
     .table = "server",
     .id = 1,
     .prio = 5,
     .security = SECURITY_TLS,
     .auth = {AUTH_GSSAPI, AUTH_NTLM},
     .auth_count = 2},
    {.type = SERVER_IMAP,
     .table = "server",
     .id = 2,
     .prio = 10,
     .security = SECURITY_STARTTLS,
     .auth = {AUTH_OAUTH2, AUTH_PASSWORD_CLEARTEXT},
     .auth_count = 2},
    {.type = SERVER_IMAP,
     .table = "server",
     .id = 3,
     .prio = 10,
     .security = SECURITY_TLS,
     .auth = {AUTH_PASSWORD_ENCRYPTED},
     .auth_count = 1},
    {.type = SERVER_POP3,
     .table = "server",
     .id = 9,
     .prio = 10,
     .security = SECURITY_NONE,
     .auth = {AUTH_PASSWORD_CLEARTEXT},
     .auth_count = 1},
    {.type = SERVER_SMTP,
     .table = "server",
     .id = 12,
     .prio = 10,
     .security = SECURITY_TLS,
     .auth = {AUTH_NTLM, AUTH_NONE},
     .auth_count = 2},
    {.type = SERVER_SMTP,
     .table = "server",
     .id = 13,
     .prio = 10,
     .security = SECURITY_TLS,
     .auth = {AUTH_GSSAPI},
     .auth_count = 1},
};
static const struct domain served = {.name = "example.com", .servers = servers, .server_count = COUNT(servers)};
static const struct account serving = {.domain = "example.com", .config = &served};
static const auth_set passwords = BIT(AUTH_PASSWORD_CLEARTEXT) | BIT(AUTH_PASSWORD_ENCRYPTED);

static void servers_that_spoil_a_format_are_left_out(void **state)
{
    const struct server *found[8];
    assert_int_equal(account_servers(&serving, SERVER_IMAP, passwords, true, "autoconfig", found, 8), 3);
    assert_int_equal(found[0]->id, 4);
    assert_int_equal(found[1]->id, 2);
    assert_int_equal(found[2]->id, 3);
    assert_int_equal(account_servers(&serving, SERVER_IMAP, passwords, true, "autoconfig", found, 2), 2);
    assert_int_equal(account_servers(&serving, SERVER_IMAP, ~0u, true, "autoconfig", found, 8), 4);
    assert_int_equal(account_servers(&serving, SERVER_JMAP, ~0u, true, "autoconfig", found, 8), 0);
    assert_int_equal(account_servers(&serving, SERVER_SMTP, passwords, false, "autoconfig", found, 8), 0);
}

/* stderr goes through a pipe while the warning is written. */
static void the_last_of_a_type_is_kept_with_one_warning(void **state)
{
    const struct server *found[8];
    char text[2048];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_open("test");
    log_set_level(LOG_LEVEL_WARNING);
    size_t first = account_servers(&serving, SERVER_SMTP, passwords, true, "autoconfig", found, 8);
    size_t second = account_servers(&serving, SERVER_SMTP, passwords, true, "autoconfig", found, 8);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    assert_true(length > 0);
    text[length] = '\0';

    assert_int_equal(first, 1);
    assert_int_equal(second, 1);
    assert_int_equal(found[0]->id, 12);
    assert_non_null(strstr(text, "server 12"));
    assert_non_null(strstr(text, "NTLM, none"));
    assert_non_null(strstr(text, "autoconfig"));
    assert_ptr_equal(strchr(text, '\n'), text + length - 1); /* one line */
}

static void the_best_server_is_an_encrypted_one(void **state)
{
    assert_int_equal(account_best_server(&serving, SERVER_IMAP, passwords)->id, 2);
    assert_int_equal(account_best_server(&serving, SERVER_IMAP, BIT(AUTH_NTLM))->id, 1);
    assert_int_equal(account_best_server(&serving, SERVER_IMAP, BIT(AUTH_PASSWORD_ENCRYPTED))->id, 3);
    assert_int_equal(account_best_server(&serving, SERVER_POP3, passwords)->id, 9);
    assert_null(account_best_server(&serving, SERVER_SMTP, passwords));
    assert_null(account_best_server(&serving, SERVER_CALDAV, ~0u));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_expanded_once),
        cmocka_unit_test(user_names_are_written_for_the_format),
        cmocka_unit_test(hosts_are_filled_in_and_checked),
        cmocka_unit_test(urls_are_filled_in_and_encoded),
        cmocka_unit_test(servers_that_spoil_a_format_are_left_out),
        cmocka_unit_test(the_last_of_a_type_is_kept_with_one_warning),
        cmocka_unit_test(the_best_server_is_an_encrypted_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
