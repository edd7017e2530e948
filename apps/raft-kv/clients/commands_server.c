/* SPDX-License-Identifier: MIT */
/* Commands that any server answers by itself: its state and settings. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "commands.h"
#include "glob.h"
#include "reply.h"
#include "server.h"

enum { CONFIG_WORK = 64 * 1024 /* comparisons with patterns */ };

/* Nothing can be configured at run time. redis-benchmark asks for two settings; the reply is that
 * of a Redis server that syncs every write. */
static void execute_config(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    static const char *const settings[][2] = {
        {"save", ""}, {"appendonly", "yes"}, {"databases", "1"}};
    struct buf body = {0};
    size_t n = 0;
    size_t work = 0;
    if (!request_is(q, 1, "get") || q->n < 3) {
        client_error(c, seq, "ERR nothing can be set at run time: CONFIG has only GET");
        return;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        bool named = false;
        for (size_t k = 2; k < q->n && !named && work < CONFIG_WORK; k++) {
            named = glob_match(request_argument(q, k), q->arguments[k].len, settings[i][0],
                               strlen(settings[i][0]), &work);
        }
        if (named) {
            reply_string(&body, settings[i][0]);
            reply_string(&body, settings[i][1]);
            n++;
        }
    }
    s->scratch.len = 0;
    reply_map(&s->scratch, c, n);
    buf_put(&s->scratch, body.data, body.len);
    buf_free(&body);
    client_scratch(s, c, seq);
}

/* This server's clock: seconds and microseconds. */
static void execute_time(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    (void)q;
    struct timespec now;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    s->scratch.len = 0;
    reply_array(&s->scratch, 2);
    snprintf(text, sizeof text, "%lld", (long long)now.tv_sec);
    reply_string(&s->scratch, text);
    snprintf(text, sizeof text, "%ld", now.tv_nsec / 1000);
    reply_string(&s->scratch, text);
    client_scratch(s, c, seq);
}

/* --- INFO ---------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(struct buf *b, const char *format, ...) {
    char line[700];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_put(b, line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

static void put_refused(struct buf *b, struct refusals *r) {
    refusals_expire(r);
    for (unsigned i = 0; i < r->n; i++) {
        put(b, "raft_refused%u:id=%llu,by=%s,reason=%s\r\n", i, r->list[i].id,
            r->list[i].kind == REFUSED_BY_US ? "this server" : "peer", r->list[i].reason);
    }
}

static void execute_info(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    (void)q;
    struct buf body = {0};
    uint64_t keys = 0;
    const char *leader = server_leader_address(s);
    rocksdb_property_int_cf(s->store.db, s->store.data, "rocksdb.estimate-num-keys", &keys);
    put(&body, "# Server\r\nredis_version:" REDIS_VERSION "\r\nredis_mode:cluster\r\n");
    put(&body, "raft_kv_version:1.0.0\r\nuptime_in_seconds:%llu\r\n",
        (unsigned long long)(server_now() - s->started) / 1000);
    put(&body, "# Clients\r\nconnected_clients:%u\r\nmaxclients:%u\r\n", s->n_clients,
        s->descriptors.clients);
    put(&body, "# Stats\r\ntotal_commands_processed:%llu\r\n", (unsigned long long)s->commands);
    put(&body, "rejected_connections:%llu\r\n", (unsigned long long)s->rejected);
    put(&body, "# Replication\r\nrole:%s\r\n", server_leads(s) ? "master" : "slave");
    put(&body, "# Cluster\r\ncluster_enabled:1\r\n");
    put(&body, "# Raft\r\nraft_id:%llu\r\nraft_term:%llu\r\nraft_leader:%s\r\n", s->options->id,
        raft_current_term(&s->raft), leader != NULL ? leader : "");
    put(&body, "raft_incarnation:%016" PRIx64 "\r\nraft_cluster_id:%016" PRIx64 "\r\n",
        s->store.incarnation, s->store.cluster_id);
    put_refused(&body, &s->peers.refusals);
    put(&body, "raft_commit_index:%llu\r\nraft_applied_index:%llu\r\n", raft_commit_index(&s->raft),
        s->data.applied);
    put(&body, "# Keyspace\r\ndb0:keys=%llu,expires=0,avg_ttl=0\r\n", (unsigned long long)keys);
    s->scratch.len = 0;
    reply_text(&s->scratch, c, body.data, body.len);
    buf_free(&body);
    client_scratch(s, c, seq);
}

const struct command server_commands[] = {
    {"info", -1, SLOT_LOCAL, false, execute_info},
    {"config", -2, SLOT_LOCAL, false, execute_config},
    {"time", 1, SLOT_LOCAL, false, execute_time},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
