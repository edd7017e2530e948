/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "limiter.h"

enum {
    LINE = 1280,
    TEXT = 1024,
    BUFFER = 256 * 1024,
    FLUSH_STEP = 2, /* ms */
    FLUSH_STEPS = 250
};

static const char *const level_names[] = {"debug", "info", "warn", "error", "fatal"};
static unsigned long long name;
static enum level lowest = LEVEL_INFO;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects what follows */
static pthread_cond_t some = PTHREAD_COND_INITIALIZER;
static struct limiter limiter;
static bool started;
static char buffer[BUFFER]; /* lines that wait for the thread */
static size_t used;
static bool writing;
static uint64_t dropped; /* lines for which there was no room */

void report_name(unsigned long long id) { name = id; }

bool report_level(const char *level) {
    for (enum level i = LEVEL_DEBUG; i < LEVEL_FATAL; i++) {
        if (strcmp(level, level_names[i]) == 0) {
            lowest = i;
            return true;
        }
    }
    return false;
}

/* --- the text of a line -------------------------------------------------- */

/* Write the time in UTC, and a space. */
static void put_time(char *to, size_t size) {
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(to + len, size - len, ".%03uZ ", (unsigned)(now.tv_nsec / 1000000) % 1000);
}

/* The text may quote what another server sent: control characters are replaced. */
static size_t compose(char line[LINE], const char *when, enum level level, const char *text) {
    int len =
        snprintf(line, LINE - 1, "%sraft-kv %llu %s: %s", when, name, level_names[level], text);
    len = len < LINE - 2 ? len : LINE - 2;
    for (int i = 0; i < len; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[len] = '\n';
    return (size_t)len + 1;
}

/* --- writing ------------------------------------------------------------- */

/* Write to standard error; it may block. If nobody can read it, the text is dropped. */
static void put(const char *text, size_t len) {
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
            poll(&fd, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return;
        } else if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

/* Add a line to the buffer, or write it if there is no thread. With the lock held. */
static void add(enum level level, const char *text) {
    char line[LINE];
    char when[40];
    put_time(when, sizeof when);
    size_t len = compose(line, when, level, text);
    if (!started) {
        put(line, len);
    } else if (used + len > sizeof buffer) {
        dropped++;
    } else {
        memcpy(buffer + used, line, len);
        used += len;
        pthread_cond_signal(&some);
    }
}

static void add_rest(const struct limiter_rest *rest) {
    char text[LIMITER_TEXT + 64];
    if (rest->n > 0) {
        snprintf(text, sizeof text, "%llu more like this: %s", (unsigned long long)rest->n,
                 rest->last);
        add((enum level)rest->level, text);
    }
}

static void *work(void *arg) {
    static char batch[BUFFER];
    (void)arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (used == 0) {
            writing = false;
            pthread_cond_wait(&some, &lock);
        }
        size_t len = used;
        memcpy(batch, buffer, len);
        used = 0;
        writing = true;
        if (dropped > 0) {
            char text[100];
            snprintf(text, sizeof text, "%llu lines were dropped: standard error was blocked",
                     (unsigned long long)dropped);
            dropped = 0;
            add(LEVEL_WARN, text);
        }
        pthread_mutex_unlock(&lock);
        put(batch, len);
        pthread_mutex_lock(&lock);
    }
    return NULL;
}

void report_start(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) {
        die("cannot start the thread that writes the log");
    }
    pthread_detach(thread);
    pthread_mutex_lock(&lock);
    started = true;
    pthread_mutex_unlock(&lock);
}

void report_flush(void) {
    for (int i = 0; i < FLUSH_STEPS; i++) {
        pthread_mutex_lock(&lock);
        bool done = used == 0 && !writing;
        pthread_mutex_unlock(&lock);
        if (done) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = FLUSH_STEP * 1000000}, NULL);
    }
}

/* --- lines --------------------------------------------------------------- */

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void report_at(enum level level, const char *format, ...) {
    char text[TEXT];
    va_list args;
    if (level < lowest) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct limiter_rest rest;
    pthread_mutex_lock(&lock);
    bool pass = limiter_pass(&limiter, format, (int)level, text, now_ms(), &rest);
    add_rest(&rest);
    if (pass) {
        add(level, text);
    }
    pthread_mutex_unlock(&lock);
}

void report_tick(void) {
    struct limiter_rest rest;
    pthread_mutex_lock(&lock);
    while (limiter_next(&limiter, now_ms(), &rest)) {
        add_rest(&rest);
    }
    pthread_mutex_unlock(&lock);
}

void report_from_signal(const char *text) {
    char line[LINE];
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0) {
        ssize_t n = write(STDERR_FILENO, line, compose(line, "", LEVEL_ERROR, text));
        (void)n;
    }
}

void die(const char *format, ...) {
    char text[TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    add(LEVEL_FATAL, text);
    pthread_mutex_unlock(&lock);
    report_flush();
    _exit(1);
}
