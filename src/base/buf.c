/* buf.c - a growing run of bytes with one sticky failure. */
/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 1024, DEFAULT_LIMIT = 16 * 1024 * 1024 };

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit ? limit : DEFAULT_LIMIT};
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->limit);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

bool buf_reserve(struct buf *buf, size_t length)
{
    if (buf->failed)
        return false;
    if (length > buf->limit - buf->length || buf->length + length == (size_t)-1) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->length + length + 1;
    if (needed <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
    while (capacity < needed && capacity <= (size_t)-1 / 2)
        capacity *= 2;
    if (capacity < needed)
        capacity = needed;
    if (capacity - 1 > buf->limit) /* buf_add() looks at the capacity alone */
        capacity = buf->limit + 1;
    char *data = realloc(buf->data, capacity);
    if (!data) {
        memory_note_failure();
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void buf_addu(struct buf *buf, unsigned long number)
{
    char digits[3 * sizeof number];
    char *at = digits + sizeof digits;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    buf_add(buf, at, (size_t)(digits + sizeof digits - at));
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        buf->failed = true;
        return;
    }
    if (!buf_reserve(buf, (size_t)length))
        return;
    va_start(args, format);
    vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
    va_end(args);
    buf->length += (size_t)length;
}

bool buf_read(struct buf *buf, int fd)
{
    char block[16384];
    while (!buf->failed) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        buf_add(buf, block, (size_t)got);
    }
    return false;
}

bool buf_failed(const struct buf *buf)
{
    return buf->failed;
}

char *buf_steal(struct buf *buf, size_t *length_r)
{
    if (length_r)
        *length_r = 0;
    if (!buf_reserve(buf, 0)) {
        buf_free(buf);
        return NULL;
    }
    char *data = buf->data;
    data[buf->length] = '\0';
    if (length_r)
        *length_r = buf->length;
    buf_init(buf, buf->limit);
    return data;
}
