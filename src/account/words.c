/* words.c - the closed vocabularies of mail set-up, as tables of every word that the field uses. */
/* SPDX-License-Identifier: MIT */
#include "account/words.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct word {
    const char *text;
    int value;
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct word type_words[] = {
    {"imap", SERVER_IMAP},
    {"pop3", SERVER_POP3},
    {"pop", SERVER_POP3}, /* automx2 */
    {"smtp", SERVER_SMTP},
    {"submission", SERVER_SMTP},
    {"jmap", SERVER_JMAP},
    {"ews", SERVER_EWS},
    {"exchange", SERVER_EWS},
    {"activesync", SERVER_ACTIVESYNC},
    {"eas", SERVER_ACTIVESYNC},
    {"caldav", SERVER_CALDAV},
    {"carddav", SERVER_CARDDAV},
    {"webdav", SERVER_WEBDAV},
    {"managesieve", SERVER_MANAGESIEVE},
    {"sieve", SERVER_MANAGESIEVE},
};

static const struct word security_words[] = {
    {"SSL", SECURITY_TLS},           {"TLS", SECURITY_TLS},    {"SSL/TLS", SECURITY_TLS},
    {"STARTTLS", SECURITY_STARTTLS}, {"plain", SECURITY_NONE}, {"none", SECURITY_NONE},
};

static const struct word auth_words[] = {
    {"password-cleartext", AUTH_PASSWORD_CLEARTEXT},
    {"plain", AUTH_PASSWORD_CLEARTEXT}, /* automx2, and the ISPDB before 2010 */
    {"cleartext", AUTH_PASSWORD_CLEARTEXT},
    {"login", AUTH_PASSWORD_CLEARTEXT},
    {"http-basic", AUTH_PASSWORD_CLEARTEXT},
    {"basic", AUTH_PASSWORD_CLEARTEXT},
    {"password-encrypted", AUTH_PASSWORD_ENCRYPTED},
    {"secure", AUTH_PASSWORD_ENCRYPTED},
    {"cram-md5", AUTH_PASSWORD_ENCRYPTED},
    {"digest-md5", AUTH_PASSWORD_ENCRYPTED},
    {"http-digest", AUTH_PASSWORD_ENCRYPTED},
    {"digest", AUTH_PASSWORD_ENCRYPTED},
    {"NTLM", AUTH_NTLM},
    {"GSSAPI", AUTH_GSSAPI},
    {"kerberos", AUTH_GSSAPI},
    {"OAuth2", AUTH_OAUTH2},
    {"OAuth", AUTH_OAUTH2},
    {"xoauth2", AUTH_OAUTH2},
    {"bearer", AUTH_OAUTH2},
    {"TLS-client-cert", AUTH_TLS_CERT},
    {"client-IP-address", AUTH_CLIENT_IP},
    {"client-ip", AUTH_CLIENT_IP},
    {"smtp-after-pop", AUTH_SMTP_AFTER_POP},
    {"none", AUTH_NONE},
};

/* Blanks around a word come from "a, b" lists and from hand-written SQL. */
static bool find_word(const struct word *words, size_t count, const char *text, int *value_r)
{
    static const char blanks[] = " \t\r\n";

    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL)
        length--;

    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i].text) == length && strncasecmp(words[i].text, text, length) == 0) {
            *value_r = words[i].value;
            return true;
        }
    }
    return false;
}

bool server_type_parse(const char *text, enum server_type *type_r)
{
    int value;
    if (!find_word(type_words, COUNT(type_words), text, &value))
        return false;
    *type_r = (enum server_type)value;
    return true;
}

bool security_parse(const char *text, enum security *security_r)
{
    int value;
    if (!find_word(security_words, COUNT(security_words), text, &value))
        return false;
    *security_r = (enum security)value;
    return true;
}

bool auth_parse(const char *text, enum auth *auth_r)
{
    int value;
    if (!find_word(auth_words, COUNT(auth_words), text, &value))
        return false;
    *auth_r = (enum auth)value;
    return true;
}

/* The canonical word of a value is the first one in its table. */
static const char *word_of(const struct word *words, size_t count, int value)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].value == value)
            return words[i].text;
    }
    return "unknown";
}

const char *server_type_word(enum server_type type)
{
    return word_of(type_words, COUNT(type_words), (int)type);
}

const char *security_word(enum security security)
{
    return word_of(security_words, COUNT(security_words), (int)security);
}

const char *auth_word(enum auth auth)
{
    return word_of(auth_words, COUNT(auth_words), (int)auth);
}

bool server_type_has_url(enum server_type type)
{
    switch (type) {
    case SERVER_JMAP:
    case SERVER_EWS:
    case SERVER_ACTIVESYNC:
    case SERVER_CALDAV:
    case SERVER_CARDDAV:
    case SERVER_WEBDAV:
        return true;
    case SERVER_IMAP:
    case SERVER_POP3:
    case SERVER_SMTP:
    case SERVER_MANAGESIEVE:
        return false;
    }
    return false;
}

uint16_t server_type_port(enum server_type type, enum security security)
{
    switch (type) {
    case SERVER_IMAP:
        return security == SECURITY_TLS ? 993 : 143;
    case SERVER_POP3:
        return security == SECURITY_TLS ? 995 : 110;
    case SERVER_SMTP: /* never 25: that port is for servers (RFC 6409) */
        return security == SECURITY_TLS ? 465 : 587;
    case SERVER_MANAGESIEVE: /* one port for all (RFC 5804) */
        return 4190;
    case SERVER_JMAP:
    case SERVER_EWS:
    case SERVER_ACTIVESYNC:
    case SERVER_CALDAV:
    case SERVER_CARDDAV:
    case SERVER_WEBDAV:
        return security == SECURITY_NONE ? 80 : 443;
    }
    return 0;
}
