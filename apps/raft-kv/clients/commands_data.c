/* SPDX-License-Identifier: MIT */
/* Commands that read and write keys. */
#include <stdio.h>

#include "commands.h"
#include "limits.h"
#include "reply.h"
#include "server.h"

/* --- writes -------------------------------------------------------------- */

static bool keys_fit(struct client *c, uint64_t seq, const struct request *q, size_t step) {
    for (size_t i = 1; i < q->n; i += step) {
        if (q->arguments[i].len > MAX_KEY) {
            client_error(c, seq, "ERR a key is longer than 64 KiB");
            return false;
        }
    }
    return true;
}

static void execute_set(struct server *s, struct client *c, uint64_t seq, const struct request *q) {
    if (q->n > 3) {
        client_error(c, seq, "ERR syntax error");
    } else if (keys_fit(c, seq, q, 2)) {
        proposals_add(s, c, seq, OP_SET, q);
    }
}

static void execute_mset(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    if (q->n % 2 == 0) {
        client_error(c, seq, "ERR wrong number of arguments for 'mset' command");
    } else if (keys_fit(c, seq, q, 2)) {
        proposals_add(s, c, seq, OP_SET, q);
    }
}

static void execute_del(struct server *s, struct client *c, uint64_t seq, const struct request *q) {
    if (keys_fit(c, seq, q, 1)) {
        proposals_add(s, c, seq, OP_DEL, q);
    }
}

static void execute_incr(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    if (keys_fit(c, seq, q, 1)) {
        proposals_add(s, c, seq, OP_INCR, q);
    }
}

/* --- reads --------------------------------------------------------------- */

/* Read the value of the next key in `arguments`. */
static bool next_value(struct server *s, struct cursor *arguments, struct value *value) {
    size_t len = (size_t)cursor_int(arguments, 4);
    return data_get(&s->data, cursor_bytes(arguments, len), len, value);
}

static void put_value(struct buf *b, const struct value *value, bool found) {
    if (found) {
        reply_bulk(b, value->text, value->len);
    } else {
        reply_nil(b);
    }
}

static void serve_get(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                      size_t n) {
    (void)n;
    struct value value;
    bool found = next_value(s, arguments, &value);
    size_t len = REPLY_HEAD + (found ? value.len : 0);
    if (reads_fit(s, c, len)) {
        reply_begin(&s->scratch, len);
        put_value(&s->scratch, &value, found);
        client_scratch(s, c, seq);
    }
    value_free(&value);
}

/* The size of the reply to MGET, or more than `max`. */
static size_t mget_size(struct server *s, struct cursor arguments, size_t n, size_t max) {
    size_t len = REPLY_HEAD;
    for (size_t i = 0; i < n && len <= max; i++) {
        struct value value;
        len += REPLY_HEAD + (next_value(s, &arguments, &value) ? value.len : 0);
        value_free(&value);
    }
    return len;
}

static void serve_mget(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                       size_t n) {
    struct buf *b = &s->scratch;
    size_t len = mget_size(s, *arguments, n, s->memory.max_reply);
    if (len > s->memory.max_reply) {
        char text[64];
        snprintf(text, sizeof text, "ERR the reply would exceed %zu MiB",
                 s->memory.max_reply / 1024 / 1024);
        client_error(c, seq, text);
        return;
    }
    if (!reads_fit(s, c, len)) {
        return;
    }
    reply_begin(b, len);
    reply_array(b, n);
    for (size_t i = 0; i < n; i++) {
        struct value value;
        bool found = next_value(s, arguments, &value);
        put_value(b, &value, found);
        value_free(&value);
    }
    client_scratch(s, c, seq);
}

static void serve_exists(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                         size_t n) {
    long long found = 0;
    for (size_t i = 0; i < n; i++) {
        struct value value;
        found += next_value(s, arguments, &value);
        value_free(&value);
    }
    client_integer(c, seq, found);
}

static void serve_dbsize(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                         size_t n) {
    (void)arguments;
    (void)n;
    scan_for_client(s, SCAN_DBSIZE, c, seq);
}

static void read_keys(struct server *s, struct client *c, uint64_t seq, const struct request *q,
                      read_serve serve) {
    if (keys_fit(c, seq, q, 1)) {
        reads_add(s, c, seq, serve, q);
    }
}

static void execute_get(struct server *s, struct client *c, uint64_t seq, const struct request *q) {
    read_keys(s, c, seq, q, serve_get);
}

static void execute_mget(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    read_keys(s, c, seq, q, serve_mget);
}

static void execute_exists(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    read_keys(s, c, seq, q, serve_exists);
}

static void execute_dbsize(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    reads_add(s, c, seq, serve_dbsize, q);
}

const struct command data_commands[] = {
    {"set", -3, SLOT_WRITE, true, execute_set},
    {"get", 2, SLOT_READ, true, execute_get},
    {"del", -2, SLOT_WRITE, true, execute_del},
    {"incr", 2, SLOT_WRITE, true, execute_incr},
    {"mset", -3, SLOT_WRITE, true, execute_mset},
    {"mget", -2, SLOT_READ, true, execute_mget},
    {"exists", -2, SLOT_READ, true, execute_exists},
    {"dbsize", 1, SLOT_READ, true, execute_dbsize},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
