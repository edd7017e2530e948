/* SPDX-License-Identifier: MIT */
/* The operator's commands that change who is a member and who leads.
 *
 *   RAFT.ADD id address [role]     add a member: voter (default, after it has caught up), standby
 *                                  or spare
 *   RAFT.REPLACE old new address   add a voter and remove another one in one change
 *   RAFT.PROMOTE id                make a member a voter after it has caught up
 *   RAFT.DEMOTE id [standby|spare] take a member's vote
 *   RAFT.REMOVE id                 remove a member
 *   RAFT.CANCEL                    give up the work of RAFT.ADD, RAFT.REPLACE or RAFT.PROMOTE
 *   RAFT.TRANSFER [id]             transfer leadership, to this server if named */
#include <stdlib.h>

#include "address.h"
#include "commands.h"
#include "limits.h"
#include "members_conf.h"
#include "explain.h"
#include "reply.h"
#include "server.h"

static bool parse_id(const struct request *q, size_t i, raft_id *id) {
    char *end;
    const char *text = request_argument(q, i);
    *id = strtoull(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' &&
           (size_t)(end - text) == q->arguments[i].len && *id < 1ull << 62;
}

static void reconfigure(struct server *s, struct client *c, uint64_t seq,
                        const struct raft_configuration *conf) {
    int error = members_reconfigure(s, conf);
    if (error != 0) {
        client_refused(s, c, seq, REFUSED_CHANGE, error, conf);
    } else {
        proposals_watch(s, c, seq);
    }
}

static bool parse_address(struct client *c, uint64_t seq, const struct request *q, size_t i) {
    const char *address = request_argument(q, i);
    if (!address_valid(address) || strlen(address) != q->arguments[i].len) {
        client_error(c, seq, "ERR malformed address, expected peerhost:port/clienthost:port");
        return false;
    }
    return true;
}

static void execute_add(struct server *s, struct client *c, uint64_t seq, const struct request *q) {
    raft_id id;
    int role = q->n == 3 || request_is(q, 3, "voter") ? RAFT_VOTER
               : request_is(q, 3, "standby")          ? RAFT_STANDBY
               : request_is(q, 3, "spare")            ? RAFT_SPARE
                                                      : -1;
    if (!parse_id(q, 1, &id) || role < 0 || q->n > 4) {
        client_error(c, seq, "ERR usage: RAFT.ADD id address [voter|standby|spare]");
    } else if (parse_address(c, seq, q, 2)) {
        const struct change_order order = {CHANGE_ADD, id, 0, role, request_argument(q, 2)};
        change_begin(s, c, seq, &order);
    }
}

static void execute_replace(struct server *s, struct client *c, uint64_t seq,
                            const struct request *q) {
    raft_id old;
    raft_id id;
    if (!parse_id(q, 1, &old) || !parse_id(q, 2, &id)) {
        client_error(c, seq, "ERR usage: RAFT.REPLACE old new address");
    } else if (old == id) {
        client_error(c, seq,
                     "ERR the new server needs an ID of its own, that no server ever had; nothing "
                     "was done");
    } else if (parse_address(c, seq, q, 3)) {
        const struct change_order order = {CHANGE_REPLACE, id, old, RAFT_VOTER,
                                           request_argument(q, 3)};
        change_begin(s, c, seq, &order);
    }
}

static void execute_promote(struct server *s, struct client *c, uint64_t seq,
                            const struct request *q) {
    raft_id id;
    if (!parse_id(q, 1, &id)) {
        client_error(c, seq, "ERR usage: RAFT.PROMOTE id");
    } else {
        const struct change_order order = {CHANGE_PROMOTE, id, 0, RAFT_VOTER, NULL};
        change_begin(s, c, seq, &order);
    }
}

/* Change the role of a member to one without a vote, or remove it (role -1). */
static void take_vote(struct server *s, struct client *c, uint64_t seq, const struct request *q,
                      int role) {
    raft_id id;
    struct members m;
    struct raft_configuration conf;
    conf_copy(s, &m, &conf);
    struct raft_server *server = parse_id(q, 1, &id) ? conf_find(&conf, id) : NULL;
    if (server == NULL) {
        client_error(c, seq, "ERR no such member");
    } else if (server->role == role) {
        client_status(c, seq, "OK");
    } else {
        server->role = role;
        if (role < 0) {
            *server = conf.servers[--conf.n];
        }
        reconfigure(s, c, seq, &conf);
    }
    free(conf.servers);
    members_free(&m);
}

static void execute_demote(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    if (q->n > 3 || (q->n == 3 && !request_is(q, 2, "standby") && !request_is(q, 2, "spare"))) {
        client_error(c, seq, "ERR usage: RAFT.DEMOTE id [standby|spare]");
        return;
    }
    take_vote(s, c, seq, q, request_is(q, 2, "spare") ? RAFT_SPARE : RAFT_STANDBY);
}

static void execute_remove(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    take_vote(s, c, seq, q, -1);
}

static void execute_cancel(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    (void)q;
    change_cancel(s, c, seq);
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
        client_refused(s, c, seq, REFUSED_TRANSFER, error, NULL);
        return;
    }
    s->transfer.client = c;
    s->transfer.seq = seq;
}

void members_progress(struct server *s) {
    change_progress(s);
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
    {"raft.demote", -2, SLOT_WRITE, true, execute_demote},
    {"raft.replace", 4, SLOT_WRITE, true, execute_replace},
    {"raft.cancel", 1, SLOT_WRITE, true, execute_cancel},
    {"raft.transfer", -1, SLOT_WRITE, true, execute_transfer},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
