/* listen.c - the sockets that the server listens on. */
/* SPDX-License-Identifier: MIT */
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

enum {
    INHERITED_FIRST = 3, /* SD_LISTEN_FDS_START */
    UNIX_UMASK = 0117,
};

static const char separators[] = ", \t\r\n";

/* What is being collected. */
struct opening {
    struct arena *arena;
    struct listen_socket *sockets; /* NULL: the entries are only looked at */
    size_t count;
    struct error *error_r;
};

static enum status add(struct opening *opening, struct listen_socket socket)
{
    if (opening->count == LISTEN_SOCKETS_MAX) {
        close(socket.fd);
        return error_set(opening->error_r, STATUS_INVALID, "listen: more than %d sockets", LISTEN_SOCKETS_MAX);
    }
    opening->sockets[opening->count++] = socket;
    return STATUS_OK;
}

static enum status cannot_bind(struct opening *opening, const char *name, int reason)
{
    if (reason == EADDRINUSE)
        return error_set(opening->error_r, STATUS_BACKEND,
                         "cannot listen on %s: the address is in use; stop what uses it or choose another port with "
                         "--port or 'listen'",
                         name);
    if (reason == EACCES)
        return error_set(opening->error_r, STATUS_BACKEND,
                         "cannot listen on %s: permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE, "
                         "a unix socket a directory that may be written",
                         name);
    if (reason == EADDRNOTAVAIL)
        return error_set(opening->error_r, STATUS_BACKEND,
                         "cannot listen on %s: this machine does not have the address", name);
    return error_set(opening->error_r, STATUS_BACKEND, "cannot listen on %s: %s", name, strerror(reason));
}

/* True when a process answers at the socket's path. */
static bool is_alive(const struct sockaddr_un *address)
{
    /* Not to wait for a process whose queue is full: EAGAIN, and so alive. */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    bool alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno != ECONNREFUSED;
    close(fd);
    return alive;
}

static enum status open_unix(struct opening *opening, const char *name, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof address.sun_path)
        return error_set(opening->error_r, STATUS_INVALID,
                         "listen: '%s' must be unix: and an absolute path of at most %zu bytes", name,
                         sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path));
    if (!opening->sockets)
        return STATUS_OK;

    struct stat st;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return error_set(opening->error_r, STATUS_BACKEND, "cannot listen on %s: a file is there that is no socket",
                             name);
        if (is_alive(&address))
            return cannot_bind(opening, name, EADDRINUSE);
        unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return cannot_bind(opening, name, errno);
    /* No thread runs yet, so nobody else is hit by the mask. */
    mode_t mask = umask(UNIX_UMASK);
    int failed = bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
    umask(mask);
    if (!failed && listen(fd, SOMAXCONN) != 0)
        failed = errno;
    if (failed) {
        close(fd);
        return cannot_bind(opening, name, failed);
    }
    /* cppcheck-suppress resourceLeak ; add() takes it */
    return add(opening, (struct listen_socket){.fd = fd, .name = name, .path = path, .owned = true});
}

/* The errno of what failed, or 0. */
static int open_address(const struct addrinfo *address, int *fd_r)
{
    const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    /* A restart shall not wait for the old connections to time out. IPv4 has sockets of its own: "0.0.0.0:80, [::]:80"
     * would fail otherwise. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (address->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        int failed = errno;
        close(fd);
        return failed;
    }
    *fd_r = fd;
    return 0;
}

/* The address with the port that the system chose when port 0 was asked for. */
static const char *bound_name(struct arena *arena, int fd, const char *name)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN], port[8];
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return name;
    const char *bound = arena_format(arena, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return bound ? bound : name;
}

/* host: a name, an address, or NULL for every address of the machine. */
static enum status open_inet(struct opening *opening, const char *name, const char *host, const char *port)
{
    unsigned long number;
    if (!text_parse_unsigned(port, 65535, &number))
        return error_set(opening->error_r, STATUS_INVALID, "listen: '%s' has no port number up to 65535", name);

    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses;
    int unknown = getaddrinfo(host, port, &hints, &addresses);
    if (unknown)
        return error_set(opening->error_r, STATUS_INVALID,
                         "listen: '%s' is not understood (%s); write ADDRESS:PORT, [IPV6-ADDRESS]:PORT or unix:/PATH",
                         name, gai_strerror(unknown));
    enum status status = STATUS_OK;
    bool opened = false;
    int failed = 0;
    for (const struct addrinfo *a = addresses; opening->sockets && a && status == STATUS_OK; a = a->ai_next) {
        int fd = -1;
        failed = open_address(a, &fd);
        if (!failed) {
            opened = true;
            status = add(opening, (struct listen_socket){.fd = fd, .name = bound_name(opening->arena, fd, name)});
        } else if (failed != EAFNOSUPPORT && failed != EADDRNOTAVAIL) {
            break;
        }
    }
    freeaddrinfo(addresses);
    /* A name, or '*', may stand for a family of addresses that this machine has not; one of them is enough. */
    bool good = opened && (!failed || failed == EAFNOSUPPORT || failed == EADDRNOTAVAIL);
    if (status == STATUS_OK && opening->sockets && !good)
        return cannot_bind(opening, name, failed);
    return status;
}

static enum status open_entry(struct opening *opening, const char *entry, size_t length)
{
    const char *name = arena_copy(opening->arena, entry, length);
    char *host = arena_copy(opening->arena, entry, length);
    if (!name || !host)
        return error_set(opening->error_r, STATUS_LIMIT, "out of memory");
    if (text_starts_nocase(name, "unix:"))
        return open_unix(opening, name, name + strlen("unix:"));

    char *colon = strrchr(host, ':');
    if (!colon)
        return error_set(opening->error_r, STATUS_INVALID, "listen: '%s' has no port; write ADDRESS:PORT", name);
    *colon = '\0';
    if (host[0] == '[' && colon > host + 1 && colon[-1] == ']') {
        colon[-1] = '\0';
        host++;
    } else if (strchr(host, ':')) {
        return error_set(opening->error_r, STATUS_INVALID, "listen: '%s': put an IPv6 address in brackets, [::1]:4243",
                         name);
    }
    bool every = host[0] == '\0' || strcmp(host, "*") == 0;
    return open_inet(opening, name, every ? NULL : host, colon + 1);
}

static enum status open_entries(struct opening *opening, const char *setting)
{
    enum status status = STATUS_OK;
    const char *entry = setting + strspn(setting, separators);
    if (!*entry)
        return error_set(opening->error_r, STATUS_INVALID, "listen: there is no address to listen on");
    while (*entry && status == STATUS_OK) {
        size_t length = strcspn(entry, separators);
        status = open_entry(opening, entry, length);
        entry += length;
        entry += strspn(entry, separators);
    }
    return status;
}

enum status listen_check(struct arena *arena, const char *setting, struct error *error_r)
{
    struct opening opening = {.arena = arena, .error_r = error_r};
    return open_entries(&opening, setting);
}

enum status listen_open(struct arena *arena, const char *setting, struct listen_socket *sockets_r, size_t *count_r,
                        struct error *error_r)
{
    struct opening opening = {.arena = arena, .sockets = sockets_r, .error_r = error_r};
    enum status status = open_entries(&opening, setting);
    if (status != STATUS_OK) {
        for (size_t i = 0; i < opening.count; i++) {
            listen_remove(&sockets_r[i]);
            close(sockets_r[i].fd);
        }
        opening.count = 0;
    }
    *count_r = opening.count;
    return status;
}

static enum status inherit(struct arena *arena, int fd, struct listen_socket *socket_r, struct error *error_r)
{
    int type = 0, accepting = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
        return error_set(error_r, STATUS_INVALID, "descriptor %d from the service manager is no stream socket", fd);
    size = sizeof accepting;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) != 0 || !accepting)
        return error_set(error_r, STATUS_INVALID,
                         "descriptor %d from the service manager does not listen; set Accept=no in the socket unit",
                         fd);
    struct sockaddr_storage address = {0};
    size = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &size);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);

    *socket_r = (struct listen_socket){.fd = fd, .name = arena_format(arena, "inherited descriptor %d", fd)};
    if (address.ss_family == AF_UNIX)
        socket_r->path = socket_r->name;
    return socket_r->name ? STATUS_OK : error_set(error_r, STATUS_LIMIT, "out of memory");
}

enum status listen_inherit(struct arena *arena, struct listen_socket *sockets_r, size_t *count_r, struct error *error_r)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    unsigned long number;
    *count_r = 0;
    if (!pid || !count || !text_parse_unsigned(pid, (unsigned long)INT32_MAX, &number) || (pid_t)number != getpid())
        return STATUS_OK;
    if (!text_parse_unsigned(count, LISTEN_SOCKETS_MAX, &number))
        return error_set(error_r, STATUS_INVALID, "LISTEN_FDS is '%s', not a number up to %d", count,
                         LISTEN_SOCKETS_MAX);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < number && status == STATUS_OK; i++)
        status = inherit(arena, INHERITED_FIRST + (int)i, &sockets_r[i], error_r);
    if (status == STATUS_OK)
        *count_r = number;
    return status;
}

void listen_remove(const struct listen_socket *socket)
{
    if (socket->owned)
        unlink(socket->path);
}
