/* SPDX-License-Identifier: MIT */
/* Commands that any server answers by itself. Most of them exist because Redis client libraries
 * send them when they connect. */
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "commands.h"
#include "reply.h"
#include "server.h"

static void execute_ping(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    if (q->n == 1) {
        client_status(c, seq, "PONG");
    } else if (q->n == 2) {
        s->scratch.len = 0;
        reply_bulk(&s->scratch, request_argument(q, 1), q->arguments[1].len);
        client_scratch(s, c, seq);
    } else {
        client_error(c, seq, "ERR wrong number of arguments for 'ping' command");
    }
}

static void execute_quit(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    (void)s;
    (void)q;
    client_status(c, seq, "OK");
    client_quit(c);
}

static void execute_select(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    (void)s;
    if (request_is(q, 1, "0")) {
        client_status(c, seq, "OK");
    } else {
        client_error(c, seq, "ERR DB index is out of range");
    }
}

static void execute_hello(struct server *s, struct client *c, uint64_t seq,
                          const struct request *q) {
    if (q->n > 1 && !request_is(q, 1, "2")) {
        client_error(c, seq, "NOPROTO unsupported protocol version");
        return;
    }
    struct buf *b = &s->scratch;
    b->len = 0;
    reply_array(b, 8);
    reply_string(b, "server");
    reply_string(b, "raft-kv");
    reply_string(b, "version");
    reply_string(b, KV_VERSION);
    reply_string(b, "proto");
    reply_integer(b, 2);
    reply_string(b, "role");
    reply_string(b, server_leads(s) ? "master" : "replica");
    client_scratch(s, c, seq);
}

static void execute_client(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    if (request_is(q, 1, "setname") || request_is(q, 1, "setinfo")) {
        client_status(c, seq, "OK");
    } else if (request_is(q, 1, "write-timeout")) {
        execute_write_timeout(c, seq, q);
    } else if (request_is(q, 1, "getname")) {
        s->scratch.len = 0;
        reply_nil(&s->scratch);
        client_scratch(s, c, seq);
    } else {
        client_error(c, seq, "ERR unknown subcommand of 'client'");
    }
}

/* Nothing can be configured at run time. redis-benchmark asks for two settings; the reply is that
 * of a Redis server that syncs every write. */
static void execute_config(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    if (!request_is(q, 1, "get") || q->n != 3) {
        client_error(c, seq, "ERR only CONFIG GET is supported");
        return;
    }
    const char *value = request_is(q, 2, "save")         ? ""
                        : request_is(q, 2, "appendonly") ? "yes"
                                                         : NULL;
    s->scratch.len = 0;
    reply_array(&s->scratch, value != NULL ? 2 : 0);
    if (value != NULL) {
        reply_bulk(&s->scratch, request_argument(q, 2), q->arguments[2].len);
        reply_string(&s->scratch, value);
    }
    client_scratch(s, c, seq);
}

static size_t put_commands(struct buf *b, const struct command *table) {
    size_t n = 0;
    for (const struct command *c = table; c->name != NULL; c++, n++) {
        bool keys = c->leader && strncmp(c->name, "raft.", 5) != 0 && c->arity != 1;
        reply_array(b, 6);
        reply_string(b, c->name);
        reply_integer(b, c->arity);
        reply_array(b, 1);
        buf_put(b, c->kind == SLOT_WRITE ? "+write\r\n" : "+readonly\r\n",
                c->kind == SLOT_WRITE ? 8 : 11);
        reply_integer(b, keys);
        reply_integer(b, keys ? (c->arity < 0 && strcmp(c->name, "set") != 0 ? -1 : 1) : 0);
        reply_integer(b, strcmp(c->name, "mset") == 0 ? 2 : keys);
    }
    return n;
}

static void execute_command(struct server *s, struct client *c, uint64_t seq,
                            const struct request *q) {
    struct buf body = {0};
    size_t n = put_commands(&body, data_commands);
    n += put_commands(&body, server_commands);
    n += put_commands(&body, info_commands);
    n += put_commands(&body, auth_commands);
    n += put_commands(&body, raft_commands);
    struct buf *b = &s->scratch;
    b->len = 0;
    if (q->n == 1) {
        reply_array(b, n);
        buf_put(b, body.data, body.len);
    } else if (request_is(q, 1, "count")) {
        reply_integer(b, (long long)n);
    } else {
        reply_array(b, 0); /* DOCS, INFO and so on: empty */
    }
    buf_free(&body);
    client_scratch(s, c, seq);
}

static void execute_cluster(struct server *s, struct client *c, uint64_t seq,
                            const struct request *q) {
    const char *leader = server_leader_address(s);
    struct endpoint at;
    struct buf *b = &s->scratch;
    b->len = 0;
    if (request_is(q, 1, "slots")) { /* one shard: the leader serves all slots */
        if (leader == NULL || !endpoint_parse(leader, &at)) {
            reply_array(b, 0);
        } else {
            raft_id id;
            char name[41];
            raft_leader(&s->raft, &id, NULL);
            snprintf(name, sizeof name, "%040llx", id);
            reply_array(b, 1);
            reply_array(b, 3);
            reply_integer(b, 0);
            reply_integer(b, 16383);
            reply_array(b, 3);
            reply_string(b, at.host);
            reply_integer(b, atoi(at.port));
            reply_string(b, name);
        }
    } else if (request_is(q, 1, "info")) {
        reply_string(b, leader != NULL ? "cluster_enabled:1\r\ncluster_state:ok\r\n"
                                       : "cluster_enabled:1\r\ncluster_state:fail\r\n");
    } else {
        client_error(c, seq, "ERR only CLUSTER SLOTS and CLUSTER INFO are supported");
        return;
    }
    client_scratch(s, c, seq);
}

const struct command server_commands[] = {
    {"ping", -1, SLOT_LOCAL, false, execute_ping},
    {"echo", 2, SLOT_LOCAL, false, execute_ping},
    {"quit", -1, SLOT_LOCAL, false, execute_quit},
    {"command", -1, SLOT_LOCAL, false, execute_command},
    {"select", 2, SLOT_LOCAL, false, execute_select},
    {"hello", -1, SLOT_LOCAL, false, execute_hello},
    {"client", -2, SLOT_LOCAL, false, execute_client},
    {"config", -2, SLOT_LOCAL, false, execute_config},
    {"cluster", -2, SLOT_LOCAL, false, execute_cluster},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
