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
    struct session session;
    struct block *block; /* received bytes; log entries may refer to it */
    size_t at;           /* first byte not processed yet */
    struct block *plain; /* decrypted content; log entries may refer to it */
    struct buf answer;
};

static void on_closed(uv_handle_t *handle) {
    struct inbound *in = handle->data;
    if (--in->handles == 0) {
        block_unref(in->block);
        block_unref(in->plain);
        session_end(&in->session);
        buf_free(&in->answer);
        free(in->address);
        free(in);
    }
}

static void report_close(const struct inbound *in, const char *why) {
    char from[INET6_ADDRSTRLEN] = "an unknown address";
    if (in->id != 0) {
        report_warn("closed a connection from server %llu: %s", in->id, why);
        return;
    }
    struct sockaddr_storage address;
    int len = sizeof address;
    if (uv_tcp_getpeername(&in->tcp, (struct sockaddr *)&address, &len) == 0) {
        uv_ip_name((struct sockaddr *)&address, from, sizeof from);
    }
    report_warn("closed a connection from a server at %s: %s", from, why);
}

static void inbound_close(struct inbound *in, const char *why) {
    if (in->closing) {
        return;
    }
    if (why != NULL) {
        report_close(in, why);
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

/* Send the answer in in->answer. */
static void answer(struct inbound *in) {
    session_seal(&in->session, &in->answer, 0);
    uv_buf_t b = uv_buf_init(in->answer.data, (unsigned)in->answer.len);
    in->write.data = in;
    if (uv_write(&in->write, (uv_stream_t *)&in->tcp, &b, 1, on_answered) != 0) {
        inbound_close(in, NULL);
    }
}

/* Refuse the connection before the other server has said who it is. */
static void refuse(struct inbound *in, const char *why) {
    report_warn("refused a connection from a server: %s", why);
    uv_read_stop((uv_stream_t *)&in->tcp); /* on_answered() closes the connection */
    handshake_put_refused(&in->answer, why);
    answer(in);
}

/* Write a few bytes now, or close the connection. */
static void put_now(struct inbound *in, struct buf *b) {
    uv_buf_t out = uv_buf_init(b->data, (unsigned)b->len);
    if (b->len > 0 && uv_try_write((uv_stream_t *)&in->tcp, &out, 1) != (int)b->len) {
        inbound_close(in, NULL);
    }
    buf_free(b);
}

/* A frame of the exchange of keys. False: take no more frames. */
static bool on_exchange(struct inbound *in, const char *frame, size_t len) {
    if (in->session.state == SESSION_KEY && frame[FRAME_HEAD] == FRAME_HELLO) {
        refuse(in, "only the accepting server has a --secret-file");
        return false;
    }
    struct buf out = {0};
    const char *why = session_exchange(&in->session, frame, len, &out);
    if (why == NULL) {
        put_now(in, &out);
    } else {
        inbound_close(in, why);
        buf_free(&out);
    }
    return why == NULL;
}

static void on_hello(struct inbound *in, const char *content, size_t len) {
    struct peers *p = in->peers;
    struct hello hello;
    if (content[0] == FRAME_KEY) {
        refuse(in, "only the connecting server has a --secret-file");
        return;
    }
    if (!hello_decode(content, len, &hello)) {
        inbound_close(in, "invalid handshake");
        return;
    }
    const char *why = handshake_on_hello(p->server, &hello);
    if (why != NULL) {
        refusals_note(&p->refusals, REFUSED_BY_US, hello.from, why);
        handshake_put_refused(&in->answer, why);
    } else {
        handshake_put_welcome(p->server, &in->answer);
    }
    if (why == NULL && hello.purpose == PURPOSE_RAFT) {
        refusals_clear(&p->refusals, REFUSED_BY_US, hello.from);
        in->id = hello.from;
        in->address = xstrdup(hello.address);
        uv_timer_stop(&in->deadline);
    } else {
        uv_read_stop((uv_stream_t *)&in->tcp); /* on_answered() closes the connection */
    }
    answer(in);
}

/* The connecting server does not accept the answer. */
static void on_refused(struct inbound *in, const char *reason) {
    if (reason != NULL) {
        refusals_note(&in->peers->refusals, REFUSED_BY_PEER, in->id, reason);
    }
    inbound_close(in, reason != NULL ? NULL : "malformed frame");
}

/* --- messages ------------------------------------------------------------ */

void inbound_send(struct peers *p, uint64_t number, struct buf *frame) {
    for (struct inbound *in = p->inbound; in != NULL; in = in->next) {
        if (in->number == number) {
            session_seal(&in->session, frame, 0);
            put_now(in, frame);
            return;
        }
    }
}

static void on_question(struct inbound *in, const char *content, size_t len) {
    if (!read_index_question(in->peers->server, in->number, content, len)) {
        inbound_close(in, "malformed message");
    }
}

/* A pong that the socket does not take closes the connection: the other server sends pings without
 * reading the answers. */
static void on_ping(struct inbound *in, const char *content, size_t len) {
    struct server *s = in->peers->server;
    struct buf b = {0};
    if (!ping_take(s, in->id, in->address, content, len)) {
        inbound_close(in, "malformed message");
        return;
    }
    pong_put(s, &b);
    session_seal(&in->session, &b, 0);
    put_now(in, &b);
}

static void on_message(struct inbound *in, struct block *block, const char *content, size_t len) {
    struct raft_message message;
    if (!message_decode(&in->peers->memory, block, content, len, &message)) {
        inbound_close(in, "malformed message");
        return;
    }
    if (message.server_id != in->id) {
        inbound_close(in, "a message names another sender");
        return;
    }
    message.server_address = in->address;
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = &message;
    int error = server_step(in->peers->server, &event);
    if (error != 0) {
        inbound_close(in, raft_errmsg(&in->peers->server->raft));
    }
}

/* Space for decrypted content. */
static char *plain_room(struct inbound *in, size_t len) {
    struct block *b = in->plain;
    if (b != NULL && b->refs == 1) { /* no entry refers to what was decrypted */
        b->len = 0;
    }
    if (b == NULL || b->cap - b->len < len) {
        block_unref(b);
        b = in->plain = block_new(len > BLOCK ? len : BLOCK);
    }
    return b->data + b->len;
}

/* A whole frame. */
static void take_frame(struct inbound *in, const char *frame, size_t len) {
    bool encrypted = in->session.state == SESSION_OPEN;
    char *to = encrypted ? plain_room(in, len) : NULL;
    const char *content = session_open(&in->session, frame, &len, to);
    if (content == NULL) {
        inbound_close(in, encrypted ? "a frame is not authentic" : "damaged frame");
        return;
    }
    if (encrypted) {
        in->plain->len += len;
    }
    if (in->id == 0) {
        on_hello(in, content, len);
    } else if (content[0] == FRAME_PING) {
        on_ping(in, content, len);
    } else if (content[0] == FRAME_READ_INDEX) {
        on_question(in, content, len);
    } else if (content[0] == FRAME_REFUSED) {
        on_refused(in, refused_decode(content, len));
    } else {
        on_message(in, encrypted ? in->plain : in->block, content, len);
    }
}

static void take_frames(struct inbound *in) {
    while (!in->closing) {
        size_t len;
        const char *frame = in->block->data + in->at;
        int whole = frame_length(frame, in->block->len - in->at, &len);
        if (whole < 0 || (in->id == 0 && len > HELLO_MAX)) {
            inbound_close(in, "malformed frame");
            return;
        }
        if (whole == 0) {
            return;
        }
        in->at += FRAME_HEAD + len;
        if (session_exchanges(&in->session)) {
            if (!on_exchange(in, frame, len)) {
                return;
            }
        } else {
            take_frame(in, frame, len);
            if (in->id == 0) {
                return;
            }
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
        frame_length(old->data + in->at, have < FRAME_HEAD ? have : FRAME_HEAD, &len);
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
    session_begin(&in->session, p->secret, false, NULL);
    uv_tcp_nodelay(&in->tcp, 1);
    uv_tcp_keepalive(&in->tcp, 1, 30);
    peers_limit_silence(p, &in->tcp);
    uv_timer_start(&in->deadline, on_deadline, HELLO_TIMEOUT, 0);
    uv_read_start((uv_stream_t *)&in->tcp, on_alloc, on_read);
}

#define NO_SECRET                                                                               \
    "--peer-listen: without a secret every program that reaches this address could pass for a " \
    "server of the cluster. Listen at 127.0.0.1, give --secret-file, or accept this with "      \
    "--insecure"

void inbound_listen(struct peers *p) {
    const struct options *o = p->server->options;
    server_listen(p->server->loop, &p->listener, o->peer_listen, on_connection,
                  o->insecure || o->secret_file != NULL ? NULL : NO_SECRET);
    p->listener.data = p;
}
