/* test_acceptor.c - connections are taken, wait while there is no room, and are left alone after the stop. */
/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/acceptor.h"

enum { WAIT_MS = 20000 };

struct fixture {
    int sockets[2];
    struct sockaddr_in addresses[2];
    atomic_bool room;
    atomic_uint asked; /* for room, in vain */
    atomic_uint ticks;
    int taken[2]; /* a pipe: the index of the socket of each connection taken */
    struct acceptor *acceptor;
};

static bool has_room(void *context)
{
    struct fixture *fixture = context;
    if (atomic_load(&fixture->room))
        return true;
    atomic_fetch_add(&fixture->asked, 1);
    return false;
}

static void take(void *context, size_t which, int fd, const struct sockaddr *from, socklen_t length)
{
    struct fixture *fixture = context;
    unsigned char note = from->sa_family == AF_INET && length >= sizeof(struct sockaddr_in) ? (unsigned char)which : 99;
    close(fd);
    assert_int_equal(write(fixture->taken[1], &note, 1), 1);
}

static void tick(void *context)
{
    struct fixture *fixture = context;
    atomic_fetch_add(&fixture->ticks, 1);
}

static void start(struct fixture *fixture)
{
    struct error error;
    memset(fixture, 0, sizeof *fixture);
    atomic_store(&fixture->room, true);
    assert_int_equal(pipe(fixture->taken), 0);
    for (size_t i = 0; i < 2; i++) {
        fixture->sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        fixture->addresses[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof fixture->addresses[i];
        assert_int_equal(bind(fixture->sockets[i], (struct sockaddr *)&fixture->addresses[i], length), 0);
        assert_int_equal(listen(fixture->sockets[i], 16), 0);
        assert_int_equal(getsockname(fixture->sockets[i], (struct sockaddr *)&fixture->addresses[i], &length), 0);
    }
    struct acceptor_handler handler = {has_room, take, tick, fixture};
    assert_int_equal(acceptor_start(fixture->sockets, 2, &handler, &fixture->acceptor, &error), STATUS_OK);
}

static void end(struct fixture *fixture)
{
    acceptor_stop(&fixture->acceptor);
    assert_null(fixture->acceptor);
    for (size_t i = 0; i < 2; i++) {
        close(fixture->sockets[i]);
        close(fixture->taken[i]);
    }
}

static int connect_to(const struct fixture *fixture, size_t which)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&fixture->addresses[which], sizeof fixture->addresses[which]),
                     0);
    return fd;
}

/* The socket of the next connection taken, or -1 when there is none within the time. */
static int next_taken(const struct fixture *fixture, int wait_ms)
{
    struct pollfd polled = {.fd = fixture->taken[0], .events = POLLIN};
    unsigned char which;
    if (poll(&polled, 1, wait_ms) != 1)
        return -1;
    assert_int_equal(read(fixture->taken[0], &which, 1), 1);
    return which;
}

static void takes_from_every_socket(void **state)
{
    struct fixture fixture;
    start(&fixture);
    for (size_t i = 0; i < 6; i++) {
        int client = connect_to(&fixture, i % 2);
        assert_int_equal(next_taken(&fixture, WAIT_MS), i % 2);
        close(client);
    }
    end(&fixture);
}

static void clients_wait_while_there_is_no_room(void **state)
{
    struct fixture fixture;
    start(&fixture);
    atomic_store(&fixture.room, false);
    int clients[] = {connect_to(&fixture, 0), connect_to(&fixture, 1)};
    while (atomic_load(&fixture.asked) < 3)
        sched_yield();
    assert_int_equal(next_taken(&fixture, 0), -1);
    atomic_store(&fixture.room, true);
    assert_int_equal(next_taken(&fixture, WAIT_MS) + next_taken(&fixture, WAIT_MS), 1);
    close(clients[0]);
    close(clients[1]);
    end(&fixture);
}

/* accept() takes a client only when it has a descriptor for it: the client waits, and is taken once there is one. */
static void clients_wait_while_there_is_no_descriptor(void **state)
{
    struct fixture fixture;
    struct rlimit limit, none;
    int log[2];
    char said[512] = "";
    start(&fixture);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int stderr_copy = dup(STDERR_FILENO);
    assert_int_equal(pipe(log), 0);
    assert_int_equal(dup2(log[1], STDERR_FILENO), STDERR_FILENO);
    int next = dup(STDERR_FILENO); /* the lowest that is free */
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

    const struct sockaddr *to = (const struct sockaddr *)&fixture.addresses[0];
    int connected = connect(client, to, sizeof fixture.addresses[0]);
    struct pollfd polled = {.fd = log[0], .events = POLLIN};
    if (poll(&polled, 1, WAIT_MS) == 1)
        assert_true(read(log[0], said, sizeof said - 1) > 0);
    int taken = next_taken(&fixture, 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    dup2(stderr_copy, STDERR_FILENO); /* from here on a failure is seen again */
    close(stderr_copy);
    close(log[0]);
    close(log[1]);

    assert_int_equal(connected, 0);
    assert_non_null(strstr(said, "cannot take a connection: Too many open files"));
    assert_int_equal(taken, -1);
    assert_int_equal(next_taken(&fixture, WAIT_MS), 0);
    close(client);
    end(&fixture);
}

/* As a process can that has inherited the socket, too. */
static void a_socket_that_was_shut_down_does_not_stop_the_others(void **state)
{
    struct fixture fixture;
    start(&fixture);
    assert_int_equal(shutdown(fixture.sockets[0], SHUT_RDWR), 0);
    for (size_t i = 0; i < 3; i++) {
        int client = connect_to(&fixture, 1);
        assert_int_equal(next_taken(&fixture, WAIT_MS), 1);
        close(client);
    }
    end(&fixture);
}

static void nothing_is_taken_after_the_stop(void **state)
{
    struct fixture fixture;
    start(&fixture);
    acceptor_stop(&fixture.acceptor);
    int client = connect_to(&fixture, 0); /* the system's queue takes it */
    assert_int_equal(next_taken(&fixture, 0), -1);
    close(client);
    end(&fixture);
}

static void stops_while_there_is_no_room(void **state)
{
    struct fixture fixture;
    start(&fixture);
    atomic_store(&fixture.room, false);
    int client = connect_to(&fixture, 0);
    while (atomic_load(&fixture.asked) < 1)
        sched_yield();
    end(&fixture);
    close(client);
}

static void ticks_also_while_nobody_connects_and_while_there_is_no_room(void **state)
{
    struct fixture fixture;
    start(&fixture);
    while (atomic_load(&fixture.ticks) < 1)
        poll(NULL, 0, 1);
    atomic_store(&fixture.room, false);
    int client = connect_to(&fixture, 0);
    unsigned before = atomic_load(&fixture.ticks);
    while (atomic_load(&fixture.ticks) == before)
        poll(NULL, 0, 1);
    end(&fixture);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_from_every_socket),
        cmocka_unit_test(clients_wait_while_there_is_no_room),
        cmocka_unit_test(clients_wait_while_there_is_no_descriptor),
        cmocka_unit_test(a_socket_that_was_shut_down_does_not_stop_the_others),
        cmocka_unit_test(nothing_is_taken_after_the_stop),
        cmocka_unit_test(stops_while_there_is_no_room),
        cmocka_unit_test(ticks_also_while_nobody_connects_and_while_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
