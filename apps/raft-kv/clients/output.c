/* SPDX-License-Identifier: MIT */
/* The replies of a client connection: slots that keep their order, and sending. */
#include "client.h"

#include <stdlib.h>

#include "limits.h"
#include "notice.h"
#include "report.h"
#include "server.h"

enum {
    PIECE = 64 * 1024 * 1024, /* bytes handed to libuv at once */
    KEEP = 64 * 1024          /* capacity of an output buffer that is kept for the next replies */
};

/* --- slots --------------------------------------------------------------- */

static struct slot *slot_at(struct client *c, uint64_t seq) {
    return &c->slots[seq & (c->n_slots - 1)];
}

static void slots_grow(struct client *c) {
    size_t n = c->n_slots > 0 ? c->n_slots * 2 : 8;
    struct slot *slots = xmalloc(n * sizeof *slots);
    for (uint64_t seq = c->head; seq != c->tail; seq++) {
        slots[seq & (n - 1)] = *slot_at(c, seq);
    }
    free(c->slots);
    c->slots = slots;
    c->n_slots = n;
}

uint64_t client_expect(struct client *c, enum slot_kind kind) {
    if (c->tail - c->head == c->n_slots) {
        slots_grow(c);
    }
    *slot_at(c, c->tail) = (struct slot){.kind = (uint8_t)kind};
    c->unfilled++;
    c->in_flight[kind]++;
    return c->tail++;
}

static const char *slot_text(const struct slot *slot) {
    return slot->len <= sizeof slot->text.small ? slot->text.small : slot->text.large;
}

static void slot_free(struct client *c, struct slot *slot) {
    if (slot->filled && slot->len > sizeof slot->text.small) {
        free(slot->text.large);
    }
    c->slot_bytes -= slot->len;
    slot->len = 0;
}

/* Append to the output. A large reply gets no more memory than it needs. */
static void out_put(struct client *c, const char *text, size_t len) {
    if (len > KEEP && c->out.cap - c->out.len < len) {
        c->out.data = xrealloc(c->out.data, c->out.len + len);
        c->out.cap = c->out.len + len;
    }
    buf_put(&c->out, text, len);
}

/* Move the replies that are next in order to the output. */
static void drain(struct client *c) {
    while (c->head != c->tail && slot_at(c, c->head)->filled) {
        struct slot *slot = slot_at(c, c->head++);
        out_put(c, slot_text(slot), slot->len);
        slot_free(c, slot);
    }
}

void client_drop_slots(struct client *c) {
    for (uint64_t seq = c->head; seq != c->tail; seq++) {
        slot_free(c, slot_at(c, seq));
    }
}

void client_dirty(struct client *c) {
    if (!c->dirty) {
        c->dirty = true;
        c->next_dirty = c->server->dirty;
        c->server->dirty = c;
    }
}

size_t client_unsent(const struct client *c) { return c->out.len + c->sending.len; }

/* The replies to writes, and those whose size is not known in advance, cannot wait. The limits for
 * one client and for all can therefore be exceeded, but only by the size of one reply. */
static bool exceeds(struct client *c, size_t len) {
    static struct notice notice;
    const struct client_memory *m = &c->server->memory;
    if (client_output(c) + len <= MAX_CLIENT_OUTPUT + MAX_REPLY + REPLY_HEAD &&
        memory_used(c->server) + len <= m->limit + MAX_REPLY + REPLY_HEAD) {
        return false;
    }
    if (notice_due(&notice, server_now())) {
        report_warn(
            "client %s: closed, %zu bytes of replies are not read, and %zu more do not fit%s",
            client_name(c), client_output(c), len, notice_more(&notice));
    }
    return true;
}

/* The slot of this command is about to be filled. False: the connection is closed. */
static bool unfilled_done(struct client *c, uint64_t seq, size_t len) {
    c->unfilled--;
    c->in_flight[slot_at(c, seq)->kind]--;
    if (!c->closing && exceeds(c, len)) {
        client_close(c);
    }
    if (c->closing) {
        client_free(c);
        return false;
    }
    c->server->reply_bytes += len;
    return true;
}

static void replied(struct client *c, uint64_t seq) {
    if (seq == c->head - 1) {
        drain(c);
        client_dirty(c);
    }
    client_resume(c);
    memory_account(c);
}

void client_reply(struct client *c, uint64_t seq, const char *text, size_t len) {
    if (!unfilled_done(c, seq, len)) {
        return;
    }
    struct slot *slot = slot_at(c, seq);
    if (seq == c->head) {
        c->head++;
        out_put(c, text, len);
    } else {
        char *to = slot->text.small;
        if (len > sizeof slot->text.small) {
            to = slot->text.large = xmalloc(len);
        }
        memcpy(to, text, len);
        slot->filled = true;
        slot->len = len;
        c->slot_bytes += len;
    }
    replied(c, seq);
}

void client_reply_buf(struct client *c, uint64_t seq, struct buf *b) {
    if (seq == c->head && c->out.len == 0 && b->len > KEEP && !c->closing) {
        struct buf mine = c->out;
        if (unfilled_done(c, seq, b->len)) {
            c->head++;
            c->out = *b;
            *b = mine;
            replied(c, seq);
        }
    } else {
        client_reply(c, seq, b->data, b->len);
    }
    b->len = 0;
    if (b->cap > MAX_VALUE) {
        buf_free(b);
    }
}

/* --- sending ------------------------------------------------------------- */

uv_buf_t client_piece(const struct buf *b, size_t from) {
    size_t len = b->len - from;
    return uv_buf_init(b->data + from, (unsigned)(len < PIECE ? len : PIECE));
}

static void send_rest(struct client *c);

static void on_written(uv_write_t *write, int status) {
    struct client *c = write->data;
    c->writing = false;
    if (status < 0) {
        client_close(c);
        return;
    }
    if (c->sent < c->sending.len) {
        send_rest(c);
        return;
    }
    c->sending.len = c->sent = 0;
    if (c->sending.cap > KEEP) {
        buf_free(&c->sending);
    }
    memory_account(c);
    client_dirty(c); /* there may be new output, or the connection must close */
    client_resume(c);
}

/* libuv sends the rest when the socket is writable. */
static void send_rest(struct client *c) {
    uv_buf_t b = client_piece(&c->sending, c->sent);
    c->write.data = c;
    c->writing = uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written) == 0;
    if (!c->writing) {
        client_close(c);
        return;
    }
    c->sent += b.len;
    c->handed += b.len;
}

static void send_out(struct client *c) {
    uv_buf_t b = client_piece(&c->out, 0);
    int n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    if (n < 0 && n != UV_EAGAIN) {
        client_close(c);
        return;
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    c->handed += sent;
    if (sent < c->out.len) {
        struct buf rest = c->out;
        c->out = c->sending;
        c->sending = rest;
        c->sent = sent;
        send_rest(c);
    } else if (c->out.cap > KEEP) {
        buf_free(&c->out);
    }
    c->out.len = 0;
    memory_account(c);
    client_resume(c);
}

void clients_flush(struct server *s) {
    struct client *c = s->dirty;
    s->dirty = NULL;
    while (c != NULL) {
        struct client *next = c->next_dirty;
        c->dirty = false;
        if (!c->closing && !c->writing && c->out.len > 0) {
            send_out(c);
        }
        if (!c->closing && c->quitting && c->head == c->tail && !c->writing && c->out.len == 0) {
            client_close(c);
        }
        client_free(c);
        c = next;
    }
}
