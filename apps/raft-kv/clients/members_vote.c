/* SPDX-License-Identifier: MIT */
/* The last steps of a change of the members: hand over, vote, commit. */
#include <stdlib.h>

#include "explain.h"
#include "members_conf.h"
#include "report.h"
#include "server.h"

/* This leader is the server that is replaced. It hands leadership over first, and its clients
 * repeat the command at the next leader: if it removed itself, no server would lead until an
 * election timeout has passed. If there is no other voter, it does that nevertheless. */
void change_hand_over(struct server *s) {
    struct raft_event event = {.type = RAFT_TRANSFER}; /* to any server */
    if (raft_transferee(&s->raft) != 0) {
        return;
    }
    int error = server_step(s, &event);
    if (error != 0 && (error == RAFT_NOTFOUND || change_expired(s))) {
        report_warn("cannot hand leadership over: %s", raft_errmsg(&s->raft));
        change_step_to(s, STEP_VOTE);
    }
}

/* Make the server a voter, and remove the one that it replaces. Returns the error of libraft. */
static int vote_change(struct server *s, struct raft_configuration *conf,
                       struct raft_server *server) {
    server->role = RAFT_VOTER;
    struct raft_server *old = s->change.old != 0 ? conf_find(conf, s->change.old) : NULL;
    if (old != NULL) {
        *old = conf->servers[--conf->n];
    }
    int error = members_reconfigure(s, conf);
    /* A joint change is refused while a member has not told this leader that it supports it. A dead
     * one never does. All versions of this program support it, so the other rules decide. */
    struct raft_configuration present;
    server_configuration(s, &present);
    if (error == RAFT_CANTCHANGE && change_settled(s) && majority_in_contact(s, &present) &&
        majority_in_contact(s, conf)) {
        struct raft_event event = {.type = RAFT_RECONFIGURE};
        event.reconfigure.conf = *conf;
        event.reconfigure.force = true;
        error = server_step(s, &event);
    }
    return error;
}

/* True if the server has answered since this step began. It may have stopped after it had caught
 * up. */
static bool answers(struct server *s) {
    const struct change *w = &s->change;
    struct raft_peer peer;
    return w->id == s->options->id ||
           (raft_progress(&s->raft, w->id, &peer) == 0 && peer.last_contact > w->step_since &&
            member_in_contact(s, w->id));
}

void change_vote(struct server *s) {
    struct change *w = &s->change;
    struct members m;
    struct raft_configuration conf;
    if (!answers(s)) {
        if (change_expired(s)) {
            change_fail_silent(s);
        }
        return;
    }
    conf_copy(s, &m, &conf);
    struct raft_server *server = conf_find(&conf, w->id);
    int error = server != NULL ? vote_change(s, &conf, server) : 0;
    bool passing = error == RAFT_NOCONNECTION || error == RAFT_CANTCHANGE ||
                   (error == RAFT_NOTLEADER && raft_transferee(&s->raft) != 0);
    if (server == NULL) {
        change_fail_not_a_member(s);
    } else if (error == 0) {
        w->index = raft_last_index(&s->raft);
        change_step_to(s, STEP_COMMIT);
    } else if (!passing || change_expired(s)) {
        change_refuse(s, REFUSED_CHANGE, error, &conf);
    }
    free(conf.servers);
    members_free(&m);
}

/* True if the committed configuration is the one that the work is for. */
bool change_committed(struct server *s) {
    const struct change *w = &s->change;
    struct raft_configuration conf;
    raft_index index = 0;
    if (raft_configuration_at(&s->raft, raft_last_index(&s->raft), &conf, &index) != 0 ||
        index > raft_commit_index(&s->raft)) {
        return false;
    }
    const struct raft_server *server = conf_find(&conf, w->id);
    return server != NULL && server->role == RAFT_VOTER &&
           (w->old == 0 || conf_find(&conf, w->old) == NULL);
}
