/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "commands.h"
#include "report.h"
#include "server.h"

enum { SLOW_MS = 1000 };

/* --- membership and leadership ------------------------------------------- */

void watch_configuration(struct server *s, raft_index index, bool committed) {
    static const char *const roles[] = {
        "standby", "voter", "spare", "outgoing", "incoming", "demoting", "demoting-to-spare"};
    char text[800] = "";
    size_t len = 0;
    struct raft_configuration conf;
    if (raft_configuration_at(&s->raft, index, &conf, NULL) != 0) {
        return;
    }
    for (unsigned i = 0; i < conf.n && len < sizeof text - 1; i++) {
        const struct raft_server *server = &conf.servers[i];
        const char *role = server->role >= 0 && server->role <= 6 ? roles[server->role] : "?";
        int n = snprintf(text + len, sizeof text - len, "%s%llu %s %s", i > 0 ? ", " : "",
                         server->id, role, server->address);
        len += n > 0 ? (size_t)n : 0;
    }
    if (committed) {
        report("the configuration of entry %llu is committed, %u members: %s", index, conf.n, text);
    } else {
        report("%s the configuration of entry %llu, %u members: %s",
               server_leads(s) ? "proposed" : "received", index, conf.n, text);
    }
}

static void log_command(const struct client *c, const struct request *q) {
    char from[INET6_ADDRSTRLEN] = "?";
    char text[400] = "";
    size_t len = 0;
    struct sockaddr_storage address;
    int size = sizeof address;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &size) == 0) {
        uv_ip_name((struct sockaddr *)&address, from, sizeof from);
    }
    for (size_t i = 0; i < q->n && len < sizeof text - 1; i++) {
        int n = snprintf(text + len, sizeof text - len, " %s", request_argument(q, i));
        len += n > 0 ? (size_t)n : 0;
    }
    report("a client at %s asks for%s", from, text);
}

void watch_command(struct server *s, const struct client *c, const struct command *command,
                   const struct request *q) {
    s->watch.writes += command->kind == SLOT_WRITE;
    s->watch.reads += command->kind == SLOT_READ;
    if (command->kind == SLOT_WRITE && strncmp(command->name, "raft.", strlen("raft.")) == 0) {
        log_command(c, q);
    }
}

static void watch_transfer(struct server *s) {
    struct watch *w = &s->watch;
    raft_id now = server_leads(s) ? raft_transferee(&s->raft) : 0;
    if (now == w->transferee) {
        return;
    }
    unsigned long long ms = server_now() - w->transfer_begun;
    if (w->transferee != 0 && !server_leads(s)) {
        report("handed leadership over to server %llu in %llu ms", w->transferee, ms);
    } else if (w->transferee != 0) {
        report_warn("gave up the transfer of leadership to server %llu after %llu ms",
                    w->transferee, ms);
    }
    if (now != 0) {
        report("transferring leadership to server %llu", now);
    }
    w->transferee = now;
    w->transfer_begun = server_now();
}

/* --- snapshots for other servers ----------------------------------------- */

static struct receiver *receiver_of(struct watch *w, raft_id id) {
    for (unsigned i = 0; i < w->n_receivers; i++) {
        if (w->receivers[i].id == id) {
            return &w->receivers[i];
        }
    }
    return NULL;
}

void watch_snapshot(struct server *s, raft_id id) {
    struct watch *w = &s->watch;
    struct receiver *r = receiver_of(w, id);
    struct raft_peer peer = {.mode = RAFT_PROGRESS_PROBE};
    raft_progress(&s->raft, id, &peer);
    bool receives = peer.mode == RAFT_PROGRESS_SNAPSHOT;
    if (receives && r == NULL && w->n_receivers < MAX_SERVERS) {
        r = &w->receivers[w->n_receivers++];
        *r = (struct receiver){.id = id, .begun = server_now()};
        report("server %llu needs a snapshot: its log ends at %llu, this one begins at %llu", id,
               peer.match, raft_first_index(&s->raft));
    } else if (!receives && r != NULL) {
        unsigned long long ms = server_now() - r->begun;
        if (server_leads(s) && peer.match >= r->index && r->index > 0) {
            report("sent the snapshot at entry %llu to server %llu, %llu bytes, in %llu ms",
                   r->index, id, (unsigned long long)s->scans.dump_size, ms);
        } else {
            report_warn("ended sending a snapshot to server %llu after %llu ms", id, ms);
        }
        *r = w->receivers[--w->n_receivers];
        return;
    }
    if (receives && r != NULL && peer.snapshot_index != 0) {
        r->index = peer.snapshot_index;
    }
}

static void watch_receivers(struct server *s) {
    struct watch *w = &s->watch;
    if (!server_leads(s)) {
        w->n_receivers = 0;
    }
    for (unsigned i = w->n_receivers; i-- > 0;) {
        watch_snapshot(s, w->receivers[i].id);
    }
}

/* --- time ---------------------------------------------------------------- */

void watch_synced(struct server *s, uint64_t ns) {
    histogram_add(&s->watch.sync, ns / 1000, server_now());
    if (ns / 1000000 >= SLOW_MS) {
        report_warn("a sync of the log took %llu ms: the disk is slow",
                    (unsigned long long)ns / 1000000);
    }
}

/* Time one entry after another. */
void watch_committed(struct server *s) {
    struct watch *w = &s->watch;
    raft_index commit = raft_commit_index(&s->raft);
    if (w->apply_index == 0 && commit > s->data.applied) {
        w->apply_index = commit;
        w->apply_begun = uv_hrtime();
    }
}

static void watch_apply(struct server *s) {
    struct watch *w = &s->watch;
    if (w->apply_index != 0 && s->data.applied >= w->apply_index) {
        uint64_t us = (uv_hrtime() - w->apply_begun) / 1000;
        histogram_add(&w->apply, us, server_now());
        if (us / 1000 >= SLOW_MS) {
            report_warn("entry %llu was applied %llu ms after it was committed", w->apply_index,
                        (unsigned long long)us / 1000);
        }
        w->apply_index = 0;
    }
}

void watch_turn(struct server *s) {
    watch_transfer(s);
    watch_receivers(s);
    watch_apply(s);
}

/* A disk that has failed may never end a sync. */
static void watch_sync(struct server *s) {
    raft_time ms = server_now() - s->sync.begun;
    if (s->sync.running && !s->sync.told && ms >= SLOW_MS) {
        report_warn("a sync of the log has not ended after %llu ms", ms);
        s->sync.told = true;
    }
}

void watch_housekeeping(struct server *s) {
    report_tick();
    watch_sync(s);
}
