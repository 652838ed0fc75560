/* words.h - the closed vocabularies of mail set-up, held as enums and translated on reading and writing. */
/* SPDX-License-Identifier: MIT */
#ifndef ACCOUNT_WORDS_H
#define ACCOUNT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* In the order in which a document lists them: clients such as FairEmail and Geary want IMAP first. */
enum server_type {
    SERVER_IMAP,
    SERVER_POP3,
    SERVER_SMTP,
    SERVER_JMAP,
    SERVER_EWS,
    SERVER_ACTIVESYNC,
    SERVER_CALDAV,
    SERVER_CARDDAV,
    SERVER_WEBDAV,
    SERVER_MANAGESIEVE,
};
enum { SERVER_TYPE_COUNT = SERVER_MANAGESIEVE + 1 };

enum security {
    SECURITY_NONE,
    SECURITY_STARTTLS,
    SECURITY_TLS,
};

enum auth {
    AUTH_PASSWORD_CLEARTEXT,
    AUTH_PASSWORD_ENCRYPTED, /* CRAM-MD5, DIGEST-MD5, SCRAM */
    AUTH_NTLM,
    AUTH_GSSAPI,
    AUTH_OAUTH2,
    AUTH_TLS_CERT,
    AUTH_CLIENT_IP,
    AUTH_SMTP_AFTER_POP,
    AUTH_NONE,
};
enum { AUTH_COUNT = AUTH_NONE + 1 };

/* Reading: letter case and surrounding blanks do not matter, and every word that automx2, the ISPDB or a
 * specification ever used is known. False for anything else.
 *   type      imap pop pop3 smtp submission jmap ews exchange activesync eas caldav carddav webdav managesieve sieve
 *   security  SSL TLS SSL/TLS; STARTTLS; plain none
 *   auth      plain password-cleartext cleartext login http-basic basic; secure password-encrypted cram-md5 digest-md5
 *             http-digest digest; NTLM; GSSAPI kerberos; OAuth2 OAuth xoauth2 bearer; TLS-client-cert;
 *             client-IP-address client-ip; smtp-after-pop; none */
bool server_type_parse(const char *text, enum server_type *type_r);
bool security_parse(const char *text, enum security *security_r);
bool auth_parse(const char *text, enum auth *auth_r);

/* The canonical words of our own JSON and of autoconfig ("pop3", "STARTTLS", "password-cleartext"). Never NULL. */
const char *server_type_word(enum server_type type);
const char *security_word(enum security security); /* SSL, STARTTLS, plain */
const char *auth_word(enum auth auth);

/* jmap, ews, activesync, caldav, carddav, webdav are named by a URL; the others by host and port. */
bool server_type_has_url(enum server_type type);

/* The registered port for a type and security (993, 143, 995, 110, 465, 587, 4190; 443 for URLs). */
uint16_t server_type_port(enum server_type type, enum security security);

#endif
