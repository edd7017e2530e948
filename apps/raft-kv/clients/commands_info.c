/* SPDX-License-Identifier: MIT */
/* INFO [section ...]: the server's state as text, in the format of Redis. README.md says what each
 * line means. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "commands.h"
#include "reply.h"
#include "server.h"

typedef unsigned long long number;

__attribute__((format(printf, 2, 3))) static void put(struct buf *b, const char *format, ...) {
    char line[900];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 2, format, args);
    va_end(args);
    len = len < (int)sizeof line - 2 ? len : (int)sizeof line - 3;
    memcpy(line + len, "\r\n", 2);
    buf_put(b, line, (size_t)len + 2);
}

static void put_server(struct server *s, struct buf *b) {
    number seconds = (server_now() - s->started) / 1000;
    put(b, "redis_version:%s", REDIS_VERSION);
    put(b, "redis_mode:cluster");
    put(b, "raft_kv_version:" KV_VERSION);
    put(b, "process_id:%ld", (long)getpid());
    put(b, "server_id:%llu", s->options->id);
    put(b, "cluster_name:%s", s->options->cluster);
    put(b, "uptime_in_seconds:%llu", seconds);
    put(b, "uptime_in_days:%llu", seconds / 86400);
}

static size_t overlay_bytes(const struct overlay *o) {
    return o->bytes.cap + o->size * sizeof *o->items;
}

static void put_clients(struct server *s, struct buf *b) {
    number blocked = 0;
    for (const struct client *c = s->clients; c != NULL; c = c->next) {
        blocked += c->stalled;
    }
    put(b, "connected_clients:%u", s->n_clients);
    put(b, "maxclients:%u", s->descriptors.clients);
    put(b, "blocked_clients:%llu", blocked);
    put(b, "rejected_connections:%llu", (number)s->rejected);
}

/* Read the first number behind `key` in a file of the kernel; 0: not found. */
static number kernel_number(const char *path, const char *key) {
    char line[128];
    number value = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0 &&
            sscanf(line + strlen(key), "%llu", &value) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return value;
}

static void put_memory(struct server *s, struct buf *b) {
    number buffers = 0;
    for (const struct client *c = s->clients; c != NULL; c = c->next) {
        buffers += c->out.cap + c->sending.cap + c->requests.request.bytes.cap;
    }
    put(b, "used_memory_rss:%llu", kernel_number("/proc/self/status", "VmRSS:") * 1024);
    put(b, "used_memory_peak:%llu", kernel_number("/proc/self/status", "VmHWM:") * 1024);
    put(b, "log_bytes:%llu", (number)s->log.bytes);
    put(b, "changes_bytes:%llu",
        (number)(overlay_bytes(&s->data.fresh) + overlay_bytes(&s->data.writing)));
    put(b, "client_buffers_bytes:%llu", buffers);
    put(b, "waiting_writes_bytes:%llu", (number)s->proposals.bytes);
}

static void put_times(struct buf *b, const char *name, const struct histogram *h) {
    struct histogram_summary t = histogram_read(h, server_now());
    put(b, "%s_count:%llu", name, (number)h->total);
    put(b, "%s_last_us:%llu", name, (number)h->last);
    put(b, "%s_mean_us:%llu", name, (number)t.mean);
    put(b, "%s_p99_us:%llu", name, (number)t.p99);
    put(b, "%s_max_us:%llu", name, (number)t.max);
}

static void put_persistence(struct server *s, struct buf *b) {
    static const char *const states[] = {"full", "low", "plenty"};
    const struct journal *j = &s->log.journal;
    put(b, "loading:%d", s->install.loading);
    put_times(b, "sync", &s->watch.sync);
    put(b, "written_bytes:%llu", kernel_number("/proc/self/io", "write_bytes:"));
    put(b, "log_disk_bytes:%llu", (number)j->segment_bytes * (j->n + (j->spare >= 0)));
    put(b, "log_first_index:%llu", s->log.first);
    put(b, "log_last_index:%llu", s->log.last);
    put(b, "snapshot_index:%llu", raft_snapshot_index(&s->raft));
    put(b, "disk_state:%s", states[s->space.level]);
    put(b, "disk_total_bytes:%llu", (number)s->space.total);
    put(b, "disk_free_bytes:%llu", (number)space_free(&s->space));
    put(b, "disk_reserve_bytes:%llu", (number)s->space.reserve);
}

static void put_stats(struct server *s, struct buf *b) {
    put(b, "total_commands_processed:%llu", (number)s->commands);
    put(b, "rejected_connections:%llu", (number)s->rejected);
    put(b, "total_writes:%llu", (number)s->watch.writes);
    put(b, "total_reads:%llu", (number)s->watch.reads);
    put(b, "total_error_replies:%llu", (number)s->watch.errors);
}

static void put_peer(struct server *s, struct buf *b, const struct raft_server *server) {
    static const char *const modes[] = {"none", "probe", "pipeline", "snapshot"};
    struct raft_peer peer;
    if (server->id == s->options->id || raft_progress(&s->raft, server->id, &peer) != 0) {
        return;
    }
    put(b, "peer_%llu:mode=%s,match=%llu,lag=%llu,last_answer_ms=%llu,address=%s", server->id,
        peer.mode >= 0 && peer.mode <= 3 ? modes[peer.mode] : "?", peer.match,
        raft_last_index(&s->raft) - peer.match, server_now() - peer.last_contact, server->address);
}

static void put_refused(struct buf *b, struct refusals *r) {
    refusals_expire(r);
    for (unsigned i = 0; i < r->n; i++) {
        put(b, "raft_refused%u:id=%llu,by=%s,reason=%s", i, r->list[i].id,
            r->list[i].kind == REFUSED_BY_US ? "this server" : "peer", r->list[i].reason);
    }
}

static void put_raft(struct server *s, struct buf *b) {
    const char *leader = server_leader_address(s);
    struct raft_configuration conf;
    server_configuration(s, &conf);
    put(b, "raft_id:%llu", s->options->id);
    put(b, "raft_state:%s", server_state_name(s));
    put(b, "raft_term:%llu", raft_current_term(&s->raft));
    put(b, "raft_leader:%s", leader != NULL ? leader : "");
    put(b, "raft_incarnation:%016llx", (number)s->store.incarnation);
    put(b, "raft_cluster_id:%016llx", (number)s->store.cluster_id);
    put_refused(b, &s->peers.refusals);
    put(b, "raft_commit_index:%llu", raft_commit_index(&s->raft));
    put(b, "raft_applied_index:%llu", s->data.applied);
    put_times(b, "apply", &s->watch.apply);
    put(b, "raft_members:%u", conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        put_peer(s, b, &conf.servers[i]);
    }
}

static void put_replication(struct server *s, struct buf *b) {
    put(b, "role:%s", server_leads(s) ? "master" : "slave");
}

static void put_cluster(struct server *s, struct buf *b) {
    (void)s;
    put(b, "cluster_enabled:1");
}

static void put_keyspace(struct server *s, struct buf *b) {
    uint64_t keys = 0;
    rocksdb_property_int_cf(s->store.db, s->store.data, "rocksdb.estimate-num-keys", &keys);
    put(b, "db0:keys=%llu,expires=0,avg_ttl=0", (number)keys);
}

static bool wants(const struct request *q, const char *section) {
    bool any = q->n == 1;
    for (size_t i = 1; i < q->n; i++) {
        any = any || request_is(q, i, section) || request_is(q, i, "all") ||
              request_is(q, i, "default") || request_is(q, i, "everything");
    }
    return any;
}

static void execute_info(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    static const struct {
        const char *name;
        void (*put)(struct server *s, struct buf *b);
    } sections[] = {{"Server", put_server},    {"Clients", put_clients},
                    {"Memory", put_memory},    {"Persistence", put_persistence},
                    {"Stats", put_stats},      {"Replication", put_replication},
                    {"Raft", put_raft},        {"Cluster", put_cluster},
                    {"Keyspace", put_keyspace}};
    struct buf body = {0};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (wants(q, sections[i].name)) {
            if (body.len > 0) {
                put(&body, "%s", "");
            }
            put(&body, "# %s", sections[i].name);
            sections[i].put(s, &body);
        }
    }
    s->scratch.len = 0;
    reply_text(&s->scratch, c, body.len > 0 ? body.data : "", body.len);
    buf_free(&body);
    client_scratch(s, c, seq);
}

const struct command info_commands[] = {
    {"info", -1, SLOT_LOCAL, false, execute_info},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
