/* test_pacc.c - the PACC document: which services fit, names, links, and the digest for the DNS. */
/* SPDX-License-Identifier: MIT */
#include "format_fixture.h"

#include "base/log.h"
#include "format/pacc.h"

#define INFO     "\"info\":{\"provider\":{\"name\":\"Example Mail\",\"shortName\":\"Example\"}}"
#define PASSWORD "{\"authentication\":{\"password\":true}," INFO ",\"protocols\":"

static const struct oauth2 oauth2 = {.issuer = "https://login.example.test/"};
static const struct provider oauth_provider = {
    .id = 2, .name = "Example Mail", .short_name = "Example", .oauth2 = &oauth2};
static const struct ldap_server ldap = {.id = 1};

static void only_services_that_fit_are_listed(void **state)
{
    static const struct {
        struct server servers[4];
        size_t count;
        const struct provider *provider;
        const struct ldap_server *ldap;
        const char *want; /* NULL: there is no document */
    } rows[] = {
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993),
          SERVER(SERVER_POP3, 2, "pop.example.test", .port = 995),
          SERVER(SERVER_SMTP, 3, "smtp.%EMAILDOMAIN%", .port = 465)},
         3,
         &example_provider,
         NULL,
         PASSWORD "{\"imap\":{\"host\":\"imap.example.test\"},\"pop3\":{\"host\":\"pop.example.test\"},"
                  "\"submit\":{\"host\":\"smtp.example.test\"}}}"},
        /* the first that fits; STARTTLS, another port and another user name do not */
        {{SERVER(SERVER_IMAP, 1, "a.example.test", .port = 143, .security = SECURITY_STARTTLS),
          SERVER(SERVER_IMAP, 2, "b.example.test", .port = 10993),
          SERVER(SERVER_IMAP, 3, "c.example.test", .port = 993, .user = "%EMAILLOCALPART%"),
          SERVER(SERVER_IMAP, 4, "d.example.test", .port = 993, .user = "%EMAILLOCALPART%@%EMAILDOMAIN%")},
         4,
         &example_provider,
         NULL,
         PASSWORD "{\"imap\":{\"host\":\"d.example.test\"}}}"},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 143, .security = SECURITY_STARTTLS),
          SERVER(SERVER_MANAGESIEVE, 2, "imap.example.test", .port = 4190)},
         2,
         &example_provider,
         NULL,
         NULL},
        {{{0}}, 0, &example_provider, NULL, NULL},
        {{SERVER(SERVER_IMAP, 1, "2001:db8::1", .port = 993)}, 1, &example_provider, NULL, NULL},
        /* logins that come from a directory may be others than the address */
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993)}, 1, &example_provider, &ldap, NULL},
        /* URLs: no bare origin for DAV, no port, no clear text, nobody's own path */
        {{SERVER(SERVER_JMAP, 1, "jmap.example.test", .port = 443, .url = "https://jmap.example.test"),
          SERVER(SERVER_CALDAV, 2, "dav.example.test", .port = 443, .url = "https://dav.example.test/cal/"),
          SERVER(SERVER_CARDDAV, 3, "dav.example.test", .port = 443, .url = "https://dav.example.test/"),
          SERVER(SERVER_WEBDAV, 4, "dav.example.test", .port = 443, .url = "https://dav.example.test:443/files/")},
         4,
         &example_provider,
         NULL,
         PASSWORD "{\"caldav\":{\"url\":\"https://dav.example.test/cal/\"},"
                  "\"jmap\":{\"url\":\"https://jmap.example.test\"}}}"},
        {{SERVER(SERVER_CALDAV, 2, "dav.example.test", .port = 443, .url = "https://dav.example.test/%EMAILADDRESS%/"),
          SERVER(SERVER_CARDDAV, 3, "dav.example.test", .port = 80, .security = SECURITY_NONE,
                 .url = "http://dav.example.test/contacts")},
         2,
         &example_provider,
         NULL,
         NULL},
        /* methods */
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993, AUTH(1, AUTH_GSSAPI))},
         1,
         &example_provider,
         NULL,
         NULL},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993, AUTH(1, AUTH_OAUTH2))},
         1,
         &example_provider, /* no issuer */
         NULL,
         NULL},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993, AUTH(1, AUTH_OAUTH2))},
         1,
         &oauth_provider,
         NULL,
         "{\"authentication\":{\"oauth-public\":{\"issuer\":\"https://login.example.test/\"},\"password\":false}," INFO
         ",\"protocols\":{\"imap\":{\"host\":\"imap.example.test\"}}}"},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993, AUTH(2, AUTH_OAUTH2, AUTH_PASSWORD_CLEARTEXT))},
         1,
         &oauth_provider,
         NULL,
         "{\"authentication\":{\"oauth-public\":{\"issuer\":\"https://login.example.test/\"},\"password\":true}," INFO
         ",\"protocols\":{\"imap\":{\"host\":\"imap.example.test\"}}}"},
        /* no method is common to all: a password is promised, and kept */
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993, AUTH(1, AUTH_OAUTH2)),
          SERVER(SERVER_SMTP, 2, "smtp.example.test", .port = 465)},
         2,
         &oauth_provider,
         NULL,
         PASSWORD "{\"submit\":{\"host\":\"smtp.example.test\"}}}"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct domain domain = {.name = "example.test",
                                      .provider = rows[i].provider,
                                      .ldap = rows[i].ldap,
                                      .servers = rows[i].servers,
                                      .server_count = rows[i].count};
        /* Who asks must not matter. */
        const struct account account = {
            .address = &joe, .domain = "example.test", .config = &domain, .login = "j7", .full_name = "Joe"};
        struct buf out;
        enum status status = render(&format_pacc, &account, &out);

        if (status != (rows[i].want != NULL ? STATUS_OK : STATUS_NOT_FOUND))
            fail_msg("row %zu: status %d", i, status);
        if (rows[i].want != NULL)
            assert_document(i, &out, rows[i].want);
        buf_free(&out);
    }
}

static void names_and_links_obey_the_document(void **state)
{
    static const struct link links[] = {
        {.kind = LINK_WEBMAIL, .url = "https://webmail.example.test/"},
        {.kind = LINK_DOCUMENTATION, .url = "https://help.example.test/de", .language = "de"},
        {.kind = LINK_DOCUMENTATION, .url = "https://help.example.test/en?d=%EMAILDOMAIN%", .language = "en"},
        {.kind = LINK_DEVELOPER, .url = "https://help.example.test/%EMAILADDRESS%"}, /* somebody's own */
        {.kind = LINK_CONTACT, .url = "mailto:admin@example.test"},
        {.kind = LINK_CONTACT, .url = "https://example.test/contact"}, /* no address */
        {.kind = LINK_LOGO,
         .url = "https://www.example.test/logo.png",
         .media_type = "image/png",
         .width = 128,
         .height = 64},
        {.kind = LINK_LOGO, .url = "http://www.example.test/logo.png", .media_type = "image/png"},
        {.kind = LINK_LOGO, .url = "https://www.example.test/logo"}, /* of no type */
        {.kind = LINK_LOGO, .url = "https://www.example.test/the logo.png", .media_type = "image/png"},
    };
    static const struct provider provider = {
        .id = 3,
        .name = "  The \"Example\"   Caf\xc3\xa9  ",
        .short_name = "A short name that is not short at all",
        .links = links,
        .link_count = COUNT(links),
    };
    const struct domain domain = {
        .name = "example.test", .provider = &provider, .servers = example_servers, .server_count = 1};
    const struct account account = {.domain = "example.test", .config = &domain};
    struct buf out;

    assert_int_equal(render(&format_pacc, &account, &out), STATUS_OK);
    assert_says(0, &out, "\"name\":\"The \\\"Example\\\" Caf\xc3\xa9\"");
    assert_says(1, &out,
                "\"help\":{\"contact\":[\"mailto:admin@example.test\"],"
                "\"documentation\":\"https://help.example.test/en?d=example.test\"}");
    assert_says(2, &out,
                "\"logo\":[{\"content-type\":\"image/png\",\"height\":64,"
                "\"url\":\"https://www.example.test/logo.png\",\"width\":128}]");
    assert_says_not(3, &out, "developer");
    assert_says_not(4, &out, "webmail");

    const char *name = strstr(out.data, "\"shortName\":\"");
    assert_non_null(name);
    name += strlen("\"shortName\":\"");
    size_t characters = 0;
    for (; *name != '"'; name++)
        characters += ((unsigned char)*name & 0xc0) != 0x80;
    assert_in_range(characters, 1, 20);
    buf_free(&out);
}

/* FIPS 180-4's test vector for "abc" (ba7816bf...), in base64. */
static void the_digest_is_sha256(void **state)
{
    char digest[DIGEST_SHA256_TEXT_SIZE];
    struct buf document, record;

    buf_init(&document, 0);
    buf_init(&record, 0);
    buf_adds(&document, "abc");
    pacc_digest(&document, digest);
    assert_string_equal(digest, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    pacc_txt_record(&document, &record);
    assert_string_equal(record.data, "v=UAAC1; a=sha256; d=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    buf_free(&record);
    buf_free(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_services_that_fit_are_listed),
        cmocka_unit_test(names_and_links_obey_the_document),
        cmocka_unit_test(the_digest_is_sha256),
    };
    log_open("test");
    log_set_level(LOG_LEVEL_CRITICAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
