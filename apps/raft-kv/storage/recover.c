/* SPDX-License-Identifier: MIT */
#include "recover.h"

#include "identity.h"
#include "mark.h"
#include "report.h"
#include "server.h"

#define RECOVERED "recovered" /* a mark: index and term of the configuration of the new cluster */
#define TAKE_AWAY "take the option --force-new-cluster away"

/* True if the log has this entry, or a snapshot covers it. */
static bool has_entry(const struct server *s, const struct mark *mark) {
    const struct raft *r = &s->raft;
    return raft_last_index(r) >= mark->a &&
           (raft_snapshot_index(r) >= mark->a || raft_term_of(r, mark->a) == mark->b);
}

static bool alone(const struct raft_configuration *conf, raft_id id) {
    return conf->n == 1 && conf->servers[0].id == id && conf->servers[0].role == RAFT_VOTER;
}

static void say_what_is_lost(struct server *s, const struct raft_configuration *conf) {
    const struct raft *r = &s->raft;
    raft_index last = raft_last_index(r);
    raft_index known =
        raft_commit_index(r) > s->data.applied ? raft_commit_index(r) : s->data.applied;
    report("--force-new-cluster: this server, %llu, leaves its cluster of %u members:",
           s->options->id, conf->n);
    for (unsigned i = 0; i < conf->n; i++) {
        if (conf->servers[i].id != s->options->id) {
            report("  server %llu at %s must never be started again with its directory",
                   conf->servers[i].id, conf->servers[i].address);
        }
    }
    report("the last entry is %llu, of term %llu; what only the others had is lost", last,
           raft_term_of(r, last));
    if (last > known) {
        report("entries %llu to %llu are not known to have been committed: they take effect now",
               known + 1, last);
    } else {
        report("all entries are known to have been committed");
    }
}

static void force(struct server *s, struct raft_configuration *conf) {
    struct raft_server self = {s->options->id, s->address, RAFT_VOTER};
    say_what_is_lost(s, conf);
    /* First, so that the servers of the old cluster, should they return, are refused. If this
     * server stops in between, the next start with the option goes on. */
    store_new_cluster_id(&s->store);
    struct raft_event event = {.type = RAFT_RECOVER};
    event.recover.conf = (struct raft_configuration){&self, 1};
    if (server_step(s, &event) != 0) {
        die("--force-new-cluster: %s", raft_errmsg(&s->raft));
    }
    /* Nothing is sent or stored in the log before the event loop runs. */
    struct mark mark = {raft_last_index(&s->raft), raft_current_term(&s->raft)};
    mark_put(&s->store, RECOVERED, mark);
    report("made a new cluster at entry %llu, in term %llu, with this server as its only voter",
           (raft_index)mark.a, (raft_term)mark.b);
    report("now " TAKE_AWAY ", and add servers with RAFT.ADD: with new IDs and empty directories");
}

void recover_check(struct server *s) {
    struct members m;
    struct raft_configuration conf;
    struct mark mark;
    if (!s->options->force_new_cluster) {
        mark_remove(&s->store, RECOVERED);
        return;
    }
    if (raft_last_index(&s->raft) == 0) {
        die("--force-new-cluster: %s holds no data of a cluster", s->options->dir);
    }
    server_configuration(s, &conf);
    if (mark_get(&s->store, RECOVERED, &mark) && has_entry(s, &mark)) {
        report(
            "--force-new-cluster: nothing is done: it was done before, at entry %llu; " TAKE_AWAY,
            (raft_index)mark.a);
    } else if (alone(&conf, s->options->id)) {
        mark = (struct mark){raft_last_index(&s->raft), 0};
        mark.b = raft_term_of(&s->raft, mark.a);
        mark_put(&s->store, RECOVERED, mark);
        report("--force-new-cluster: nothing is done: this server is the only member; " TAKE_AWAY);
    } else {
        members_copy(&m, &conf); /* the step makes `conf` invalid */
        force(s, &m.conf);
        members_free(&m);
    }
}
