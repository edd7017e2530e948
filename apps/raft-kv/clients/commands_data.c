/* SPDX-License-Identifier: MIT */
/* Commands that read and write keys. */
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

static void put_next(struct buf *b, struct server *s, struct cursor *arguments) {
    struct value value;
    if (next_value(s, arguments, &value)) {
        reply_bulk(b, value.text, value.len);
    } else {
        reply_nil(b);
    }
    value_free(&value);
}

static void serve_get(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                      size_t n) {
    (void)n;
    s->scratch.len = 0;
    put_next(&s->scratch, s, arguments);
    client_scratch(s, c, seq);
}

static void serve_mget(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                       size_t n) {
    struct buf *b = &s->scratch;
    b->len = 0;
    reply_array(b, n);
    for (size_t i = 0; i < n && b->len <= MAX_REPLY; i++) {
        put_next(b, s, arguments);
    }
    if (b->len > MAX_REPLY) {
        client_error(c, seq, "ERR the reply would exceed 32 MiB");
        buf_free(b);
    } else {
        client_scratch(s, c, seq);
    }
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
