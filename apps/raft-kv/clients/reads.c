/* SPDX-License-Identifier: MIT */
#include "reads.h"

#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "limits.h"
#include "reply.h"
#include "request.h"
#include "server.h"

enum {
    /* Batches being confirmed at the same time. With two, a read that has just missed one
     * confirmation does not have to wait for its end. With more, each would confirm fewer reads. */
    MAX_IN_FLIGHT = 2,
    TURN_KEYS = 16 * 1024, /* limits for one iteration of the event loop */
    TURN_BYTES = 16 * 1024 * 1024
};

/* A read whose client has to receive replies first. */
struct parked_read {
    struct parked_read *next;
    uint64_t seq;
    read_serve serve;
    size_t n;
    raft_time since;
    size_t need; /* bytes of the reply if they did not fit, else 0 */
    size_t len;
    char arguments[];
};

static size_t item_size(size_t len) { return sizeof(struct parked_read) + len; }

struct read_batch *reads_batch(struct reads *r, unsigned i) {
    return &r->batches[(r->first + i) % READ_BATCHES];
}

void reads_add(struct server *s, struct client *client, uint64_t seq, read_serve serve,
               const struct request *request) {
    struct read_batch *b = reads_batch(&s->reads, s->reads.in_flight);
    b->items = array_grow(b->items, b->n, &b->cap, sizeof *b->items);
    struct read_item *item = &b->items[b->n++];
    *item = (struct read_item){.client = client,
                               .seq = seq,
                               .serve = serve,
                               .n = request->n - 1,
                               .at = b->arguments.len,
                               .since = server_now()};
    for (size_t i = 1; i < request->n; i++) {
        buf_put_int(&b->arguments, request->arguments[i].len, 4);
        buf_put(&b->arguments, request_argument(request, i), request->arguments[i].len);
    }
    item->len = b->arguments.len - item->at;
    client->read_bytes += item_size(item->len);
}

/* The item is about to be answered. */
static void release(struct client *c, size_t len) { c->read_bytes -= item_size(len); }

static void batch_clear(struct read_batch *b) {
    b->n = 0;
    b->id = 0;
    b->begun = 0;
    b->served = 0;
    b->confirmed = false;
    b->arguments.len = 0;
    if (b->arguments.cap > MAX_VALUE) {
        buf_free(&b->arguments);
    }
    if (b->cap * sizeof *b->items > MAX_VALUE) {
        free(b->items);
        b->items = NULL;
        b->cap = 0;
    }
}

static void batch_fail(struct server *s, struct read_batch *b, int error) {
    for (size_t i = b->served; i < b->n; i++) {
        struct read_item *item = &b->items[i];
        if (item->client != NULL) {
            release(item->client, item->len);
            client_raft_error(s, item->client, item->seq, error);
        }
    }
    b->served = b->n; /* the batch stays in the ring until it is first */
}

void reads_fail(struct read_batch *b, const char *why) {
    for (size_t i = b->served; i < b->n; i++) {
        struct read_item *item = &b->items[i];
        if (item->client != NULL) {
            release(item->client, item->len);
            client_error(item->client, item->seq, why);
        }
    }
    b->served = b->n;
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

/* --- serving ------------------------------------------------------------- */

void reads_turn(struct server *s) {
    s->reads.keys = TURN_KEYS;
    s->reads.bytes = s->reply_bytes + TURN_BYTES;
}

bool reads_turn_over(struct server *s) {
    if (s->reads.keys > 0 && s->reply_bytes < s->reads.bytes) {
        return false;
    }
    server_again(s);
    return true;
}

bool reads_fit(struct server *s, struct client *c, size_t reply_len) {
    memory_account(c);
    s->reads.need = memory_allows(c, reply_len) ? 0 : reply_len;
    return s->reads.need == 0;
}

/* True if the client has received enough of its replies for the next one. If the read is the
 * client's next to be answered, the replies in slots wait for this one and do not count. */
static bool may_serve(struct server *s, struct client *c, uint64_t seq) {
    size_t output = seq == c->head ? client_unsent(c) : client_output(c);
    if (output > MAX_CLIENT_OUTPUT) {
        return false; /* resumed when replies are sent */
    }
    if (s->install.loading || memory_used(s) >= s->memory.limit) {
        memory_wait(c);
        return false;
    }
    return true;
}

/* Serve a read; false: not now. */
static bool serve(struct server *s, struct client *c, uint64_t seq, read_serve function,
                  const char *arguments, size_t len, size_t n) {
    struct cursor cursor = {arguments, arguments + len, false};
    if (!c->closing && !may_serve(s, c, seq)) {
        return false;
    }
    s->reads.need = 0;
    s->reads.keys -= n + 1 < s->reads.keys ? n + 1 : s->reads.keys;
    if (c->closing) {
        release(c, len);
        client_reply(c, seq, "", 0); /* the client may be freed */
        return true;
    }
    release(c, len); /* before the reply, which may free the client */
    function(s, c, seq, &cursor, n);
    if (s->reads.need > 0) {
        c->read_bytes += item_size(len);
        memory_wait(c);
        return false;
    }
    return true;
}

static void park(struct client *c, const struct read_item *item, const char *arguments) {
    struct parked_read *p = xmalloc(item_size(item->len));
    *p = (struct parked_read){.seq = item->seq,
                              .serve = item->serve,
                              .n = item->n,
                              .since = item->since,
                              .need = c->server->reads.need,
                              .len = item->len};
    memcpy(p->arguments, arguments, item->len);
    *c->last_parked = p;
    c->last_parked = &p->next;
}

static struct parked_read *parked_pop(struct client *c) {
    struct parked_read *p = c->parked;
    c->parked = p->next;
    if (c->parked == NULL) {
        c->last_parked = &c->parked;
    }
    return p;
}

static void parked_push_back(struct client *c, struct parked_read *p) {
    p->next = c->parked;
    if (c->parked == NULL) {
        c->last_parked = &p->next;
    }
    c->parked = p;
}

void reads_serve(struct server *s) {
    struct reads *r = &s->reads;
    while (r->in_flight > 0) {
        struct read_batch *b = reads_batch(r, 0);
        if (!b->confirmed || s->data.applied < b->index) {
            return;
        }
        for (; b->served < b->n; b->served++) {
            const struct read_item *item = &b->items[b->served];
            const char *arguments = b->arguments.data + item->at;
            if (reads_turn_over(s)) {
                return;
            }
            r->need = 0;
            if (item->client != NULL &&
                (item->client->parked != NULL ||
                 !serve(s, item->client, item->seq, item->serve, arguments, item->len, item->n))) {
                park(item->client, item, arguments);
            }
        }
        batch_clear(b);
        r->first = (r->first + 1) % READ_BATCHES;
        r->in_flight--;
    }
}

void reads_continue(struct server *s, struct client *c) {
    bool served = true;
    while (served && c->parked != NULL && !c->closing) {
        if (reads_turn_over(s)) {
            client_resume(c);
            return;
        }
        if (c->parked->need > 0 && !reads_fit(s, c, c->parked->need)) {
            memory_wait(c);
            return;
        }
        /* Taken out before: the reply may close the client, which drops what is parked. */
        struct parked_read *p = parked_pop(c);
        served = serve(s, c, p->seq, p->serve, p->arguments, p->len, p->n);
        if (served) {
            free(p);
        } else {
            p->need = s->reads.need;
            parked_push_back(c, p);
        }
    }
}

void reads_drop(struct client *c) {
    while (c->parked != NULL) {
        struct parked_read *p = parked_pop(c);
        release(c, p->len);
        client_reply(c, p->seq, "", 0);
        free(p);
    }
}

/* --- timeouts ------------------------------------------------------------ */

static void expire(struct client *c, uint64_t seq, const char *what) {
    char text[128];
    snprintf(text, sizeof text, "TRYAGAIN %s within %u ms; nothing was done", what, c->timeout);
    client_error(c, seq, text);
}

void reads_expire(struct server *s) {
    struct reads *r = &s->reads;
    raft_time now = server_now();
    for (unsigned k = 0; k <= r->in_flight; k++) {
        struct read_batch *b = reads_batch(r, k);
        for (size_t i = b->served; i < b->n; i++) {
            struct read_item *item = &b->items[i];
            struct client *c = item->client;
            if (c != NULL && now >= item->since + c->timeout) {
                release(c, item->len);
                item->client = NULL;
                expire(c, item->seq, "not confirmed");
            }
        }
    }
    for (struct client *c = s->clients; c != NULL; c = c->next) {
        while (c->parked != NULL && !c->closing && client_unsent(c) == 0 &&
               now >= c->parked->since + c->timeout) {
            struct parked_read *p = parked_pop(c);
            release(c, p->len);
            expire(c, p->seq, "not enough memory for the reply");
            free(p);
        }
    }
}
