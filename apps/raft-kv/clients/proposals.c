/* SPDX-License-Identifier: MIT */
#include "proposals.h"

#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "limits.h"
#include "reply.h"
#include "report.h"
#include "request.h"
#include "server.h"

enum { ARENA = 64 * 1024, NOT_LEADER_TIMEOUT = 5000 /* ms */ };

#define UNKNOWN_OUTCOME                                                                 \
    "UNKNOWN leadership was lost before this command was committed: it may or may not " \
    "have taken effect"

void proposals_init(struct proposals *p) {
    *p = (struct proposals){.size = 1024};
    p->ring = xmalloc(p->size * sizeof *p->ring);
}

/* --- collecting ---------------------------------------------------------- */

/* Allocate space for a payload in a shared block, which is freed with the last entry in it. */
static char *arena_take(struct proposals *p, size_t len) {
    if (p->arena == NULL || p->arena->cap - p->arena->len < len) {
        block_unref(p->arena);
        p->arena = block_new(len > ARENA ? len : ARENA);
    }
    char *at = p->arena->data + p->arena->len;
    p->arena->len += len;
    return at;
}

static size_t payload_size(const struct request *request) {
    size_t len = COMMAND_HEAD;
    for (size_t i = 1; i < request->n; i++) {
        len += COMMAND_ARGUMENT_HEAD + request->arguments[i].len;
    }
    return len;
}

void proposals_add(struct server *s, struct client *client, uint64_t seq, enum op op,
                   const struct request *request) {
    struct proposals *p = &s->proposals;
    size_t len = payload_size(request);
    if (p->bytes + len > s->memory.limit / 2) {
        client_error(client, seq, "TRYAGAIN too many writes are in progress; nothing was done");
        return;
    }
    if (p->n == p->cap) {
        p->cap = p->cap > 0 ? p->cap * 2 : 64;
        p->entries = xrealloc(p->entries, p->cap * sizeof *p->entries);
        p->gathered = xrealloc(p->gathered, p->cap * sizeof *p->gathered);
    }
    char *to = arena_take(p, len);
    p->entries[p->n] = (struct raft_entry){.type = RAFT_COMMAND, .buf = {to, len}};
    p->entries[p->n].batch = block_ref(p->arena);
    p->gathered[p->n++] =
        (struct waiter){.client = client, .seq = seq, .bytes = len, .since = server_now()};
    p->bytes += len;
    client->write_bytes += len;
    to[0] = (char)op;
    store_le(to + 1, request->n - 1, 4);
    to += COMMAND_HEAD;
    for (size_t i = 1; i < request->n; i++) {
        size_t argument_len = request->arguments[i].len;
        store_le(to, argument_len, 4);
        memcpy(to + COMMAND_ARGUMENT_HEAD, request_argument(request, i), argument_len);
        to += COMMAND_ARGUMENT_HEAD + argument_len;
    }
}

static void ring_push(struct proposals *p, const struct waiter *w) {
    if (p->tail - p->head == p->size) {
        struct waiter *ring = xmalloc(2 * p->size * sizeof *ring);
        for (size_t i = p->head; i != p->tail; i++) {
            ring[i & (2 * p->size - 1)] = p->ring[i & (p->size - 1)];
        }
        free(p->ring);
        p->ring = ring;
        p->size *= 2;
    }
    p->ring[p->tail++ & (p->size - 1)] = *w;
}

/* Forget the client of a write, which is about to be answered. */
static struct client *answer(struct waiter *w) {
    struct client *c = w->client;
    if (c != NULL) {
        c->write_bytes -= w->bytes;
    }
    w->client = NULL;
    return c;
}

/* Remove a write. Returns its client, or NULL if it was answered before. */
static struct client *end(struct server *s, struct waiter *w) {
    s->proposals.bytes -= w->bytes;
    s->memory.freed = true;
    return answer(w);
}

/* --- submitting ---------------------------------------------------------- */

/* There is little room on the disks: refuse the collected writes that are not deletions. */
static void keep_deletions(struct server *s) {
    struct proposals *p = &s->proposals;
    unsigned n = 0;
    for (unsigned i = 0; i < p->n; i++) {
        const char *payload = p->entries[i].buf.base;
        if (payload[0] == OP_DEL) {
            p->entries[n] = p->entries[i];
            p->gathered[n++] = p->gathered[i];
            continue;
        }
        struct waiter *w = &p->gathered[i];
        block_unref(p->entries[i].batch);
        client_raft_error(s, end(s, w), w->seq, RAFT_NOSPACE);
    }
    p->n = n;
}

static int submit_deletions(struct server *s, struct raft_event *event) {
    event->submit.n = s->proposals.n;
    if (event->submit.n == 0) {
        return 0;
    }
    raft_set_capacity_threshold(&s->raft, SPACE_LOW);
    int error = server_step(s, event);
    raft_set_capacity_threshold(&s->raft, SPACE_PLENTY);
    return error;
}

void proposals_submit(struct server *s) {
    struct proposals *p = &s->proposals;
    if (p->n == 0) {
        return;
    }
    raft_index index = raft_last_index(&s->raft) + 1;
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = p->entries;
    event.submit.n = p->n;
    int error = server_step(s, &event);
    if (error == RAFT_NOSPACE) {
        keep_deletions(s);
        error = submit_deletions(s, &event);
    }
    for (unsigned i = 0; i < p->n; i++) {
        struct waiter *w = &p->gathered[i];
        block_unref(p->entries[i].batch); /* the log has its own reference */
        if (error != 0) {
            client_raft_error(s, end(s, w), w->seq, error);
            continue;
        }
        w->index = index + i;
        w->term = raft_current_term(&s->raft);
        ring_push(p, w);
    }
    p->n = 0;
}

void proposals_watch(struct server *s, struct client *client, uint64_t seq) {
    struct waiter w = {.index = raft_last_index(&s->raft),
                       .term = raft_current_term(&s->raft),
                       .client = client,
                       .seq = seq,
                       .since = server_now()};
    ring_push(&s->proposals, &w);
}

/* --- answering ----------------------------------------------------------- */

void proposals_applied(struct server *s, raft_index index, raft_term term,
                       const struct result *result) {
    struct proposals *p = &s->proposals;
    while (p->head != p->tail) {
        struct waiter *w = &p->ring[p->head & (p->size - 1)];
        if (w->index > index) {
            return;
        }
        p->head++;
        struct client *client = end(s, w);
        if (client == NULL) {
            continue;
        }
        if (w->index != index || w->term != term) {
            client_error(client, w->seq, UNKNOWN_OUTCOME);
        } else {
            client_result(s, client, w->seq, result);
        }
    }
}

void proposals_replaced(struct server *s, raft_index index) {
    struct proposals *p = &s->proposals;
    while (p->head != p->tail) {
        struct waiter *w = &p->ring[(p->tail - 1) & (p->size - 1)];
        if (w->index < index) {
            return;
        }
        p->tail--;
        struct client *client = end(s, w);
        if (client != NULL) {
            client_error(client, w->seq, UNKNOWN_OUTCOME);
        }
    }
}

/* Answer the writes that have waited too long. Their entries may still be committed. */
static void overdue(struct proposals *p) {
    raft_time now = server_now();
    for (size_t i = p->head; i != p->tail; i++) {
        struct waiter *w = &p->ring[i & (p->size - 1)];
        if (w->client != NULL && now >= w->since + w->client->timeout) {
            char text[128];
            snprintf(text, sizeof text,
                     "UNKNOWN not committed within %u ms: it may or may not take effect",
                     w->client->timeout);
            client_error(answer(w), w->seq, text);
        }
    }
}

void proposals_expire(struct server *s) {
    struct proposals *p = &s->proposals;
    overdue(p);
    if (server_leads(s) || p->head == p->tail) {
        p->not_leader_since = 0;
    } else if (p->not_leader_since == 0) {
        p->not_leader_since = server_now();
    } else if (server_now() > p->not_leader_since + NOT_LEADER_TIMEOUT) {
        proposals_replaced(s, 0);
    }
}
