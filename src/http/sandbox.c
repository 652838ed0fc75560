/* sandbox.c - what a process gives up for good: files (landlock), capabilities, system calls (seccomp). */
/* SPDX-License-Identifier: MIT */
#include "http/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/module.h"
#include "http/system_calls.h"

/* Newer than the headers that we may be built with. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

struct allowed {
    struct allowed *next;
    enum sandbox_right right;
    char path[]; /* without links */
};

struct sandbox {
    struct allowed *first;
    bool low_ports;
};

static bool allow_real(struct sandbox *sandbox, const char *path, enum sandbox_right right)
{
    size_t size = strlen(path) + 1;
    struct allowed *allowed = malloc(sizeof *allowed + size);
    if (!allowed)
        return false;
    memcpy(allowed->path, path, size);
    allowed->right = right;
    allowed->next = sandbox->first;
    sandbox->first = allowed;
    return true;
}

bool sandbox_allow(struct sandbox *sandbox, const char *path, enum sandbox_right right)
{
    char *real = realpath(path, NULL);
    bool good = real ? allow_real(sandbox, real, right) : errno != ENOMEM;
    free(real);
    return good;
}

static bool allow_directory_of(struct sandbox *sandbox, const char *file, enum sandbox_right right)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return sandbox_allow(sandbox, ".", right);
    char *directory = strndup(file, slash == file ? 1 : (size_t)(slash - file));
    bool good = directory && sandbox_allow(sandbox, directory, right);
    free(directory);
    return good;
}

bool sandbox_allow_file(struct sandbox *sandbox, const char *file, enum sandbox_right right)
{
    char *real = realpath(file, NULL);
    bool good = real ? allow_directory_of(sandbox, real, right) : errno != ENOMEM;
    free(real);
    return good && allow_directory_of(sandbox, file, right);
}

struct sandbox *sandbox_new(void)
{
    static const char *const directories[] = {"/etc", "/usr", "/lib", "/lib64",
                                              /* where other distributions have libraries and authorities */
                                              "/nix/store", "/gnu/store", "/var/lib/ca-certificates",
                                              /* the C library sizes its heaps by them; what a sanitizer reports */
                                              "/proc/self", "/proc/sys/vm", "/sys/devices/system/cpu", "/dev/random",
                                              "/dev/urandom"};
    /* Links, often: to /run, for example. */
    static const char *const files[] = {"/etc/resolv.conf", "/etc/localtime"};
    struct sandbox *sandbox = calloc(1, sizeof *sandbox);
    bool good = sandbox && sandbox_allow(sandbox, "/dev/null", SANDBOX_WRITE) &&
                sandbox_allow(sandbox, module_directory(), SANDBOX_READ);
    for (size_t i = 0; good && i < sizeof directories / sizeof directories[0]; i++)
        good = sandbox_allow(sandbox, directories[i], SANDBOX_READ);
    for (size_t i = 0; good && i < sizeof files / sizeof files[0]; i++)
        good = sandbox_allow_file(sandbox, files[i], SANDBOX_READ);
    if (!good)
        sandbox_free(&sandbox);
    return sandbox;
}

void sandbox_free(struct sandbox **sandbox)
{
    if (!*sandbox)
        return;
    while ((*sandbox)->first) {
        struct allowed *allowed = (*sandbox)->first;
        (*sandbox)->first = allowed->next;
        free(allowed);
    }
    free(*sandbox);
    *sandbox = NULL;
}

void sandbox_allow_low_ports(struct sandbox *sandbox)
{
    sandbox->low_ports = true;
}

static bool holds(const struct allowed *above, const struct allowed *wanted)
{
    size_t length = strlen(above->path);
    if (length == 1) /* "/" */
        length = 0;
    return strncmp(above->path, wanted->path, length) == 0 &&
           (wanted->path[length] == '/' || wanted->path[length] == '\0') &&
           (above->right == wanted->right || above->right == SANDBOX_WRITE);
}

const char *sandbox_lacks(const struct sandbox *sandbox, const struct sandbox *wanted)
{
    for (const struct allowed *want = wanted->first; want; want = want->next) {
        const struct allowed *above = sandbox->first;
        while (above && !holds(above, want))
            above = above->next;
        if (!above)
            return want->path;
    }
    return NULL;
}

/* Every right to files that this kernel knows, so that none is left that nobody gave. */
static uint64_t known_rights(long version)
{
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* the first version's */
    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version >= 5)
        rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return rights;
}

static enum status add_rule(int rules, uint64_t known, const struct allowed *allowed, struct error *error_r)
{
    static const uint64_t rights[] = {
        [SANDBOX_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        [SANDBOX_SOCKET] = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
        [SANDBOX_WRITE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
                          LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
    };
    const uint64_t of_files =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
    struct stat st;
    int fd = open(allowed->path, O_PATH | O_CLOEXEC);
    if (fd < 0) /* gone, or not for this user: then there is nothing to allow */
        return STATUS_OK;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights[allowed->right] & known, .parent_fd = fd};
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= of_files;
    enum status status = STATUS_OK;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        status = error_set(error_r, STATUS_BACKEND, "sandbox: landlock cannot allow %s: %m", allowed->path);
    close(fd);
    return status;
}

static enum status restrict_files(const struct sandbox *sandbox, struct error *error_r)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0) {
        log_warning("sandbox: this kernel has no landlock (%s), so that files are protected by their modes alone",
                    errno == EOPNOTSUPP ? "it is switched off; see lsm= in kernel-command-line(7)" : strerror(errno));
        return STATUS_OK;
    }
    struct landlock_ruleset_attr known = {.handled_access_fs = known_rights(version)};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &known, sizeof known, 0);
    if (rules < 0)
        return error_set(error_r, STATUS_BACKEND, "sandbox: landlock: %m");
    enum status status = STATUS_OK;
    for (const struct allowed *allowed = sandbox->first; allowed && status == STATUS_OK; allowed = allowed->next)
        status = add_rule(rules, known.handled_access_fs, allowed, error_r);
    if (status == STATUS_OK && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        status = error_set(error_r, STATUS_BACKEND, "sandbox: landlock: %m");
    close(rules);
    return status;
}

/* Also those that a program started by us would get: there is none, but for the day that a way around is found. */
static enum status drop_capabilities(const struct sandbox *sandbox, struct error *error_r)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3] = {0}, kept[_LINUX_CAPABILITY_U32S_3] = {0};
    /* A service manager that has taken them all may refuse to let us do it. */
    if (syscall(SYS_capget, &header, had) == 0 && had[0].permitted == 0 && had[1].permitted == 0)
        return STATUS_OK;
    if (sandbox->low_ports)
        kept[0].permitted = kept[0].effective = had[0].permitted & CAP_TO_MASK(CAP_NET_BIND_SERVICE);
    /* Fails behind the last one, and for all but root, who alone has use for it. */
    for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
        capability++;
    if (syscall(SYS_capset, &header, kept) != 0)
        return error_set(error_r, STATUS_BACKEND, "sandbox: cannot drop capabilities: %m");
    return STATUS_OK;
}

enum status sandbox_enter(const struct sandbox *sandbox, struct error *error_r)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(error_r, STATUS_BACKEND, "sandbox: cannot give up new privileges: %m");
    enum status status = restrict_files(sandbox, error_r);
    if (status == STATUS_OK)
        status = drop_capabilities(sandbox, error_r);
    if (status == STATUS_OK)
        status = system_calls_restrict(error_r);
    return status;
}
