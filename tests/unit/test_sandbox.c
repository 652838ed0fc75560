/* test_sandbox.c - http/sandbox.h: a child process enters the sandbox, and tries. */
/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#include "base/log.h"
#include "http/sandbox.h"

/* A sanitizer that looks for leaks must be able to be the debugger. */
#ifdef __SANITIZE_ADDRESS__
enum { BY_DEBUGGER = 0 };
#else
enum { BY_DEBUGGER = EPERM };
#endif

static char root[] = "/tmp/automxd-sandbox-XXXXXX";

/* A path below the directory of this test. Valid up to the eighth next call. */
static const char *at(const char *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static void make(const char *name)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0 || write(fd, "text", 4) != 4)
        abort();
    close(fd);
}

static int set_up(void **state)
{
    static const char *const directories[] = {"read", "read/below", "write", "sockets", "closed"};
    if (!mkdtemp(root))
        return -1;
    for (size_t i = 0; i < ROWS(directories); i++)
        mkdir(at(directories[i]), 0755);
    make("read/below/file");
    make("write/file");
    make("sockets/file");
    make("closed/file");
    return symlink(at("closed/file"), at("read/link")) || symlink(at("read/below/file"), at("closed/link"));
}

static int tear_down(void **state)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

/* What is tried: 0, or the errno of the failure. */

static int result_of(long value)
{
    return value == -1 ? errno : 0;
}

static int open_as(const char *name, int flags)
{
    int fd = open(at(name), flags, 0600);
    int failed = result_of(fd);
    if (fd >= 0)
        close(fd);
    return failed;
}

static int read_below(void)
{
    return open_as("read/below/file", O_RDONLY);
}

static int list_below(void)
{
    return open_as("read/below", O_RDONLY | O_DIRECTORY);
}

static int write_below(void)
{
    return open_as("read/below/file", O_WRONLY);
}

static int make_below(void)
{
    return open_as("read/new", O_WRONLY | O_CREAT);
}

static int read_closed(void)
{
    return open_as("closed/file", O_RDONLY);
}

static int list_closed(void)
{
    return open_as("closed", O_RDONLY | O_DIRECTORY);
}

static int truncate_closed(void)
{
    return result_of(truncate(at("closed/file"), 0));
}

static int remove_closed(void)
{
    return result_of(unlink(at("closed/file")));
}

static int read_by_link_out(void)
{
    return open_as("read/link", O_RDONLY);
}

static int read_by_link_in(void)
{
    return open_as("closed/link", O_RDONLY);
}

static int write_database(void)
{
    return open_as("write/file", O_RDWR | O_TRUNC);
}

static int make_and_remove_journal(void)
{
    int failed = open_as("write/file-journal", O_RDWR | O_CREAT | O_EXCL);
    return failed ? failed : result_of(unlink(at("write/file-journal")));
}

static int make_directory(void)
{
    return result_of(mkdir(at("write/new"), 0755));
}

static int make_link(void)
{
    return result_of(symlink("/etc/shadow", at("write/new")));
}

static int bind_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int failed = result_of(bind(fd, (const struct sockaddr *)&address, sizeof address));
    close(fd);
    return failed;
}

static int make_socket(void)
{
    return bind_to(at("sockets/new"));
}

static int make_socket_elsewhere(void)
{
    return bind_to(at("write/new"));
}

static int make_file_by_sockets(void)
{
    return open_as("sockets/new", O_WRONLY | O_CREAT);
}

static int remove_socket(void)
{
    return result_of(unlink(at("sockets/file")));
}

static int read_names(void)
{
    return result_of(open("/etc/passwd", O_RDONLY));
}

static int write_null(void)
{
    return result_of(open("/dev/null", O_RDWR));
}

static int write_temporary(void)
{
    return result_of(open("/tmp/automxd-sandbox-none", O_WRONLY | O_CREAT, 0600));
}

static int run_program(void)
{
    return result_of(execl("/bin/true", "true", NULL));
}

static int be_debugged(void)
{
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int leave_namespace(void)
{
    return result_of(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int clone_namespace(void)
{
    return result_of(syscall(SYS_clone, CLONE_NEWUSER | 17, NULL, NULL, NULL, NULL));
}

static int clone_by_memory(void)
{
    return result_of(syscall(SYS_clone3, NULL, 0));
}

static int mount_something(void)
{
    return result_of(mount("none", at("write"), "tmpfs", 0, NULL));
}

static int load_into_kernel(void)
{
    return result_of(syscall(SYS_bpf, 0, NULL, 0));
}

static int make_ring(void)
{
    return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}

static int make_memory_file(void)
{
    return result_of(syscall(SYS_memfd_create, "x", 0));
}

static int socket_of(int family)
{
    int fd = socket(family, SOCK_STREAM, 0);
    int failed = result_of(fd);
    if (fd >= 0)
        close(fd);
    return failed;
}

static int packet_socket(void)
{
    return socket_of(AF_PACKET);
}

static int host_socket(void)
{
    return socket_of(AF_VSOCK);
}

static int bluetooth_socket(void)
{
    return socket_of(AF_BLUETOOTH);
}

static int appletalk_socket(void)
{
    return socket_of(AF_APPLETALK);
}

static int internet_socket(void)
{
    return socket_of(AF_INET);
}

static int unix_socket(void)
{
    return socket_of(AF_UNIX);
}

static int address_socket(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int map(int protection)
{
    void *memory = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? errno : 0;
}

static int map_writable_code(void)
{
    return map(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int map_memory(void)
{
    return map(PROT_READ | PROT_WRITE);
}

static int turn_into_code(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return result_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

/* One that this program does not have yet. */
static int load_library(void)
{
    return dlopen("libutil.so.1", RTLD_NOW | RTLD_LOCAL) ? 0 : ENOEXEC;
}

static void *try_program(void *failed)
{
    *(int *)failed = run_program();
    return NULL;
}

static int run_program_in_thread(void)
{
    pthread_t thread;
    int failed = 0;
    if (pthread_create(&thread, NULL, try_program, &failed) != 0)
        return EAGAIN;
    pthread_join(thread, NULL);
    return failed;
}

/* 0 when each of the words stands in the process's status. */
static int status_lacks(const char *const *words)
{
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (length < 0)
        return errno;
    text[length] = '\0';
    for (; *words; words++) {
        if (!strstr(text, *words))
            return ENOENT;
    }
    return 0;
}

static int powers_are_gone(void)
{
    static const char *const words[] = {"CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
                                        "NoNewPrivs:\t1\n", "CapAmb:\t0000000000000000\n", NULL};
    return status_lacks(words);
}

static bool low_ports;

static int only_low_ports_are_left(void)
{
    static const char *const words[] = {"CapPrm:\t0000000000000400\n", "CapEff:\t0000000000000400\n",
                                        "CapBnd:\t0000000000000000\n", NULL};
    return geteuid() == 0 ? status_lacks(words) : powers_are_gone();
}

/* Only who may set it can empty it. */
static int bounds_are_gone(void)
{
    static const char *const words[] = {"CapBnd:\t0000000000000000\n", NULL};
    return geteuid() == 0 ? status_lacks(words) : 0;
}

static bool has_landlock(int version)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= version;
}

/* The errno of what is tried by a child in a sandbox; 128 and more: it ended in another way. */
static int try(int (*attempt)(void))
{
    pid_t child = fork();
    if (child == 0) {
        struct error error;
        struct sandbox *sandbox = sandbox_new();
        bool planned = sandbox && sandbox_allow(sandbox, at("read"), SANDBOX_READ) &&
                       sandbox_allow_file(sandbox, at("write/file"), SANDBOX_WRITE) &&
                       sandbox_allow_file(sandbox, at("sockets/file"), SANDBOX_SOCKET) &&
                       sandbox_allow(sandbox, at("missing"), SANDBOX_READ);
        if (planned && low_ports)
            sandbox_allow_low_ports(sandbox);
        if (!planned || sandbox_enter(sandbox, &error) != STATUS_OK)
            _exit(128);
        _exit(attempt());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct row {
    const char *name;
    int (*attempt)(void);
    int want;
};

#define ROW(attempt, want)                                                                                             \
    {                                                                                                                  \
#attempt, attempt, want                                                                                        \
    }

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int got = try(rows[i].attempt);
        if (got != rows[i].want)
            fail_msg("%s: %s, want %s", rows[i].name, strerror(got), strerror(rows[i].want));
    }
}

static void files_are_closed_but_for_the_allowed_ones(void **state)
{
    static const struct row rows[] = {
        ROW(read_below, 0),
        ROW(list_below, 0),
        ROW(read_by_link_in, 0),
        ROW(read_names, 0),
        ROW(write_null, 0),
        ROW(write_database, 0),
        ROW(remove_socket, 0),
        ROW(make_and_remove_journal, 0),
        ROW(write_below, EACCES),
        ROW(make_below, EACCES),
        ROW(read_closed, EACCES),
        ROW(list_closed, EACCES),
        ROW(remove_closed, EACCES),
        ROW(read_by_link_out, EACCES),
        ROW(make_directory, EACCES),
        ROW(make_link, EACCES),
        ROW(write_temporary, EACCES),
        ROW(make_socket_elsewhere, EACCES),
        ROW(make_file_by_sockets, EACCES),
        ROW(make_socket, 0),
    };
    static const struct row later[] = {ROW(truncate_closed, EACCES)};
    if (has_landlock(1))
        check_rows(rows, ROWS(rows));
    if (has_landlock(3))
        check_rows(later, ROWS(later));
}

static void calls_that_are_never_made_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW(run_program, EPERM),      ROW(run_program_in_thread, EPERM),
        ROW(leave_namespace, EPERM),  ROW(clone_namespace, EPERM),
        ROW(clone_by_memory, ENOSYS), ROW(mount_something, EPERM),
        ROW(load_into_kernel, EPERM), ROW(make_ring, EPERM),
        ROW(make_memory_file, EPERM), ROW(packet_socket, EPERM),
        ROW(host_socket, EPERM),      ROW(bluetooth_socket, EPERM),
        ROW(appletalk_socket, EPERM), ROW(map_writable_code, EPERM),
        ROW(turn_into_code, EPERM),   ROW(be_debugged, BY_DEBUGGER),
    };
    if (HAVE_SECCOMP)
        check_rows(rows, ROWS(rows));
}

static void what_is_needed_goes_on(void **state)
{
    static const struct row rows[] = {
        ROW(internet_socket, 0), ROW(unix_socket, 0), ROW(address_socket, 0), ROW(map_memory, 0), ROW(load_library, 0),
    };
    check_rows(rows, ROWS(rows));
}

static void powers_are_given_up(void **state)
{
    static const struct row rows[] = {ROW(powers_are_gone, 0), ROW(bounds_are_gone, 0)};
    static const struct row low[] = {ROW(only_low_ports_are_left, 0)};
    check_rows(rows, ROWS(rows));
    low_ports = true;
    check_rows(low, ROWS(low));
    low_ports = false;
}

static struct sandbox *allowing(const char *path, enum sandbox_right right)
{
    struct sandbox *sandbox = sandbox_new();
    assert_non_null(sandbox);
    assert_true(sandbox_allow_file(sandbox, path, right));
    return sandbox;
}

static void what_is_lacking_is_named(void **state)
{
    static const struct {
        const char *allowed, *wanted;
        enum sandbox_right right, wanted_right;
        const char *lacks;
    } rows[] = {
        {"read/below/file", "read/below/other", SANDBOX_READ, SANDBOX_READ, NULL},
        {"read/file", "read/below/file", SANDBOX_READ, SANDBOX_READ, NULL},
        {"write/file", "write/file", SANDBOX_WRITE, SANDBOX_READ, NULL},
        {"write/file", "write/file", SANDBOX_READ, SANDBOX_WRITE, "write"},
        {"read/below/file", "read/file", SANDBOX_READ, SANDBOX_READ, "read"},
        {"read/file", "closed/file", SANDBOX_READ, SANDBOX_READ, "closed"},
        {"read/file", "read/link", SANDBOX_READ, SANDBOX_READ, "closed"},
        {"closed/file", "closed/link", SANDBOX_READ, SANDBOX_READ, "read/below"},
        {"read/file", "missing/file", SANDBOX_READ, SANDBOX_READ, NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sandbox *sandbox = allowing(at(rows[i].allowed), rows[i].right);
        struct sandbox *wanted = allowing(at(rows[i].wanted), rows[i].wanted_right);
        check_text(i, sandbox_lacks(sandbox, wanted), rows[i].lacks ? at(rows[i].lacks) : NULL);
        sandbox_free(&sandbox);
        sandbox_free(&wanted);
        assert_null(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_closed_but_for_the_allowed_ones),
        cmocka_unit_test(calls_that_are_never_made_are_refused),
        cmocka_unit_test(what_is_needed_goes_on),
        cmocka_unit_test(powers_are_given_up),
        cmocka_unit_test(what_is_lacking_is_named),
    };
    log_open("test_sandbox");
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
