/* SPDX-License-Identifier: MIT */
/* COMMAND: what commands there are and which of their arguments are keys. Clients of a cluster ask
 * for it when they connect. */
#include "commands.h"

#include <strings.h>

#include "reply.h"
#include "server.h"

/* Where the keys are: the first, the last (negative: counted from the end) and the distance. */
static const struct about_command {
    const char *name;
    int first;
    int last;
    int step;
    const char *summary;
} abouts[] = {
    {"set", 1, 1, 1, "Sets a value. Options: NX, XX, GET, KEEPTTL."},
    {"get", 1, 1, 1, "Returns a value."},
    {"del", 1, -1, 1, "Deletes keys; returns how many existed."},
    {"unlink", 1, -1, 1, "The same as DEL."},
    {"incr", 1, 1, 1, "Adds 1 to an integer."},
    {"decr", 1, 1, 1, "Subtracts 1 from an integer."},
    {"incrby", 1, 1, 1, "Adds a number to an integer."},
    {"decrby", 1, 1, 1, "Subtracts a number from an integer."},
    {"setnx", 1, 1, 1, "Sets a value if the key does not exist."},
    {"getset", 1, 1, 1, "Sets a value; returns the previous one."},
    {"getdel", 1, 1, 1, "Deletes a key; returns its value."},
    {"append", 1, 1, 1, "Adds text to the end of a value; returns the new length."},
    {"mset", 1, -1, 2, "Sets values, all at once."},
    {"msetnx", 1, -1, 2, "Sets values if none of the keys exists."},
    {"mget", 1, -1, 1, "Returns values, as of one point in time."},
    {"exists", 1, -1, 1, "Returns how many of the keys exist."},
    {"touch", 1, -1, 1, "The same as EXISTS."},
    {"strlen", 1, 1, 1, "Returns the length of a value."},
    {"type", 1, 1, 1, "Returns 'string', or 'none' if the key does not exist."},
    {"scan", 0, 0, 0, "Returns a page of keys. Options: MATCH, COUNT, TYPE."},
    {"keys", 0, 0, 0, "Returns the keys that match a pattern."},
    {"dbsize", 0, 0, 0, "Returns the number of keys."},
    {"raft.local", 1, 1, 1, "Returns the value in this server's own data, which may be stale."},
};

static const struct about_command *about(const struct command *command) {
    static const struct about_command none = {"", 0, 0, 0, ""};
    for (size_t i = 0; i < sizeof abouts / sizeof abouts[0]; i++) {
        if (strcmp(abouts[i].name, command->name) == 0) {
            return &abouts[i];
        }
    }
    return &none;
}

unsigned command_slot(const struct command *command, const struct request *q) {
    size_t first = (size_t)about(command)->first;
    return first > 0 && first < q->n ? key_slot(request_argument(q, first), q->arguments[first].len)
                                     : 0;
}

static void put_status(struct buf *b, const char *text) {
    buf_put(b, "+", 1);
    buf_put(b, text, strlen(text));
    buf_put(b, "\r\n", 2);
}

static void put_info(struct buf *b, const struct client *c, const struct command *command) {
    const struct about_command *a = about(command);
    bool admin = strncmp(command->name, "raft.", 5) == 0;
    reply_array(b, 10);
    reply_string(b, command->name);
    reply_integer(b, command->arity);
    reply_set(b, c, 1);
    put_status(b, admin                         ? "admin"
                  : command->kind == SLOT_WRITE ? "write"
                  : command->kind == SLOT_READ  ? "readonly"
                                                : "fast");
    reply_integer(b, a->first);
    reply_integer(b, a->last);
    reply_integer(b, a->step);
    reply_set(b, c, 0); /* ACL categories */
    reply_array(b, 0);  /* tips */
    reply_array(b, 0);  /* specifications of keys: the three numbers say it */
    reply_array(b, 0);  /* subcommands */
}

static void put_docs(struct buf *b, const struct client *c, const struct command *command) {
    reply_string(b, command->name);
    reply_map(b, c, 2);
    reply_string(b, "summary");
    reply_string(b, about(command)->summary);
    reply_string(b, "group");
    reply_string(b, about(command)->first > 0     ? "string"
                    : command->kind == SLOT_LOCAL ? "connection"
                                                  : "generic");
}

static void put_name(struct buf *b, const struct client *c, const struct command *command) {
    (void)c;
    reply_string(b, command->name);
}

/* The answer for all commands, or for those named after the subcommand. */
static void put_commands(struct server *s, struct client *c, const struct request *q, bool map,
                         void (*put)(struct buf *, const struct client *, const struct command *)) {
    struct buf body = {0};
    size_t n = 0;
    if (q->n <= 2) {
        const struct command *command;
        for (size_t i = 0; (command = command_at(i)) != NULL; i++, n++) {
            put(&body, c, command);
        }
    }
    for (size_t i = 2; i < q->n; i++) {
        const struct command *command = command_named(q, i);
        if (command != NULL) {
            put(&body, c, command);
        } else if (map) {
            continue;
        } else {
            reply_nil(&body, c);
        }
        n++;
    }
    if (map) {
        reply_map(&s->scratch, c, n);
    } else {
        reply_array(&s->scratch, n);
    }
    buf_put(&s->scratch, body.data, body.len);
    buf_free(&body);
}

/* COMMAND GETKEYS command [argument ...] */
static const char *put_keys(struct buf *b, const struct request *q) {
    const struct command *command = command_named(q, 2);
    if (command == NULL) {
        return "ERR Invalid command specified";
    }
    const struct about_command *a = about(command);
    long n = (long)q->n - 2;
    if (command->arity >= 0 ? n != command->arity : n < -command->arity) {
        return "ERR Invalid number of arguments specified for command";
    }
    if (a->first == 0) {
        return "ERR The command has no key arguments";
    }
    long last = a->last < 0 ? n + a->last : a->last;
    reply_array(b, (size_t)((last - a->first) / a->step + 1));
    for (long i = a->first; i <= last; i += a->step) {
        const struct argument *key = &q->arguments[i + 2];
        reply_bulk(b, q->bytes.data + key->at, key->len);
    }
    return NULL;
}

static void execute_command(struct server *s, struct client *c, uint64_t seq,
                            const struct request *q) {
    struct buf *b = &s->scratch;
    const char *why = NULL;
    size_t n = 0;
    b->len = 0;
    if (q->n == 1 || request_is(q, 1, "info")) {
        put_commands(s, c, q, false, put_info);
    } else if (request_is(q, 1, "docs")) {
        put_commands(s, c, q, true, put_docs);
    } else if (request_is(q, 1, "list") && q->n == 2) {
        put_commands(s, c, q, false, put_name);
    } else if (request_is(q, 1, "count") && q->n == 2) {
        while (command_at(n) != NULL) {
            n++;
        }
        reply_integer(b, (long long)n);
    } else if (request_is(q, 1, "getkeys") && q->n > 2) {
        why = put_keys(b, q);
    } else {
        why =
            "ERR unknown subcommand or wrong number of arguments. COMMAND has INFO, DOCS, LIST, "
            "COUNT and GETKEYS";
    }
    if (why != NULL) {
        client_error(c, seq, why);
    } else {
        client_scratch(s, c, seq);
    }
}

const struct command command_commands[] = {
    {"command", -1, SLOT_LOCAL, false, execute_command},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
