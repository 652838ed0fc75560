/* test_qr.c - the text of the code by which Thunderbird for Android imports accounts. */
/* SPDX-License-Identifier: MIT */
#include "format_fixture.h"

#include "base/log.h"

static const struct address ann = {"ann+x@example.test", "ann+x", "example.test"};
static const struct address umlaut = {"\xc3\xbc@example.test", "\xc3\xbc", "example.test"};

static void accounts_are_nested_arrays(void **state)
{
    static const struct {
        struct server servers[4];
        size_t count;
        const struct address *address;
        const char *login, *full_name;
        const char *want; /* NULL: there is no code */
    } rows[] = {
        /* the example of the format's description, but for its names */
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993),
          SERVER(SERVER_POP3, 2, "pop.example.test", .port = 995),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 465)},
         3,
         &joe,
         "jdoe",
         "Joe \"J\" Doe",
         "[1,[1,1],[0,\"imap.example.test\",993,3,1,\"jdoe\"],"
         "[[[0,\"smtp.example.test\",465,3,1,\"jdoe\"],[\"joe@example.test\",\"Joe \\\"J\\\" Doe\"]]]]"},
        {{SERVER(SERVER_POP3, 2, "pop.%EMAILDOMAIN%", .port = 110, .security = SECURITY_STARTTLS,
                 AUTH(2, AUTH_OAUTH2, AUTH_PASSWORD_ENCRYPTED), .user = "%EMAILLOCALPART%"),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 25, .security = SECURITY_NONE,
                 AUTH(2, AUTH_CLIENT_IP, AUTH_NONE))},
         2,
         &ann,
         NULL,
         NULL,
         "[1,[1,1],[1,\"pop.example.test\",110,2,2,\"ann+x\"],"
         "[[[0,\"smtp.example.test\",25,0,0,\"ann+x@example.test\"],[\"ann+x@example.test\",\"\"]]]]"},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993, AUTH(2, AUTH_OAUTH2, AUTH_CLIENT_IP)),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 465, AUTH(2, AUTH_NTLM, AUTH_OAUTH2))},
         2,
         &joe,
         NULL,
         NULL,
         "[1,[1,1],[0,\"imap.example.test\",993,3,6,\"joe@example.test\"],"
         "[[[0,\"smtp.example.test\",465,3,4,\"joe@example.test\"],[\"joe@example.test\",\"\"]]]]"},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993)}, 1, &joe, NULL, NULL, NULL},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993, AUTH(1, AUTH_CLIENT_IP)),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 465)},
         2,
         &joe,
         NULL,
         NULL,
         NULL},
        {{SERVER(SERVER_IMAP, 1, "imap_.example.test", .port = 993),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 465)},
         2,
         &joe,
         NULL,
         NULL,
         NULL},
        {{SERVER(SERVER_IMAP, 1, "imap.example.test", .port = 993),
          SERVER(SERVER_SMTP, 3, "smtp.example.test", .port = 465)},
         2,
         &umlaut,
         NULL,
         NULL,
         NULL},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct domain domain = {.name = "example.test",
                                      .provider = &example_provider,
                                      .servers = rows[i].servers,
                                      .server_count = rows[i].count};
        const struct account account = {.address = rows[i].address,
                                        .domain = "example.test",
                                        .config = &domain,
                                        .login = rows[i].login,
                                        .full_name = rows[i].full_name};
        struct buf out;
        enum status status = render(&format_qr, &account, &out);

        if (status != (rows[i].want != NULL ? STATUS_OK : STATUS_NOT_FOUND))
            fail_msg("row %zu: status %d", i, status);
        if (rows[i].want != NULL)
            assert_document(i, &out, rows[i].want);
        else
            assert_int_equal(out.length, 0);
        buf_free(&out);
    }
}

static void several_accounts_share_a_code(void **state)
{
    const struct account accounts[] = {
        {.address = &joe, .domain = "example.test", .config = &example_domain},
        {.address = &ann, .domain = "example.test", .config = &example_domain, .full_name = "Ann"},
    };
    const struct document_request request = {.accounts = accounts, .account_count = COUNT(accounts)};
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(format_qr.render(&request, &out, NULL), STATUS_OK);
    assert_document(0, &out,
                    "[1,[1,1],[0,\"imap.example.test\",993,3,1,\"joe@example.test\"],"
                    "[[[0,\"smtp.example.test\",587,2,1,\"joe@example.test\"],[\"joe@example.test\",\"\"]]],"
                    "[0,\"imap.example.test\",993,3,1,\"ann+x@example.test\"],"
                    "[[[0,\"smtp.example.test\",587,2,1,\"ann+x@example.test\"],[\"ann+x@example.test\",\"Ann\"]]]]");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_nested_arrays),
        cmocka_unit_test(several_accounts_share_a_code),
    };
    log_open("test");
    log_set_level(LOG_LEVEL_CRITICAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
