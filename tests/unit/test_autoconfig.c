/* test_autoconfig.c - the clientConfig document, by the rules of the clients that read it. */
/* SPDX-License-Identifier: MIT */
#include "format_fixture.h"

#define DOCUMENT(id, names, servers, rest)                                                                             \
    XML_HEAD "<clientConfig version=\"1.1\">\n"                                                                        \
             "  <emailProvider id=\"" id "\">\n"                                                                       \
             "    <domain>" id "</domain>\n" names servers "  </emailProvider>\n" rest "</clientConfig>\n"

#define NAMES                                                                                                          \
    "    <displayName>Example Mail</displayName>\n"                                                                    \
    "    <displayShortName>Example</displayShortName>\n"

#define METHOD(word) "      <authentication>" word "</authentication>\n"

#define MAIL(element, type, host, port, socket, methods, user)                                                         \
    "    <" element " type=\"" type "\">\n"                                                                            \
    "      <hostname>" host "</hostname>\n"                                                                            \
    "      <port>" port "</port>\n"                                                                                    \
    "      <socketType>" socket "</socketType>\n" methods "      <username>" user "</username>\n"                      \
    "    </" element ">\n"

#define IMAP(host, user) MAIL("incomingServer", "imap", host, "993", "SSL", METHOD("password-cleartext"), user)
#define POP3(host, user) MAIL("incomingServer", "pop3", host, "995", "SSL", METHOD("password-cleartext"), user)
#define SMTP(host, user) MAIL("outgoingServer", "smtp", host, "587", "STARTTLS", METHOD("password-cleartext"), user)

#define EXAMPLE(user) IMAP("imap.example.test", user) POP3("pop.example.test", user) SMTP("smtp.example.test", user)

static const struct address plus = {"jo+x@example.test", "jo+x", "example.test"};
static const struct address evolution = {"EVOLUTIONUSER@example.test", "EVOLUTIONUSER", "example.test"};

/* The same for everybody, and a look-up's login as a placeholder wherever one says the same. */
static void test_people(void **state)
{
    static const struct {
        const struct address *address;
        const char *login;
        const char *expected;
        bool shared;
    } rows[] = {
        {&joe, NULL, DOCUMENT("example.test", NAMES, EXAMPLE("%EMAILADDRESS%"), ""), true},
        {NULL, NULL, DOCUMENT("example.test", NAMES, EXAMPLE("%EMAILADDRESS%"), ""), true},
        {&plus, NULL, DOCUMENT("example.test", NAMES, EXAMPLE("%EMAILADDRESS%"), ""), true},
        {&evolution, NULL, DOCUMENT("example.test", NAMES, EXAMPLE("%EMAILADDRESS%"), ""), true},
        {&joe, "joe@example.test", DOCUMENT("example.test", NAMES, EXAMPLE("%EMAILADDRESS%"), ""), false},
        {&joe, "joe", DOCUMENT("example.test", NAMES, EXAMPLE("%EMAILLOCALPART%"), ""), false},
        {&joe, "u<7>&", DOCUMENT("example.test", NAMES, EXAMPLE("u&lt;7&gt;&amp;"), ""), false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account account = {.address = rows[i].address,
                                  .domain = "example.test",
                                  .config = &example_domain,
                                  .login = rows[i].login,
                                  .full_name = "Joe Doe"};
        struct document_request request = {.accounts = &account, .account_count = 1};
        struct buf out;
        assert_int_equal(render(&format_autoconfig, &account, &out), STATUS_OK);
        assert_document(i, &out, rows[i].expected);
        assert_well_formed(i, &out);
        if (format_autoconfig.is_shared(&request) != rows[i].shared)
            fail_msg("row %zu: shared is %d", i, !rows[i].shared);
        buf_free(&out);
    }
}

#define BY_DOMAIN(host, user) DOCUMENT("other.test", NAMES, IMAP(host, user), "")

/* One list of servers a row, at most four. */
static void test_servers(void **state)
{
    static const struct {
        struct server servers[4];
        const char *expected; /* NULL: not found */
    } rows[] = {
        {{{0}}, NULL},
        /* DAV alone: a document without mail servers would end the search of Evolution and Delta Chat */
        {{SERVER(SERVER_CALDAV, 1, "dav.test", .url = "https://dav.test/")}, NULL},
        /* placeholders in host names are ours to fill in */
        {{SERVER(SERVER_IMAP, 1, "imap.%EMAILDOMAIN%", .port = 993)}, BY_DOMAIN("imap.other.test", "%EMAILADDRESS%")},
        {{SERVER(SERVER_IMAP, 1, "%EMAILLOCALPART%.test", .port = 993)}, NULL}, /* nobody is known */
        {{SERVER(SERVER_IMAP, 1, "under_score.test", .port = 993)}, NULL},      /* Thunderbird refuses the name */
        {{SERVER(SERVER_IMAP, 1, "a b", .port = 993), SERVER(SERVER_IMAP, 2, "b.test", .port = 993)},
         BY_DOMAIN("b.test", "%EMAILADDRESS%")},
        /* user names */
        {{SERVER(SERVER_IMAP, 1, "b.test", .port = 993, .user = "%EMAILLOCALPART%")},
         BY_DOMAIN("b.test", "%EMAILLOCALPART%")},
        {{SERVER(SERVER_IMAP, 1, "b.test", .port = 993, .user = "%EMAILLOCALPART%#%EMAILDOMAIN%")},
         BY_DOMAIN("b.test", "%EMAILLOCALPART%#other.test")},
        {{SERVER(SERVER_IMAP, 1, "b.test", .port = 993, .user = "%{uid}")}, BY_DOMAIN("b.test", "%EMAILADDRESS%")},
        {{SERVER(SERVER_IMAP, 1, "b.test", .port = 993, .user = "")}, BY_DOMAIN("b.test", "%EMAILADDRESS%")},
        {{SERVER(SERVER_IMAP, 1, "b.test", .port = 993, .user = "007")}, BY_DOMAIN("b.test", "007")},
        /* a method that Thunderbird for Android knows, or the server goes while another stays */
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 993, AUTH(2, AUTH_GSSAPI, AUTH_NTLM)),
          SERVER(SERVER_IMAP, 2, "b.test", .port = 993)},
         BY_DOMAIN("b.test", "%EMAILADDRESS%")},
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 993, AUTH(2, AUTH_GSSAPI, AUTH_NTLM)),
          SERVER(SERVER_SMTP, 2, "b.test", .port = 25, .security = SECURITY_STARTTLS, AUTH(1, AUTH_NONE))},
         DOCUMENT(
             "other.test", NAMES,
             MAIL("incomingServer", "imap", "a.test", "993", "SSL", METHOD("GSSAPI") METHOD("NTLM"), "%EMAILADDRESS%")
                 MAIL("outgoingServer", "smtp", "b.test", "25", "STARTTLS", METHOD("none"), "%EMAILADDRESS%"),
             "")},
        {{SERVER(
             SERVER_SMTP, 1, "a.test", .port = 465,
             AUTH(5, AUTH_OAUTH2, AUTH_PASSWORD_ENCRYPTED, AUTH_PASSWORD_CLEARTEXT, AUTH_TLS_CERT, AUTH_CLIENT_IP))},
         DOCUMENT("other.test", NAMES,
                  MAIL("outgoingServer", "smtp", "a.test", "465", "SSL",
                       METHOD("OAuth2") METHOD("password-encrypted") METHOD("password-cleartext")
                           METHOD("TLS-client-cert") METHOD("client-IP-address"),
                       "%EMAILADDRESS%"),
                  "")},
        /* so does one without encryption */
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 143, .security = SECURITY_NONE),
          SERVER(SERVER_IMAP, 2, "b.test", .port = 993)},
         BY_DOMAIN("b.test", "%EMAILADDRESS%")},
        {{SERVER(SERVER_IMAP, 1, "a.test", .port = 143, .security = SECURITY_NONE)},
         DOCUMENT(
             "other.test", NAMES,
             MAIL("incomingServer", "imap", "a.test", "143", "plain", METHOD("password-cleartext"), "%EMAILADDRESS%"),
             "")},
        /* several of a type stay in the administrator's order, and IMAP in front of all */
        {{SERVER(SERVER_IMAP, 2, "a.test", .port = 993), SERVER(SERVER_IMAP, 1, "b.test", .port = 993),
          SERVER(SERVER_POP3, 4, "c.test", .port = 995),
          SERVER(SERVER_JMAP, 5, "j.test", .url = "https://j.test/jmap?a=1&b=2", .port = 443,
                 AUTH(3, AUTH_OAUTH2, AUTH_PASSWORD_CLEARTEXT, AUTH_PASSWORD_ENCRYPTED))},
         DOCUMENT("other.test", NAMES,
                  IMAP("a.test", "%EMAILADDRESS%") IMAP("b.test", "%EMAILADDRESS%")
                      POP3("c.test", "%EMAILADDRESS%") "    <incomingServer type=\"jmap\">\n"
                                                       "      <url>https://j.test/jmap?a=1&amp;b=2</url>\n"
                                                       "      <authentication>OAuth2</authentication>\n"
                                                       "      <authentication system=\"http\">Basic</authentication>\n"
                                                       "      <authentication system=\"http\">Digest</authentication>\n"
                                                       "      <username>%EMAILADDRESS%</username>\n"
                                                       "    </incomingServer>\n",
                  "")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct domain domain = {.name = "*", .provider = &example_provider, .servers = rows[i].servers};
        while (domain.server_count < 4 && rows[i].servers[domain.server_count].host)
            domain.server_count++;
        struct account account = {.domain = "other.test", .config = &domain};
        struct buf out;
        enum status status = render(&format_autoconfig, &account, &out);
        if (status != (rows[i].expected ? STATUS_OK : STATUS_NOT_FOUND))
            fail_msg("row %zu: status %d", i, (int)status);
        if (rows[i].expected)
            assert_document(i, &out, rows[i].expected);
        buf_free(&out);
    }
}

/* Everything that the draft adds, behind the mail servers, in a form that the older readers pass over. */
static void test_everything(void **state)
{
    static const struct server servers[] = {
        SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993),
        SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 587, .security = SECURITY_STARTTLS),
        SERVER(SERVER_EWS, 4, "x.test", .url = "https://x.test/EWS/Exchange.asmx", .port = 443),
        SERVER(SERVER_ACTIVESYNC, 5, "x.test", .url = "https://x.test/Microsoft-Server-ActiveSync", .port = 443),
        SERVER(SERVER_CALDAV, 6, "dav.test", .url = "https://dav.test/cal/%EMAILDOMAIN%/", .port = 443),
        /* FairEmail would log in to IMAP with this user name */
        SERVER(SERVER_CARDDAV, 7, "dav.test", .url = "https://dav.test/card/", .port = 443, .user = "somebody"),
        SERVER(SERVER_WEBDAV, 8, "dav.test", .url = "https://dav.test/files/", .port = 443, AUTH(1, AUTH_OAUTH2)),
        SERVER(SERVER_WEBDAV, 9, "dav.test", .url = "https://dav.test/krb/", .port = 443, AUTH(1, AUTH_GSSAPI)),
        SERVER(SERVER_MANAGESIEVE, 10, "sieve.test", .port = 4190, .security = SECURITY_STARTTLS),
    };
    static const struct link links[] = {
        {.kind = LINK_DOCUMENTATION, .url = "https://example.test/help", .language = "en", .text = "Help & more"},
        {.kind = LINK_WEBMAIL, .url = "https://webmail.example.test/?a=\"1\""},
        {.kind = LINK_DOCUMENTATION, .url = "https://example.test/help", .language = "de", .text = "Hilfe"},
        {.kind = LINK_WEBMAIL, .url = "https://second.example.test/"},
        {.kind = LINK_DOCUMENTATION, .url = "https://example.test/faq"},
        {.kind = LINK_LOGO, .url = "https://example.test/logo.svg"},
    };
    static const struct oauth2 oauth2 = {.issuer = "https://login.example.test/",
                                         .scope = "mail offline_access",
                                         .auth_url = "https://login.example.test/auth",
                                         .token_url = "https://login.example.test/token",
                                         .client_id = "open"};
    static const struct provider provider = {
        .name = "Example Mail", .short_name = "Example", .oauth2 = &oauth2, .links = links, .link_count = COUNT(links)};
    static const struct domain domain = {
        .name = "example.test", .provider = &provider, .servers = servers, .server_count = COUNT(servers)};
    static const char expected[] =
        DOCUMENT("example.test", NAMES,
                 IMAP("imap.example.test", "%EMAILADDRESS%")
                     SMTP("smtp.example.test",
                          "%EMAILADDRESS%") "    <incomingServer type=\"ews\">\n"
                                            "      <url>https://x.test/EWS/Exchange.asmx</url>\n"
                                            "      <authentication system=\"http\">Basic</authentication>\n"
                                            "      <username>%EMAILADDRESS%</username>\n"
                                            "    </incomingServer>\n"
                                            "    <incomingServer type=\"activeSync\">\n"
                                            "      <url>https://x.test/Microsoft-Server-ActiveSync</url>\n"
                                            "      <authentication system=\"http\">Basic</authentication>\n"
                                            "      <username>%EMAILADDRESS%</username>\n"
                                            "    </incomingServer>\n"
                                            "    <documentation url=\"https://example.test/help\">\n"
                                            "      <descr lang=\"en\">Help &amp; more</descr>\n"
                                            "      <descr lang=\"de\">Hilfe</descr>\n"
                                            "    </documentation>\n"
                                            "    <documentation url=\"https://example.test/faq\"></documentation>\n",
                 "  <calendar type=\"caldav\">\n"
                 "    <url>https://dav.test/cal/example.test/</url>\n"
                 "    <authentication system=\"http\">Basic</authentication>\n"
                 "    <username>%EMAILADDRESS%</username>\n"
                 "  </calendar>\n"
                 "  <addressbook type=\"carddav\">\n"
                 "    <url>https://dav.test/card/</url>\n"
                 "    <authentication system=\"http\">Basic</authentication>\n"
                 "  </addressbook>\n"
                 "  <fileShare type=\"webdav\">\n"
                 "    <url>https://dav.test/files/</url>\n"
                 "    <authentication>OAuth2</authentication>\n"
                 "    <username>%EMAILADDRESS%</username>\n"
                 "  </fileShare>\n"
                 "  <setupServer type=\"managesieve\">\n"
                 "    <hostname>sieve.test</hostname>\n"
                 "    <port>4190</port>\n"
                 "    <socketType>STARTTLS</socketType>\n"
                 "    <authentication>password-cleartext</authentication>\n"
                 "    <username>%EMAILADDRESS%</username>\n"
                 "  </setupServer>\n"
                 "  <oAuth2>\n"
                 "    <authURL>https://login.example.test/auth</authURL>\n"
                 "    <tokenURL>https://login.example.test/token</tokenURL>\n"
                 "    <issuer>https://login.example.test/</issuer>\n"
                 "    <scope>mail offline_access</scope>\n"
                 "    <clientID>open</clientID>\n"
                 "  </oAuth2>\n"
                 "  <webMail>\n"
                 "    <loginPage url=\"https://webmail.example.test/?a=&quot;1&quot;\"></loginPage>\n"
                 "  </webMail>\n");
    struct account account = {.address = &joe, .domain = "example.test", .config = &domain};
    struct document_request request = {.accounts = &account, .account_count = 1};
    struct buf out;
    assert_int_equal(render(&format_autoconfig, &account, &out), STATUS_OK);
    assert_document(0, &out, expected);
    assert_well_formed(0, &out);
    assert_true(format_autoconfig.is_shared(&request));
    buf_free(&out);
}

/* The draft's bounds of 60 and 20 characters; nothing of a name gets out of its element. */
static void test_names(void **state)
{
    static const struct {
        const char *name, *short_name;
        const char *expected; /* both elements */
    } rows[] = {
        {"Ham & Eggs <\"'>", "]]>",
         "    <displayName>Ham &amp; Eggs &lt;&quot;&apos;&gt;</displayName>\n"
         "    <displayShortName>]]&gt;</displayShortName>\n"},
        {"a\x01\xff\xf0z", "b\x1b[31m",
         "    <displayName>a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz</displayName>\n"
         "    <displayShortName>b\xef\xbf\xbd[31m</displayShortName>\n"},
        {"", "", "    <displayName>example.test</displayName>\n    <incomingServer"},
        {" \t", " x ", "    <displayName>example.test</displayName>\n    <displayShortName>x</displayShortName>\n"},
        {"Mail of %EMAILDOMAIN%", "%EMAILDOMAIN%",
         "    <displayName>Mail of example.test</displayName>\n"
         "    <displayShortName>example.test</displayShortName>\n"},
        {"123456789 123456789 123456789 123456789 123456789 1234567890", "12345678901234567890",
         "    <displayName>123456789 123456789 123456789 123456789 123456789 1234567890</displayName>\n"
         "    <displayShortName>12345678901234567890</displayShortName>\n"},
        {"123456789 123456789 123456789 123456789 123456789 1234567890 2", "äääääääääääääääääääää",
         "    <displayName>123456789 123456789 123456789 123456789 123456789…</displayName>\n"
         "    <displayShortName>äääääääääääääääääää…</displayShortName>\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct provider provider = {.name = rows[i].name, .short_name = rows[i].short_name};
        struct domain domain = example_domain;
        domain.provider = &provider;
        struct account account = {.address = &joe, .domain = "example.test", .config = &domain};
        struct buf out;
        assert_int_equal(render(&format_autoconfig, &account, &out), STATUS_OK);
        assert_says(i, &out, rows[i].expected);
        assert_well_formed(i, &out);
        buf_free(&out);
    }
}

/* A document with something personal in it is nobody else's. */
static void test_personal(void **state)
{
    static const struct variable home = {"home", "mx7.example.test"};
    static const struct {
        const char *host;
        const char *name;
        const struct address *address;
        const char *says;
        bool found;
        bool shared;
    } rows[] = {
        {"%{home}", "P", &joe, "<hostname>mx7.example.test</hostname>", true, false},
        {"%EMAILLOCALPART%.test", "P", &joe, "<hostname>joe.test</hostname>", true, false},
        {"%EMAILLOCALPART%.test", "P", NULL, NULL, false, true}, /* names nobody */
        {"a.test", "For %EMAILADDRESS%", &joe, "<displayName>For joe@example.test</displayName>", true, false},
        {"a.%EMAILDOMAIN%", "P", &joe, "<hostname>a.example.test</hostname>", true, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct server server = SERVER(SERVER_IMAP, 1, rows[i].host, .port = 993);
        struct provider provider = {.name = rows[i].name, .short_name = "P"};
        struct domain domain = {.name = "*", .provider = &provider, .servers = &server, .server_count = 1};
        struct account account = {.address = rows[i].address, .domain = "example.test", .config = &domain};
        if (strcmp(rows[i].host, "%{home}") == 0) {
            account.variables = &home;
            account.variable_count = 1;
        }
        struct document_request request = {.accounts = &account, .account_count = 1};
        struct buf out;
        enum status status = render(&format_autoconfig, &account, &out);
        if (status != (rows[i].found ? STATUS_OK : STATUS_NOT_FOUND))
            fail_msg("row %zu: status %d", i, (int)status);
        assert_says(i, &out, rows[i].says);
        if (format_autoconfig.is_shared(&request) != rows[i].shared)
            fail_msg("row %zu: shared is %d", i, !rows[i].shared);
        buf_free(&out);
    }
}

static void test_full_buffer(void **state)
{
    struct account account = {.address = &joe, .domain = "example.test", .config = &example_domain};
    struct document_request request = {.accounts = &account, .account_count = 1};
    struct error error;
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(format_autoconfig.render(&request, &out, &error), STATUS_LIMIT);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people), cmocka_unit_test(test_servers),  cmocka_unit_test(test_everything),
        cmocka_unit_test(test_names),  cmocka_unit_test(test_personal), cmocka_unit_test(test_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
