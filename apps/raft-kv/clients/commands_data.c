/* SPDX-License-Identifier: MIT */
/* Commands that read and write given keys. */
#include <stdio.h>

#include "commands.h"
#include "limits.h"
#include "reply.h"
#include "server.h"

/* --- writes -------------------------------------------------------------- */

/* Check the length of the keys, which are every `step`th argument after the name. */
static bool keys_fit(struct client *c, uint64_t seq, const struct request *q, size_t step) {
    for (size_t i = 1; i < q->n; i += step) {
        if (q->arguments[i].len > MAX_KEY) {
            client_error(c, seq, "ERR a key is longer than 64 KiB");
            return false;
        }
    }
    return true;
}

/* Propose a command whose only key is its first argument. */
static void write_key(struct server *s, struct client *c, uint64_t seq, const struct request *q,
                      enum op op) {
    if (keys_fit(c, seq, q, q->n)) {
        proposals_add(s, c, seq, op, q);
    }
}

static void execute_set(struct server *s, struct client *c, uint64_t seq, const struct request *q) {
    unsigned flags = 0;
    const char *why = NULL;
    for (size_t i = 3; i < q->n && why == NULL; i++) {
        why = q->n <= 9 ? set_option(request_argument(q, i), q->arguments[i].len, &flags)
                        : "ERR syntax error";
    }
    if (why != NULL) {
        client_error(c, seq, why);
    } else {
        write_key(s, c, seq, q, q->n == 3 ? OP_SET : OP_SET_OPTIONS);
    }
}

static void execute_setnx(struct server *s, struct client *c, uint64_t seq,
                          const struct request *q) {
    write_key(s, c, seq, q, OP_SETNX);
}

static void execute_getset(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    write_key(s, c, seq, q, OP_GETSET);
}

static void execute_getdel(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    write_key(s, c, seq, q, OP_GETDEL);
}

static void execute_append(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    write_key(s, c, seq, q, OP_APPEND);
}

static void execute_incr(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    write_key(s, c, seq, q, OP_INCR);
}

static void execute_decr(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    write_key(s, c, seq, q, OP_DECR);
}

static void write_delta(struct server *s, struct client *c, uint64_t seq, const struct request *q,
                        enum op op) {
    long long delta;
    if (!parse_integer(request_argument(q, 2), q->arguments[2].len, &delta)) {
        client_error(c, seq, NOT_AN_INTEGER);
    } else {
        write_key(s, c, seq, q, op);
    }
}

static void execute_incrby(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    write_delta(s, c, seq, q, OP_INCRBY);
}

static void execute_decrby(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    write_delta(s, c, seq, q, OP_DECRBY);
}

static void write_pairs(struct server *s, struct client *c, uint64_t seq, const struct request *q,
                        enum op op) {
    if (q->n % 2 == 0) {
        client_error(c, seq,
                     op == OP_SET ? "ERR wrong number of arguments for 'mset' command"
                                  : "ERR wrong number of arguments for 'msetnx' command");
    } else if (keys_fit(c, seq, q, 2)) {
        proposals_add(s, c, seq, op, q);
    }
}

static void execute_mset(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    write_pairs(s, c, seq, q, OP_SET);
}

static void execute_msetnx(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    write_pairs(s, c, seq, q, OP_MSETNX);
}

static void execute_del(struct server *s, struct client *c, uint64_t seq, const struct request *q) {
    if (keys_fit(c, seq, q, 1)) {
        proposals_add(s, c, seq, OP_DEL, q);
    }
}

/* --- reads --------------------------------------------------------------- */

/* Read the value of the next key in `arguments`. */
static bool next_value(struct server *s, struct cursor *arguments, struct value *value) {
    size_t len = (size_t)cursor_int(arguments, 4);
    return data_get(&s->data, cursor_bytes(arguments, len), len, value);
}

static void put_value(struct buf *b, const struct client *c, const struct value *value,
                      bool found) {
    if (found) {
        reply_bulk(b, value->text, value->len);
    } else {
        reply_nil(b, c);
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
        put_value(&s->scratch, c, &value, found);
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
        put_value(b, c, &value, found);
        value_free(&value);
    }
    client_scratch(s, c, seq);
}

/* Find the length of the value of the next key in `arguments`. */
static bool next_length(struct server *s, struct cursor *arguments, size_t *value_len) {
    size_t len = (size_t)cursor_int(arguments, 4);
    return data_find(&s->data, cursor_bytes(arguments, len), len, value_len);
}

static void serve_exists(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                         size_t n) {
    long long found = 0;
    size_t len;
    for (size_t i = 0; i < n; i++) {
        found += next_length(s, arguments, &len);
    }
    client_integer(c, seq, found);
}

static void serve_strlen(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                         size_t n) {
    (void)n;
    size_t len;
    next_length(s, arguments, &len);
    client_integer(c, seq, (long long)len);
}

static void serve_type(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                       size_t n) {
    (void)n;
    size_t len;
    client_status(c, seq, next_length(s, arguments, &len) ? "string" : "none");
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

static void execute_strlen(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    read_keys(s, c, seq, q, serve_strlen);
}

static void execute_type(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    read_keys(s, c, seq, q, serve_type);
}

const struct command data_commands[] = {
    {"set", -3, SLOT_WRITE, true, execute_set},
    {"get", 2, SLOT_READ, true, execute_get},
    {"del", -2, SLOT_WRITE, true, execute_del},
    {"unlink", -2, SLOT_WRITE, true, execute_del},
    {"incr", 2, SLOT_WRITE, true, execute_incr},
    {"decr", 2, SLOT_WRITE, true, execute_decr},
    {"incrby", 3, SLOT_WRITE, true, execute_incrby},
    {"decrby", 3, SLOT_WRITE, true, execute_decrby},
    {"setnx", 3, SLOT_WRITE, true, execute_setnx},
    {"getset", 3, SLOT_WRITE, true, execute_getset},
    {"getdel", 2, SLOT_WRITE, true, execute_getdel},
    {"append", 3, SLOT_WRITE, true, execute_append},
    {"mset", -3, SLOT_WRITE, true, execute_mset},
    {"msetnx", -3, SLOT_WRITE, true, execute_msetnx},
    {"mget", -2, SLOT_READ, true, execute_mget},
    {"exists", -2, SLOT_READ, true, execute_exists},
    {"touch", -2, SLOT_READ, true, execute_exists},
    {"strlen", 2, SLOT_READ, true, execute_strlen},
    {"type", 2, SLOT_READ, true, execute_type},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
