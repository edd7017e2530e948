/* SPDX-License-Identifier: MIT */
/* Commands that any server answers by itself: its settings and its clock. */
#include <stdio.h>
#include <time.h>

#include "commands.h"
#include "glob.h"
#include "reply.h"
#include "server.h"

enum { CONFIG_WORK = 64 * 1024 /* comparisons with patterns */ };

/* Nothing can be configured at run time. redis-benchmark asks for two settings; the reply is that
 * of a Redis server that syncs every write. */
static void execute_config(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    static const char *const settings[][2] = {
        {"save", ""}, {"appendonly", "yes"}, {"databases", "1"}};
    struct buf body = {0};
    size_t n = 0;
    size_t work = 0;
    if (!request_is(q, 1, "get") || q->n < 3) {
        client_error(c, seq, "ERR nothing can be set at run time: CONFIG has only GET");
        return;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        bool named = false;
        for (size_t k = 2; k < q->n && !named && work < CONFIG_WORK; k++) {
            named = glob_match(request_argument(q, k), q->arguments[k].len, settings[i][0],
                               strlen(settings[i][0]), &work);
        }
        if (named) {
            reply_string(&body, settings[i][0]);
            reply_string(&body, settings[i][1]);
            n++;
        }
    }
    s->scratch.len = 0;
    reply_map(&s->scratch, c, n);
    buf_put(&s->scratch, body.data, body.len);
    buf_free(&body);
    client_scratch(s, c, seq);
}

/* This server's clock: seconds and microseconds. */
static void execute_time(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    (void)q;
    struct timespec now;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    s->scratch.len = 0;
    reply_array(&s->scratch, 2);
    snprintf(text, sizeof text, "%lld", (long long)now.tv_sec);
    reply_string(&s->scratch, text);
    snprintf(text, sizeof text, "%ld", now.tv_nsec / 1000);
    reply_string(&s->scratch, text);
    client_scratch(s, c, seq);
}

const struct command server_commands[] = {
    {"config", -2, SLOT_LOCAL, false, execute_config},
    {"time", 1, SLOT_LOCAL, false, execute_time},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
