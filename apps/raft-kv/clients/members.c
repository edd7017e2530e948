/* SPDX-License-Identifier: MIT */
#include "members.h"

#include <stdlib.h>

#include "members_conf.h"
#include "explain.h"
#include "identify.h"
#include "reply.h"
#include "report.h"
#include "server.h"

enum {
    PATIENCE = 5000,      /* ms, or five election timeouts: for what usually takes one round trip */
    IDLE_PATIENCE = 60000 /* ms without progress of a server that is in contact */
};

/* --- the end of the work ------------------------------------------------- */

static raft_time patience(const struct server *s) {
    raft_time five = 5ull * s->options->election_timeout;
    return five > PATIENCE ? five : PATIENCE;
}

void change_report(struct server *s, const char *what) {
    struct buf b = {0};
    change_describe(s, &b);
    buf_printf(&b, ": %s", what);
    report("%.*s", (int)b.len, b.data);
    buf_free(&b);
}

/* Answer the clients and end the work. `outcome`: NUL-terminated; "OK", or an error. */
void change_finish(struct server *s, const char *outcome) {
    struct change *w = &s->change;
    bool ok = strcmp(outcome, "OK") == 0;
    change_report(s, ok ? "done" : outcome);
    w->outcome.len = 0;
    change_describe(s, &w->outcome);
    buf_printf(&w->outcome, ": %s", ok ? "done" : outcome);
    buf_put(&w->outcome, "", 1);
    w->kind = CHANGE_NONE;
    for (size_t i = 0; i < w->n; i++) {
        if (ok) {
            client_status(w->waiters[i].client, w->waiters[i].seq, "OK");
        } else {
            client_error(w->waiters[i].client, w->waiters[i].seq, outcome);
        }
    }
    w->n = 0;
    free(w->address);
    w->address = NULL;
}

/* Append what is now, and how to go on. */
static void say_state(struct server *s, struct buf *b) {
    const struct change *w = &s->change;
    struct raft_configuration conf;
    server_configuration(s, &conf);
    const struct raft_server *server = conf_find(&conf, w->id);
    if (w->step <= STEP_JOIN && !w->added) {
        buf_printf(b, "; nothing was done");
    } else if (server != NULL && server->role == RAFT_VOTER) {
        buf_printf(b, "; server %llu is a voter. Repeat the command to go on", w->id);
    } else if (server != NULL) {
        buf_printf(b,
                   "; server %llu is a member without a vote. Repeat the command to go on, or "
                   "RAFT.REMOVE %llu (its ID cannot be used again)",
                   w->id, w->id);
    }
}

/* End the work with an error: the text in `b`, then the state. Frees `b`. */
void change_fail(struct server *s, struct buf *b) {
    say_state(s, b);
    buf_put(b, "", 1);
    change_finish(s, b->data);
    buf_free(b);
}

void change_refuse(struct server *s, enum refused what, int error,
                   const struct raft_configuration *next) {
    struct buf b = {0};
    refusal_explain(s, &b, what, error, next);
    change_fail(s, &b);
}

void change_step_to(struct server *s, enum change_step step) {
    s->change.step = step;
    s->change.step_since = s->change.moved = server_now();
}

static void to_vote(struct server *s) {
    change_step_to(s, s->change.old == s->options->id ? STEP_HAND_OVER : STEP_VOTE);
}

bool change_expired(struct server *s) { return server_now() > s->change.step_since + patience(s); }

/* --- joining ------------------------------------------------------------- */

/* Make the server a member. `address` is the one for the configuration. */
static void join(struct server *s, const char *address) {
    struct members m;
    struct raft_configuration conf;
    conf_copy(s, &m, &conf);
    int role = s->change.role == RAFT_VOTER ? RAFT_STANDBY : s->change.role;
    conf.servers[conf.n++] = (struct raft_server){s->change.id, address, role};
    change_step_to(s, STEP_JOIN);
    int error = members_reconfigure(s, &conf);
    if (error != 0) {
        change_refuse(s, REFUSED_CHANGE, error, &conf);
    } else {
        s->change.added = true;
        s->change.index = raft_last_index(&s->raft);
    }
    free(conf.servers);
    members_free(&m);
}

/* A question that was asked for the work of this number. */
struct question {
    struct server *server;
    uint64_t serial;
};

static void on_identified(void *context, const struct welcome *answer, const char *error,
                          bool refused) {
    struct question question = *(struct question *)context;
    struct server *s = question.server;
    struct change *w = &s->change;
    free(context);
    if (w->serial != question.serial || w->step != STEP_IDENTIFY || w->kind == CHANGE_NONE ||
        !server_leads(s)) {
        return; /* it was given up, or change_progress() ends it */
    }
    if (answer != NULL) {
        char address[MAX_FULL_ADDRESS + 1];
        address_complete(w->address, answer->told.incarnation, address);
        join(s, address);
        return;
    }
    struct buf b = {0};
    if (refused) {
        buf_printf(&b, "ERR %s", error);
    } else {
        buf_printf(&b, "ERR no answer from %s (%s): start server %llu first", w->address, error,
                   w->id);
    }
    change_fail(s, &b);
}

static void identify(struct server *s) {
    struct question *question = xmalloc(sizeof *question);
    *question = (struct question){s, s->change.serial};
    change_step_to(s, STEP_IDENTIFY);
    peers_identify(&s->peers, PURPOSE_IDENTIFY, s->change.id, s->change.address, on_identified,
                   question);
}

static void catch_up(struct server *s) {
    struct change *w = &s->change;
    struct raft_event event = {.type = RAFT_CATCH_UP};
    event.catch_up.server_id = w->id;
    if (w->step != STEP_CATCH_UP) {
        change_step_to(s, STEP_CATCH_UP);
    }
    w->round++;
    w->advanced = false;
    int error = server_step(s, &event);
    if (error != 0) {
        change_refuse(s, REFUSED_CATCH_UP, error, NULL);
    }
}

static void joined(struct server *s) {
    if (s->change.role == RAFT_VOTER) {
        change_report(s, "it is a standby now, and receives the log");
        catch_up(s);
    } else {
        change_finish(s, "OK");
    }
}

/* Begin with the step that the configuration calls for. */
static void decide(struct server *s, struct raft_configuration *conf) {
    struct change *w = &s->change;
    const struct raft_server *server = conf_find(conf, w->id);
    const struct raft_server *old = w->kind == CHANGE_REPLACE ? conf_find(conf, w->old) : NULL;
    struct buf b = {0};
    bool voter = server != NULL && server->role == RAFT_VOTER;
    bool other_role = server != NULL && w->role != RAFT_VOTER && server->role != w->role;
    if (server != NULL && w->address != NULL && !conf_address_is(server->address, w->address)) {
        buf_printf(&b, "ERR server %llu is a member already, at %s", w->id, server->address);
    } else if (server == NULL && w->address != NULL && conf_at(conf, w->address) != NULL) {
        buf_printf(&b, "ERR another member has this address: %llu", conf_at(conf, w->address)->id);
    } else if (w->kind == CHANGE_PROMOTE && server == NULL) {
        buf_printf(&b, "ERR no such member: %llu", w->id);
    } else if (other_role) {
        buf_printf(&b,
                   "ERR server %llu is a member already; RAFT.PROMOTE and RAFT.DEMOTE change its "
                   "role",
                   w->id);
    } else if (old == NULL && server != NULL && server->role == w->role) {
        change_finish(s, "OK"); /* a repeated command */
        return;
    } else if (w->kind == CHANGE_REPLACE && old == NULL) {
        buf_printf(&b, "ERR no such member: %llu; RAFT.ADD makes server %llu a voter", w->old,
                   w->id);
    } else if (old != NULL && old->role != RAFT_VOTER) {
        buf_printf(&b, "ERR server %llu has no vote: use RAFT.REMOVE and RAFT.ADD", w->old);
    } else if (server == NULL && conf->n >= MAX_SERVERS) {
        buf_printf(&b, "ERR the cluster has the maximum number of members");
    } else if (server == NULL) {
        identify(s);
        return;
    } else if (voter) {
        to_vote(s);
        return;
    } else {
        w->added = w->kind != CHANGE_PROMOTE;
        catch_up(s);
        return;
    }
    change_fail(s, &b);
}

/* True if libraft would consider a change now. */
bool change_settled(struct server *s) {
    const struct raft *r = &s->raft;
    struct raft_configuration conf;
    raft_index index = 0;
    return raft_term_of(r, raft_commit_index(r)) == raft_current_term(r) &&
           raft_configuration_at(r, raft_last_index(r), &conf, &index) == 0 &&
           index <= raft_commit_index(r) && raft_transferee(r) == 0;
}

static void settle(struct server *s) {
    struct members m;
    struct raft_configuration conf;
    if (change_settled(s)) {
        conf_copy(s, &m, &conf);
        decide(s, &conf);
        free(conf.servers);
        members_free(&m);
    } else if (change_expired(s)) {
        change_refuse(s, REFUSED_CHANGE, RAFT_CANTCHANGE, NULL);
    }
}

/* --- catching up --------------------------------------------------------- */

static void watch_progress(struct server *s, const struct raft_peer *peer) {
    struct change *w = &s->change;
    if (peer->match > w->match || peer->snapshot_offset != w->offset) {
        w->advanced = true;
        w->moved = server_now();
    }
    w->match = peer->match;
    w->offset = peer->snapshot_offset;
}

void change_fail_silent(struct server *s) {
    struct buf b = {0};
    buf_printf(&b, "ERR server %llu did not catch up: it does not answer. Is it running?",
               s->change.id);
    change_fail(s, &b);
}

/* A catch-up was aborted: begin another one if the server makes progress. A server that answers may
 * be waiting for a snapshot, or may be loading it. */
static void catch_up_aborted(struct server *s, const struct raft_peer *peer) {
    struct change *w = &s->change;
    raft_time now = server_now();
    bool answers = peer->last_contact > w->step_since && now < peer->last_contact + patience(s);
    if (w->advanced || (answers && now < w->moved + IDLE_PATIENCE)) {
        catch_up(s);
        return;
    }
    if (!answers) {
        change_fail_silent(s);
        return;
    }
    struct buf b = {0};
    buf_printf(&b, "ERR server %llu answers, but has received nothing for %d s", w->id,
               IDLE_PATIENCE / 1000);
    change_fail(s, &b);
}

void change_fail_not_a_member(struct server *s) {
    struct buf b = {0};
    buf_printf(&b, "ERR server %llu is not a member any more", s->change.id);
    change_fail(s, &b);
}

static void watch_catch_up(struct server *s) {
    struct raft_peer peer;
    int status = RAFT_CATCH_UP_NONE;
    if (raft_progress(&s->raft, s->change.id, &peer) != 0 ||
        raft_catch_up(&s->raft, s->change.id, &status) != 0) {
        change_fail_not_a_member(s);
        return;
    }
    watch_progress(s, &peer);
    if (status == RAFT_CATCH_UP_FINISHED) {
        change_report(s, "it has caught up");
        to_vote(s);
    } else if (status != RAFT_CATCH_UP_RUNNING) {
        catch_up_aborted(s, &peer);
    }
}

/* --- the work as a whole ------------------------------------------------- */

/* This server does not lead any more. The next leader may still commit the last change. */
static void leadership_lost(struct server *s) {
    struct change *w = &s->change;
    if (w->lost == 0) {
        w->lost = server_now();
    }
    struct buf b = {0};
    const char *leader = server_leader_address(s);
    if (w->step == STEP_HAND_OVER && leader != NULL && !server_leads(s)) {
        buf_printf(&b, "MOVED 0 %s", leader);
        buf_put(&b, "", 1);
        change_finish(s, b.data);
        buf_free(&b);
        return;
    }
    if (w->step >= STEP_HAND_OVER && server_now() < w->lost + patience(s)) {
        return;
    }
    buf_printf(&b,
               "UNKNOWN leadership was lost during the change; the leader is now %s. Repeat the "
               "command there: it goes on where it stopped",
               leader != NULL ? leader : "unknown");
    buf_put(&b, "", 1);
    change_finish(s, b.data);
    buf_free(&b);
}

void change_progress(struct server *s) {
    struct change *w = &s->change;
    if (w->kind == CHANGE_NONE) {
        return;
    }
    if (w->step == STEP_COMMIT && change_committed(s)) {
        change_finish(s, "OK");
    } else if (!server_leads(s) || raft_current_term(&s->raft) != w->term) {
        leadership_lost(s);
    } else if (w->step == STEP_SETTLE) {
        settle(s);
    } else if (w->step == STEP_JOIN && raft_commit_index(&s->raft) >= w->index) {
        joined(s);
    } else if (w->step == STEP_CATCH_UP) {
        watch_catch_up(s);
    } else if (w->step == STEP_HAND_OVER) {
        change_hand_over(s);
    } else if (w->step == STEP_VOTE) {
        change_vote(s);
    }
}
