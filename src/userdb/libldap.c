/* libldap.c - the module "ldap": one connection to one directory server, and the one question it is asked. */
/* SPDX-License-Identifier: MIT */
#include "userdb/libldap.h"

#include <lber.h>
#include <ldap.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/module.h"
#include "base/secret.h"
#include "base/text.h"
#include "userdb/ldap_deadline.h"

/* Two entries are enough to know that there is more than one. An answer of two attributes is small. */
enum { SIZE_LIMIT = 2, VALUE_MAX = 320, INCOMING_MAX = 1024 * 1024 };

struct ldap_link {
    LDAP *ld;
    int64_t deadline; /* of the call that runs: also what libldap itself reads and writes must be done by then */
};

static struct timeval time_left(int64_t deadline)
{
    int64_t left = deadline - clock_ms();

    if (left < 0)
        left = 0;
    return (struct timeval){.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
}

/* What went wrong: the library's words, and the server's own where it sent any. */
static enum status fault(LDAP *ld, int code, enum status status, const char *doing, struct error *error_r)
{
    char *detail = NULL;
    bool known = ld && ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail) == LDAP_OPT_SUCCESS && detail;

    /* All that libldap says of some faults of TLS. */
    if (known && strcmp(detail, "(unknown error code)") == 0) {
        ldap_memfree(detail);
        detail = strdup("is the certificate made out to this host name and signed by an authority in ca_file?");
        known = detail != NULL;
    }

    error_set(error_r, status, "%s: %s%s%s", doing, ldap_err2string(code), known && *detail ? ": " : "",
              known ? detail : "");
    ldap_memfree(detail);
    return status;
}

static int last_code(LDAP *ld)
{
    int code = LDAP_OTHER;

    ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
    return code;
}

static bool set_text(LDAP *ld, int option, const char *text)
{
    return ldap_set_option(ld, option, text) == LDAP_OPT_SUCCESS;
}

static bool set_number(LDAP *ld, int option, int number)
{
    return ldap_set_option(ld, option, &number) == LDAP_OPT_SUCCESS;
}

/* libldap itself knows no default; distributions name one in ldap.conf, which need not be installed. */
static const char *system_ca_file(void)
{
    static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem", NULL};
    size_t i = 0;

    while (files[i] && access(files[i], R_OK) != 0)
        i++;
    return files[i];
}

static bool set_tls(LDAP *ld, const struct ldap_server *server)
{
    const char *ca_file = server->ca_file ? server->ca_file : system_ca_file();

    if (!server->verify)
        log_warning_once("ldapserver %lld: the certificate is not checked; anybody on the way can read the password "
                         "and change answers (set verify, and ca_file for a CA of your own)",
                         (long long)server->id);
    /* Older protocols stay refused even where ldap.conf or the library's default allows them. */
    set_number(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
    return set_number(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, server->verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER) &&
           (!ca_file || set_text(ld, LDAP_OPT_X_TLS_CACERTFILE, ca_file)) && set_number(ld, LDAP_OPT_X_TLS_NEWCTX, 0);
}

static void set_up(LDAP *ld, int64_t deadline)
{
    const struct timeval left = time_left(deadline);
    ber_len_t incoming = INCOMING_MAX;
    Sockbuf *sockbuf = NULL;

    set_number(ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3);
    set_number(ld, LDAP_OPT_DEREF, LDAP_DEREF_NEVER);
    ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
    /* Bounds connecting, which has no asynchronous form. */
    ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &left);
    ldap_set_option(ld, LDAP_OPT_TIMEOUT, &left);
    set_number(ld, LDAP_OPT_X_KEEPALIVE_IDLE, 30);
    set_number(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, 10);
    set_number(ld, LDAP_OPT_X_KEEPALIVE_PROBES, 3);
    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockbuf) == LDAP_OPT_SUCCESS && sockbuf)
        ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &incoming);
}

/* Waits for one message of an operation. LDAP_SUCCESS, or the code of what went wrong on the way. */
static int await(LDAP *ld, int operation, int64_t deadline, LDAPMessage **message_r)
{
    struct timeval left = time_left(deadline);
    int type;

    *message_r = NULL;
    type = ldap_result(ld, operation, LDAP_MSG_ONE, &left, message_r);
    if (type > 0)
        return LDAP_SUCCESS;
    if (type < 0)
        return last_code(ld);
    ldap_abandon_ext(ld, operation, NULL, NULL);
    return LDAP_TIMEOUT;
}

/* Waits for the result of an operation that has one message. */
static int await_result(LDAP *ld, int operation, int64_t deadline)
{
    LDAPMessage *message;
    int code = await(ld, operation, deadline, &message);
    int result = LDAP_OTHER;
    char *detail = NULL;

    if (code != LDAP_SUCCESS)
        return code;
    code = ldap_parse_result(ld, message, &result, NULL, &detail, NULL, NULL, 1);
    if (code == LDAP_SUCCESS && detail && *detail)
        ldap_set_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, detail);
    ldap_memfree(detail);
    return code == LDAP_SUCCESS ? result : code;
}

static enum status start_tls(LDAP *ld, int64_t deadline, struct error *error_r)
{
    int operation;
    int code = ldap_start_tls(ld, NULL, NULL, &operation);

    if (code == LDAP_SUCCESS)
        code = await_result(ld, operation, deadline);
    if (code == LDAP_SUCCESS)
        code = ldap_install_tls(ld);
    return code == LDAP_SUCCESS ? STATUS_OK : fault(ld, code, STATUS_BACKEND, "StartTLS", error_r);
}

static enum status read_password(struct arena *arena, const struct ldap_server *server, const char **password_r,
                                 struct error *error_r)
{
    const char *password = server->bind_password ? server->bind_password : "";
    enum status status = STATUS_OK;

    if (strncmp(password, "file:", 5) == 0)
        status = secret_read(arena, password + 5, &password, error_r);
    /* RFC 4513, 5.1.2: a name with an empty password is taken for anonymous, and succeeds. */
    if (status == STATUS_OK && *password == '\0')
        status = error_set(error_r, STATUS_REFUSED, "bind_password is empty");
    *password_r = password;
    return status;
}

static bool is_hopeless(int code)
{
    switch (code) {
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_CONFIDENTIALITY_REQUIRED:
    case LDAP_AUTH_METHOD_NOT_SUPPORTED:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_NO_SUCH_OBJECT:
        return true;
    default:
        return false;
    }
}

static enum status bind_link(LDAP *ld, const struct ldap_server *server, int64_t deadline, struct error *error_r)
{
    const bool external = server->bind_method && strcasecmp(server->bind_method, "external") == 0;
    const bool anonymous = server->bind_method && strcasecmp(server->bind_method, "anonymous") == 0;
    const char *name = external || !server->bind_dn ? "" : server->bind_dn;
    char empty[] = "";
    struct berval credentials = {.bv_val = empty, .bv_len = 0};
    struct arena *arena = arena_new(8192);
    enum status status = STATUS_OK;
    int operation, code;

    if (!arena)
        return error_set(error_r, STATUS_BACKEND, "out of memory");
    if (!external && !anonymous && *name) {
        const char *password;

        status = read_password(arena, server, &password, error_r);
        if (status != STATUS_OK)
            goto out;
        credentials.bv_len = strlen(password);
        credentials.bv_val = arena_copy(arena, password, credentials.bv_len);
        if (!credentials.bv_val) {
            status = error_set(error_r, STATUS_BACKEND, "out of memory");
            goto out;
        }
    }
    /* An anonymous bind says nothing new, but shows here and not at the first search whether anybody answers. */
    code = ldap_sasl_bind(ld, anonymous ? "" : name, external ? "EXTERNAL" : LDAP_SASL_SIMPLE, &credentials, NULL, NULL,
                          &operation);
    if (code == LDAP_SUCCESS)
        code = await_result(ld, operation, deadline);
    if (credentials.bv_len > 0)
        explicit_bzero(credentials.bv_val, credentials.bv_len);
    if (code != LDAP_SUCCESS)
        status = fault(ld, code, is_hopeless(code) ? STATUS_REFUSED : STATUS_BACKEND, *name ? name : "bind", error_r);
out:
    arena_free(&arena);
    return status;
}

/* The library reads ldap.conf at the first call, which must not happen in two threads. */
static void start_library(void)
{
    int version;

    ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

static void link_close(struct ldap_link **link)
{
    struct ldap_link *closing = *link;

    *link = NULL;
    if (closing->ld)
        ldap_unbind_ext(closing->ld, NULL, NULL);
    free(closing);
}

static enum status link_open(const struct ldap_server *server, const char *url, int64_t deadline,
                             struct ldap_link **link_r, struct error *error_r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ldap_link *link = calloc(1, sizeof(*link));
    enum status status = STATUS_OK;
    int code;

    *link_r = NULL;
    if (!link)
        return error_set(error_r, STATUS_BACKEND, "out of memory");
    pthread_once(&once, start_library);
    code = ldap_initialize(&link->ld, url);
    if (code != LDAP_SUCCESS) {
        status = fault(NULL, code, STATUS_REFUSED, url, error_r);
        goto out;
    }
    link->deadline = deadline;
    if (!ldap_deadline_install(link->ld, &link->deadline)) {
        status = error_set(error_r, STATUS_BACKEND, "out of memory");
        goto out;
    }
    set_up(link->ld, deadline);
    if ((server->starttls || strncmp(url, "ldaps:", 6) == 0) && !set_tls(link->ld, server)) {
        status = error_set(error_r, STATUS_REFUSED, "%s: TLS cannot be used; is %s a readable file of certificates?",
                           url, server->ca_file ? server->ca_file : "the system's list");
        goto out;
    }
    if (server->starttls && strncmp(url, "ldap:", 5) == 0)
        status = start_tls(link->ld, deadline, error_r);
    if (status == STATUS_OK)
        status = bind_link(link->ld, server, deadline, error_r);
    if (status != STATUS_OK)
        error_prefix(error_r, "%s: ", url);
out:
    if (status == STATUS_OK)
        *link_r = link;
    else
        link_close(&link);
    return status;
}

/* The first value of an attribute, as automx2 took it. One that is no plain text counts as absent. */
static const char *first_value(LDAP *ld, LDAPMessage *entry, const char *attribute, const struct ldap_server *server,
                               struct arena *arena)
{
    struct berval **values = attribute && *attribute ? ldap_get_values_len(ld, entry, attribute) : NULL;
    const char *text = NULL;

    if (values && values[0] && values[0]->bv_len > 0) {
        const struct berval *value = values[0];

        if (value->bv_len > VALUE_MAX || memchr(value->bv_val, '\0', value->bv_len) ||
            !text_utf8_valid(value->bv_val, value->bv_len) || text_has_control(value->bv_val, value->bv_len))
            log_warning_once("ldapserver %lld: attribute %s of some entries is no plain text and is left out",
                             (long long)server->id, attribute);
        else
            text = arena_copy(arena, value->bv_val, value->bv_len);
    }
    ldap_value_free_len(values);
    return text;
}

static int scope_of(const struct ldap_server *server)
{
    if (server->scope && strcasecmp(server->scope, "one") == 0)
        return LDAP_SCOPE_ONELEVEL;
    if (server->scope && strcasecmp(server->scope, "base") == 0)
        return LDAP_SCOPE_BASE;
    return LDAP_SCOPE_SUBTREE;
}

static enum status judge(LDAP *ld, const struct ldap_server *server, int code, unsigned entries,
                         struct person *person_r, bool *lost_r, struct error *error_r)
{
    switch (code) {
    case LDAP_SUCCESS:
    case LDAP_SIZELIMIT_EXCEEDED:
    case LDAP_PARTIAL_RESULTS:
        if (entries == 1 && code != LDAP_SIZELIMIT_EXCEEDED)
            return STATUS_OK;
        if (entries > 0)
            log_info("ldapserver %lld: several entries fit one address, so that none is used", (long long)server->id);
        break;
    case LDAP_NO_SUCH_OBJECT:
        log_warning_once("ldapserver %lld: search_base %s does not exist, or %s may not see it", (long long)server->id,
                         server->base ? server->base : "", server->bind_dn ? server->bind_dn : "an anonymous user");
        break;
    case LDAP_TIMEOUT:
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_UNAVAILABLE:
    case LDAP_BUSY:
    case LDAP_DECODING_ERROR:
    case LDAP_LOCAL_ERROR:
        *lost_r = true;
        return fault(ld, code, STATUS_BACKEND, "search", error_r);
    default:
        return fault(ld, code, STATUS_BACKEND, "search", error_r);
    }
    *person_r = (struct person){0};
    return STATUS_NOT_FOUND;
}

static enum status link_find(struct ldap_link *link, const struct ldap_server *server, const char *filter,
                             int64_t deadline, struct arena *arena, struct person *person_r, bool *lost_r,
                             struct error *error_r)
{
    char *attributes[3] = {NULL};
    struct timeval left = time_left(deadline);
    LDAP *ld = link->ld;
    unsigned entries = 0;
    size_t count = 0;
    int operation, code;

    *person_r = (struct person){0};
    *lost_r = false;
    link->deadline = deadline;
    attributes[count++] = arena_text(arena, server->attr_login);
    if (server->attr_name && *server->attr_name)
        attributes[count] = arena_text(arena, server->attr_name);
    if (arena_failed(arena))
        return error_set(error_r, STATUS_BACKEND, "out of memory");
    /* The server counts its own time in whole seconds; ours ends before. */
    left.tv_sec += 1;
    code = ldap_search_ext(ld, server->base, scope_of(server), filter, attributes, 0, NULL, NULL, &left, SIZE_LIMIT,
                           &operation);
    while (code == LDAP_SUCCESS) {
        LDAPMessage *message;
        int type;

        code = await(ld, operation, deadline, &message);
        if (code != LDAP_SUCCESS)
            break;
        type = ldap_msgtype(message);
        if (type == LDAP_RES_SEARCH_ENTRY && ++entries == 1) {
            person_r->login = first_value(ld, message, server->attr_login, server, arena);
            person_r->full_name = first_value(ld, message, server->attr_name, server, arena);
        }
        if (type == LDAP_RES_SEARCH_RESULT) {
            if (ldap_parse_result(ld, message, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
                code = LDAP_DECODING_ERROR;
            ldap_msgfree(message);
            return judge(ld, server, code, entries, person_r, lost_r, error_r);
        }
        /* Everything else is a reference to another server, which Active Directory adds to most answers. */
        ldap_msgfree(message);
    }
    return judge(ld, server, code, 0, person_r, lost_r, error_r);
}

static const struct ldap_calls calls = {
    .open = link_open,
    .close = link_close,
    .find = link_find,
};

const struct module_export automxd_module = {AUTOMXD_VERSION, &calls};
