/* test_words.c - every word of the field means what clients and specifications mean by it. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account/words.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void words_of_types_are_known(void **state)
{
    static const struct {
        const char *text;
        enum server_type type;
    } rows[] = {
        {"imap", SERVER_IMAP},
        {"IMAP", SERVER_IMAP},
        {" imap\t", SERVER_IMAP},
        {"pop", SERVER_POP3},
        {"pop3", SERVER_POP3},
        {"smtp", SERVER_SMTP},
        {"Submission", SERVER_SMTP},
        {"jmap", SERVER_JMAP},
        {"ews", SERVER_EWS},
        {"exchange", SERVER_EWS},
        {"activesync", SERVER_ACTIVESYNC},
        {"EAS", SERVER_ACTIVESYNC},
        {"caldav", SERVER_CALDAV},
        {"CardDAV", SERVER_CARDDAV},
        {"webdav", SERVER_WEBDAV},
        {"managesieve", SERVER_MANAGESIEVE},
        {"sieve", SERVER_MANAGESIEVE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum server_type type;
        if (!server_type_parse(rows[i].text, &type) || type != rows[i].type)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

static void words_of_security_are_known(void **state)
{
    static const struct {
        const char *text;
        enum security security;
    } rows[] = {
        {"SSL", SECURITY_TLS},
        {"ssl", SECURITY_TLS},
        {"TLS", SECURITY_TLS},
        {"SSL/TLS", SECURITY_TLS},
        {"STARTTLS", SECURITY_STARTTLS},
        {"starttls", SECURITY_STARTTLS},
        {"StartTLS ", SECURITY_STARTTLS},
        {"plain", SECURITY_NONE},
        {"PLAIN", SECURITY_NONE},
        {"none", SECURITY_NONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum security security;
        if (!security_parse(rows[i].text, &security) || security != rows[i].security)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

static void words_of_authentication_are_known(void **state)
{
    static const struct {
        const char *text;
        enum auth auth;
    } rows[] = {
        {"plain", AUTH_PASSWORD_CLEARTEXT},
        {"password-cleartext", AUTH_PASSWORD_CLEARTEXT},
        {"cleartext", AUTH_PASSWORD_CLEARTEXT},
        {"LOGIN", AUTH_PASSWORD_CLEARTEXT},
        {"http-basic", AUTH_PASSWORD_CLEARTEXT},
        {"basic", AUTH_PASSWORD_CLEARTEXT},
        {"secure", AUTH_PASSWORD_ENCRYPTED},
        {"password-encrypted", AUTH_PASSWORD_ENCRYPTED},
        {"CRAM-MD5", AUTH_PASSWORD_ENCRYPTED},
        {"digest-md5", AUTH_PASSWORD_ENCRYPTED},
        {"http-digest", AUTH_PASSWORD_ENCRYPTED},
        {"digest", AUTH_PASSWORD_ENCRYPTED},
        {"NTLM", AUTH_NTLM},
        {"ntlm", AUTH_NTLM},
        {"GSSAPI", AUTH_GSSAPI},
        {"kerberos", AUTH_GSSAPI},
        {"OAuth2", AUTH_OAUTH2},
        {"oauth", AUTH_OAUTH2},
        {"XOAUTH2", AUTH_OAUTH2},
        {"bearer", AUTH_OAUTH2},
        {"TLS-client-cert", AUTH_TLS_CERT},
        {"client-IP-address", AUTH_CLIENT_IP},
        {"client-ip", AUTH_CLIENT_IP},
        {"smtp-after-pop", AUTH_SMTP_AFTER_POP},
        {"none", AUTH_NONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum auth auth;
        if (!auth_parse(rows[i].text, &auth) || auth != rows[i].auth)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

static void other_words_are_refused(void **state)
{
    static const char *const rows[] = {"",         " ",     "imap4",  "ima",      "im ap",
                                       "password", "SSLv3", "%IMAP%", "imap,pop", "\xff"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum server_type type;
        enum security security;
        enum auth auth;
        if (server_type_parse(rows[i], &type) || security_parse(rows[i], &security) || auth_parse(rows[i], &auth))
            fail_msg("row %zu: '%s' was taken for a word", i, rows[i]);
    }
}

static void canonical_words_are_read_back(void **state)
{
    assert_string_equal(server_type_word(SERVER_POP3), "pop3");
    assert_string_equal(security_word(SECURITY_TLS), "SSL");
    assert_string_equal(security_word(SECURITY_STARTTLS), "STARTTLS");
    assert_string_equal(security_word(SECURITY_NONE), "plain");
    assert_string_equal(auth_word(AUTH_PASSWORD_CLEARTEXT), "password-cleartext");
    assert_string_equal(auth_word(AUTH_PASSWORD_ENCRYPTED), "password-encrypted");
    assert_string_equal(auth_word(AUTH_CLIENT_IP), "client-IP-address");

    for (int i = 0; i < SERVER_TYPE_COUNT; i++) {
        enum server_type type;
        assert_true(server_type_parse(server_type_word((enum server_type)i), &type));
        assert_int_equal(type, i);
    }
    for (int i = 0; i < AUTH_COUNT; i++) {
        enum auth auth;
        assert_true(auth_parse(auth_word((enum auth)i), &auth));
        assert_int_equal(auth, i);
    }
}

static void ports_are_the_registered_ones(void **state)
{
    static const struct {
        enum server_type type;
        enum security security;
        unsigned port;
        bool url;
    } rows[] = {
        {SERVER_IMAP, SECURITY_TLS, 993, false},
        {SERVER_IMAP, SECURITY_STARTTLS, 143, false},
        {SERVER_IMAP, SECURITY_NONE, 143, false},
        {SERVER_POP3, SECURITY_TLS, 995, false},
        {SERVER_POP3, SECURITY_STARTTLS, 110, false},
        {SERVER_SMTP, SECURITY_TLS, 465, false},
        {SERVER_SMTP, SECURITY_STARTTLS, 587, false},
        {SERVER_SMTP, SECURITY_NONE, 587, false},
        {SERVER_MANAGESIEVE, SECURITY_STARTTLS, 4190, false},
        {SERVER_JMAP, SECURITY_TLS, 443, true},
        {SERVER_EWS, SECURITY_TLS, 443, true},
        {SERVER_ACTIVESYNC, SECURITY_TLS, 443, true},
        {SERVER_CALDAV, SECURITY_TLS, 443, true},
        {SERVER_CARDDAV, SECURITY_NONE, 80, true},
        {SERVER_WEBDAV, SECURITY_TLS, 443, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (server_type_port(rows[i].type, rows[i].security) != rows[i].port ||
            server_type_has_url(rows[i].type) != rows[i].url)
            fail_msg("row %zu: %s", i, server_type_word(rows[i].type));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_types_are_known),          cmocka_unit_test(words_of_security_are_known),
        cmocka_unit_test(words_of_authentication_are_known), cmocka_unit_test(other_words_are_refused),
        cmocka_unit_test(canonical_words_are_read_back),     cmocka_unit_test(ports_are_the_registered_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
