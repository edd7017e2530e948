/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "limits.h"
#include "reply.h"
#include "report.h"
#include "server.h"

enum { READ_SIZE = 64 * 1024 };

static void client_close(struct client *c);
static void run(struct client *c);

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

static void slot_free(struct slot *slot) {
    if (slot->filled && slot->len > sizeof slot->text.small) {
        free(slot->text.large);
    }
}

/* Move the replies that are next in order to the output. */
static void drain(struct client *c) {
    while (c->head != c->tail && slot_at(c, c->head)->filled) {
        struct slot *slot = slot_at(c, c->head++);
        buf_put(&c->out, slot_text(slot), slot->len);
        slot_free(slot);
    }
}

static void mark_dirty(struct client *c) {
    if (!c->dirty) {
        c->dirty = true;
        c->next_dirty = c->server->dirty;
        c->server->dirty = c;
    }
}

static void mark_resumed(struct client *c) {
    if (c->stalled && !c->resuming) {
        c->resuming = true;
        c->next_resumed = c->server->resumed;
        c->server->resumed = c;
    }
}

static void client_free(struct client *c) {
    if (!c->closed || c->unfilled > 0 || c->dirty || c->resuming) {
        return; /* still referenced */
    }
    for (uint64_t seq = c->head; seq != c->tail; seq++) {
        slot_free(slot_at(c, seq));
    }
    about_free(&c->about);
    requests_free(&c->requests);
    free(c->slots);
    buf_free(&c->out);
    buf_free(&c->sending);
    free(c);
}

void client_reply(struct client *c, uint64_t seq, const char *text, size_t len) {
    struct slot *slot = slot_at(c, seq);
    c->unfilled--;
    c->in_flight[slot->kind]--;
    if (c->closing) {
        client_free(c);
        return;
    }
    if (seq == c->head) {
        c->head++;
        buf_put(&c->out, text, len);
        drain(c);
        mark_dirty(c);
    } else {
        slot->filled = true;
        slot->len = (uint32_t)len;
        char *to = slot->text.small;
        if (len > sizeof slot->text.small) {
            to = slot->text.large = xmalloc(len);
        }
        memcpy(to, text, len);
    }
    mark_resumed(c);
}

/* --- receiving commands -------------------------------------------------- */

static bool must_wait(const struct client *c, enum slot_kind kind) {
    return (kind == SLOT_READ && c->in_flight[SLOT_WRITE] > 0) ||
           (kind == SLOT_WRITE && c->in_flight[SLOT_READ] > 0) ||
           c->tail - c->head >= MAX_CLIENT_SLOTS || c->out.len + c->sending.len > MAX_CLIENT_OUTPUT;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)handle;
    (void)suggested;
    static char space[READ_SIZE]; /* shared: on_read consumes it before the next on_alloc */
    *buf = uv_buf_init(space, sizeof space);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct client *c = stream->data;
    if (n < 0) {
        client_close(c);
    } else if (n > 0) {
        requests_feed(&c->requests, buf->base, (size_t)n);
        run(c);
    }
}

static void protocol_error(struct client *c) {
    char text[200];
    snprintf(text, sizeof text, "ERR Protocol error: %s", c->requests.request.error);
    client_error(c, client_expect(c, SLOT_LOCAL), text);
    client_quit(c);
}

/* Execute the received commands until one must wait or the input is used up. */
static void run(struct client *c) {
    while (!c->quitting && !c->closing) {
        if (!c->pending) {
            int next = requests_next(&c->requests);
            if (next < 0) {
                protocol_error(c);
                return;
            }
            if (next == 0) {
                if (c->stalled) {
                    c->stalled = false;
                    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
                }
                return;
            }
        }
        const struct command *command = command_find(&c->requests.request);
        c->pending = must_wait(c, command_kind(command));
        if (c->pending) {
            if (!c->stalled) {
                c->stalled = true;
                uv_read_stop((uv_stream_t *)&c->tcp);
            }
            return;
        }
        c->server->commands++;
        command_run(c->server, c, command, &c->requests.request);
    }
}

bool clients_resume(struct server *s) {
    struct client *c = s->resumed;
    s->resumed = NULL;
    bool any = c != NULL;
    while (c != NULL) {
        struct client *next = c->next_resumed;
        c->resuming = false;
        if (c->closing) {
            client_free(c);
        } else {
            run(c);
        }
        c = next;
    }
    return any;
}

/* --- the connection ------------------------------------------------------ */

static void on_closed(uv_handle_t *handle) {
    struct client *c = handle->data;
    c->closed = true;
    client_free(c);
}

static void client_close(struct client *c) {
    if (c->closing) {
        return;
    }
    c->closing = true;
    *(c->prev != NULL ? &c->prev->next : &c->server->clients) = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    c->server->n_clients--;
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void client_quit(struct client *c) {
    c->quitting = true;
    c->stalled = true;
    uv_read_stop((uv_stream_t *)&c->tcp);
    mark_dirty(c);
}

static void on_written(uv_write_t *write, int status) {
    struct client *c = write->data;
    c->writing = false;
    c->sending.len = 0;
    if (status < 0) {
        client_close(c);
        return;
    }
    mark_dirty(c); /* there may be new output, or the connection must close */
    mark_resumed(c);
}

static void send_out(struct client *c) {
    uv_buf_t b = uv_buf_init(c->out.data, (unsigned)c->out.len);
    int n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    if (n < 0 && n != UV_EAGAIN) {
        client_close(c);
        return;
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    if (sent < c->out.len) { /* libuv sends the rest when the socket is writable */
        struct buf rest = c->out;
        c->out = c->sending;
        c->sending = rest;
        b = uv_buf_init(rest.data + sent, (unsigned)(rest.len - sent));
        c->write.data = c;
        c->writing = uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written) == 0;
        if (!c->writing) {
            client_close(c);
            return;
        }
    } else if (c->out.cap > MAX_CLIENT_OUTPUT) {
        buf_free(&c->out);
    }
    c->out.len = 0;
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

/* Close the connection at once, so that its descriptor is free before the next one is accepted. */
static void refuse(struct client *c) {
    static char text[] = "-ERR max number of clients reached\r\n";
    uv_buf_t b = uv_buf_init(text, sizeof text - 1);
    uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    c->server->rejected++;
    client_close(c);
}

void clients_accept(uv_stream_t *listener, int status) {
    struct server *s = listener->data;
    if (status < 0) {
        return;
    }
    struct client *c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->server = s;
    about_init(&c->about, ++s->connections, server_now());
    requests_init(&c->requests);
    uv_tcp_init(s->loop, &c->tcp);
    c->tcp.data = c;
    c->next = s->clients;
    if (c->next != NULL) {
        c->next->prev = c;
    }
    s->clients = c;
    s->n_clients++;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0) {
        client_close(c);
        return;
    }
    if (s->n_clients > s->descriptors.clients) {
        refuse(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    uv_tcp_keepalive(&c->tcp, 1, 60);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}
