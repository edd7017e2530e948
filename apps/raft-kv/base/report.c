/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static unsigned long long name;

void report_name(unsigned long long id) { name = id; }

static void line(const char *prefix, const char *format, va_list args) {
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    fprintf(stderr, "raft-kv %llu: %s%s\n", name, prefix, text);
    fflush(stderr);
}

void report(const char *format, ...) {
    va_list args;
    va_start(args, format);
    line("", format, args);
    va_end(args);
}

void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    line("fatal: ", format, args);
    va_end(args);
    _exit(1);
}
