/* filesystem.c - where a file lies. */
/* SPDX-License-Identifier: MIT */
#include "base/filesystem.h"

#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/vfs.h>

static bool get_status(const char *path, struct statfs *status_r)
{
    char directory[PATH_MAX];
    if (statfs(path, status_r) == 0)
        return true;
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof directory)
        return false;
    memcpy(directory, path, length);
    directory[length] = '\0';
    return statfs(length > 0 ? directory : ".", status_r) == 0;
}

bool filesystem_is_local(const char *path)
{
    static const uint32_t remote[] = {
        NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC,
        CEPH_SUPER_MAGIC, V9FS_MAGIC,      AFS_SUPER_MAGIC,  AFS_FS_MAGIC,     CODA_SUPER_MAGIC,
    };
    struct statfs status;
    if (!get_status(path, &status))
        return false;
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
        if ((uint32_t)status.f_type == remote[i])
            return false;
    return true;
}
