/* SPDX-License-Identifier: MIT */
/* The server's log, on standard error. A line is
 *
 *   2026-11-28T12:00:00.123Z raft-kv 1 info: text
 *
 * with the time in UTC, the server's ID and the level. The same line is logged at most
 * LIMITER_LINES times in LIMITER_PERIOD (limiter.h); then one line tells how many were left out.
 *
 * After report_start() a thread writes the lines, so a reader that is slow, stopped or gone never
 * delays the server. Lines for which its buffer has no room are dropped, and their number is logged
 * when there is room again. All functions may be called on any thread. */
#ifndef KV_REPORT_H
#define KV_REPORT_H

#include <stdbool.h>

enum level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR, LEVEL_FATAL };

/* Set the server ID in every line. */
void report_name(unsigned long long id);
/* Log lines of this level and above; false: there is no such level. */
bool report_level(const char *level);
/* Start the thread that writes. Before, lines are written at once. */
void report_start(void);
/* Log the lines that are due because a period is over. Call several times a second. */
void report_tick(void);
/* Wait until the lines are written, but not longer than half a second. */
void report_flush(void);

/* Log one line. */
void report_at(enum level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define report_debug(...) report_at(LEVEL_DEBUG, __VA_ARGS__)
#define report(...) report_at(LEVEL_INFO, __VA_ARGS__)
#define report_warn(...) report_at(LEVEL_WARN, __VA_ARGS__)
#define report_error(...) report_at(LEVEL_ERROR, __VA_ARGS__)

/* Log a line from a signal handler, without the time, which cannot be written there: nothing if
 * standard error would block. */
void report_from_signal(const char *text);

/* Log why the server cannot continue and exit with status 1. Nothing else is flushed: the next
 * start recovers from what is durable. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
