/* status.h - what a call returns, and the sentence that goes with a failure. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

/* The room that notices a failure writes the sentence, because it knows the file, table or member; whoever acts on the
 * failure logs or sends it, once. */
enum status {
    STATUS_OK = 0,
    STATUS_NOT_FOUND, /* asked and answered: there is none */
    STATUS_INVALID,   /* the input is wrong and stays wrong; the error says where and why */
    STATUS_REFUSED,   /* a rule forbids it */
    STATUS_BACKEND,   /* a database, directory or file could not be asked; later it may work */
    STATUS_LIMIT,     /* a bound was reached: memory, length, queue */
};

struct error {
    char text[512]; /* one sentence without a final newline, fit for a person; empty when there is none */
};

/* Writes the sentence (cut at the size of the text, and harmless: it may quote what somebody sent) and returns status,
 * so that a failure is one line: return error_set(error_r, STATUS_INVALID, "..."). error_r may be NULL. Any thread. */
[[gnu::format(printf, 3, 4)]] enum status error_set(struct error *error_r, enum status status, const char *format, ...);

#ifdef __clang_analyzer__ /* which cannot see from elsewhere that the status is returned as it was given */
#define error_set(error_r, status, ...) ((void)(error_set)(error_r, status, __VA_ARGS__), (status))
#endif

/* Puts a sentence in front of the one that is there ("server 7: " + text). error_r may be NULL. */
[[gnu::format(printf, 2, 3)]] void error_prefix(struct error *error_r, const char *format, ...);

#endif
