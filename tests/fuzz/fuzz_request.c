/* fuzz_request.c - whole connections: HTTP requests in, by libmicrohttpd, the routes, the resolver and a database in
 * memory, to answers out. The input is a line of options and what a client sends then (request_mutate.c keeps it in
 * shape): "1 10.0.0.1 p" is the second of the configurations below, the client's address, and all sent at once. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/server_state.h"
#include "http/service.h"
#include "http_message.h"
#include "oracle.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback policy,
                                           void *context, MHD_AccessHandlerCallback handler, void *closure, ...);
void __real_MHD_suspend_connection(struct MHD_Connection *connection);
void __wrap_MHD_suspend_connection(struct MHD_Connection *connection);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);

enum { PATIENCE_MS = 50000 };

#define COMMON                                                                                                         \
    "[automx2]\nlisten = 127.0.0.1:0\nhttp_threads = 1\nlookup_workers = 1\nlookup_timeout = 30\nloglevel = INFO\n"
#define PEOPLE                                                                                                         \
    "user_db_uri = sqlite:///people?mode=memory\n"                                                                     \
    "user_query = SELECT :local AS login, 'Name of ' || :address AS name, '/home/' || :local AS home\n"                \
    "  WHERE :local NOT LIKE 'nobody%%'\n"
#define FILLED COMMON "initdb = no\naccounts = " FUZZ_DIRECTORY "/accounts.json\n"

static const char *const configurations[] = {
    FILLED "rate_limit = 0\n",
    FILLED "rate_limit = 0\n" PEOPLE "trusted_proxies = 10.0.0.0/8, ::1\nhttps_redirect = yes\nhost_fallback = yes\n",
    FILLED "rate_limit = 1\n" PEOPLE "unknown_users = refuse\nproxy_count = 1\ndefault_domain = example.com\n",
    COMMON "rate_limit = 0\nallow_plain = yes\n", /* with /initdb */
};
enum { SERVICES = sizeof configurations / sizeof configurations[0], LIMITED = 2, EMPTY = 3 };

static struct service *services[SERVICES];
static struct http_server *server;
static struct MHD_Daemon *library;
static bool asleep; /* a connection has been suspended, and perhaps woken again by now */

/* The library runs on this thread, when it is told to: that is faster, and it is known when it waits for the client. */
struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback policy,
                                           void *context, MHD_AccessHandlerCallback handler, void *closure, ...)
{
    va_list options;
    va_start(options, closure);
    flags = MHD_USE_EPOLL | (flags & ~(unsigned)MHD_USE_EPOLL_INTERNAL_THREAD);
    library = MHD_start_daemon_va(flags, port, policy, context, handler, closure, options);
    va_end(options);
    return library;
}

void __wrap_MHD_suspend_connection(struct MHD_Connection *connection)
{
    asleep = true;
    __real_MHD_suspend_connection(connection);
}

/* A line for each request, in which no value can be taken for another, and without an address. */
static void check_access_line(const char *line)
{
    int end = 0;
    sscanf(line,
           "peer=%*[^ =] method=%*[^ =] path=%*[^ =] host=%*[^ =] domain=%*[^ =] format=%*[^ =] status=%*u bytes=%*u "
           "ms=%*u source=%*[^ =\n]%n",
           &end);
    demand(end > 0 && (strcmp(line + end, "\n") == 0 || strcmp(line + end, " aborted=yes\n") == 0));
    demand(!strchr(line, '@'));
}

/* The log: lines in one piece, which nobody forges. */
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    char text[8192];
    if (fd != STDERR_FILENO)
        return __real_write(fd, bytes, size);
    demand(size > 1 && size < sizeof text && memchr(bytes, '\n', size) == (const char *)bytes + size - 1);
    memcpy(text, bytes, size);
    text[size] = '\0';
    demand_text(text, size);
    const char *access = strstr(text, "peer=");
    if (access)
        check_access_line(access);
    return (ssize_t)size;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error;
    log_open("fuzz");
    log_set_level(LOG_LEVEL_INFO);
    for (size_t i = 0; i < SERVICES; i++) {
        struct settings *settings;
        if (settings_parse("file", configurations[i], strlen(configurations[i]), &settings, &error) != STATUS_OK ||
            service_new(settings, false, &services[i], &error) != STATUS_OK)
            demand_failed(error.text, __FILE__, __LINE__);
    }
    /* Nobody connects to its socket: the library is given the connections below by hand. */
    demand(http_server_start(services[0], &server, &error) == STATUS_OK);
    return 0;
}

/* A network that has spent all that it had. */
static void spend_all(void)
{
    const struct net_address greedy = {.family = NET_IPV4, .bytes = {198, 51, 100, 1}};
    ratelimit_free(&server->ratelimit);
    server->ratelimit = ratelimit_new();
    demand(server->ratelimit != NULL);
    ratelimit_charge(server->ratelimit, &greedy, 1, 2 * RATELIMIT_BURST, clock_ms());
}

/* The same state before each input. */
static void choose_service(size_t which)
{
    struct service *service = services[which];
    if (which == EMPTY) {
        struct store_session *session;
        demand(store_session_open(service->store, &session, NULL) == STATUS_OK);
        demand(store_clear(session, NULL) == STATUS_OK);
        store_session_close(&session);
    }
    if (which == LIMITED)
        spend_all();
    resolver_forget(service->resolver);
    http_server_swap(server, service);
}

/* As the acceptor does it, but the peer's address is what the input says. */
static int connect_as(const struct net_address *peer)
{
    struct sockaddr_storage address = {.ss_family = peer->family == NET_IPV6 ? AF_INET6 : AF_INET};
    int pair[2];
    if (peer->family == NET_IPV6)
        memcpy(&((struct sockaddr_in6 *)&address)->sin6_addr, peer->bytes, 16);
    else
        memcpy(&((struct sockaddr_in *)&address)->sin_addr, peer->bytes, 4);
    demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    demand(peers_enter(server->peers, peer));
    atomic_fetch_add(&server->connections, 1);
    demand(MHD_add_connection(library, pair[1], (struct sockaddr *)&address, sizeof address) == MHD_YES);
    return pair[0];
}

struct client {
    int fd;
    bool ended; /* the server has closed the connection */
    struct buf got;
    size_t used; /* bytes of got that have been looked at */
};

/* Until the server has done all that it can do now: it waits for the client, and for no look-up. */
static void serve(void)
{
    int64_t deadline = clock_ms() + PATIENCE_MS;
    struct pollfd events = {.fd = MHD_get_daemon_info(library, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN};
    MHD_UNSIGNED_LONG_LONG timeout;
    do {
        asleep = false;
        demand(MHD_run(library) == MHD_YES);
        for (; atomic_load(&server->suspended) > 0; usleep(20))
            demand(clock_ms() < deadline);
    } while (asleep || (MHD_get_timeout(library, &timeout) == MHD_YES && timeout == 0) || poll(&events, 1, 0) > 0);
}

/* What the server makes of it, up to where it waits for more. */
static void client_receive(struct client *client)
{
    char bytes[16384];
    ssize_t got;
    do {
        serve();
        got = recv(client->fd, bytes, sizeof bytes, 0);
        if (got > 0)
            buf_add(&client->got, bytes, (size_t)got);
        else
            client->ended = got == 0 || errno != EAGAIN;
    } while (got > 0);
}

static void client_send(struct client *client, const char *bytes, size_t length)
{
    while (length > 0 && !client->ended) {
        ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
        client_receive(client);
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        }
    }
}

/* The next answer, if there is one. None ends in the middle. */
static bool client_answer(struct client *client, bool to_head, struct http_message *answer_r)
{
    size_t left = client->got.length - client->used;
    if (left == 0)
        return false;
    demand(http_answer_read(client->got.data + client->used, left, to_head, answer_r));
    client->used += answer_r->head + answer_r->body;
    return true;
}

static bool has_header(const struct http_message *answer, const char *name, const char *value)
{
    size_t length;
    const char *there = http_header(answer, name, &length);
    return there && (!value || (length >= strlen(value) && strncasecmp(there, value, strlen(value)) == 0));
}

static void check_body(const struct http_message *answer)
{
    const char *body = answer->bytes + answer->head;
    if (answer->body == 0)
        return; /* to HEAD */
    if (has_header(answer, "Content-Type", "text/xml") || has_header(answer, "Content-Type", "application/xml") ||
        has_header(answer, "Content-Type", "application/x-apple-aspen-config"))
        demand_xml(body, answer->body);
    else if (has_header(answer, "Content-Type", "application/json"))
        demand_json(body, answer->body);
    else
        demand(has_header(answer, "Content-Type", "text/"));
    demand_text(body, answer->body);
}

static void check_answer(const struct http_message *answer)
{
    /* What the library itself refuses before the request is read. */
    if (!has_header(answer, "X-Content-Type-Options", "nosniff")) {
        demand(answer->status == 400 || answer->status == 413 || answer->status == 414 || answer->status == 431);
        return;
    }
    demand(has_header(answer, "Cache-Control", NULL));
    switch (answer->status) {
    case 200:
    case 304:
    case 400:
    case 403:
    case 404:
    case 413:
    case 414:
    case 431:
        break;
    case 302:
    case 307:
        demand(has_header(answer, "Location", "https://") || has_header(answer, "Location", "http://"));
        break;
    case 405:
        demand(has_header(answer, "Allow", "GET, HEAD"));
        break;
    case 429:
        demand(has_header(answer, "Retry-After", NULL));
        break;
    default:
        demand(!"a status that is documented");
    }
    check_body(answer);
}

/* What may be kept for others says nothing of this person, whose name is nowhere else. */
static void check_privacy(const struct http_message *request, const struct http_message *answer)
{
    static const char address[] = "=zqlocal@", name[] = "zqlocal";
    const char *there = memmem(request->bytes, request->head, address, strlen(address));
    if (!there || !has_header(answer, "Cache-Control", "public"))
        return;
    const char *rest = there + strlen(address), *end = request->bytes + request->head;
    if (!memmem(rest, (size_t)(end - rest), name, strlen(name)) &&
        !memmem(request->bytes, (size_t)(there - request->bytes), name, strlen(name)))
        demand(!memmem(answer->bytes, answer->head + answer->body, name, strlen(name)));
}

/* The next answer that is none of 1xx. */
static bool take_answer(struct client *client, const struct http_message *request, struct http_message *answer_r)
{
    do {
        if (!client_answer(client, request->is_head, answer_r))
            return false;
        demand(answer_r->status == 100 || answer_r->status >= 200);
    } while (answer_r->status == 100);
    check_answer(answer_r);
    check_privacy(request, answer_r);
    return true;
}

/* Every good request gets its answer, in order, unless the one before had the connection closed. Returns whether
 * something else was sent, too, to which there may be an answer. */
static bool converse(struct client *client, const char *bytes, size_t length, bool pipelined)
{
    struct http_message request, answer;
    bool open = true;
    if (pipelined)
        client_send(client, bytes, length);
    while (open && http_request_read(bytes, length, &request)) {
        size_t size = request.head + request.body;
        if (!pipelined)
            client_send(client, bytes, size);
        demand(take_answer(client, &request, &answer));
        open = !answer.closes;
        demand(open || request.closes || answer.status >= 400);
        bytes += size;
        length -= size;
    }
    if (open && !pipelined)
        client_send(client, bytes, length);
    return open && length > 0;
}

/* The connection ends, and nothing of this input is left for the next. No body was taken for a request. */
static void say_goodbye(struct client *client, bool more)
{
    struct http_message answer;
    shutdown(client->fd, SHUT_WR);
    client_receive(client);
    demand(client->ended);
    size_t left = client->got.length - client->used;
    demand(left == 0 || (more && http_answer_read(client->got.data + client->used, left, true, &answer)));
    serve();
    demand(atomic_load(&server->connections) == 0 && atomic_load(&server->active) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *newline = memchr(bytes, '\n', size);
    if (!newline || newline - bytes < 3 || bytes[0] < '0' || bytes[0] >= '0' + SERVICES)
        return 0;
    struct slice options = {bytes + 2, (size_t)(newline - bytes) - 2};
    bool pipelined = options.length > 2 && memcmp(newline - 2, " p", 2) == 0;
    struct net_address peer;
    options.length -= pipelined ? 2 : 0;
    if (!net_address_parse(options, &peer))
        return 0;

    choose_service((size_t)(bytes[0] - '0'));
    struct client client = {.fd = connect_as(&peer)};
    buf_init(&client.got, 0);
    buf_addc(&client.got, '\0');
    buf_clear(&client.got);
    bool more = converse(&client, newline + 1, size - (size_t)(newline + 1 - bytes), pipelined);
    say_goodbye(&client, more);
    close(client.fd);
    buf_free(&client.got);
    return 0;
}
