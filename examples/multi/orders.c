/* SPDX-License-Identifier: MIT */
#include "orders.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

enum { READ = 64 * 1024 }; /* bytes of orders that are read in one turn */

static void say(struct orders *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct orders *o, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    put(&o->out, line, n > 0 ? (size_t)n : 0);
}

void orders_flush(struct orders *o) {
    for (size_t done = 0; done < o->out.len;) {
        ssize_t n = write(STDOUT_FILENO, o->out.data + done, o->out.len - done);
        if (n < 0 && errno != EINTR) {
            o->ended = true; /* nobody reads the answers any more */
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    bytes_drop(&o->out, o->out.len);
}

/* --- answers ------------------------------------------------------------- */

void orders_written(struct host *h, const struct group *g, bool committed) {
    say(&h->orders, "%s %u\n", committed ? "ok" : "unknown", group_number(h, g));
}

static void say_value(struct host *h, const struct group *g, const char *word) {
    say(&h->orders, "%s %u %llu %llu\n", word, group_number(h, g),
        (unsigned long long)g->state.value, (unsigned long long)g->state.writes);
}

/* Nothing was done: say why. */
static void refuse(struct host *h, const struct group *g, int error) {
    if (error == RAFT_NOTLEADER || error == RAFT_LEADERSHIPLOST) {
        say(&h->orders, "moved %u %u\n", group_number(h, g), g->leader);
    } else {
        say(&h->orders, "retry %u\n", group_number(h, g));
    }
}

void orders_answer_read(struct host *h, const struct group *g, const struct raft_read *read) {
    if (read->status != 0) {
        refuse(h, g, read->status);
    } else if (read->index > g->applied) {
        refuse(h, g, RAFT_BUSY);
    } else {
        say_value(h, g, "value");
    }
}

static unsigned long long resident_kilobytes(void) {
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL) {
        if (fscanf(f, "%*u %llu", &pages) != 1) {
            pages = 0;
        }
        fclose(f);
    }
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024;
}

static void say_status(struct host *h) {
    const struct options *o = h->options;
    say(&h->orders, "status groups=%u awake=%u leaderless=%u", o->groups, h->timers.n, h->leads[0]);
    for (unsigned i = 1; i <= o->n_hosts; i++) {
        say(&h->orders, " led_by_%u=%u gone_%u=%d", i, h->leads[i], i, h->detector.gone[i]);
    }
    say(&h->orders,
        " steps=%llu messages=%llu packets=%llu bytes=%llu syncs=%llu journal=%llu rewritings=%llu "
        "turns=%llu rss_kb=%llu\n",
        (unsigned long long)h->steps, (unsigned long long)h->messages,
        (unsigned long long)h->peers.packets, (unsigned long long)h->peers.bytes,
        (unsigned long long)h->disk.syncs, (unsigned long long)h->disk.size,
        (unsigned long long)h->disk.rewritings, (unsigned long long)h->turns, resident_kilobytes());
}

/* --- orders -------------------------------------------------------------- */

static void carry_out(struct host *h, const char *line) {
    char word[16] = "";
    unsigned number = 0;
    unsigned long long value = 0;
    int n = sscanf(line, "%15s %u %llu", word, &number, &value);
    struct group *g = number < h->options->groups ? &h->groups[number] : NULL;
    int error = 0;
    if (n == 3 && strcmp(word, "put") == 0 && g != NULL) {
        error = group_write(h, g, value);
    } else if (n == 2 && strcmp(word, "get") == 0 && g != NULL) {
        struct raft_event event = {.type = RAFT_READ};
        error = group_step(h, g, &event);
    } else if (n == 2 && strcmp(word, "local") == 0 && g != NULL) {
        say_value(h, g, "local");
    } else if (n == 1 && strcmp(word, "status") == 0) {
        say_status(h);
    } else {
        say(&h->orders, "error %s\n", line);
    }
    if (error != 0) {
        refuse(h, g, error);
    }
}

void orders_read(struct host *h) {
    struct bytes *in = &h->orders.in;
    size_t had = in->len;
    ssize_t n = read(STDIN_FILENO, put_space(in, READ), READ);
    in->len = had + (n > 0 ? (size_t)n : 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        h->orders.ended = true;
    }
    size_t at = 0;
    char *end;
    while (in->len > at && (end = memchr(in->data + at, '\n', in->len - at)) != NULL) {
        *end = '\0';
        carry_out(h, in->data + at);
        at = (size_t)(end - in->data) + 1;
    }
    bytes_drop(in, at);
}
