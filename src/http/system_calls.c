/* system_calls.c - the part of a sandbox that is about system calls (seccomp). */
/* SPDX-License-Identifier: MIT */
#include "http/system_calls.h"

#include "base/log.h"

#if HAVE_SECCOMP

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>

/* LeakSanitizer looks for leaks at the end as a debugger of the process. */
#if defined(__SANITIZE_ADDRESS__)
#define PTRACE NULL
#else
#define PTRACE "ptrace"
#endif

/* The argument of clone() that holds the flags. */
#ifdef __s390__
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif

enum {
    NAMESPACES =
        CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
};

/* What is refused, not what is permitted: a list of what libraries may call would break with their next version. The
 * systemd unit has such a list, which its administrator can change without a compiler. */
static const char *const refused[] = {
    /* programs */
    "execve",
    "execveat",
    "memfd_create",
    /* other processes */
    PTRACE,
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "perf_event_open",
    /* namespaces, mounts, files by another way than their path */
    "unshare",
    "setns",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "name_to_handle_at",
    "open_by_handle_at",
    "mknod",
    "mknodat",
    "fanotify_init",
    "quotactl",
    "quotactl_fd",
    "swapon",
    "swapoff",
    "acct",
    /* the kernel and the machine */
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "bpf",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "add_key",
    "request_key",
    "keyctl",
    "syslog",
    "reboot",
    "iopl",
    "ioperm",
    "modify_ldt",
    "personality",
    "lookup_dcookie",
    "vhangup",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
};

/* Calls that this kernel's architecture does not have are passed over. */
static bool refuse(scmp_filter_ctx filter, int error, const char *name, unsigned count,
                   const struct scmp_arg_cmp *arguments)
{
    int number = name ? seccomp_syscall_resolve_name(name) : __NR_SCMP_ERROR;
    return number == __NR_SCMP_ERROR ||
           seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(error), number, count, arguments) == 0;
}

static bool refuse_bits(scmp_filter_ctx filter, const char *name, unsigned argument, scmp_datum_t bits)
{
    const struct scmp_arg_cmp all_set = {argument, SCMP_CMP_MASKED_EQ, bits, bits};
    return refuse(filter, EPERM, name, 1, &all_set);
}

static bool refuse_namespaces(scmp_filter_ctx filter)
{
    bool good = refuse(filter, ENOSYS, "clone3", 0, NULL); /* whose flags are in memory; libraries then call clone() */
    for (unsigned bit = 0; bit < 32 && good; bit++) {
        if (NAMESPACES & (1u << bit))
            good = refuse_bits(filter, "clone", CLONE_FLAGS, 1u << bit);
    }
    return good;
}

/* The C library asks netlink which addresses this machine has. */
static bool refuse_sockets(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp above = {0, SCMP_CMP_GT, AF_NETLINK, 0};
    bool good = refuse(filter, EPERM, "socket", 1, &above);
    for (scmp_datum_t family = 0; family < AF_NETLINK && good; family++) {
        const struct scmp_arg_cmp equal = {0, SCMP_CMP_EQ, family, 0};
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
            good = refuse(filter, EPERM, "socket", 1, &equal);
    }
    return good;
}

/* A library is mapped from its file, never written and then run. */
static bool refuse_written_code(scmp_filter_ctx filter)
{
    return refuse_bits(filter, "mmap", 2, PROT_WRITE | PROT_EXEC) &&
           refuse_bits(filter, "mmap2", 2, PROT_WRITE | PROT_EXEC) && refuse_bits(filter, "mprotect", 2, PROT_EXEC) &&
           refuse_bits(filter, "pkey_mprotect", 2, PROT_EXEC) && refuse_bits(filter, "shmat", 2, SHM_EXEC);
}

enum status system_calls_restrict(struct error *error_r)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool good = filter && refuse_namespaces(filter) && refuse_sockets(filter) && refuse_written_code(filter);
    for (size_t i = 0; good && i < sizeof refused / sizeof refused[0]; i++)
        good = refuse(filter, EPERM, refused[i], 0, NULL);
    int failed = good ? seccomp_load(filter) : -ENOMEM;
    seccomp_release(filter);
    if (failed)
        return error_set(error_r, STATUS_BACKEND, "sandbox: cannot filter system calls: %s", strerror(-failed));
    return STATUS_OK;
}

#else

enum status system_calls_restrict(struct error *error_r)
{
    (void)error_r;
    log_warning("sandbox: this automxd was built without libseccomp, so that it may still run programs");
    return STATUS_OK;
}

#endif
