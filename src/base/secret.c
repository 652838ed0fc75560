/* secret.c - passwords and keys from files. */
/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 4096 };

static enum status check_open_file(int fd, const char *path, struct error *error_r)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set(error_r, STATUS_BACKEND, "cannot examine %s: %m", path);
    if (st.st_mode & (S_IROTH | S_IWOTH))
        return error_set(error_r, STATUS_REFUSED,
                         "%s holds a secret that every user can read or write; run: chmod o-rw %s", path, path);
    return STATUS_OK;
}

static enum status open_file(const char *path, int *fd_r, struct error *error_r)
{
    *fd_r = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*fd_r < 0)
        return error_set(error_r, STATUS_BACKEND, "cannot open %s: %m", path);
    enum status status = check_open_file(*fd_r, path, error_r);
    if (status != STATUS_OK) {
        close(*fd_r);
        *fd_r = -1;
    }
    return status;
}

enum status secret_check_mode(const char *path, struct error *error_r)
{
    int fd;
    enum status status = open_file(path, &fd, error_r);
    if (status == STATUS_OK)
        close(fd);
    return status;
}

enum status secret_read(struct arena *arena, const char *path, const char **secret_r, struct error *error_r)
{
    *secret_r = NULL;
    char text[SECRET_MAX];
    size_t length = 0;
    int fd;
    enum status status = open_file(path, &fd, error_r);
    if (status != STATUS_OK)
        return status;
    while (length < sizeof text) {
        ssize_t got = read(fd, text + length, sizeof text - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = error_set(error_r, STATUS_BACKEND, "cannot read %s: %m", path);
            goto out;
        }
        if (got == 0)
            break;
        length += (size_t)got;
    }
    const char *newline = memchr(text, '\n', length);
    if (!newline && length == sizeof text) {
        status = error_set(error_r, STATUS_LIMIT, "%s: the first line is longer than %d bytes", path, SECRET_MAX - 1);
        goto out;
    }
    if (newline)
        length = (size_t)(newline - text);
    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (length == 0) {
        status = error_set(error_r, STATUS_INVALID, "%s: the first line is empty; write the secret there", path);
        goto out;
    }
    if (memchr(text, '\0', length)) {
        status = error_set(error_r, STATUS_INVALID, "%s: the first line holds a NUL byte; write plain text", path);
        goto out;
    }
    *secret_r = arena_copy(arena, text, length);
    if (!*secret_r)
        status = error_set(error_r, STATUS_LIMIT, "%s: out of memory", path);
out:
    explicit_bzero(text, sizeof text);
    close(fd);
    return status;
}
