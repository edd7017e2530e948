/* SPDX-License-Identifier: MIT */
/* The operator's commands that change who is a member and who leads.
 *
 *   RAFT.ADD id address [role]  add a member: standby (default), voter or spare
 *   RAFT.PROMOTE id             make a member a voter after it has caught up
 *   RAFT.REMOVE id              remove a member
 *   RAFT.TRANSFER [id]          transfer leadership, to this server if named */
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "commands.h"
#include "identify.h"
#include "limits.h"
#include "reply.h"
#include "server.h"

static bool parse_id(const struct request *q, size_t i, raft_id *id) {
    char *end;
    const char *text = request_argument(q, i);
    *id = strtoull(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' &&
           (size_t)(end - text) == q->arguments[i].len && *id < 1ull << 62;
}

/* Copy the latest configuration into `next`, with space for one more server. The addresses belong
 * to `m`. */
static void conf_copy(struct server *s, struct members *m, struct raft_configuration *next) {
    struct raft_configuration conf;
    server_configuration(s, &conf);
    members_copy(m, &conf);
    next->n = conf.n;
    next->servers = xmalloc((conf.n + 1) * sizeof *next->servers);
    memcpy(next->servers, m->conf.servers, conf.n * sizeof *next->servers);
}

static struct raft_server *conf_find(struct raft_configuration *conf, raft_id id) {
    for (unsigned i = 0; i < conf->n; i++) {
        if (conf->servers[i].id == id) {
            return &conf->servers[i];
        }
    }
    return NULL;
}

static void reconfigure(struct server *s, struct client *c, uint64_t seq,
                        const struct raft_configuration *conf) {
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    event.reconfigure.conf = *conf;
    proposals_submit(s); /* earlier commands precede the change in the log */
    int error = server_step(s, &event);
    if (error != 0) {
        client_raft_error(s, c, seq, error);
    } else {
        proposals_watch(s, c, seq);
    }
}

/* A RAFT.ADD that waits for the server's answer. */
struct addition {
    struct server *server;
    struct client *client;
    uint64_t seq;
    raft_id id;
    int role;
    char address[MAX_ADDRESS + 1];
};

/* The error that prevents adding this server, or NULL. */
static const char *cannot_add(struct server *s, raft_id id) {
    struct raft_configuration conf;
    server_configuration(s, &conf);
    return conf_find(&conf, id) != NULL ? "ERR this server is already a member"
           : conf.n >= MAX_SERVERS      ? "ERR the cluster has the maximum number of members"
                                        : NULL;
}

/* The server has told who it is: add it, with its incarnation. */
static void on_identified(void *context, const struct welcome *answer, const char *error,
                          bool refused) {
    struct addition *a = context;
    struct server *s = a->server;
    char text[MAX_REASON + MAX_ADDRESS + 64];
    const char *why = cannot_add(s, a->id);
    if (answer == NULL) {
        if (refused) {
            snprintf(text, sizeof text, "ERR %s", error);
        } else {
            snprintf(text, sizeof text, "ERR no answer from %s (%s): start server %llu first",
                     a->address, error, a->id);
        }
        why = text;
    }
    if (why != NULL) {
        client_error(a->client, a->seq, why);
    } else {
        char address[MAX_FULL_ADDRESS + 1];
        struct members m;
        struct raft_configuration conf;
        address_complete(a->address, answer->told.incarnation, address);
        conf_copy(s, &m, &conf);
        conf.servers[conf.n++] = (struct raft_server){a->id, address, a->role};
        reconfigure(s, a->client, a->seq, &conf);
        free(conf.servers);
        members_free(&m);
    }
    free(a);
}

static void execute_add(struct server *s, struct client *c, uint64_t seq, const struct request *q) {
    raft_id id;
    int role = q->n == 3 || request_is(q, 3, "standby") ? RAFT_STANDBY
               : request_is(q, 3, "voter")              ? RAFT_VOTER
               : request_is(q, 3, "spare")              ? RAFT_SPARE
                                                        : -1;
    const char *address = request_argument(q, 2);
    if (!parse_id(q, 1, &id) || role < 0 || q->n > 4) {
        client_error(c, seq, "ERR usage: RAFT.ADD id address [standby|voter|spare]");
        return;
    }
    if (!address_valid(address) || strlen(address) != q->arguments[2].len) {
        client_error(c, seq, "ERR malformed address, expected peerhost:port/clienthost:port");
        return;
    }
    const char *why = cannot_add(s, id);
    if (why != NULL) {
        client_error(c, seq, why);
        return;
    }
    struct addition *a = xmalloc(sizeof *a);
    *a = (struct addition){.server = s, .client = c, .seq = seq, .id = id, .role = role};
    snprintf(a->address, sizeof a->address, "%s", address);
    peers_identify(&s->peers, PURPOSE_IDENTIFY, id, a->address, on_identified, a);
}

static void execute_remove(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    raft_id id;
    struct members m;
    struct raft_configuration conf;
    conf_copy(s, &m, &conf);
    struct raft_server *server = parse_id(q, 1, &id) ? conf_find(&conf, id) : NULL;
    if (server == NULL) {
        client_error(c, seq, "ERR no such member");
    } else {
        *server = conf.servers[--conf.n];
        reconfigure(s, c, seq, &conf);
    }
    free(conf.servers);
    members_free(&m);
}

static void promote(struct server *s, struct client *c, uint64_t seq, raft_id id) {
    struct members m;
    struct raft_configuration conf;
    conf_copy(s, &m, &conf);
    struct raft_server *server = conf_find(&conf, id);
    if (server == NULL) {
        client_error(c, seq, "ERR no such member");
    } else {
        server->role = RAFT_VOTER;
        reconfigure(s, c, seq, &conf);
    }
    free(conf.servers);
    members_free(&m);
}

static void execute_promote(struct server *s, struct client *c, uint64_t seq,
                            const struct request *q) {
    raft_id id;
    if (!parse_id(q, 1, &id)) {
        client_error(c, seq, "ERR no such member");
        return;
    }
    if (s->promotion.client != NULL) {
        client_error(c, seq, "TRYAGAIN another promotion is in progress; nothing was done");
        return;
    }
    struct raft_event event = {.type = RAFT_CATCH_UP};
    event.catch_up.server_id = id;
    int error = server_step(s, &event);
    if (error != 0) {
        client_raft_error(s, c, seq, error);
        return;
    }
    s->promotion.client = c; /* raft_commands_progress() continues */
    s->promotion.seq = seq;
    s->promotion.id = id;
}

static void execute_transfer(struct server *s, struct client *c, uint64_t seq,
                             const struct request *q) {
    raft_id id = 0;
    if (q->n > 2 || (q->n == 2 && !parse_id(q, 1, &id))) {
        client_error(c, seq, "ERR usage: RAFT.TRANSFER [id]");
        return;
    }
    if (id == s->options->id && server_leads(s)) { /* the library would give up a transfer */
        client_error(c, seq, "ERR this server is the leader already");
        return;
    }
    if (s->transfer.client != NULL) {
        client_error(c, seq, "TRYAGAIN another transfer is in progress; nothing was done");
        return;
    }
    struct raft_event event = {.type = RAFT_TRANSFER};
    event.transfer.server_id = id;
    int error = server_step(s, &event);
    if (error != 0) {
        client_raft_error(s, c, seq, error);
        return;
    }
    s->transfer.client = c;
    s->transfer.seq = seq;
}

static void promotion_progress(struct server *s) {
    struct client *c = s->promotion.client;
    uint64_t seq = s->promotion.seq;
    int status = RAFT_CATCH_UP_NONE;
    if (raft_catch_up(&s->raft, s->promotion.id, &status) == 0 && status == RAFT_CATCH_UP_RUNNING) {
        return;
    }
    s->promotion.client = NULL;
    if (!server_leads(s)) {
        client_raft_error(s, c, seq, RAFT_NOTLEADER);
    } else if (status == RAFT_CATCH_UP_FINISHED) {
        promote(s, c, seq, s->promotion.id);
    } else {
        client_error(c, seq, "ERR the server did not catch up with the log; nothing was changed");
    }
}

void members_progress(struct server *s) {
    if (s->promotion.client != NULL) {
        promotion_progress(s);
    }
    if (s->transfer.client != NULL) {
        struct client *c = s->transfer.client;
        if (!server_leads(s)) {
            s->transfer.client = NULL;
            client_status(c, s->transfer.seq, "OK");
        } else if (raft_transferee(&s->raft) == 0) {
            s->transfer.client = NULL;
            client_error(c, s->transfer.seq, "ERR the leadership transfer was aborted");
        }
    }
}

const struct command member_commands[] = {
    {"raft.add", -3, SLOT_WRITE, true, execute_add},
    {"raft.remove", 2, SLOT_WRITE, true, execute_remove},
    {"raft.promote", 2, SLOT_WRITE, true, execute_promote},
    {"raft.transfer", -1, SLOT_WRITE, true, execute_transfer},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
