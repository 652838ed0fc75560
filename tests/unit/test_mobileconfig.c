/* test_mobileconfig.c - configuration profiles: choice of servers, keys and types, identity, refusals. */
/* SPDX-License-Identifier: MIT */
#include "format_fixture.h"

#include <stdlib.h>

#include "base/log.h"

enum { DEPTH_MAX = 8, PATH_MAX_SIZE = 512 };

/* A property list as lines of "path type value", by which a test finds one key whatever stands around it. */
struct reader {
    struct buf lines, text;
    char key[DEPTH_MAX][64]; /* of the dictionary, or the index of the array, at each depth */
    int index[DEPTH_MAX];    /* -1: a dictionary */
    int depth;
};

static void name_member(struct reader *reader)
{
    if (reader->depth > 0 && reader->index[reader->depth - 1] >= 0)
        snprintf(reader->key[reader->depth - 1], sizeof reader->key[0], "%d", reader->index[reader->depth - 1]++);
}

static void start(void *context, const char *name, const char **attributes)
{
    struct reader *reader = context;

    buf_clear(&reader->text);
    if (strcmp(name, "dict") != 0 && strcmp(name, "array") != 0)
        return;
    name_member(reader);
    assert_true(reader->depth < DEPTH_MAX);
    reader->index[reader->depth] = name[0] == 'a' ? 0 : -1;
    reader->key[reader->depth++][0] = '\0';
}

static void end(void *context, const char *name)
{
    struct reader *reader = context;
    const char *text = reader->text.data != NULL ? reader->text.data : "";

    if (strcmp(name, "dict") == 0 || strcmp(name, "array") == 0) {
        reader->depth--;
    } else if (strcmp(name, "key") == 0) {
        snprintf(reader->key[reader->depth - 1], sizeof reader->key[0], "%s", text);
    } else if (strcmp(name, "plist") != 0) {
        name_member(reader);
        for (int i = 0; i < reader->depth; i++)
            buf_addf(&reader->lines, "%s%s", i > 0 ? "." : "", reader->key[i]);
        buf_addf(&reader->lines, " %s %s\n", name, text);
    }
    buf_clear(&reader->text);
}

static void characters(void *context, const char *text, int length)
{
    struct reader *reader = context;

    buf_add(&reader->text, text, (size_t)length);
}

/* The document as lines, which the caller frees. */
static char *read_plist(const struct buf *document)
{
    struct reader *reader = calloc(1, sizeof *reader);
    XML_Parser parser = XML_ParserCreate(NULL);

    assert_non_null(strstr(document->data, "\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                                           "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"));
    buf_init(&reader->lines, 0);
    buf_init(&reader->text, 0);
    buf_adds(&reader->lines, "\n");
    XML_SetUserData(parser, reader);
    XML_SetElementHandler(parser, start, end);
    XML_SetCharacterDataHandler(parser, characters);
    if (XML_Parse(parser, document->data, (int)document->length, XML_TRUE) != XML_STATUS_OK)
        fail_msg("%s in\n%s", XML_ErrorString(XML_GetErrorCode(parser)), document->data);
    XML_ParserFree(parser);
    char *lines = buf_steal(&reader->lines, NULL);
    buf_free(&reader->text);
    free(reader);
    return lines;
}

static void assert_line(size_t row, const char *lines, const char *line)
{
    char wanted[PATH_MAX_SIZE];

    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(lines, wanted) == NULL)
        fail_msg("row %zu: no line \"%s\" in%s", row, line, lines);
}

static void assert_no(size_t row, const char *lines, const char *part)
{
    if (strstr(lines, part) != NULL)
        fail_msg("row %zu: \"%s\" in%s", row, part, lines);
}

static void one_account_is_written_whole(void **state)
{
    static const char *const wanted[] = {
        "PayloadType string Configuration",
        "PayloadVersion integer 1",
        "PayloadIdentifier string test.example.automxd.joe.profile",
        "PayloadDisplayName string Example Mail",
        "PayloadOrganization string Example Mail",
        "PayloadRemovalDisallowed false ",
        "PayloadScope string User",
        "PayloadContent.0.PayloadType string com.apple.mail.managed",
        "PayloadContent.0.PayloadVersion integer 1",
        "PayloadContent.0.PayloadIdentifier string test.example.automxd.joe.mail",
        "PayloadContent.0.EmailAccountDescription string joe@example.test",
        "PayloadContent.0.EmailAccountName string Joe <&> \"Doe\"",
        "PayloadContent.0.EmailAccountType string EmailTypeIMAP",
        "PayloadContent.0.EmailAddress string joe@example.test",
        "PayloadContent.0.IncomingMailServerAuthentication string EmailAuthPassword",
        "PayloadContent.0.IncomingMailServerHostName string imap.example.test",
        "PayloadContent.0.IncomingMailServerPortNumber integer 993",
        "PayloadContent.0.IncomingMailServerUseSSL true ",
        "PayloadContent.0.IncomingMailServerUsername string joe@example.test",
        "PayloadContent.0.OutgoingMailServerAuthentication string EmailAuthPassword",
        "PayloadContent.0.OutgoingMailServerHostName string smtp.example.test",
        "PayloadContent.0.OutgoingMailServerPortNumber integer 587",
        "PayloadContent.0.OutgoingMailServerUseSSL true ", /* STARTTLS too */
        "PayloadContent.0.OutgoingMailServerUsername string joe@example.test",
        "PayloadContent.0.OutgoingPasswordSameAsIncomingPassword true ",
    };
    const struct account account = {
        .address = &joe, .domain = "example.test", .config = &example_domain, .full_name = "Joe <&> \"Doe\""};
    struct buf out;

    assert_int_equal(render(&format_mobileconfig, &account, &out), STATUS_OK);
    char *lines = read_plist(&out);
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_line(i, lines, wanted[i]);
    assert_no(0, lines, "PayloadContent.1.");
    assert_no(0, lines, ".IncomingPassword ");
    assert_no(0, lines, ".OutgoingPassword ");
    free(lines);
    buf_free(&out);
}

/* The value of a line, "" when there is none; valid until the next call. */
static const char *value_of(const char *lines, const char *start_of_line)
{
    static char value[PATH_MAX_SIZE];
    char wanted[PATH_MAX_SIZE];

    snprintf(wanted, sizeof wanted, "\n%s", start_of_line);
    const char *found = strstr(lines, wanted);
    if (found == NULL)
        return "";
    found += strlen(wanted);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(found, "\n"), found);
    return value;
}

static void identity_depends_on_the_address_alone(void **state)
{
    static const struct address other = {"Joe@example.test", "Joe", "example.test"};
    const struct account accounts[] = {
        {.address = &joe, .domain = "example.test", .config = &example_domain},
        {.address = &joe, .domain = "example.test", .config = &example_domain, .full_name = "Joe", .login = "j7"},
        {.address = &other, .domain = "example.test", .config = &example_domain},
    };
    static const char *const keys[] = {"PayloadUUID string ", "PayloadIdentifier string ",
                                       "PayloadContent.0.PayloadUUID string ",
                                       "PayloadContent.0.PayloadIdentifier string "};
    char *lines[COUNT(accounts)];

    for (size_t i = 0; i < COUNT(accounts); i++) {
        struct buf out;

        assert_int_equal(render(&format_mobileconfig, &accounts[i], &out), STATUS_OK);
        lines[i] = read_plist(&out);
        buf_free(&out);
    }
    for (size_t i = 0; i < COUNT(keys); i++) {
        char first[PATH_MAX_SIZE];

        snprintf(first, sizeof first, "%s", value_of(lines[0], keys[i]));
        assert_true(first[0] != '\0');
        assert_string_equal(first, value_of(lines[1], keys[i]));
        assert_string_not_equal(first, value_of(lines[2], keys[i]));
    }
    assert_line(1, lines[1], "PayloadContent.0.IncomingMailServerUsername string j7");
    assert_line(1, lines[1], "PayloadContent.0.EmailAccountName string Joe");
    assert_no(0, lines[0], "EmailAccountName"); /* never the provider's name */
    for (size_t i = 0; i < COUNT(accounts); i++)
        free(lines[i]);
}

static void the_best_server_of_each_type_is_taken(void **state)
{
    static const struct {
        struct server servers[4];
        size_t count;
        const char *wanted[4];
        const char *unwanted;
    } rows[] = {
        /* encrypted before cheap */
        {{SERVER(SERVER_IMAP, 1, "plain.example.test", .port = 143, .security = SECURITY_NONE, .prio = 1),
          SERVER(SERVER_IMAP, 2, "starttls.example.test", .port = 143, .security = SECURITY_STARTTLS, .prio = 5),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 465)},
         3,
         {"PayloadContent.0.IncomingMailServerHostName string starttls.example.test",
          "PayloadContent.0.IncomingMailServerUseSSL true "},
         "plain.example.test"},
        /* the unencrypted one where there is no other: the key is written all the same, as its default is a trap */
        {{SERVER(SERVER_POP3, 1, "pop.example.test", .port = 110, .security = SECURITY_NONE),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 25, .security = SECURITY_NONE)},
         2,
         {"PayloadContent.0.EmailAccountType string EmailTypePOP", "PayloadContent.0.IncomingMailServerUseSSL false ",
          "PayloadContent.0.OutgoingMailServerUseSSL false ",
          "PayloadContent.0.OutgoingMailServerPortNumber integer 25"},
         "EmailTypeIMAP"},
        /* methods that a profile has words for */
        {{SERVER(SERVER_IMAP, 1, "oauth.example.test", .port = 993, AUTH(1, AUTH_OAUTH2)),
          SERVER(SERVER_IMAP, 2, "imap.example.test", .port = 993,
                 AUTH(3, AUTH_GSSAPI, AUTH_PASSWORD_ENCRYPTED, AUTH_PASSWORD_CLEARTEXT)),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 465, AUTH(2, AUTH_OAUTH2, AUTH_NONE))},
         3,
         {"PayloadContent.0.IncomingMailServerHostName string imap.example.test",
          "PayloadContent.0.IncomingMailServerAuthentication string EmailAuthCRAMMD5",
          "PayloadContent.0.OutgoingMailServerAuthentication string EmailAuthNone"},
         "oauth.example.test"},
        {{SERVER(SERVER_IMAP, 2, "imap.example.test", .port = 993, AUTH(1, AUTH_NTLM)),
          SERVER(SERVER_SMTP, 3, "smtp.%EMAILDOMAIN%", .port = 465, .user = "%EMAILLOCALPART%")},
         2,
         {"PayloadContent.0.IncomingMailServerAuthentication string EmailAuthNTLM",
          "PayloadContent.0.OutgoingMailServerHostName string smtp.example.test",
          "PayloadContent.0.OutgoingMailServerUsername string joe"},
         "%"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct domain domain = {.name = "example.test",
                                      .provider = &example_provider,
                                      .servers = rows[i].servers,
                                      .server_count = rows[i].count};
        const struct account account = {.address = &joe, .domain = "example.test", .config = &domain};
        struct buf out;

        assert_int_equal(render(&format_mobileconfig, &account, &out), STATUS_OK);
        char *lines = read_plist(&out);
        for (size_t j = 0; j < COUNT(rows[i].wanted) && rows[i].wanted[j] != NULL; j++)
            assert_line(i, lines, rows[i].wanted[j]);
        assert_no(i, lines, rows[i].unwanted);
        free(lines);
        buf_free(&out);
    }
}

static void a_domain_without_what_is_needed_is_refused(void **state)
{
    static const struct {
        struct server servers[3];
        size_t count;
        const char *sentence;
    } rows[] = {
        {{{0}}, 0, "no incoming mail server"},
        {{SERVER(SERVER_SMTP, 1, "s.example.test", .port = 465)}, 1, "no incoming mail server"},
        {{SERVER(SERVER_IMAP, 1, "i.example.test", .port = 993)}, 1, "no outgoing mail server"},
        {{SERVER(SERVER_CALDAV, 1, "d.example.test", .port = 443, .url = "https://d.example.test/")},
         1,
         "no incoming mail server"},
        {{SERVER(SERVER_IMAP, 1, "i.example.test", .port = 993, AUTH(1, AUTH_OAUTH2)),
          SERVER(SERVER_SMTP, 2, "s.example.test", .port = 465, AUTH(1, AUTH_OAUTH2))},
         2,
         "incoming mail server takes no password"},
        {{SERVER(SERVER_IMAP, 1, "i.example.test", .port = 993),
          SERVER(SERVER_SMTP, 2, "s.example.test", .port = 465, AUTH(1, AUTH_OAUTH2))},
         2,
         "outgoing mail server takes no password"},
        {{SERVER(SERVER_IMAP, 1, "no host", .port = 993), SERVER(SERVER_SMTP, 2, "s.example.test", .port = 465)},
         2,
         "not a legal one"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct domain domain = {.name = "example.test",
                                      .provider = &example_provider,
                                      .servers = rows[i].servers,
                                      .server_count = rows[i].count};
        const struct account account = {.address = &joe, .domain = "example.test", .config = &domain};
        const struct document_request request = {.accounts = &account, .account_count = 1};
        struct error error = {{0}};
        struct buf out;

        buf_init(&out, 0);
        assert_int_equal(format_mobileconfig.render(&request, &out, &error), STATUS_NOT_FOUND);
        if (strstr(error.text, rows[i].sentence) == NULL || strstr(error.text, "example.test") == NULL)
            fail_msg("row %zu: %s", i, error.text);
        assert_int_equal(out.length, 0);
        buf_free(&out);
    }
}

static const struct server all_servers[] = {
    SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993),
    SERVER(SERVER_SMTP, 2, "smtp.example.test", .port = 465),
    SERVER(SERVER_ACTIVESYNC, 3, "eas.example.test", .port = 443,
           .url = "https://eas.example.test/Microsoft-Server-ActiveSync"),
    SERVER(SERVER_CALDAV, 4, "dav.example.test", .port = 8443, .table = "davserver",
           .url = "https://dav.example.test:8443/cal/%EMAILADDRESS%/", .user = "%EMAILLOCALPART%"),
    SERVER(SERVER_CALDAV, 5, "team.example.test", .port = 80, .security = SECURITY_NONE, .table = "davserver",
           .url = "http://team.example.test/"),
    SERVER(SERVER_CARDDAV, 6, "dav.example.test", .port = 443, .table = "davserver",
           .url = "https://dav.example.test/"),
};

static void calendars_contacts_and_exchange_have_payloads(void **state)
{
    static const char *const wanted[] = {
        "PayloadContent.1.PayloadType string com.apple.caldav.account",
        "PayloadContent.1.PayloadIdentifier string test.example.automxd.joe.caldav",
        "PayloadContent.1.CalDAVAccountDescription string joe@example.test",
        "PayloadContent.1.CalDAVHostName string dav.example.test",
        "PayloadContent.1.CalDAVPort integer 8443",
        "PayloadContent.1.CalDAVUseSSL true ",
        "PayloadContent.1.CalDAVUsername string joe",
        "PayloadContent.1.CalDAVPrincipalURL string https://dav.example.test:8443/cal/joe%40example.test/",
        "PayloadContent.2.PayloadIdentifier string test.example.automxd.joe.caldav2",
        "PayloadContent.2.CalDAVHostName string team.example.test",
        "PayloadContent.2.CalDAVUseSSL false ",
        "PayloadContent.3.PayloadType string com.apple.carddav.account",
        "PayloadContent.3.CardDAVHostName string dav.example.test",
        "PayloadContent.3.CardDAVPort integer 443",
        "PayloadContent.3.CardDAVUsername string joe@example.test",
        "PayloadContent.4.PayloadType string com.apple.eas.account",
        "PayloadContent.4.Host string eas.example.test",
        "PayloadContent.4.SSL true ",
        "PayloadContent.4.UserName string joe@example.test",
        "PayloadContent.4.EmailAddress string joe@example.test",
        /* not a second time what the other payloads bring */
        "PayloadContent.4.EnableMail false ",
        "PayloadContent.4.EnableCalendars false ",
        "PayloadContent.4.EnableContacts false ",
    };
    const struct domain domain = {.name = "example.test",
                                  .provider = &example_provider,
                                  .servers = all_servers,
                                  .server_count = COUNT(all_servers)};
    const struct account account = {.address = &joe, .domain = "example.test", .config = &domain};
    struct buf out;

    assert_int_equal(render(&format_mobileconfig, &account, &out), STATUS_OK);
    char *lines = read_plist(&out);
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_line(i, lines, wanted[i]);
    assert_no(0, lines, "PayloadContent.5.");
    free(lines);
    buf_free(&out);
}

static void exchange_alone_is_an_account(void **state)
{
    const struct domain domain = {
        .name = "example.test", .provider = &example_provider, .servers = &all_servers[2], .server_count = 1};
    const struct account account = {.address = &joe, .domain = "example.test", .config = &domain};
    struct buf out;

    assert_int_equal(render(&format_mobileconfig, &account, &out), STATUS_OK);
    char *lines = read_plist(&out);
    assert_line(0, lines, "PayloadContent.0.PayloadType string com.apple.eas.account");
    assert_line(0, lines, "PayloadContent.0.EnableMail true ");
    assert_line(0, lines, "PayloadContent.0.EnableContacts true ");
    free(lines);
    buf_free(&out);
}

static void several_addresses_share_a_profile(void **state)
{
    static const struct consent texts[] = {{"default", "Rules of Example"}, {"de", "Regeln von Example"}};
    static const struct consent other_texts[] = {{"default", "Rules of Other"}};
    static const struct provider one = {.id = 1,
                                        .name = "One",
                                        .short_name = "One",
                                        .organization = "One & Sons",
                                        .consents = texts,
                                        .consent_count = COUNT(texts)};
    static const struct provider two = {
        .id = 2, .name = "Two", .short_name = "Two", .consents = other_texts, .consent_count = COUNT(other_texts)};
    static const struct domain first = {
        .name = "example.test", .provider = &one, .servers = example_servers, .server_count = COUNT(example_servers)};
    static const struct domain second = {
        .name = "example.org", .provider = &two, .servers = example_servers, .server_count = COUNT(example_servers)};
    static const struct address ann = {"ann@example.org", "ann", "example.org"};
    static const struct account accounts[] = {
        {.address = &joe, .domain = "example.test", .config = &first},
        {.address = &joe, .domain = "example.test", .config = &first},
        {.address = &ann, .domain = "example.org", .config = &second, .full_name = "Ann"},
    };
    const struct document_request request = {.accounts = accounts, .account_count = COUNT(accounts)};
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(format_mobileconfig.render(&request, &out, NULL), STATUS_OK);
    char *lines = read_plist(&out);
    assert_line(0, lines, "PayloadContent.0.EmailAddress string joe@example.test");
    assert_line(0, lines, "PayloadContent.0.PayloadIdentifier string test.example.automxd.joe.mail");
    assert_line(0, lines, "PayloadContent.1.EmailAddress string ann@example.org");
    assert_line(0, lines, "PayloadContent.1.EmailAccountName string Ann");
    assert_line(0, lines, "PayloadOrganization string One & Sons");
    /* One text a language; both providers are heard. */
    assert_line(0, lines, "ConsentText.default string Rules of Example\n\nRules of Other");
    assert_line(0, lines, "ConsentText.de string Regeln von Example");
    assert_null(strstr(strstr(lines, "ConsentText.default") + 1, "ConsentText.default"));
    assert_no(0, lines, "PayloadContent.2.");
    assert_no(0, lines, "PayloadContent.0.EmailAccountName");
    assert_no(0, lines, "joe.profile"); /* the profile of joe alone stays installed */
    free(lines);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_account_is_written_whole),
        cmocka_unit_test(identity_depends_on_the_address_alone),
        cmocka_unit_test(the_best_server_of_each_type_is_taken),
        cmocka_unit_test(a_domain_without_what_is_needed_is_refused),
        cmocka_unit_test(calendars_contacts_and_exchange_have_payloads),
        cmocka_unit_test(exchange_alone_is_an_account),
        cmocka_unit_test(several_addresses_share_a_profile),
    };
    log_open("test");
    log_set_level(LOG_LEVEL_CRITICAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
