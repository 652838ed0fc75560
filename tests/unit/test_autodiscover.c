/* test_autodiscover.c - what Autodiscover answers: Outlook's schema, MobileSync's, v2, and errors. */
/* SPDX-License-Identifier: MIT */
#include "format_fixture.h"

#include <jansson.h>

#include "format/autodiscover_error.h"

#define ROOT                     "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">\n"
#define RESPONSE(schema)         "  <Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/" schema "\">\n"
#define DOCUMENT(schema, inside) XML_HEAD ROOT RESPONSE(schema) inside "  </Response>\n</Autodiscover>\n"
#define OUTLOOK(inside)          DOCUMENT("outlook/responseschema/2006a", inside)
#define MOBILESYNC(inside)       DOCUMENT("mobilesync/responseschema/2006", "    <Culture>en:us</Culture>\n" inside)

#define USER(name) "    <User>\n      <DisplayName>" name "</DisplayName>\n    </User>\n"
#define ACCOUNT(action, inside)                                                                                        \
    "    <Account>\n"                                                                                                  \
    "      <AccountType>email</AccountType>\n"                                                                         \
    "      <Action>" action "</Action>\n" inside "    </Account>\n"

#define LOGIN(name) "        <LoginName>" name "</LoginName>\n"
#define PROTOCOL(type, host, port, login, spa, ssl, encryption, auth, more)                                            \
    "      <Protocol>\n"                                                                                               \
    "        <Type>" type "</Type>\n"                                                                                  \
    "        <Server>" host "</Server>\n"                                                                              \
    "        <Port>" port "</Port>\n" login "        <DomainRequired>off</DomainRequired>\n"                           \
    "        <SPA>" spa "</SPA>\n"                                                                                     \
    "        <SSL>" ssl "</SSL>\n"                                                                                     \
    "        <Encryption>" encryption "</Encryption>\n"                                                                \
    "        <AuthRequired>" auth "</AuthRequired>\n" more "      </Protocol>\n"
#define SENDING(last)                                                                                                  \
    "        <UsePOPAuth>off</UsePOPAuth>\n"                                                                           \
    "        <SMTPLast>" last "</SMTPLast>\n"

#define EXAMPLE(login)                                                                                                 \
    ACCOUNT("settings",                                                                                                \
            PROTOCOL("IMAP", "imap.example.test", "993", login, "off", "on", "SSL", "on", "")                          \
                PROTOCOL("POP3", "pop.example.test", "995", login, "off", "on", "SSL", "on", "")                       \
                    PROTOCOL("SMTP", "smtp.example.test", "587", login, "off", "on", "TLS", "on", SENDING("off")))

static const struct address odd = {"o'&x@example.test", "o'&x", "example.test"};

static void test_people(void **state)
{
    static const struct {
        const struct address *address;
        const char *login, *full_name;
        const char *expected;
    } rows[] = {
        {&joe, NULL, NULL, OUTLOOK(USER("joe@example.test") EXAMPLE(LOGIN("joe@example.test")))},
        {&joe, NULL, "", OUTLOOK(USER("joe@example.test") EXAMPLE(LOGIN("joe@example.test")))},
        {&joe, "jd7", "Joe <Doe>", OUTLOOK(USER("Joe &lt;Doe&gt;") EXAMPLE(LOGIN("jd7")))},
        {&odd, NULL, NULL, OUTLOOK(USER("o&apos;&amp;x@example.test") EXAMPLE(LOGIN("o&apos;&amp;x@example.test")))},
        /* GET: nobody is known, and a guess is worse than nothing */
        {NULL, NULL, NULL, OUTLOOK(EXAMPLE(""))},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account account = {.address = rows[i].address,
                                  .domain = "example.test",
                                  .config = &example_domain,
                                  .login = rows[i].login,
                                  .full_name = rows[i].full_name};
        struct document_request request = {.accounts = &account, .account_count = 1};
        struct buf out;
        assert_int_equal(render(&format_autodiscover, &account, &out), STATUS_OK);
        assert_document(i, &out, rows[i].expected);
        assert_well_formed(i, &out);
        assert_int_equal(format_autodiscover.is_shared(&request), !rows[i].address);
        buf_free(&out);
    }
}

#define ONE(type, host, port, spa, ssl, encryption, auth, more)                                                        \
    OUTLOOK(USER("joe@example.test") ACCOUNT(                                                                          \
        "settings", PROTOCOL(type, host, port, LOGIN("joe@example.test"), spa, ssl, encryption, auth, more)))

#define SENDER PROTOCOL("SMTP", "a.test", "465", LOGIN("joe@example.test"), "off", "on", "SSL", "on", SENDING("off"))
#define DAV_PROTOCOLS                                                                                                  \
    "      <Protocol>\n"                                                                                               \
    "        <Type>CalDAV</Type>\n"                                                                                    \
    "        <Server>https://dav.test/joe/</Server>\n"                                                                 \
    "        <LoginName>joe@example.test</LoginName>\n"                                                                \
    "        <DomainRequired>on</DomainRequired>\n"                                                                    \
    "        <SSL>on</SSL>\n"                                                                                          \
    "      </Protocol>\n"                                                                                              \
    "      <Protocol>\n"                                                                                               \
    "        <Type>CardDAV</Type>\n"                                                                                   \
    "        <Server>http://dav.test/</Server>\n"                                                                      \
    "        <Port>8080</Port>\n"                                                                                      \
    "        <LoginName>joe</LoginName>\n"                                                                             \
    "        <DomainRequired>off</DomainRequired>\n"                                                                   \
    "        <SSL>off</SSL>\n"                                                                                         \
    "      </Protocol>\n"

static void test_servers(void **state)
{
    static const struct {
        struct server servers[3];
        const char *expected; /* NULL: not found */
    } rows[] = {
        {{{0}}, NULL},
        {{SERVER(SERVER_CALDAV, 1, "dav.test", .url = "https://dav.test/")}, NULL},
        {{SERVER(SERVER_IMAP, 1, "under_score.test", .port = 993)}, NULL},
        /* the best one of a type: FairEmail takes the last, others the first */
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 143, .security = SECURITY_NONE),
          SERVER(SERVER_IMAP, 2, "b.test", .port = 993), SERVER(SERVER_IMAP, 3, "c.test", .port = 993)},
         ONE("IMAP", "b.test", "993", "off", "on", "SSL", "on", "")},
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 143, .security = SECURITY_NONE)},
         ONE("IMAP", "a.test", "143", "off", "off", "None", "on", "")},
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 143, .security = SECURITY_STARTTLS)},
         ONE("IMAP", "a.test", "143", "off", "on", "TLS", "on", "")},
        /* methods */
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 993, AUTH(1, AUTH_OAUTH2)),
          SERVER(SERVER_IMAP, 2, "b.test", .port = 993)},
         ONE("IMAP", "b.test", "993", "off", "on", "SSL", "on", "")},
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 993, AUTH(1, AUTH_OAUTH2))},
         ONE("IMAP", "a.test", "993", "off", "on", "SSL", "on", "")},
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 993, AUTH(1, AUTH_NTLM))},
         ONE("IMAP", "a.test", "993", "on", "on", "SSL", "on", "")},
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 993, AUTH(2, AUTH_NTLM, AUTH_PASSWORD_CLEARTEXT))},
         ONE("IMAP", "a.test", "993", "off", "on", "SSL", "on", "")},
        {{SERVER(SERVER_SMTP, 1, "a.test", .port = 465, AUTH(1, AUTH_PASSWORD_ENCRYPTED))},
         ONE("SMTP", "a.test", "465", "off", "on", "SSL", "on", SENDING("off"))},
        {{SERVER(SERVER_SMTP, 1, "a.test", .port = 25, .security = SECURITY_STARTTLS, AUTH(1, AUTH_NONE))},
         ONE("SMTP", "a.test", "25", "off", "on", "TLS", "off", SENDING("off"))},
        {{SERVER(SERVER_SMTP, 1, "a.test", .port = 25, .security = SECURITY_STARTTLS, AUTH(1, AUTH_SMTP_AFTER_POP))},
         ONE("SMTP", "a.test", "25", "off", "on", "TLS", "off", SENDING("on"))},
        /* eM Client's, behind the mail servers */
        {{SERVER(SERVER_SMTP, 1, "a.test", .port = 465),
          SERVER(SERVER_CALDAV, 2, "dav.test", .url = "https://dav.test/%EMAILLOCALPART%/", .port = 443,
                 .domain_required = true),
          SERVER(SERVER_CARDDAV, 3, "dav.test", .url = "http://dav.test/", .port = 8080, .user = "%EMAILLOCALPART%",
                 .security = SECURITY_NONE)},
         OUTLOOK(USER("joe@example.test") ACCOUNT("settings", SENDER DAV_PROTOCOLS))},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct domain domain = {.name = "*", .provider = &example_provider, .servers = rows[i].servers};
        while (domain.server_count < 3 && rows[i].servers[domain.server_count].host)
            domain.server_count++;
        struct account account = {.address = &joe, .domain = "example.test", .config = &domain};
        struct buf out;
        enum status status = render(&format_autodiscover, &account, &out);
        if (status != (rows[i].expected ? STATUS_OK : STATUS_NOT_FOUND))
            fail_msg("row %zu: status %d", i, (int)status);
        if (rows[i].expected)
            assert_document(i, &out, rows[i].expected);
        buf_free(&out);
    }
}

static void test_redirects(void **state)
{
    static const struct {
        const struct address *address;
        const char *moved_to, *redirect_url;
        const char *outlook;
        const char *mobilesync; /* NULL: not found */
    } rows[] = {
        {&joe, "new.test", NULL, OUTLOOK(ACCOUNT("redirectAddr", "      <RedirectAddr>joe@new.test</RedirectAddr>\n")),
         MOBILESYNC("    <User>\n      <EMailAddress>joe@example.test</EMailAddress>\n    </User>\n"
                    "    <Action>\n      <Redirect>joe@new.test</Redirect>\n    </Action>\n")},
        {&joe, NULL, "https://other.test/autodiscover/autodiscover.xml",
         OUTLOOK(ACCOUNT("redirectUrl",
                         "      <RedirectUrl>https://other.test/autodiscover/autodiscover.xml</RedirectUrl>\n")),
         NULL},
        {NULL, "new.test", "https://other.test/?a&b",
         OUTLOOK(ACCOUNT("redirectUrl", "      <RedirectUrl>https://other.test/?a&amp;b</RedirectUrl>\n")), NULL},
        {NULL, "new.test", NULL, OUTLOOK(EXAMPLE("")), NULL}, /* nobody to redirect: what there is */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct domain domain = example_domain;
        domain.moved_to = rows[i].moved_to;
        domain.redirect_url = rows[i].redirect_url;
        struct account account = {.address = rows[i].address, .domain = "example.test", .config = &domain};
        struct buf out;
        assert_int_equal(render(&format_autodiscover, &account, &out), STATUS_OK);
        assert_document(i, &out, rows[i].outlook);
        buf_free(&out);
        assert_int_equal(render(&format_mobilesync, &account, &out), rows[i].mobilesync ? STATUS_OK : STATUS_NOT_FOUND);
        if (rows[i].mobilesync)
            assert_document(i, &out, rows[i].mobilesync);
        buf_free(&out);
    }
}

static const struct server exchange_servers[] = {
    SERVER(SERVER_EWS, 1, "x.test", .url = "https://x.test/EWS/Exchange.asmx", .port = 443),
    SERVER(SERVER_ACTIVESYNC, 2, "x.test", .url = "https://x.test/Microsoft-Server-ActiveSync?a&b", .port = 443),
};
static const struct domain exchange_domain = {.name = "example.test",
                                              .provider = &example_provider,
                                              .servers = exchange_servers,
                                              .server_count = COUNT(exchange_servers)};

static void test_mobilesync(void **state)
{
    static const char action[] = "    <Action>\n"
                                 "      <Settings>\n"
                                 "        <Server>\n"
                                 "          <Type>MobileSync</Type>\n"
                                 "          <Url>https://x.test/Microsoft-Server-ActiveSync?a&amp;b</Url>\n"
                                 "          <Name>https://x.test/Microsoft-Server-ActiveSync?a&amp;b</Name>\n"
                                 "        </Server>\n"
                                 "      </Settings>\n"
                                 "    </Action>\n";
    static const struct {
        const struct address *address;
        const char *full_name;
        const char *user;
    } rows[] = {
        {&joe, "Joe & Co",
         "    <User>\n      <DisplayName>Joe &amp; Co</DisplayName>\n"
         "      <EMailAddress>joe@example.test</EMailAddress>\n    </User>\n"},
        {&joe, NULL, "    <User>\n      <EMailAddress>joe@example.test</EMailAddress>\n    </User>\n"},
        {NULL, NULL, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account account = {.address = rows[i].address,
                                  .domain = "example.test",
                                  .config = &exchange_domain,
                                  .full_name = rows[i].full_name};
        char expected[2048];
        struct buf out;
        snprintf(expected, sizeof(expected), MOBILESYNC("%s%s"), rows[i].user, action);
        assert_int_equal(render(&format_mobilesync, &account, &out), STATUS_OK);
        assert_document(i, &out, expected);
        assert_well_formed(i, &out);
        buf_free(&out);
    }
    struct account without = {.address = &joe, .domain = "example.test", .config = &example_domain};
    struct buf out;
    assert_int_equal(render(&format_mobilesync, &without, &out), STATUS_NOT_FOUND);
    assert_int_equal(out.length, 0);
    buf_free(&out);
}

#define POX_URL(base) "{\"Protocol\":\"AutodiscoverV1\",\"Url\":\"" base "/autodiscover/autodiscover.xml\"}"

static void test_v2(void **state)
{
    static const struct {
        const struct domain *domain;
        const char *base_url;
        const char *protocol;
        const char *expected; /* NULL: refused */
    } rows[] = {
        {&example_domain, NULL, "AutodiscoverV1", POX_URL("https://autodiscover.example.test")},
        {&example_domain, NULL, "Autodiscoverv1", POX_URL("https://autodiscover.example.test")},
        {&example_domain, "https://mail.test", "AUTODISCOVERV1", POX_URL("https://mail.test")},
        {&example_domain, NULL, "ActiveSync", NULL},
        {&example_domain, NULL, "EWS", NULL},
        {&example_domain, NULL, "Rest", NULL},
        {&example_domain, NULL, "\"<>", NULL},
        {&example_domain, NULL, "", NULL},
        {&example_domain, NULL, NULL, NULL},
        {&exchange_domain, NULL, "activesync",
         "{\"Protocol\":\"ActiveSync\",\"Url\":\"https://x.test/Microsoft-Server-ActiveSync?a&b\"}"},
        {&exchange_domain, NULL, "EWS", "{\"Protocol\":\"Ews\",\"Url\":\"https://x.test/EWS/Exchange.asmx\"}"},
        {&exchange_domain, NULL, "AutodiscoverV1", POX_URL("https://autodiscover.example.test")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account account = {.address = &joe, .domain = "example.test", .config = rows[i].domain};
        struct document_request request = {
            .accounts = &account, .account_count = 1, .base_url = rows[i].base_url, .protocol = rows[i].protocol};
        struct error error = {{0}};
        struct buf out;
        buf_init(&out, 0);
        enum status status = format_autodiscover2.render(&request, &out, &error);
        if (status != (rows[i].expected ? STATUS_OK : STATUS_INVALID))
            fail_msg("row %zu: status %d", i, (int)status);
        if (rows[i].expected)
            assert_document(i, &out, rows[i].expected);
        else if (out.length > 0 || strpbrk(error.text, "<>\""))
            fail_msg("row %zu: wrote %s, said %s", i, out.data, error.text);
        buf_free(&out);
    }
}

static void test_errors(void **state)
{
    static const struct timespec now = {.tv_sec = 86400 + 21 * 3600 + 25 * 60 + 4, .tv_nsec = 889708399};
    static const struct {
        unsigned code;
        const char *says;
    } rows[] = {
        {500, "      <ErrorCode>500</ErrorCode>\n      <Message>The email address can&apos;t be found.</Message>\n"},
        {600, "      <ErrorCode>600</ErrorCode>\n      <Message>Invalid Request</Message>\n"},
        {601, "      <ErrorCode>601</ErrorCode>\n      <Message>Provider is not available</Message>\n"},
        {603, "      <ErrorCode>603</ErrorCode>\n      <Message>Internal error</Message>\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out, again;
        char expected[1024];
        unsigned id;
        buf_init(&out, 0);
        buf_init(&again, 0);
        autodiscover_error_write(&out, rows[i].code, &now);
        autodiscover_error_write(&again, rows[i].code, &now);
        assert_document(i, &again, out.data); /* the number of this machine stays */
        const char *at = strstr(out.data, " Id=\"");
        assert_non_null(at);
        assert_int_equal(sscanf(at, " Id=\"%u\">", &id), 1);
        snprintf(expected, sizeof(expected),
                 XML_HEAD ROOT "  <Response>\n    <Error Time=\"21:25:04.8897083\" Id=\"%u\">\n%s"
                               "      <DebugData/>\n    </Error>\n  </Response>\n</Autodiscover>\n",
                 id, rows[i].says);
        assert_document(i, &out, expected);
        assert_well_formed(i, &out);
        buf_free(&out);
        buf_free(&again);
    }
}

static void test_v2_errors(void **state)
{
    static const struct {
        enum autodiscover2_error code;
        const char *name;
    } rows[] = {
        {AUTODISCOVER2_MANDATORY_PARAMETER_MISSING, "MandatoryParameterMissing"},
        {AUTODISCOVER2_MISSING_PROTOCOL, "MissingProtocol"},
        {AUTODISCOVER2_PROTOCOL_NOT_SUPPORTED, "ProtocolNotSupported"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 0);
        autodiscover2_error_write(&out, rows[i].code);
        json_t *answer = json_loads(out.data, 0, NULL);
        assert_non_null(answer);
        assert_string_equal(json_string_value(json_object_get(answer, "ErrorCode")), rows[i].name);
        assert_true(json_string_length(json_object_get(answer, "ErrorMessage")) > 0);
        assert_int_equal(json_object_size(answer), 2);
        json_decref(answer);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people),     cmocka_unit_test(test_servers), cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_mobilesync), cmocka_unit_test(test_v2),      cmocka_unit_test(test_errors),
        cmocka_unit_test(test_v2_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
