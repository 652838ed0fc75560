/* test_listen.c - the setting 'listen', sockets of dead processes, and connections per address. */
/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "http/listen.h"
#include "http/peers.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char directory[] = "/tmp/automxd-unit-XXXXXX";

static int make_directory(void **state)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    return rmdir(directory);
}

static void close_all(const struct listen_socket *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        listen_remove(&sockets[i]);
        close(sockets[i].fd);
    }
}

static void entries_are_opened(void **state)
{
    static const struct {
        const char *setting;
        size_t count;
    } rows[] = {
        {"127.0.0.1:0", 1},
        {" 127.0.0.1:0 ,\n\t[::1]:0 ", 2},
        {"127.0.0.1:0,,127.0.0.2:0,", 2},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        struct listen_socket sockets[LISTEN_SOCKETS_MAX];
        size_t count = 0;
        struct error error = {""};
        if (listen_open(arena, rows[i].setting, sockets, &count, &error) != STATUS_OK || count != rows[i].count)
            fail_msg("row %zu: %zu sockets, %s", i, count, error.text);
        close_all(sockets, count);
        arena_free(&arena);
    }
}

static void wrong_entries_are_named(void **state)
{
    static const struct {
        const char *setting;
        const char *said;
    } rows[] = {
        {"", "no address"},
        {" , ", "no address"},
        {"127.0.0.1", "no port"},
        {"127.0.0.1:", "port"},
        {"127.0.0.1:http", "port"},
        {"127.0.0.1:65536", "65535"},
        {"127.0.0.1:-1", "port"},
        {"::1:4243", "brackets"},
        {"[::1:4243", "brackets"},
        {"256.1.1.1:4243", "not understood"},
        {"unix:relative.sock", "absolute"},
        {"unix:", "absolute"},
        {"unix:/far/longer/than/any/path/that/fits/into/the/108/bytes/which/a/socket/address/has/for/it/on/every/linux/"
         "machine",
         "at most 107"},
        {"127.0.0.1:0, 127.0.0.1", "'127.0.0.1'"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        struct listen_socket sockets[LISTEN_SOCKETS_MAX];
        size_t count = 1;
        struct error error = {""};
        if (listen_open(arena, rows[i].setting, sockets, &count, &error) != STATUS_INVALID || count != 0 ||
            !strstr(error.text, rows[i].said))
            fail_msg("row %zu (%s): %s", i, rows[i].setting, error.text);
        arena_free(&arena);
    }
}

static void a_port_in_use_is_told(void **state)
{
    struct arena *arena = arena_new(16 * 1024);
    struct listen_socket first[LISTEN_SOCKETS_MAX], second[LISTEN_SOCKETS_MAX];
    size_t count, none;
    struct error error = {""};
    assert_int_equal(listen_open(arena, "127.0.0.1:0", first, &count, &error), STATUS_OK);
    assert_int_equal(listen_open(arena, first[0].name, second, &none, &error), STATUS_BACKEND);
    assert_non_null(strstr(error.text, "in use"));
    assert_non_null(strstr(error.text, first[0].name));
    close_all(first, count);
    arena_free(&arena);
}

static void what_this_machine_does_not_allow_is_told(void **state)
{
    static const struct {
        const char *setting;
        const char *said;
    } rows[] = {
        /* RFC 5737: nobody has it */
        {"127.0.0.1:0, 192.0.2.1:4243", "cannot listen on 192.0.2.1:4243: this machine does not have the address"},
        {"unix:/nonexistent/automxd.sock", "cannot listen on unix:/nonexistent/automxd.sock: No such file"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        struct listen_socket sockets[LISTEN_SOCKETS_MAX];
        size_t count = 1;
        struct error error = {""};
        if (listen_open(arena, rows[i].setting, sockets, &count, &error) != STATUS_BACKEND || count != 0 ||
            !strstr(error.text, rows[i].said))
            fail_msg("row %zu: %s", i, error.text);
        assert_int_equal(listen_check(arena, rows[i].setting, &error), STATUS_OK); /* it is well written */
        arena_free(&arena);
    }
}

static void sockets_have_a_bound(void **state)
{
    struct arena *arena = arena_new(64 * 1024);
    struct listen_socket sockets[LISTEN_SOCKETS_MAX];
    size_t count = 0;
    struct error error = {""};
    char setting[(LISTEN_SOCKETS_MAX + 1) * sizeof "127.0.0.1:0,"] = "";
    for (size_t i = 0; i < LISTEN_SOCKETS_MAX; i++)
        strcat(setting, "127.0.0.1:0,");
    assert_int_equal(listen_open(arena, setting, sockets, &count, &error), STATUS_OK);
    assert_int_equal(count, LISTEN_SOCKETS_MAX);
    close_all(sockets, count);
    strcat(setting, "127.0.0.1:0");
    assert_int_equal(listen_open(arena, setting, sockets, &count, &error), STATUS_INVALID);
    assert_int_equal(count, 0);
    assert_non_null(strstr(error.text, "more than 64 sockets"));
    arena_free(&arena);
}

/* The service manager's sockets begin at descriptor 3, as sd_listen_fds(3) says. What this process has there is put
 * back afterwards. */
static void inherited_sockets_must_listen(void **state)
{
    enum { FIRST = 3 };
    int saved = fcntl(FIRST, F_DUPFD_CLOEXEC, 64);
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    static const struct {
        const char *count;
        int type; /* of the socket; 0: a file */
        const char *said;
    } rows[] = {
        {"65", SOCK_STREAM, "LISTEN_FDS is '65', not a number up to 64"},
        {"one", SOCK_STREAM, "LISTEN_FDS is 'one'"},
        {"1", 0, "descriptor 3 from the service manager is no stream socket"},
        {"1", SOCK_DGRAM, "descriptor 3 from the service manager is no stream socket"},
        {"1", SOCK_STREAM, "descriptor 3 from the service manager does not listen; set Accept=no"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(16 * 1024);
        struct listen_socket sockets[LISTEN_SOCKETS_MAX];
        size_t count = 1;
        struct error error = {""};
        int fd = rows[i].type ? socket(AF_INET, rows[i].type, 0) : open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd != FIRST) {
            assert_int_equal(dup2(fd, FIRST), FIRST);
            close(fd);
        }
        setenv("LISTEN_FDS", rows[i].count, 1);
        if (listen_inherit(arena, sockets, &count, &error) != STATUS_INVALID || count != 0 ||
            !strstr(error.text, rows[i].said))
            fail_msg("row %zu: %s", i, error.text);
        arena_free(&arena);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    if (saved >= 0) {
        dup2(saved, FIRST);
        close(saved);
    } else {
        close(FIRST);
    }
}

static void sockets_of_the_dead_are_replaced(void **state)
{
    struct arena *arena = arena_new(16 * 1024);
    struct listen_socket sockets[LISTEN_SOCKETS_MAX], others[LISTEN_SOCKETS_MAX];
    size_t count, none;
    struct error error = {""};
    char setting[128];
    struct stat st;
    snprintf(setting, sizeof setting, "unix:%s/socket", directory);
    const char *path = setting + strlen("unix:");

    assert_int_equal(listen_open(arena, setting, sockets, &count, &error), STATUS_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    /* It is alive: nobody else may have it. */
    assert_int_equal(listen_open(arena, setting, others, &none, &error), STATUS_BACKEND);
    assert_non_null(strstr(error.text, "in use"));
    /* Its process died without a word. */
    close(sockets[0].fd);
    assert_int_equal(listen_open(arena, setting, sockets, &count, &error), STATUS_OK);
    close_all(sockets, count);
    assert_int_not_equal(stat(path, &st), 0);

    /* Something else that has the name is left alone. */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(listen_open(arena, setting, sockets, &count, &error), STATUS_BACKEND);
    assert_non_null(strstr(error.text, "no socket"));
    assert_int_equal(unlink(path), 0);
    arena_free(&arena);
}

static void a_process_that_does_not_accept_is_alive(void **state)
{
    struct arena *arena = arena_new(16 * 1024);
    struct listen_socket sockets[LISTEN_SOCKETS_MAX];
    size_t count;
    struct error error = {""};
    char setting[128];
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    snprintf(there.sun_path, sizeof there.sun_path, "%s/busy", directory);
    snprintf(setting, sizeof setting, "unix:%s", there.sun_path);

    int busy = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(busy, (const struct sockaddr *)&there, sizeof there), 0);
    assert_int_equal(listen(busy, 0), 0);
    int waiting = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(waiting, (const struct sockaddr *)&there, sizeof there), 0);
    alarm(10); /* for a second one that waits until the first is accepted */
    assert_int_equal(listen_open(arena, setting, sockets, &count, &error), STATUS_BACKEND);
    alarm(0);
    assert_non_null(strstr(error.text, "in use"));
    close(waiting);
    close(busy);
    assert_int_equal(unlink(there.sun_path), 0);
    arena_free(&arena);
}

static struct net_address address(const char *text)
{
    struct net_address result;
    assert_true(net_address_parse((struct slice){text, strlen(text)}, &result));
    return result;
}

static void connections_are_counted_by_address(void **state)
{
    struct peers *peers = peers_new();
    struct net_address a = address("203.0.113.1");
    struct net_address b = address("203.0.113.2");
    struct net_address c = address("2001:db8::1");
    struct net_address c2 = address("2001:db8::2:3"); /* of the same /64 */
    struct net_address d = address("2001:db8:0:1::1");

    for (int i = 0; i < 2; i++) {
        assert_true(peers_has_room(peers, &a, 2));
        assert_true(peers_enter(peers, &a));
        assert_true(peers_enter(peers, i ? &c : &c2));
    }
    assert_false(peers_has_room(peers, &a, 2));
    assert_true(peers_has_room(peers, &b, 2));
    assert_false(peers_has_room(peers, &c, 2));
    assert_true(peers_has_room(peers, &d, 2));
    peers_leave(peers, &a);
    assert_true(peers_has_room(peers, &a, 2));
    peers_leave(peers, &a);
    peers_leave(peers, &a); /* once too often is no harm */
    assert_true(peers_has_room(peers, &a, 1));
    peers_free(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_opened),
        cmocka_unit_test(wrong_entries_are_named),
        cmocka_unit_test(a_port_in_use_is_told),
        cmocka_unit_test(what_this_machine_does_not_allow_is_told),
        cmocka_unit_test(sockets_have_a_bound),
        cmocka_unit_test(inherited_sockets_must_listen),
        cmocka_unit_test(sockets_of_the_dead_are_replaced),
        cmocka_unit_test(a_process_that_does_not_accept_is_alive),
        cmocka_unit_test(connections_are_counted_by_address),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
