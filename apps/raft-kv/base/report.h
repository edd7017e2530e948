/* SPDX-License-Identifier: MIT */
/* The server's log, on standard error. */
#ifndef KV_REPORT_H
#define KV_REPORT_H

/* Set the server ID that prefixes every line. */
void report_name(unsigned long long id);

/* Log one line. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Log why the server cannot continue and exit at once with status 1. Nothing is flushed: the next
 * start recovers from what is durable. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
