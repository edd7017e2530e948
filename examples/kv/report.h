/* SPDX-License-Identifier: MIT */
/* What the server tells its operator, on standard error. */
#ifndef KV_REPORT_H
#define KV_REPORT_H

/* Set the server ID that prefixes every line. */
void report_name(unsigned long long id);

/* One line of information. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Report why the server cannot go on and exit at once. Nothing is flushed or
 * tidied up: what is durable is durable, and the next start recovers from it. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
