/* buf.h - a growing run of bytes with one sticky failure. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Every append does nothing once failed is set, so a writer checks buf_failed() once at its end. data is
 * NUL-terminated after every append (the NUL is not counted). Used by one thread at a time. */
struct buf {
    char *data;
    size_t length;
    size_t capacity;
    size_t limit; /* bytes at most */
    bool failed;
};

/* No allocation happens before the first append. limit: bytes at most; 0 means 16 MiB. */
void buf_init(struct buf *buf, size_t limit);
void buf_free(struct buf *buf);

/* Empties it and forgets a failure; the memory is kept. */
void buf_clear(struct buf *buf);

/* Makes room for length more bytes and the NUL; false when it failed. */
bool buf_reserve(struct buf *buf, size_t length);

/* These three are what writing a document consists of: in the header, so that a short constant costs a store or two. */
static inline void buf_add(struct buf *buf, const void *bytes, size_t length)
{
    if ((buf->failed || length >= buf->capacity - buf->length) && !buf_reserve(buf, length))
        return;
    if (length > 0)
        memcpy(buf->data + buf->length, bytes, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

static inline void buf_adds(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

static inline void buf_addc(struct buf *buf, char byte)
{
    buf_add(buf, &byte, 1);
}

void buf_addu(struct buf *buf, unsigned long number); /* in decimal digits */
[[gnu::format(printf, 2, 3)]] void buf_addf(struct buf *buf, const char *format, ...);

/* Appends all that a descriptor gives up to its end. False when it cannot be read (errno says why), or gives more than
 * the buffer takes (buf_failed()). */
bool buf_read(struct buf *buf, int fd);

bool buf_failed(const struct buf *buf);

/* Hands the bytes to the caller, who frees them with free(); the buffer is empty afterwards. NULL when it failed. */
char *buf_steal(struct buf *buf, size_t *length_r);

#endif
