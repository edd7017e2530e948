/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "backup.h"
#include "frame.h"
#include "identity.h"
#include "report.h"
#include "server.h"

#define HELLO_MAGIC 0x32504b52u /* "RKP2" */
#define REPLACE                                                                               \
    "acknowledged writes may be lost if it takes part; replace it by a server with a new ID " \
    "and an empty directory: RAFT.REPLACE %llu ..."

/* --- frames -------------------------------------------------------------- */

static void put_told(struct server *s, struct buf *b) {
    buf_put_int(b, s->log.journal.run, 8);
    buf_put_int(b, s->store.fenced.hard, 8);
    buf_put_int(b, s->store.fenced.log, 8);
}

static void take_told(struct cursor *c, struct peer_ticket *told) {
    told->run = cursor_int(c, 8);
    told->synced.hard = cursor_int(c, 8);
    told->synced.log = cursor_int(c, 8);
}

void handshake_put_hello(struct server *s, struct buf *b, enum purpose purpose, raft_id to,
                         const char *address) {
    uint64_t to_incarnation = 0;
    address_incarnation(address, &to_incarnation);
    size_t begun = frame_begin(b);
    buf_put_int(b, FRAME_HELLO, 1);
    buf_put_int(b, HELLO_MAGIC, 4);
    buf_put_int(b, s->options->id, 8);
    buf_put_int(b, to, 8);
    buf_put_int(b, to_incarnation, 8);
    buf_put_int(b, s->store.cluster_id, 8);
    buf_put_int(b, handshake_list_digest(&s->options->bootstrap.conf), 8);
    buf_put_int(b, purpose, 1);
    put_told(s, b);
    buf_put_string(b, s->options->cluster);
    buf_put_string(b, s->address);
    frame_end(b, begun);
}

bool hello_decode(const char *data, size_t len, struct hello *h) {
    struct cursor c = {data, data + len, false};
    bool known = cursor_int(&c, 1) == FRAME_HELLO && cursor_int(&c, 4) == HELLO_MAGIC;
    h->from = h->told.id = cursor_int(&c, 8);
    h->to = cursor_int(&c, 8);
    h->to_incarnation = cursor_int(&c, 8);
    h->cluster_id = cursor_int(&c, 8);
    h->list = cursor_int(&c, 8);
    h->purpose = (enum purpose)cursor_int(&c, 1);
    take_told(&c, &h->told);
    h->cluster = cursor_string(&c);
    h->address = cursor_string(&c);
    return known && !c.bad && cursor_left(&c) == 0 && h->from != 0 && h->purpose >= PURPOSE_RAFT &&
           h->purpose <= PURPOSE_FOUND;
}

void handshake_put_welcome(struct server *s, struct buf *b) {
    size_t begun = frame_begin(b);
    buf_put_int(b, FRAME_WELCOME, 1);
    buf_put_int(b, s->options->id, 8);
    buf_put_int(b, s->store.incarnation, 8);
    buf_put_int(b, s->store.cluster_id, 8);
    put_told(s, b);
    frame_end(b, begun);
}

bool welcome_decode(const char *data, size_t len, struct welcome *w) {
    struct cursor c = {data, data + len, false};
    bool known = cursor_int(&c, 1) == FRAME_WELCOME;
    w->told.id = cursor_int(&c, 8);
    w->told.incarnation = cursor_int(&c, 8);
    w->cluster_id = cursor_int(&c, 8);
    take_told(&c, &w->told);
    return known && !c.bad && cursor_left(&c) == 0 && w->told.incarnation != 0;
}

void handshake_put_refused(struct buf *b, const char *reason) {
    size_t begun = frame_begin(b);
    buf_put_int(b, FRAME_REFUSED, 1);
    buf_put_string(b, reason);
    frame_end(b, begun);
}

const char *refused_decode(const char *data, size_t len) {
    static char reason[MAX_REASON];
    struct cursor c = {data, data + len, false};
    bool known = cursor_int(&c, 1) == FRAME_REFUSED;
    const char *text = cursor_string(&c);
    if (!known || c.bad || cursor_left(&c) > 0) {
        return NULL;
    }
    snprintf(reason, sizeof reason, "%s", text);
    for (char *at = reason; *at != '\0'; at++) { /* it goes into the log */
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    }
    return reason;
}

/* --- decisions ----------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static const char *refusal(const char *format, ...) {
    static char reason[MAX_REASON];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return reason;
}

/* The incarnation that the latest configuration has for a server; 0: none. */
static uint64_t incarnation_of(const struct server *s, raft_id id) {
    struct raft_configuration conf;
    uint64_t incarnation = 0;
    server_configuration(s, &conf);
    for (unsigned i = 0; i < conf.n; i++) {
        if (conf.servers[i].id == id) {
            address_incarnation(conf.servers[i].address, &incarnation);
        }
    }
    return incarnation;
}

static const char *wrong_directory(raft_id id, uint64_t has, uint64_t expected, bool empty) {
    return refusal("server %llu has a%s directory (%016" PRIx64 "; its old one was %016" PRIx64
                   "): " REPLACE,
                   id, empty ? " new, empty" : "nother", has, expected, id);
}

/* Decide whether the other server has the directory that this one knows. */
static const char *check_directory(struct server *s, const struct peer_ticket *told) {
    uint64_t expected = incarnation_of(s, told->id);
    if (expected != 0 && expected != told->incarnation) {
        return wrong_directory(told->id, told->incarnation, expected, false);
    }
    const struct fence *known = peer_tickets_missing(&s->peers.tickets, told);
    if (known != NULL) {
        return refusal(
            "server %llu has an older copy of its directory, or its disk has lost data "
            "(term record %" PRIu64 " of %" PRIu64 ", log record %" PRIu64 " of %" PRIu64
            "): " REPLACE,
            told->id, told->synced.hard, known->hard, told->synced.log, known->log, told->id);
    }
    return NULL;
}

/* Only directories that the configuration names are remembered, so that their number is limited. */
static void note_tickets(struct server *s, const struct peer_ticket *told, bool direct) {
    if (incarnation_of(s, told->id) == told->incarnation) {
        peer_tickets_note(&s->peers.tickets, told, direct);
    }
}

/* Somebody asks who this server is, to add it to a cluster or to found one. */
static const char *check_identify(struct server *s, const struct hello *h) {
    uint64_t mine = s->store.cluster_id;
    if (mine != 0 && mine != h->cluster_id) {
        return refusal("server %llu belongs to another cluster already (%016" PRIx64
                       "); to use it in this one, give it an empty directory",
                       s->options->id, mine);
    }
    if (h->purpose == PURPOSE_FOUND &&
        h->list != handshake_list_digest(&s->options->bootstrap.conf)) {
        return refusal(
            "server %llu has another --bootstrap list than server %llu, or none: no "
            "cluster is founded until all servers have the same",
            s->options->id, h->from);
    }
    return NULL;
}

static const char *check_cluster(struct server *s, const struct hello *h) {
    uint64_t mine = s->store.cluster_id;
    if (h->cluster_id == 0) {
        return refusal("server %llu does not belong to a cluster", h->from);
    }
    if (mine != 0 && mine != h->cluster_id) {
        return refusal("server %llu belongs to another cluster of the same name (%016" PRIx64
                       ") than server %llu (%016" PRIx64 ")",
                       s->options->id, mine, h->from, h->cluster_id);
    }
    if (mine == 0 && backup_restored(&s->store)) {
        return refusal("server %llu holds a restored backup: it founds a cluster of its own",
                       s->options->id);
    }
    if (h->to_incarnation != s->store.incarnation) {
        return wrong_directory(s->options->id, s->store.incarnation, h->to_incarnation, mine == 0);
    }
    return NULL;
}

static const char *check_names(const struct options *o, struct hello *h) {
    if (strcmp(h->cluster, o->cluster) != 0) {
        return refusal(
            "server %llu belongs to another cluster than server %llu: they have "
            "different --cluster names",
            o->id, h->from);
    }
    if (h->to != o->id) {
        return refusal("the server at this address has another ID: it is server %llu, not %llu",
                       o->id, h->to);
    }
    if (h->from == o->id) {
        return "the connecting server has the same ID as this server";
    }
    if (!address_incarnation(h->address, &h->told.incarnation)) {
        return "malformed address";
    }
    return NULL;
}

const char *handshake_on_hello(struct server *s, const struct hello *hello) {
    struct hello h = *hello;
    const char *why = check_names(s->options, &h);
    if (why == NULL && h.purpose != PURPOSE_RAFT) {
        return check_identify(s, &h);
    }
    why = why != NULL ? why : check_cluster(s, &h);
    why = why != NULL ? why : check_directory(s, &h.told);
    if (why == NULL) {
        if (s->store.cluster_id == 0) {
            store_set_cluster_id(&s->store, h.cluster_id);
            report("joined cluster %016" PRIx64 ", of which server %llu is a member", h.cluster_id,
                   h.from);
        }
        note_tickets(s, &h.told, true);
    }
    return why;
}

const char *handshake_on_welcome(struct server *s, raft_id id, const char *address,
                                 const struct welcome *w) {
    uint64_t expected = 0;
    address_incarnation(address, &expected);
    if (w->told.id != id) {
        return refusal("the server at this address has another ID: it is server %llu, not %llu",
                       w->told.id, id);
    }
    if (w->told.incarnation != expected) {
        return wrong_directory(id, w->told.incarnation, expected, false);
    }
    if (w->cluster_id != s->store.cluster_id) {
        return refusal("server %llu belongs to another cluster (%016" PRIx64 ")", id,
                       w->cluster_id);
    }
    const char *why = check_directory(s, &w->told);
    if (why == NULL) {
        note_tickets(s, &w->told, true);
    }
    return why;
}

/* --- pings --------------------------------------------------------------- */

void pong_put(struct server *s, struct buf *b) {
    size_t begun = frame_begin(b);
    buf_put_int(b, FRAME_PONG, 1);
    put_told(s, b);
    frame_end(b, begun);
}

void ping_put(struct server *s, struct buf *b) {
    const struct peer_tickets *t = &s->peers.tickets;
    size_t begun = frame_begin(b);
    buf_put_int(b, FRAME_PING, 1);
    put_told(s, b);
    for (unsigned i = 0; i < t->n && server_leads(s); i++) {
        if (incarnation_of(s, t->list[i].id) == t->list[i].incarnation) {
            peer_ticket_encode(b, &t->list[i]);
        }
    }
    frame_end(b, begun);
}

bool ping_take(struct server *s, raft_id id, const char *address, const char *data, size_t len) {
    struct cursor c = {data + 1, data + len, false};
    struct peer_ticket told = {.id = id};
    take_told(&c, &told);
    if (c.bad || !address_incarnation(address, &told.incarnation)) {
        return false;
    }
    note_tickets(s, &told, true);
    while (cursor_left(&c) > 0 && data[0] == FRAME_PING) {
        peer_ticket_decode(&c, &told);
        if (c.bad) {
            return false;
        }
        if (told.id != s->options->id) {
            note_tickets(s, &told, false);
        }
    }
    return cursor_left(&c) == 0;
}

/* --- the list of --bootstrap --------------------------------------------- */

static int by_id(const void *a, const void *b) {
    const struct raft_server *const *x = a;
    const struct raft_server *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

uint64_t handshake_list_digest(const struct raft_configuration *list) {
    static const unsigned char key[crypto_shorthash_KEYBYTES]; /* zeros: nothing is secret */
    const struct raft_server *sorted[MAX_SERVERS];
    unsigned char digest[crypto_shorthash_BYTES];
    struct buf b = {0};
    if (list->n == 0 || list->n > MAX_SERVERS) {
        return 0;
    }
    for (unsigned i = 0; i < list->n; i++) {
        sorted[i] = &list->servers[i];
    }
    qsort(sorted, list->n, sizeof sorted[0], by_id);
    for (unsigned i = 0; i < list->n; i++) {
        buf_put_int(&b, sorted[i]->id, 8);
        buf_put_string(&b, sorted[i]->address);
    }
    crypto_shorthash(digest, (const unsigned char *)b.data, b.len, key);
    buf_free(&b);
    uint64_t value = load_le(digest, sizeof digest);
    return value != 0 ? value : 1;
}
