/* SPDX-License-Identifier: MIT */
/* The operator's commands that only look.
 *
 *   RAFT.STATUS     this server's state, as names and values
 *   RAFT.LOCAL key  the value in this server's own data, which may be stale
 *   RAFT.DIGEST     applied index, number of keys and checksum of this server's data
 *   RAFT.BACKUP name  write this server's data to a file, see backup.h */
#include "backup.h"
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "limits.h"
#include "reply.h"
#include "server.h"

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

/* The handshakes that failed lately: for each its server and the reason. */
static void put_refused(struct server *s, struct buf *b) {
    struct refusals *r = &s->peers.refusals;
    refusals_expire(r);
    reply_string(b, "refused");
    reply_array(b, r->n);
    for (unsigned i = 0; i < r->n; i++) {
        reply_array(b, 6);
        put_number(b, "id", r->list[i].id);
        put_text(b, "by", r->list[i].kind == REFUSED_BY_US ? "this server" : "peer");
        put_text(b, "reason", r->list[i].reason);
    }
}

static void put_identity(struct server *s, struct buf *b) {
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, s->store.incarnation);
    put_text(b, "incarnation", text);
    snprintf(text, sizeof text, "%016" PRIx64, s->store.cluster_id);
    put_text(b, "cluster-id", text);
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
    reply_array(b, 2 * 19);
    put_number(b, "id", s->options->id);
    put_text(b, "cluster", s->options->cluster);
    put_identity(s, b);
    put_text(b, "state", server_state_name(s));
    put_number(b, "term", raft_current_term(r));
    put_number(b, "leader", leader);
    put_text(b, "leader-address", address != NULL ? address : "");
    put_number(b, "first-index", raft_first_index(r));
    put_number(b, "last-index", raft_last_index(r));
    put_number(b, "last-term", raft_term_of(r, raft_last_index(r)));
    put_number(b, "stored-index", raft_last_stored(r));
    put_number(b, "commit-index", raft_commit_index(r));
    put_number(b, "applied-index", s->data.applied);
    put_number(b, "snapshot-index", raft_snapshot_index(r));
    put_number(b, "transferee", raft_transferee(r));
    reply_string(b, "change");
    change_status(s, b);
    put_refused(s, b);
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
        reply_nil(&s->scratch, c);
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

static void serve_backup(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                         size_t n) {
    (void)n;
    size_t len = (size_t)cursor_int(arguments, 4);
    backup_begin(s, c, seq, cursor_bytes(arguments, len), len, true);
}

/* On the leader the backup has all that was acknowledged before: a read confirms that. */
static void execute_backup(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    if (server_leads(s)) {
        reads_add(s, c, seq, serve_backup, q);
    } else {
        backup_begin(s, c, seq, request_argument(q, 1), q->arguments[1].len, false);
    }
}

const struct command raft_commands[] = {
    {"raft.status", 1, SLOT_LOCAL, false, execute_status},
    {"raft.local", 2, SLOT_LOCAL, false, execute_local},
    {"raft.digest", 1, SLOT_LOCAL, false, execute_digest},
    {"raft.backup", 2, SLOT_READ, false, execute_backup},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
