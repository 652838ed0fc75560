/* log.c - lines on stderr for the administrator. */
/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { LINE_MAX_BYTES = 4096, SENTENCES_MAX = 4096 };

static const char *log_name = "automxd";
static bool log_to_journal;
static atomic_int log_threshold = LOG_LEVEL_WARNING;

static const struct level {
    const char *name; /* Python's */
    enum log_level level;
    int syslog; /* priority in the journal */
} levels[] = {
    {"DEBUG", LOG_LEVEL_DEBUG, 7},    {"INFO", LOG_LEVEL_INFO, 6},         {"WARNING", LOG_LEVEL_WARNING, 4},
    {"ERROR", LOG_LEVEL_ERROR, 3},    {"CRITICAL", LOG_LEVEL_CRITICAL, 2}, {"WARN", LOG_LEVEL_WARNING, 4},
    {"FATAL", LOG_LEVEL_CRITICAL, 2}, {"NOTSET", LOG_LEVEL_DEBUG, 7}, /* NOTSET: nothing is held back */
};
enum { LEVEL_COUNT = sizeof levels / sizeof levels[0] };

/* JOURNAL_STREAM is "device:inode" of the journal's socket (systemd.exec(5)); it is inherited by children whose stderr
 * may be something else, hence the comparison. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char here[64];
    struct stat st;
    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return false;
    snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, here) == 0;
}

void log_open(const char *name)
{
    log_name = name;
    log_to_journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_threshold, level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

bool log_level_parse(const char *text, enum log_level *level_r)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (text_equal_nocase(text, levels[i].name)) {
            *level_r = levels[i].level;
            return true;
        }
    }
    return false;
}

static const struct level *find_level(enum log_level level)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (levels[i].level == level)
            return &levels[i];
    }
    return &levels[0];
}

/* Kept for the second that it is true in, because access lines come by the ten thousand. */
static const char *utc_now(void)
{
    static _Thread_local time_t second = -1;
    static _Thread_local char text[32];
    time_t now = time(NULL);
    if (now != second) {
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        second = now;
    }
    return text;
}

[[gnu::format(printf, 2, 0)]] static void write_line(enum log_level level, const char *format, va_list args)
{
    int kept_errno = errno;
    const struct level *row = find_level(level);
    char line[LINE_MAX_BYTES];
    int head = log_to_journal ? snprintf(line, sizeof line, "<%d>", row->syslog)
                              : snprintf(line, sizeof line, "%s %s %s: ", utc_now(), log_name, row->name);
    if (head < 0 || (size_t)head > sizeof line / 2)
        head = 0;
    size_t length = (size_t)head;
    size_t room = sizeof line - length - 1; /* one byte for the newline, which takes the NUL's place */
    errno = kept_errno;                     /* for %m */
    int body = vsnprintf(line + length, room + 1, format, args);
    if (body > 0) {
        size_t kept = (size_t)body;
        const char *end = "";
        if (kept > room) {
            end = "...";
            kept = text_utf8_cut(line + length, room - strlen(end));
        }
        length += text_make_harmless(line + length, kept);
        memcpy(line + length, end, strlen(end)); /* NOLINT(bugprone-not-null-terminated-result): write(2) wants none */
        length += strlen(end);
    }
    line[length++] = '\n';
    /* When stderr is gone or full there is nobody left to tell. */
    ssize_t written;
    do
        written = write(STDERR_FILENO, line, length);
    while (written < 0 && errno == EINTR);
    errno = kept_errno;
}

#define LOG_FUNCTION(function, level)                                                                                  \
    void function(const char *format, ...)                                                                             \
    {                                                                                                                  \
        if (!log_enabled(level))                                                                                       \
            return;                                                                                                    \
        va_list args;                                                                                                  \
        va_start(args, format);                                                                                        \
        write_line(level, format, args);                                                                               \
        va_end(args);                                                                                                  \
    }

LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_critical, LOG_LEVEL_CRITICAL)

void log_echo(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_INFO, format, args);
    va_end(args);
}

/* Sentences that were said, as hashes in an open table; 0 is a free place. Two sentences of one hash cost a warning,
 * once in 2^64. */
static struct {
    pthread_mutex_t lock;
    uint64_t hashes[SENTENCES_MAX * 2];
    size_t count;
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash ? hash : 1;
}

static void forget_locked(void)
{
    memset(said.hashes, 0, sizeof said.hashes);
    said.count = 0;
}

/* True when the sentence is new, which it then no longer is. */
static bool remember(const char *sentence)
{
    uint64_t hash = hash_text(sentence);
    enum { PLACES = sizeof said.hashes / sizeof said.hashes[0] };
    pthread_mutex_lock(&said.lock);
    if (said.count >= SENTENCES_MAX)
        forget_locked();
    size_t i = hash % PLACES;
    while (said.hashes[i] && said.hashes[i] != hash)
        i = (i + 1) % PLACES;
    bool is_new = said.hashes[i] == 0;
    if (is_new) {
        said.hashes[i] = hash;
        said.count++;
    }
    pthread_mutex_unlock(&said.lock);
    return is_new;
}

[[gnu::format(printf, 2, 0)]] static void say_once(void (*say)(const char *format, ...), const char *format,
                                                   va_list args)
{
    char sentence[LINE_MAX_BYTES];
    int length = vsnprintf(sentence, sizeof sentence, format, args);
    if (length >= 0 && remember(sentence))
        say("%s", sentence);
}

void log_warning_once(const char *format, ...)
{
    if (!log_enabled(LOG_LEVEL_WARNING))
        return;
    va_list args;
    va_start(args, format);
    say_once(log_warning, format, args);
    va_end(args);
}

void log_info_once(const char *format, ...)
{
    if (!log_enabled(LOG_LEVEL_INFO))
        return;
    va_list args;
    va_start(args, format);
    say_once(log_info, format, args);
    va_end(args);
}

void log_forget(void)
{
    pthread_mutex_lock(&said.lock);
    forget_locked();
    pthread_mutex_unlock(&said.lock);
}
