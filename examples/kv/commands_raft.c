/* SPDX-License-Identifier: MIT */
/* The operator's commands.
 *
 *   RAFT.STATUS                 this server's state, as names and values
 *   RAFT.ADD id address [role]  add a member: standby (default), voter or spare
 *   RAFT.PROMOTE id             make a member a voter after it has caught up
 *   RAFT.REMOVE id              remove a member
 *   RAFT.TRANSFER [id]          transfer leadership, to this server if named
 *   RAFT.LOCAL key              the value in this server's own data, which may be stale
 *   RAFT.DIGEST                 applied index, number of keys and checksum of this server's data */
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "commands.h"
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

/* --- membership ---------------------------------------------------------- */

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
    struct members m;
    struct raft_configuration conf;
    conf_copy(s, &m, &conf);
    if (conf_find(&conf, id) != NULL) {
        client_error(c, seq, "ERR this server is already a member");
    } else if (conf.n >= MAX_SERVERS) {
        client_error(c, seq, "ERR the cluster has the maximum number of members");
    } else {
        conf.servers[conf.n++] = (struct raft_server){id, address, role};
        reconfigure(s, c, seq, &conf);
    }
    free(conf.servers);
    members_free(&m);
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

void raft_commands_progress(struct server *s) {
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

/* --- inspection ---------------------------------------------------------- */

static void put_number(struct buf *b, const char *name, unsigned long long value) {
    reply_string(b, name);
    reply_integer(b, (long long)value);
}

static void put_text(struct buf *b, const char *name, const char *value) {
    reply_string(b, name);
    reply_string(b, value);
}

static void put_member(struct server *s, struct buf *b, const struct raft_server *server) {
    static const char *const roles[] = {
        "standby", "voter", "spare", "outgoing", "incoming", "demoting", "demoting-to-spare"};
    static const char *const modes[] = {"none", "probe", "pipeline", "snapshot"};
    struct raft_peer progress;
    bool known = raft_progress(&s->raft, server->id, &progress) == 0;
    reply_array(b, known ? 10 : 6);
    put_number(b, "id", server->id);
    put_text(b, "address", server->address);
    put_text(b, "role", server->role >= 0 && server->role <= 6 ? roles[server->role] : "?");
    if (known) {
        put_number(b, "match", progress.match);
        put_text(b, "mode", progress.mode >= 0 && progress.mode <= 3 ? modes[progress.mode] : "?");
    }
}

static void execute_status(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    (void)q;
    struct buf *b = &s->scratch;
    const struct raft *r = &s->raft;
    raft_id leader = 0;
    const char *address = NULL;
    raft_leader(r, &leader, &address);
    struct raft_configuration conf;
    server_configuration(s, &conf);
    b->len = 0;
    reply_array(b, 2 * 14);
    put_number(b, "id", s->options->id);
    put_text(b, "cluster", s->options->cluster);
    put_text(b, "state", server_state_name(s));
    put_number(b, "term", raft_current_term(r));
    put_number(b, "leader", leader);
    put_text(b, "leader-address", address != NULL ? address : "");
    put_number(b, "first-index", raft_first_index(r));
    put_number(b, "last-index", raft_last_index(r));
    put_number(b, "stored-index", raft_last_stored(r));
    put_number(b, "commit-index", raft_commit_index(r));
    put_number(b, "applied-index", s->data.applied);
    put_number(b, "snapshot-index", raft_snapshot_index(r));
    put_number(b, "transferee", raft_transferee(r));
    reply_string(b, "members");
    reply_array(b, conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        put_member(s, b, &conf.servers[i]);
    }
    client_scratch(s, c, seq);
}

static bool data_ready(struct server *s, struct client *c, uint64_t seq) {
    if (s->install.loading) {
        client_error(c, seq, "LOADING a snapshot is being installed");
        return false;
    }
    return true;
}

static void execute_local(struct server *s, struct client *c, uint64_t seq,
                          const struct request *q) {
    size_t len = q->arguments[1].len;
    if (!data_ready(s, c, seq)) {
        return;
    }
    struct value value = {0};
    s->scratch.len = 0;
    if (len <= MAX_KEY && data_get(&s->data, request_argument(q, 1), len, &value)) {
        reply_bulk(&s->scratch, value.text, value.len);
    } else {
        reply_nil(&s->scratch);
    }
    value_free(&value);
    client_scratch(s, c, seq);
}

static void execute_digest(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    (void)q;
    if (data_ready(s, c, seq)) {
        scan_for_client(s, SCAN_DIGEST, c, seq);
    }
}

const struct command raft_commands[] = {
    {"raft.status", 1, SLOT_LOCAL, false, execute_status},
    {"raft.add", -3, SLOT_WRITE, true, execute_add},
    {"raft.remove", 2, SLOT_WRITE, true, execute_remove},
    {"raft.promote", 2, SLOT_WRITE, true, execute_promote},
    {"raft.transfer", -1, SLOT_WRITE, true, execute_transfer},
    {"raft.local", 2, SLOT_LOCAL, false, execute_local},
    {"raft.digest", 1, SLOT_LOCAL, false, execute_digest},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
