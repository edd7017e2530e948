/* SPDX-License-Identifier: MIT */
#include "explain.h"

#include <stdio.h>

#include "reply.h"
#include "server.h"

#define USED_BEFORE                                                                           \
    "ERR this ID was used before: the log or a snapshot has it. Give every new server an ID " \
    "that no server ever had"
#define TOO_FEW "TRYAGAIN too few servers are in contact and up to date"

/* Every code that raft.h lists for RAFT_RECONFIGURE, RAFT_CATCH_UP and RAFT_TRANSFER, except
 * RAFT_NOTLEADER, which is answered with MOVED, and RAFT_NOMEM, which ends the process. */
static const struct {
    enum refused what;
    int error;
    const char *text;
} refusals[] = {
    {REFUSED_CHANGE, RAFT_BADID, USED_BEFORE},
    {REFUSED_CHANGE, RAFT_DUPLICATEID, "ERR two members would have the same ID"},
    {REFUSED_CHANGE, RAFT_DUPLICATEADDRESS, "ERR another member has this address"},
    {REFUSED_CHANGE, RAFT_BADROLE, "TRYAGAIN another change of the members is in progress"},
    {REFUSED_CHANGE, RAFT_INVALID, "ERR the cluster would have no voter; add another voter first"},
    {REFUSED_CHANGE, RAFT_TOOBIG, "ERR the cluster would have too many members"},
    {REFUSED_CHANGE, RAFT_CANTCHANGE, "TRYAGAIN the members cannot be changed now"},
    {REFUSED_CHANGE, RAFT_NOCONNECTION, TOO_FEW},
    {REFUSED_CATCH_UP, RAFT_BADID, "ERR no such member, or it is this server"},
    {REFUSED_CATCH_UP, RAFT_BADROLE, "ERR the server is a voter already"},
    {REFUSED_CATCH_UP, RAFT_BUSY, "TRYAGAIN another server is being brought up to date"},
    {REFUSED_TRANSFER, RAFT_BADID, "ERR no such member"},
    {REFUSED_TRANSFER, RAFT_BADROLE, "ERR that server has no vote; RAFT.PROMOTE it first"},
    {REFUSED_TRANSFER, RAFT_NOCONNECTION,
     "TRYAGAIN that server was silent for an election timeout: start it, or name another one"},
    {REFUSED_TRANSFER, RAFT_NOTFOUND,
     "TRYAGAIN no other voter is in contact: start one, or wait until it answers"},
    {REFUSED_TRANSFER, RAFT_BUSY, "TRYAGAIN another transfer is in progress"},
};

/* The rule of raft.h, RAFT_RECONFIGURE: does this member count for a majority? If not, append why
 * if `b` is not NULL. */
static bool counts(struct server *s, raft_id id, struct buf *b) {
    struct raft_peer peer;
    raft_time now = server_now();
    if (id == s->options->id) {
        return true;
    }
    if (raft_progress(&s->raft, id, &peer) != 0) {
        if (b != NULL) {
            buf_printf(b, " %llu (not a member yet)", id);
        }
        return false;
    }
    raft_time silent = now > peer.last_contact ? now - peer.last_contact : 0;
    raft_index behind = raft_last_index(&s->raft) - peer.match;
    if (silent <= s->options->election_timeout && peer.mode == RAFT_PROGRESS_PIPELINE &&
        behind <= MAX_INFLIGHT_ENTRIES) {
        return true;
    }
    if (b == NULL) {
        return false;
    }
    if (silent > s->options->election_timeout) {
        buf_printf(b, " %llu (silent for %llu.%llu s)", id, silent / 1000, silent % 1000 / 100);
    } else if (peer.mode != RAFT_PROGRESS_PIPELINE) {
        buf_printf(b, " %llu (%s)", id,
                   peer.mode == RAFT_PROGRESS_SNAPSHOT ? "receiving a snapshot" : "not in contact");
    } else {
        buf_printf(b, " %llu (%llu entries behind)", id, behind);
    }
    return false;
}

bool member_in_contact(struct server *s, raft_id id) { return counts(s, id, NULL); }

/* Count the voters, and those of them that count for a majority. */
static unsigned count(struct server *s, const struct raft_configuration *conf, unsigned *ready) {
    unsigned voters = 0;
    *ready = 0;
    for (unsigned i = 0; i < conf->n; i++) {
        if (conf->servers[i].role == RAFT_VOTER) {
            voters++;
            *ready += counts(s, conf->servers[i].id, NULL);
        }
    }
    return voters;
}

bool majority_in_contact(struct server *s, const struct raft_configuration *conf) {
    unsigned ready;
    unsigned voters = count(s, conf, &ready);
    return ready > voters / 2;
}

/* Say which majority of these voters is missing, if one is. */
static void say_missing(struct server *s, struct buf *b, const char *which,
                        const struct raft_configuration *conf) {
    unsigned ready;
    unsigned voters = count(s, conf, &ready);
    if (ready > voters / 2) {
        return;
    }
    buf_printf(b, ". Of the %u %s voters %u must be, but only %u %s; missing:", voters, which,
               voters / 2 + 1, ready, ready == 1 ? "is" : "are");
    for (unsigned i = 0; i < conf->n; i++) {
        if (conf->servers[i].role == RAFT_VOTER) {
            counts(s, conf->servers[i].id, b);
        }
    }
}

static void say_no_connection(struct server *s, struct buf *b,
                              const struct raft_configuration *next) {
    struct raft_configuration conf;
    server_configuration(s, &conf);
    say_missing(s, b, "present", &conf);
    if (next != NULL) {
        say_missing(s, b, "future", next);
    }
    buf_printf(b,
               ". Start the missing servers and try again; a dead one can be removed with "
               "RAFT.REMOVE or replaced with RAFT.REPLACE while a majority is left");
}

static void say_cannot_change(struct server *s, struct buf *b) {
    const struct raft *r = &s->raft;
    int status = RAFT_CATCH_UP_NONE;
    struct raft_configuration conf;
    raft_index index = 0;
    if (raft_term_of(r, raft_commit_index(r)) != raft_current_term(r)) {
        buf_printf(b, ": the new leader has not committed an entry yet");
    } else if (raft_configuration_at(r, raft_last_index(r), &conf, &index) == 0 &&
               index > raft_commit_index(r)) {
        buf_printf(b, ": the previous change of the members is not committed yet");
    } else if (s->change.kind != CHANGE_NONE && raft_catch_up(r, s->change.id, &status) == 0 &&
               status == RAFT_CATCH_UP_RUNNING) {
        buf_printf(b, ": ");
        change_describe(s, b);
        buf_printf(b, " is in progress (RAFT.CANCEL gives it up)");
    } else {
        buf_printf(b, ": %s", raft_errmsg(r));
    }
}

void refusal_explain(struct server *s, struct buf *b, enum refused what, int error,
                     const struct raft_configuration *next) {
    const char *text = NULL;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].what == what && refusals[i].error == error) {
            text = refusals[i].text;
        }
    }
    if (text != NULL) {
        buf_printf(b, "%s", text);
    } else {
        buf_printf(b, "ERR %s", raft_errmsg(&s->raft));
    }
    if (error == RAFT_NOCONNECTION && what == REFUSED_CHANGE) {
        say_no_connection(s, b, next);
    } else if (error == RAFT_CANTCHANGE) {
        say_cannot_change(s, b);
    }
}

void client_refused(struct server *s, struct client *c, uint64_t seq, enum refused what, int error,
                    const struct raft_configuration *next) {
    if (error == RAFT_NOTLEADER) {
        client_raft_error(s, c, seq, error);
        return;
    }
    struct buf b = {0};
    refusal_explain(s, &b, what, error, next);
    buf_printf(&b, "; nothing was done");
    buf_put(&b, "", 1);
    client_error(c, seq, b.data);
    buf_free(&b);
}
