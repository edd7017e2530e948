/* SPDX-License-Identifier: MIT */
/* CLUSTER: the members as Redis Cluster describes them, for clients that know only that. There is
 * one shard, which holds all slots. The leader is its master, the others are replicas. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "commands.h"
#include "reply.h"
#include "server.h"

enum { SLOTS = 16384, NODE_ID = 40 };

struct node {
    raft_id id;
    char name[NODE_ID + 1];
    struct endpoint at;
    bool leads;
    bool self;
};

struct nodes {
    struct node list[MAX_SERVERS];
    unsigned n;
    unsigned first; /* the leader; n: it is not known */
};

/* 40 hexadecimal digits that stay the same as long as the server has its ID. */
static void node_name(const struct server *s, raft_id id, char name[NODE_ID + 1]) {
    unsigned char hash[NODE_ID / 2];
    unsigned char id_bytes[8];
    crypto_generichash_state state;
    store_le(id_bytes, id, sizeof id_bytes);
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, id_bytes, sizeof id_bytes);
    crypto_generichash_update(&state, (const unsigned char *)s->options->cluster,
                              strlen(s->options->cluster));
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(name, NODE_ID + 1, hash, sizeof hash);
}

/* The members that hold data. */
static struct nodes *find_nodes(const struct server *s) {
    static struct nodes nodes;
    struct raft_configuration conf;
    raft_id leader = 0;
    raft_leader(&s->raft, &leader, NULL);
    server_configuration(s, &conf);
    nodes.n = 0;
    nodes.first = MAX_SERVERS;
    for (unsigned i = 0; i < conf.n && nodes.n < MAX_SERVERS; i++) {
        const struct raft_server *member = &conf.servers[i];
        struct node *node = &nodes.list[nodes.n];
        if (member->role == RAFT_SPARE ||
            !endpoint_parse(address_client(member->address), &node->at)) {
            continue;
        }
        node->id = member->id;
        node->leads = member->id == leader;
        node->self = member->id == s->options->id;
        node_name(s, member->id, node->name);
        nodes.first = node->leads ? nodes.n : nodes.first;
        nodes.n++;
    }
    nodes.first = nodes.first == MAX_SERVERS ? nodes.n : nodes.first;
    return &nodes;
}

/* --- SLOTS, SHARDS ------------------------------------------------------- */

static void put_slots_node(struct buf *b, const struct client *c, const struct node *node) {
    reply_array(b, 4);
    reply_string(b, node->at.host);
    reply_integer(b, atoi(node->at.port));
    reply_string(b, node->name);
    reply_map(b, c, 0);
}

static void cluster_slots(struct buf *b, const struct client *c, const struct nodes *nodes) {
    reply_array(b, 1);
    reply_array(b, 2 + nodes->n);
    reply_integer(b, 0);
    reply_integer(b, SLOTS - 1);
    put_slots_node(b, c, &nodes->list[nodes->first]); /* the master comes first */
    for (unsigned i = 0; i < nodes->n; i++) {
        if (i != nodes->first) {
            put_slots_node(b, c, &nodes->list[i]);
        }
    }
}

static void put_shards_node(struct buf *b, const struct client *c, const struct node *node,
                            raft_index offset) {
    reply_map(b, c, 7);
    reply_string(b, "id");
    reply_string(b, node->name);
    reply_string(b, "port");
    reply_integer(b, atoi(node->at.port));
    reply_string(b, "ip");
    reply_string(b, node->at.host);
    reply_string(b, "endpoint");
    reply_string(b, node->at.host);
    reply_string(b, "role");
    reply_string(b, node->leads ? "master" : "replica");
    reply_string(b, "replication-offset");
    reply_integer(b, (long long)offset);
    reply_string(b, "health");
    reply_string(b, "online");
}

/* How far each server is: the leader knows it, the others know only their own. */
static raft_index offset_of(const struct server *s, const struct node *node) {
    struct raft_peer progress;
    if (node->self) {
        return s->data.applied;
    }
    return raft_progress(&s->raft, node->id, &progress) == 0 ? progress.match : 0;
}

static void cluster_shards(struct buf *b, const struct server *s, const struct client *c,
                           const struct nodes *nodes) {
    reply_array(b, 1);
    reply_map(b, c, 2);
    reply_string(b, "slots");
    reply_array(b, 2);
    reply_integer(b, 0);
    reply_integer(b, SLOTS - 1);
    reply_string(b, "nodes");
    reply_array(b, nodes->n);
    for (unsigned i = 0; i < nodes->n; i++) {
        put_shards_node(b, c, &nodes->list[i], offset_of(s, &nodes->list[i]));
    }
}

/* --- NODES, INFO --------------------------------------------------------- */

static void cluster_nodes(struct buf *b, const struct server *s, const struct client *c,
                          const struct nodes *nodes) {
    struct buf text = {0};
    raft_term term = raft_current_term(&s->raft);
    const char *master = nodes->first < nodes->n ? nodes->list[nodes->first].name : "-";
    for (unsigned i = 0; i < nodes->n; i++) {
        const struct node *node = &nodes->list[i];
        struct endpoint peer;
        buf_printf(&text, "%s %s:%s", node->name, node->at.host, node->at.port);
        /* The port of Redis' bus, which clients do not use. */
        bool same = node->self && endpoint_parse(s->options->peer_listen, &peer);
        buf_printf(&text, "@%s ", same ? peer.port : "0");
        buf_printf(&text, "%s%s ", node->self ? "myself," : "", node->leads ? "master" : "slave");
        buf_printf(&text, "%s 0 0 %llu connected", node->leads ? "-" : master, term);
        buf_printf(&text, "%s\n", node->leads ? " 0-16383" : "");
    }
    reply_text(b, c, text.data != NULL ? text.data : "", text.len);
    buf_free(&text);
}

static void cluster_info(struct buf *b, const struct server *s, const struct client *c,
                         const struct nodes *nodes) {
    struct buf text = {0};
    bool ok = nodes->first < nodes->n;
    int slots = ok ? SLOTS : 0;
    buf_printf(&text, "cluster_enabled:1\r\ncluster_state:%s\r\n", ok ? "ok" : "fail");
    buf_printf(&text, "cluster_slots_assigned:%d\r\ncluster_slots_ok:%d\r\n", slots, slots);
    buf_printf(&text, "cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\n");
    buf_printf(&text, "cluster_known_nodes:%u\r\ncluster_size:%d\r\n", nodes->n, ok);
    buf_printf(&text, "cluster_current_epoch:%llu\r\ncluster_my_epoch:%llu\r\n",
               raft_current_term(&s->raft), raft_current_term(&s->raft));
    reply_text(b, c, text.data, text.len);
    buf_free(&text);
}

/* --- KEYSLOT ------------------------------------------------------------- */

/* CRC-16/XMODEM of the key, or of the part between the first '{' and the next '}'. */
unsigned key_slot(const char *key, size_t len) {
    const char *open = memchr(key, '{', len);
    const char *close = open != NULL ? memchr(open, '}', (size_t)(key + len - open)) : NULL;
    if (close != NULL && close > open + 1) {
        key = open + 1;
        len = (size_t)(close - key);
    }
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)(unsigned char)key[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
        }
    }
    return crc % SLOTS;
}

static void execute_cluster(struct server *s, struct client *c, uint64_t seq,
                            const struct request *q) {
    const struct nodes *nodes = find_nodes(s);
    struct buf *b = &s->scratch;
    char name[NODE_ID + 1];
    b->len = 0;
    if (request_is(q, 1, "slots") && q->n == 2) {
        if (nodes->first == nodes->n) { /* clients then ask another server */
            client_error(c, seq, "CLUSTERDOWN no leader is known");
            return;
        }
        cluster_slots(b, c, nodes);
    } else if (request_is(q, 1, "shards") && q->n == 2) {
        cluster_shards(b, s, c, nodes);
    } else if (request_is(q, 1, "nodes") && q->n == 2) {
        cluster_nodes(b, s, c, nodes);
    } else if (request_is(q, 1, "info") && q->n == 2) {
        cluster_info(b, s, c, nodes);
    } else if (request_is(q, 1, "myid") && q->n == 2) {
        node_name(s, s->options->id, name);
        reply_string(b, name);
    } else if (request_is(q, 1, "keyslot") && q->n == 3) {
        reply_integer(b, key_slot(request_argument(q, 2), q->arguments[2].len));
    } else {
        client_error(c, seq,
                     "ERR one shard has all slots: CLUSTER has SLOTS, SHARDS, NODES, INFO, MYID "
                     "and KEYSLOT; members are changed with RAFT.ADD and RAFT.REMOVE");
        return;
    }
    client_scratch(s, c, seq);
}

const struct command cluster_commands[] = {
    {"cluster", -2, SLOT_LOCAL, false, execute_cluster},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
