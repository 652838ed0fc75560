/* alloc_fail.c - preloaded into the daemon: lets one allocation fail, or every one from it on. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the test and the daemon share: a file of this form, named by ALLOC_FAIL, mapped by both. */
struct order {
    _Atomic uint32_t fail_at; /* the allocation that fails, counted from 1; 0: none */
    _Atomic uint32_t fail_to; /* the last one that fails */
    _Atomic uint32_t count;   /* allocations since the test set it to 0 */
    _Atomic int32_t living;   /* those that were not freed */
};

static struct order *order;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

[[gnu::constructor]] static void begin(void)
{
    const char *path = getenv("ALLOC_FAIL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        order = map;
}

static bool fails(void)
{
    if (!order)
        return false;
    uint32_t at = atomic_load(&order->fail_at);
    uint32_t count = atomic_fetch_add(&order->count, 1) + 1;
    if (at == 0 || count < at || count > atomic_load(&order->fail_to))
        return false;
    errno = ENOMEM;
    return true;
}

static void *noted(void *memory)
{
    if (memory && order)
        atomic_fetch_add(&order->living, 1);
    return memory;
}

void *malloc(size_t size)
{
    return fails() ? NULL : noted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : noted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    return old ? __libc_realloc(old, size) : noted(__libc_realloc(NULL, size));
}

void free(void *memory)
{
    if (memory && order)
        atomic_fetch_sub(&order->living, 1);
    __libc_free(memory);
}
