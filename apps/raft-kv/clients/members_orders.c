/* SPDX-License-Identifier: MIT */
/* Beginning, cancelling and describing the change that is in progress. */
#include "members.h"

#include <stdlib.h>

#include "members_conf.h"
#include "explain.h"
#include "reply.h"
#include "server.h"

enum { MAX_CHANGE_WAITERS = 64 /* clients that wait for the same work */ };

void change_describe(struct server *s, struct buf *b) {
    const struct change *w = &s->change;
    if (w->kind == CHANGE_REPLACE) {
        buf_printf(b, "replacing server %llu by server %llu", w->old, w->id);
    } else {
        buf_printf(b, "%s server %llu", w->kind == CHANGE_ADD ? "adding" : "promoting", w->id);
    }
}

static void add_waiter(struct change *w, struct client *c, uint64_t seq) {
    w->waiters = array_grow(w->waiters, w->n, &w->cap, sizeof *w->waiters);
    w->waiters[w->n++] = (struct change_waiter){c, seq};
}

void change_begin(struct server *s, struct client *c, uint64_t seq,
                  const struct change_order *order) {
    struct change *w = &s->change;
    bool same = w->kind == order->kind && w->id == order->id && w->old == order->old &&
                w->role == order->role &&
                (order->address == NULL || strcmp(order->address, w->address) == 0);
    if (same && w->n < MAX_CHANGE_WAITERS) {
        add_waiter(w, c, seq);
        return;
    }
    if (w->kind != CHANGE_NONE) {
        struct buf b = {0};
        buf_printf(&b, "TRYAGAIN ");
        change_describe(s, &b);
        buf_printf(&b, " is in progress (RAFT.CANCEL gives it up); nothing was done");
        buf_put(&b, "", 1);
        client_error(c, seq, b.data);
        buf_free(&b);
        return;
    }
    uint64_t serial = w->serial + 1;
    struct buf outcome = w->outcome;
    struct change_waiter *waiters = w->waiters;
    size_t cap = w->cap;
    *w = (struct change){.kind = order->kind,
                         .serial = serial,
                         .id = order->id,
                         .old = order->old,
                         .role = order->role,
                         .address = order->address != NULL ? xstrdup(order->address) : NULL,
                         .term = raft_current_term(&s->raft),
                         .since = server_now(),
                         .waiters = waiters,
                         .cap = cap,
                         .outcome = outcome};
    add_waiter(w, c, seq);
    change_report(s, "begun");
    change_step_to(s, STEP_SETTLE);
}

static void remove_standby(struct server *s, struct client *c, uint64_t seq, raft_id id) {
    struct members m;
    struct raft_configuration conf;
    conf_copy(s, &m, &conf);
    struct raft_server *server = conf_find(&conf, id);
    if (server == NULL || server->role == RAFT_VOTER) {
        client_status(c, seq, "OK");
    } else {
        *server = conf.servers[--conf.n];
        int error = members_reconfigure(s, &conf);
        if (error != 0) {
            client_refused(s, c, seq, REFUSED_CHANGE, error, &conf);
        } else {
            proposals_watch(s, c, seq);
        }
    }
    free(conf.servers);
    members_free(&m);
}

void change_cancel(struct server *s, struct client *c, uint64_t seq) {
    struct change *w = &s->change;
    if (w->kind == CHANGE_NONE) {
        client_error(c, seq, "ERR no change of the members is in progress");
    } else if (w->step == STEP_JOIN) {
        client_error(c, seq, "TRYAGAIN the server is just becoming a standby; nothing was done");
    } else if (w->step == STEP_COMMIT) {
        client_error(c, seq, "ERR the change is in the log already and cannot be given up");
    } else {
        raft_id id = w->id;
        bool added = w->added;
        struct raft_event event = {.type = RAFT_CATCH_UP}; /* server_id 0: cancel */
        server_step(s, &event);
        change_finish(s, "ERR given up by RAFT.CANCEL");
        if (added) {
            remove_standby(s, c, seq, id);
        } else {
            client_status(c, seq, "OK");
        }
    }
}

static void put_number(struct buf *b, const char *name, unsigned long long value) {
    reply_string(b, name);
    reply_integer(b, (long long)value);
}

void change_status(struct server *s, struct buf *b) {
    static const char *const kinds[] = {"none", "add", "promote", "replace"};
    static const char *const steps[] = {
        [STEP_SETTLE] = "settle",     [STEP_IDENTIFY] = "identify",   [STEP_JOIN] = "join",
        [STEP_CATCH_UP] = "catch-up", [STEP_HAND_OVER] = "hand-over", [STEP_VOTE] = "vote",
        [STEP_COMMIT] = "commit",
    };
    const struct change *w = &s->change;
    bool running = w->kind != CHANGE_NONE;
    reply_array(b, running ? 20 : 4);
    reply_string(b, "what");
    reply_string(b, kinds[w->kind]);
    reply_string(b, "last");
    reply_string(b, w->outcome.len > 0 ? w->outcome.data : "");
    if (running) {
        put_number(b, "id", w->id);
        put_number(b, "old", w->old);
        reply_string(b, "step");
        reply_string(b, steps[w->step]);
        put_number(b, "round", w->round);
        put_number(b, "match", w->match);
        put_number(b, "last-index", raft_last_index(&s->raft));
        put_number(b, "snapshot-bytes", w->offset);
        put_number(b, "since-ms", server_now() - w->since);
    }
}
