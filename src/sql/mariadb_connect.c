/* mariadb_connect.c - how MariaDB and MySQL are reached: options, TLS, socket file or TCP. */
/* SPDX-License-Identifier: MIT */
#include "sql/mariadb.h"

#include <errmsg.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* The library runs its non-blocking calls on a stack of its own, of which TLS needs more than the preset 60 KiB. */
enum { STACK_SIZE = 256 * 1024 };

MYSQL *maria_handle(const struct sql *sql)
{
    const struct maria_connection *connection = sql->native;

    return connection->mysql;
}

int maria_wait(const struct sql *sql, MYSQL *mysql, int events)
{
    struct pollfd poller = {.fd = mysql_get_socket(mysql)};

    if (events & MYSQL_WAIT_READ)
        poller.events |= POLLIN;
    if (events & MYSQL_WAIT_WRITE)
        poller.events |= POLLOUT;
    if (events & MYSQL_WAIT_EXCEPT)
        poller.events |= POLLPRI;
    if (sql_poll(sql, &poller) <= 0)
        return MYSQL_WAIT_TIMEOUT;
    /* A hang-up is told by whichever call comes next. */
    if (poller.revents & (POLLERR | POLLHUP | POLLNVAL))
        return events & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE | MYSQL_WAIT_EXCEPT);
    return (poller.revents & POLLIN ? MYSQL_WAIT_READ : 0) | (poller.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
           (poller.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
}

static bool is_false(const char *value)
{
    return value && (strcmp(value, "0") == 0 || text_equal_nocase(value, "false") || text_equal_nocase(value, "no"));
}

static bool is_true(const char *value)
{
    return value && (strcmp(value, "1") == 0 || text_equal_nocase(value, "true") || text_equal_nocase(value, "yes"));
}

static bool listed(const char *name, const char *const *names)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* Options that we obey, and those of the Python drivers that mean nothing here. Anything else about TLS stops: an
 * unencrypted connection must never come from a slip of the pen. */
static enum status check_options(const struct sql_uri *uri, struct error *error_r)
{
    static const char *const obeyed[] = {"charset",
                                         "unix_socket",
                                         "ssl",
                                         "ssl_ca",
                                         "ssl_capath",
                                         "ssl_cert",
                                         "ssl_key",
                                         "ssl_cipher",
                                         "ssl_crl",
                                         "tls_version",
                                         "ssl_verify_cert",
                                         "ssl_verify_identity",
                                         "ssl_check_hostname",
                                         NULL};
    static const char *const harmless[] = {"use_unicode", "autocommit",         "binary_prefix", "local_infile",
                                           "compress",    "connect_timeout",    "read_timeout",  "write_timeout",
                                           "client_flag", "read_default_group", "program_name",  NULL};

    for (size_t i = 0; i < uri->option_count; i++) {
        const char *name = uri->options[i].name;

        if (listed(name, obeyed) || listed(name, harmless))
            continue;
        if (text_starts_nocase(name, "ssl") || text_starts_nocase(name, "tls"))
            return error_set(error_r, STATUS_INVALID,
                             "the database URL's option '%s' is unknown; TLS is set by ssl_ca, ssl_cert, ssl_key and "
                             "ssl_verify_identity",
                             name);
        log_warning_once("the database URL's option '%s' is unknown to MariaDB and ignored", name);
    }
    return STATUS_OK;
}

/* Any option about TLS makes it compulsory; a CA makes the certificate and its name be checked. */
static void set_tls(MYSQL *mysql, const struct sql_uri *uri)
{
    static const struct {
        const char *name;
        enum mysql_option option;
    } files[] = {
        {"ssl_ca", MYSQL_OPT_SSL_CA},
        {"ssl_capath", MYSQL_OPT_SSL_CAPATH},
        {"ssl_cert", MYSQL_OPT_SSL_CERT},
        {"ssl_key", MYSQL_OPT_SSL_KEY},
        {"ssl_crl", MYSQL_OPT_SSL_CRL},
        {"ssl_cipher", MYSQL_OPT_SSL_CIPHER},
        {"tls_version", MARIADB_OPT_TLS_VERSION},
    };
    const my_bool yes = 1;
    const char *switched = sql_uri_option(uri, "ssl");
    bool wanted = switched && !is_false(switched);
    bool verify = is_true(sql_uri_option(uri, "ssl_verify_cert")) ||
                  is_true(sql_uri_option(uri, "ssl_verify_identity")) ||
                  is_true(sql_uri_option(uri, "ssl_check_hostname"));
    const bool unchecked = is_false(sql_uri_option(uri, "ssl_verify_cert"));

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *value = sql_uri_option(uri, files[i].name);
        const bool authority = files[i].option == MYSQL_OPT_SSL_CA || files[i].option == MYSQL_OPT_SSL_CAPATH;

        if (!value)
            continue;
        wanted = true;
        /* Whoever signed it is checked as soon as the library knows an authority; "verify" adds the host name. */
        if (authority && unchecked)
            continue;
        mysql_options(mysql, files[i].option, value);
        verify = verify || authority;
    }
    if (unchecked || is_false(sql_uri_option(uri, "ssl_verify_identity")) ||
        is_false(sql_uri_option(uri, "ssl_check_hostname")))
        verify = false;
    if (wanted || verify)
        mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    if (verify)
        mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

static void start_library(void)
{
    mysql_library_init(0, NULL, NULL);
}

void maria_disconnect(struct sql *sql)
{
    struct maria_connection *connection = sql->native;

    if (connection->mysql)
        mysql_close(connection->mysql);
    free(connection);
    sql->native = NULL;
}

/* tcp: not by the socket file, though the host is this one. */
static enum status connect_once(struct sql *sql, bool tcp, struct error *error_r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct sql_uri *uri = &sql->uri;
    const char *charset = sql_uri_option(uri, "charset");
    const size_t stack_size = STACK_SIZE;
    const unsigned no = 0;
    const unsigned protocol = MYSQL_PROTOCOL_TCP;
    struct maria_connection *connection = sql->native;
    MYSQL *mysql, *connected;
    int events;

    pthread_once(&once, start_library);
    connection->mysql = mysql = mysql_init(NULL);
    if (!mysql)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack_size);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, charset ? charset : "utf8mb4");
    /* Otherwise a false server could ask for any file of ours. */
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
    mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "automxd");
    if (tcp)
        mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    set_tls(mysql, uri);
    events = mysql_real_connect_start(&connected, mysql, tcp && !uri->host ? "127.0.0.1" : uri->host, uri->user,
                                      uri->password, uri->database, uri->port, sql_uri_option(uri, "unix_socket"),
                                      CLIENT_MULTI_STATEMENTS);
    while (events)
        events = mysql_real_connect_cont(&connected, mysql, maria_wait(sql, mysql, events));
    if (connected)
        return STATUS_OK;
    if (sql_time_left(sql) == 0)
        return error_set(error_r, STATUS_BACKEND, "no answer within %u ms", sql->options.timeout);
    return error_set(error_r, STATUS_BACKEND, "%s", mysql_error(mysql));
}

enum status maria_connect(struct sql *sql, struct error *error_r)
{
    const struct sql_uri *uri = &sql->uri;
    const bool here = !uri->host || text_equal_nocase(uri->host, "localhost");
    const bool may_choose = here && !sql_uri_option(uri, "unix_socket");
    enum status status = check_options(uri, error_r);

    if (status != STATUS_OK)
        return status;
    sql->native = calloc(1, sizeof(struct maria_connection));
    if (!sql->native)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    /* "localhost" is the socket file to the C library and TCP to PyMySQL: whichever is there. A port means TCP. */
    status = connect_once(sql, may_choose && uri->port, error_r);
    if (status == STATUS_BACKEND && may_choose && !uri->port && mysql_errno(maria_handle(sql)) == CR_CONNECTION_ERROR &&
        sql_time_left(sql) != 0) {
        mysql_close(maria_handle(sql));
        status = connect_once(sql, true, error_r);
    }
    if (status != STATUS_OK)
        maria_disconnect(sql);
    return status;
}
