/* server.c - one libmicrohttpd daemon for each socket, all with the same requests behind them. */
/* SPDX-License-Identifier: MIT */
#include "http/server.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/request.h"
#include "http/server_state.h"

enum {
    /* Room for the longest legal head with what libmicrohttpd notes about it, and for the answer's. It clears the
     * whole of it at every request, so it should not be larger. */
    CONNECTION_MEMORY = REQUEST_HEADER_MAX + 8 * 1024,
    /* The library counts an ended connection as open for a moment longer than we do. */
    CONNECTIONS_ENDING = 64,
    CROWD_LEAST = 256, /* connections whose memory is worth returning */
    STOP_SLOW_CLIENTS_MS = 3000,
    STOP_STEP_MS = 5,
};

struct service *http_server_service(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    struct service *service = service_ref(server->service);
    pthread_mutex_unlock(&server->lock);
    return service;
}

/* How many connections this address may have. Those who cannot be told apart by it, or are trusted, may have as many as
 * they want. */
static unsigned limit_of(const struct http_server *server, const struct service *service,
                         const struct net_address *address)
{
    if (net_address_is_loopback(address) || address->family == NET_NONE || proxies_trust(&service->proxies, address))
        return UINT_MAX;
    if (service->settings->connections_per_address > 0)
        return service->settings->connections_per_address;
    /* As many as are free: one that takes all it can get leaves half of them to the others, two leave a third, and
     * whoever has none finds room until there is none at all. */
    return server->connections_max - atomic_load(&server->connections);
}

static struct net_address peer_of(const struct listener *listener, struct MHD_Connection *connection)
{
    if (listener->socket.path)
        return (struct net_address){.family = NET_LOCAL};
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return net_address_from(info ? info->client_addr : NULL);
}

/* What take_connection() counted. */
static void connection_ended(const struct listener *listener, const struct net_address *address)
{
    if (address->family != NET_LOCAL)
        peers_leave(listener->server->peers, address);
    atomic_fetch_sub(&listener->server->connections, 1);
}

static void on_connection(void *closure, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    const struct listener *listener = closure;
    struct net_address address = peer_of(listener, connection);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *context = connections_add(listener->server->open, fd);
        if (!*context)
            shutdown(fd, SHUT_RDWR); /* memory is out: nobody would watch over it */
        return;
    }
    struct http_connection *state = *context;
    *context = NULL;
    if (state) {
        request_abandon(state);
        connections_remove(listener->server->open, &state);
    }
    connection_ended(listener, &address);
}

/* The library tells what clients did wrong, mostly, and where it stands in its own source. */
[[gnu::format(printf, 2, 0)]] static void library_log(void *closure, const char *format, va_list args)
{
    if (!log_enabled(LOG_LEVEL_DEBUG))
        return;
    char text[512];
    int length = vsnprintf(text, sizeof text, format, args);
    if (length > 0 && text[strlen(text) - 1] == '\n')
        text[strlen(text) - 1] = '\0';
    log_debug("libmicrohttpd: %s", text);
}

/* At the stop, a slow client's request may become a look-up in the last moment, which the library does not allow. That
 * client's loss shall not look like a crash. */
static void on_panic(void *closure, const char *file, unsigned line, const char *reason)
{
    const struct http_server *server = closure;
    if (atomic_load(&server->stopping))
        _exit(EXIT_SUCCESS);
    log_critical("libmicrohttpd: %s:%u: %s", file, line, reason ? reason : "it cannot go on");
    abort();
}

/* How many connections there may be at once. They shall not take the last descriptors: databases could not be opened.
 */
static unsigned connection_limit(const struct settings *settings, size_t listeners)
{
    enum { OTHERS = 32, A_THREAD = 2, A_WORKER = 12, LEAST = 16, FEW = 1000 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return settings->connections;
    rlim_t ours =
        OTHERS + listeners * settings_http_threads(settings) * A_THREAD + (rlim_t)settings->lookup_workers * A_WORKER;
    rlim_t room = limit.rlim_cur > ours ? limit.rlim_cur - ours : 0;
    if (room >= settings->connections)
        return settings->connections;
    if (room < LEAST)
        room = LEAST;
    if (room < FEW)
        log_warning(
            "only %llu connections can be open at once: the limit of open files is %llu; raise it (LimitNOFILE=, "
            "ulimit -n)",
            (unsigned long long)room, (unsigned long long)limit.rlim_cur);
    return (unsigned)room;
}

static bool start_listener(struct listener *listener, const struct settings *settings)
{
    unsigned threads = settings_http_threads(settings);
    /* Not what bounds them: that is has_room(), which lets clients wait where the library would turn them away. */
    unsigned connections = listener->server->connections_max + threads * CONNECTIONS_ENDING;
    unsigned seconds = (settings->idle_timeout + 999) / 1000;
    /* A pool has two threads at least; each has its share of the connections. */
    struct MHD_OptionItem pool[] = {
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    listener->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                             MHD_USE_NO_LISTEN_SOCKET,
                         0, NULL, NULL, request_handle, listener, MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL,
                         MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, seconds,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK,
                         request_new, listener, MHD_OPTION_NOTIFY_COMPLETED, request_completed, listener,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener, MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
    return listener->daemon != NULL;
}

static bool has_room(void *context)
{
    struct http_server *server = context;
    return atomic_load(&server->connections) < server->connections_max;
}

/* Counts one more connection of this address, if it may have one. */
static bool enter(struct http_server *server, const struct net_address *address)
{
    struct service *service = http_server_service(server);
    unsigned limit = limit_of(server, service, address);
    service_unref(&service);
    bool welcome = limit == UINT_MAX || peers_has_room(server->peers, address, limit);
    return welcome && peers_enter(server->peers, address);
}

static void take_connection(void *context, size_t which, int fd, const struct sockaddr *from, socklen_t length)
{
    struct http_server *server = context;
    struct listener *listener = &server->listeners[which];
    struct net_address address = {.family = NET_LOCAL};
    if (!listener->socket.path) {
        address = net_address_from(from);
        if (!enter(server, &address)) {
            close(fd);
            return;
        }
    }
    unsigned open = atomic_fetch_add(&server->connections, 1) + 1;
    if (open > server->crowd)
        server->crowd = open;
    /* The library closes a connection that it does not want. */
    if (MHD_add_connection(listener->daemon, fd, from, length) != MHD_YES)
        connection_ended(listener, &address);
}

static void cut_slow_connections(struct http_server *server)
{
    struct service *service = http_server_service(server);
    const struct settings *settings = service->settings;
    unsigned ms = settings->idle_timeout + settings->request_timeout + settings->lookup_timeout;
    service_unref(&service);
    connections_expire(server->open, ms / ACCEPTOR_TICK_MS + 1);
}

/* A connection that has had a request holds 26 KiB, and the C library keeps what many of them have left. */
static void return_memory(struct http_server *server)
{
    unsigned open = atomic_load(&server->connections);
    if (server->crowd < CROWD_LEAST || open > server->crowd / 2)
        return;
    server->crowd = open;
    malloc_trim(0);
}

static void tick(void *context)
{
    cut_slow_connections(context);
    return_memory(context);
}

static enum status start_acceptor(struct http_server *server, struct error *error_r)
{
    int sockets[LISTEN_SOCKETS_MAX];
    for (size_t i = 0; i < server->listener_count; i++)
        sockets[i] = server->listeners[i].socket.fd;
    struct acceptor_handler handler = {has_room, take_connection, tick, server};
    return acceptor_start(sockets, server->listener_count, &handler, &server->acceptor, error_r);
}

static enum status open_sockets(struct arena *arena, const struct settings *settings, struct listen_socket *sockets,
                                size_t *count_r, struct error *error_r)
{
    enum status status = listen_inherit(arena, sockets, count_r, error_r);
    if (status == STATUS_OK && *count_r == 0)
        status = listen_open(arena, settings->listen, sockets, count_r, error_r);
    return status;
}

static void close_listener(struct listener *listener)
{
    if (listener->socket.fd < 0)
        return;
    /* First the file: once nobody listens, a successor takes it for left behind and puts its own in its place. */
    listen_remove(&listener->socket);
    close(listener->socket.fd);
    listener->socket.fd = -1;
}

static void server_free(struct http_server *server)
{
    acceptor_stop(&server->acceptor);
    for (size_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (listener->daemon)
            MHD_stop_daemon(listener->daemon);
        close_listener(listener);
    }
    service_unref(&server->service);
    peers_free(&server->peers);
    connections_free(&server->open);
    ratelimit_free(&server->ratelimit);
    pthread_mutex_destroy(&server->lock);
    arena_free(&server->arena);
    free(server);
}

enum status http_server_start(struct service *service, struct http_server **server_r, struct error *error_r)
{
    const struct settings *settings = service_settings(service);
    struct listen_socket sockets[LISTEN_SOCKETS_MAX];
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    enum status status = STATUS_OK;
    pthread_mutex_init(&server->lock, NULL);
    server->service = service_ref(service);
    server->peers = peers_new();
    server->open = connections_new();
    server->ratelimit = ratelimit_new();
    server->arena = arena_new(256 * 1024);
    if (server->arena)
        server->listeners = arena_array(server->arena, LISTEN_SOCKETS_MAX, sizeof *server->listeners);
    if (!server->peers || !server->open || !server->ratelimit || !server->listeners) {
        status = error_set(error_r, STATUS_LIMIT, "out of memory");
        goto out;
    }
    status = open_sockets(server->arena, settings, sockets, &server->listener_count, error_r);
    if (status != STATUS_OK)
        goto out;
    MHD_set_panic_func(on_panic, server);
    for (size_t i = 0; i < server->listener_count; i++)
        server->listeners[i] = (struct listener){.server = server, .socket = sockets[i]};
    server->connections_max = connection_limit(settings, server->listener_count);
    for (size_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (!start_listener(listener, settings)) {
            status = error_set(error_r, STATUS_BACKEND, "cannot serve %s: %s", listener->socket.name, strerror(errno));
            goto out;
        }
    }
    status = start_acceptor(server, error_r);
    if (status != STATUS_OK)
        goto out;
    for (size_t i = 0; i < server->listener_count; i++)
        log_info("listening on %s", server->listeners[i].socket.name);
    *server_r = server;
    return STATUS_OK;
out:
    server_free(server);
    return status;
}

/* What is read once, when the sockets are opened. */
static void warn_of_restart(const struct settings *old, const struct settings *new)
{
    const char *changed = strcmp(old->listen, new->listen) != 0    ? "listen"
                          : old->http_threads != new->http_threads ? "http_threads"
                          : old->connections != new->connections   ? "connections"
                          : old->idle_timeout != new->idle_timeout ? "idle_timeout"
                          : old->sandbox != new->sandbox           ? "sandbox"
                                                                   : NULL;
    if (changed)
        log_warning("the setting '%s' has changed, which takes effect at the next restart", changed);
}

void http_server_swap(struct http_server *server, struct service *service)
{
    warn_of_restart(service_settings(server->service), service_settings(service));
    service_ref(service);
    pthread_mutex_lock(&server->lock);
    struct service *old = server->service;
    server->service = service;
    pthread_mutex_unlock(&server->lock);
    service_unref(&old);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

void http_server_stop(struct http_server **server_pointer)
{
    struct http_server *server = *server_pointer;
    *server_pointer = NULL;
    acceptor_stop(&server->acceptor);
    for (size_t i = 0; i < server->listener_count; i++)
        close_listener(&server->listeners[i]);
    atomic_store(&server->stopping, true);
    int64_t deadline = clock_ms() + STOP_SLOW_CLIENTS_MS;
    while (atomic_load(&server->active) > 0 && clock_ms() < deadline)
        pause_ms(STOP_STEP_MS);
    /* The library panics when it is stopped with suspended connections. Each of them has a deadline. */
    while (atomic_load(&server->suspended) > 0)
        pause_ms(STOP_STEP_MS);
    server_free(server);
}
