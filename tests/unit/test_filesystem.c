/* test_filesystem.c - which files are on a disk of this machine. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/filesystem.h"

/* What the kernel says of every path that a test asks for. */
static long type;
static const char *there; /* the only path that exists; NULL: none */

int statfs(const char *path, struct statfs *status)
{
    if (there == NULL || strcmp(path, there) != 0) {
        errno = ENOENT;
        return -1;
    }
    *status = (struct statfs){.f_type = type};
    return 0;
}

static void kinds_of_file_systems(void **state)
{
    (void)state;
    static const struct {
        long type;
        bool local;
    } rows[] = {
        {EXT4_SUPER_MAGIC, true},
        {BTRFS_SUPER_MAGIC, true},
        {TMPFS_MAGIC, true},
        {OVERLAYFS_SUPER_MAGIC, true},
        {0x58465342 /* XFS */, true},
        {NFS_SUPER_MAGIC, false},
        {(int)CIFS_SUPER_MAGIC, false},
        {SMB2_SUPER_MAGIC, false},
        {FUSE_SUPER_MAGIC, false},
        {V9FS_MAGIC, false},
        {CEPH_SUPER_MAGIC, false},
    };
    there = "/var/lib/automxd/db.sqlite";
    for (size_t i = 0; i < ROWS(rows); i++) {
        type = rows[i].type;
        check_number(i, filesystem_is_local(there), rows[i].local);
    }
}

static void a_file_to_be_made(void **state)
{
    (void)state;
    static const struct {
        const char *there, *path;
        bool local;
    } rows[] = {
        {"/var/lib", "/var/lib/db.sqlite", true},
        {"/", "/db.sqlite", true},
        {".", "db.sqlite", true},
        {NULL, "/var/lib/db.sqlite", false},
        {"/var", "/var/lib/db.sqlite", false},
    };
    type = EXT4_SUPER_MAGIC;
    for (size_t i = 0; i < ROWS(rows); i++) {
        there = rows[i].there;
        check_number(i, filesystem_is_local(rows[i].path), rows[i].local);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_file_systems),
        cmocka_unit_test(a_file_to_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
