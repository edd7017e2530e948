/* SPDX-License-Identifier: MIT */
/* Connections from other servers. Malformed input closes the connection and has no other effect. */
#include <stdlib.h>

#include "address.h"
#include "peers.h"
#include "report.h"
#include "server.h"

enum { BLOCK = 64 * 1024, MIN_READ = 4 * 1024, HELLO_TIMEOUT = 5000, HELLO_MAX = 4096 };

struct inbound {
    struct inbound *next;
    struct inbound *prev;
    struct peers *peers;
    uv_tcp_t tcp;
    uv_timer_t deadline; /* of the handshake */
    uv_write_t write;
    int handles;
    bool closing;
    uint64_t number;
    raft_id id; /* 0 before the handshake */
    char *address;
    struct block *block; /* received bytes; log entries may refer to it */
    size_t at;           /* first byte not processed yet */
    struct buf answer;
};

static void on_closed(uv_handle_t *handle) {
    struct inbound *in = handle->data;
    if (--in->handles == 0) {
        block_unref(in->block);
        buf_free(&in->answer);
        free(in->address);
        free(in);
    }
}

static void inbound_close(struct inbound *in, const char *why) {
    if (in->closing) {
        return;
    }
    if (why != NULL) {
        report("closed a connection from server %llu: %s", in->id, why);
    }
    in->closing = true;
    *(in->prev != NULL ? &in->prev->next : &in->peers->inbound) = in->next;
    if (in->next != NULL) {
        in->next->prev = in->prev;
    }
    in->peers->n_inbound--;
    uv_close((uv_handle_t *)&in->tcp, on_closed);
    uv_close((uv_handle_t *)&in->deadline, on_closed);
}

/* --- the handshake ------------------------------------------------------- */

static void on_answered(uv_write_t *write, int status) {
    struct inbound *in = write->data;
    if (status < 0 || in->id == 0) {
        inbound_close(in, NULL);
    }
}

static void answer(struct inbound *in, const char *refusal) {
    size_t begun = frame_begin(&in->answer);
    buf_put_int(&in->answer, refusal == NULL ? FRAME_WELCOME : FRAME_REFUSED, 1);
    if (refusal != NULL) {
        buf_put_string(&in->answer, refusal);
        report("refused a connection from a server: %s", refusal);
        uv_read_stop((uv_stream_t *)&in->tcp);
    }
    frame_end(&in->answer, begun);
    uv_buf_t b = uv_buf_init(in->answer.data, (unsigned)in->answer.len);
    in->write.data = in;
    if (uv_write(&in->write, (uv_stream_t *)&in->tcp, &b, 1, on_answered) != 0) {
        inbound_close(in, NULL);
    }
}

static void on_hello(struct inbound *in, const char *content, size_t len) {
    const struct options *o = in->peers->server->options;
    struct hello hello;
    if (!hello_decode(content, len, &hello)) {
        inbound_close(in, "invalid handshake");
    } else if (strcmp(hello.cluster, o->cluster) != 0) {
        answer(in, "this server belongs to another cluster");
    } else if (hello.to != o->id) {
        answer(in, "the server at this address has another ID");
    } else if (hello.from == o->id) {
        answer(in, "the connecting server has the same ID as this server");
    } else if (!address_valid(hello.address)) {
        answer(in, "malformed address");
    } else {
        in->id = hello.from;
        in->address = xstrdup(hello.address);
        uv_timer_stop(&in->deadline);
        answer(in, NULL);
    }
}

/* --- messages ------------------------------------------------------------ */

static void send_frame(struct inbound *in, struct buf *frame) {
    uv_buf_t out = uv_buf_init(frame->data, (unsigned)frame->len);
    int n = uv_try_write((uv_stream_t *)&in->tcp, &out, 1);
    if (n != (int)frame->len && n != UV_EAGAIN) {
        inbound_close(in, NULL);
    }
}

void inbound_send(struct peers *p, uint64_t number, struct buf *frame) {
    for (struct inbound *in = p->inbound; in != NULL; in = in->next) {
        if (in->number == number) {
            send_frame(in, frame);
            return;
        }
    }
}

static void on_ping(struct inbound *in) {
    struct buf b = {0};
    frame_put(&b, FRAME_PONG);
    send_frame(in, &b);
    buf_free(&b);
}

static void on_question(struct inbound *in, const char *content, size_t len) {
    if (!read_index_question(in->peers->server, in->number, content, len)) {
        inbound_close(in, "malformed question for a read index");
    }
}

static void on_message(struct inbound *in, const char *content, size_t len) {
    struct raft_message message;
    memset(&message, 0, sizeof message);
    if (!message_decode(&in->peers->decoder, in->block, content, len, &message)) {
        inbound_close(in, "malformed message");
        return;
    }
    message.server_id = in->id;
    message.server_address = in->address;
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = &message;
    int error = server_step(in->peers->server, &event);
    if (error != 0) {
        inbound_close(in, raft_errmsg(&in->peers->server->raft));
    }
}

static void take_frames(struct inbound *in) {
    while (!in->closing) {
        size_t len;
        const char *frame = in->block->data + in->at;
        int whole = frame_check(frame, in->block->len - in->at, &len);
        if (whole < 0 || (in->id == 0 && len > HELLO_MAX)) {
            inbound_close(in, "malformed frame");
            return;
        }
        if (whole == 0) {
            return;
        }
        in->at += FRAME_HEAD + len;
        if (in->id == 0) {
            on_hello(in, frame + FRAME_HEAD, len);
            if (in->id == 0) {
                return;
            }
        } else if (len == 1 && frame[FRAME_HEAD] == FRAME_PING) {
            on_ping(in);
        } else if (frame[FRAME_HEAD] == FRAME_READ_INDEX) {
            on_question(in, frame + FRAME_HEAD, len);
        } else {
            on_message(in, frame + FRAME_HEAD, len);
        }
    }
}

/* Provide space for the rest of the current frame. If log entries refer to the block, use a new
 * block and move the unprocessed bytes there. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct inbound *in = handle->data;
    struct block *old = in->block;
    size_t have = old != NULL ? old->len - in->at : 0;
    size_t len = 0;
    if (have > 0) {
        frame_check(old->data + in->at, have < FRAME_HEAD ? have : FRAME_HEAD, &len);
    }
    size_t need = FRAME_HEAD + len > have + MIN_READ ? FRAME_HEAD + len : have + MIN_READ;
    if (old == NULL || old->cap - in->at < need) {
        if (old != NULL && old->refs == 1 && old->cap >= need && old->cap <= BLOCK) {
            memmove(old->data, old->data + in->at, have);
        } else {
            in->block = block_new(need > BLOCK ? need : BLOCK);
            if (old != NULL) {
                memcpy(in->block->data, old->data + in->at, have);
            }
            block_unref(old);
        }
        in->block->len = have;
        in->at = 0;
    }
    struct block *b = in->block;
    *buf = uv_buf_init(b->data + b->len, (unsigned)(b->cap - b->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)buf;
    struct inbound *in = stream->data;
    if (n < 0) {
        inbound_close(in, NULL);
    } else if (n > 0) {
        in->block->len += (size_t)n;
        take_frames(in);
    }
}

static void on_deadline(uv_timer_t *timer) { inbound_close(timer->data, "handshake timeout"); }

static void on_connection(uv_stream_t *listener, int status) {
    struct peers *p = listener->data;
    if (status < 0) {
        return;
    }
    struct inbound *in = xmalloc(sizeof *in);
    memset(in, 0, sizeof *in);
    in->peers = p;
    in->number = ++p->connections;
    in->handles = 2;
    in->next = p->inbound;
    if (in->next != NULL) {
        in->next->prev = in;
    }
    p->inbound = in;
    p->n_inbound++;
    uv_tcp_init(p->server->loop, &in->tcp);
    uv_timer_init(p->server->loop, &in->deadline);
    in->tcp.data = in->deadline.data = in;
    if (uv_accept(listener, (uv_stream_t *)&in->tcp) != 0 ||
        p->n_inbound > p->server->descriptors.inbound) {
        inbound_close(in, "too many connections");
        return;
    }
    uv_tcp_nodelay(&in->tcp, 1);
    uv_tcp_keepalive(&in->tcp, 1, 30);
    peers_limit_silence(p, &in->tcp);
    uv_timer_start(&in->deadline, on_deadline, HELLO_TIMEOUT, 0);
    uv_read_start((uv_stream_t *)&in->tcp, on_alloc, on_read);
}

void inbound_listen(struct peers *p) {
    server_listen(p->server->loop, &p->listener, p->server->options->peer_listen, on_connection);
    p->listener.data = p;
}
