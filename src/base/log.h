/* log.h - lines on stderr for the administrator. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/* The names and order of Python's logging module, which automx2's configuration uses. */
enum log_level {
    LOG_LEVEL_DEBUG = 10,
    LOG_LEVEL_INFO = 20,
    LOG_LEVEL_WARNING = 30,
    LOG_LEVEL_ERROR = 40,
    LOG_LEVEL_CRITICAL = 50,
};

/* name: who speaks ("automxd"). Call once, before any thread. A line is "TIME NAME LEVEL: sentence" with the time in
 * UTC; under the journal (JOURNAL_STREAM is set and names stderr), which adds time and name, "<N>sentence" with N the
 * syslog priority. */
void log_open(const char *name);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* "DEBUG", "info", "WARN", "FATAL"...: Python's names in any case. False when it is none of them. */
bool log_level_parse(const char *text, enum log_level *level_r);

/* One line, one write(2). Control bytes and invalid UTF-8 that came with an argument are replaced by '?', so nobody
 * forges a line. errno is kept. Any thread. */
[[gnu::format(printf, 1, 2)]] void log_debug(const char *format, ...);
[[gnu::format(printf, 1, 2)]] void log_info(const char *format, ...);
[[gnu::format(printf, 1, 2)]] void log_warning(const char *format, ...);
[[gnu::format(printf, 1, 2)]] void log_error(const char *format, ...);
[[gnu::format(printf, 1, 2)]] void log_critical(const char *format, ...);

/* An INFO line whatever the level, for what a setting of its own asks for (db_echo). */
[[gnu::format(printf, 1, 2)]] void log_echo(const char *format, ...);

/* The same sentence is said once until log_forget() (which SIGHUP calls): for faults of rows, which are met again at
 * every look-up. Remembers a bounded number of sentences. Any thread. */
[[gnu::format(printf, 1, 2)]] void log_warning_once(const char *format, ...);
[[gnu::format(printf, 1, 2)]] void log_info_once(const char *format, ...);
void log_forget(void);

#endif
