/* SPDX-License-Identifier: MIT */
#include "reads.h"

#include "client.h"
#include "limits.h"
#include "reply.h"
#include "request.h"
#include "server.h"

/* Batches being confirmed at the same time. With two, a read that has just missed one confirmation
 * does not have to wait for its end. With more, each would confirm fewer reads. */
enum { MAX_IN_FLIGHT = 2 };

struct read_batch *reads_batch(struct reads *r, unsigned i) {
    return &r->batches[(r->first + i) % READ_BATCHES];
}

void reads_add(struct server *s, struct client *client, uint64_t seq, read_serve serve,
               const struct request *request) {
    struct read_batch *b = reads_batch(&s->reads, s->reads.in_flight);
    b->items = array_grow(b->items, b->n, &b->cap, sizeof *b->items);
    b->items[b->n++] = (struct read_item){client, seq, serve, request->n - 1, b->arguments.len};
    for (size_t i = 1; i < request->n; i++) {
        buf_put_int(&b->arguments, request->arguments[i].len, 4);
        buf_put(&b->arguments, request_argument(request, i), request->arguments[i].len);
    }
}

static void batch_clear(struct read_batch *b) {
    b->n = 0;
    b->id = 0;
    b->begun = 0;
    b->confirmed = false;
    b->arguments.len = 0;
    if (b->arguments.cap > MAX_COMMAND) {
        buf_free(&b->arguments);
    }
}

static void batch_fail(struct server *s, struct read_batch *b, int error) {
    for (size_t i = 0; i < b->n; i++) {
        client_raft_error(s, b->items[i].client, b->items[i].seq, error);
    }
    b->n = 0; /* the empty batch stays in the ring until it is first */
}

void reads_fail(struct read_batch *b, const char *why) {
    for (size_t i = 0; i < b->n; i++) {
        client_error(b->items[i].client, b->items[i].seq, why);
    }
    b->n = 0;
    b->confirmed = true;
    b->index = 0;
}

void reads_confirm(struct server *s, struct read_batch *b) {
    struct raft_event event = {.type = RAFT_READ};
    event.read.id = b->id;
    int error = server_step(s, &event);
    if (error != 0) {
        batch_fail(s, b, error);
        b->confirmed = true;
        b->index = 0;
    }
}

void reads_begin(struct server *s) {
    struct reads *r = &s->reads;
    struct read_batch *b = reads_batch(r, r->in_flight);
    if (b->n == 0 || r->in_flight >= MAX_IN_FLIGHT) {
        return;
    }
    b->id = ++r->last_id;
    r->in_flight++; /* the step itself may return the result */
    if (server_leads(s)) {
        reads_confirm(s, b);
    } else {
        b->begun = server_now();
        read_index_ask(s, b);
    }
}

void reads_answered(struct server *s, const struct raft_read *answers, unsigned n) {
    struct reads *r = &s->reads;
    for (unsigned i = 0; i < n; i++) {
        bool found = false;
        for (unsigned k = 0; k < r->in_flight; k++) {
            struct read_batch *b = reads_batch(r, k);
            if (b->id == answers[i].id) {
                found = true;
                if (answers[i].status != 0) {
                    batch_fail(s, b, answers[i].status);
                }
                b->confirmed = true;
                b->index = answers[i].status == 0 ? answers[i].index : 0;
            }
        }
        if (!found) {
            read_index_confirmed(s, &answers[i]);
        }
    }
}

void reads_serve(struct server *s) {
    struct reads *r = &s->reads;
    while (r->in_flight > 0) {
        struct read_batch *b = reads_batch(r, 0);
        if (!b->confirmed || s->data.applied < b->index) {
            return;
        }
        for (size_t i = 0; i < b->n; i++) {
            struct read_item *item = &b->items[i];
            struct cursor c = {b->arguments.data + item->at, b->arguments.data + b->arguments.len,
                               false};
            item->serve(s, item->client, item->seq, &c, item->n);
        }
        batch_clear(b);
        r->first = (r->first + 1) % READ_BATCHES;
        r->in_flight--;
    }
}
