/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "address.h"
#include "identify.h"
#include "report.h"
#include "server.h"

enum {
    RETRY_MAX = 1000,   /* ms before a reconnect: doubled after each failure, up to this */
    IDLE_AFTER = 10000, /* ms without a message to send after which we do not reconnect */
    CONNECT_MIN = 1000, /* ms for a connection attempt: peers_patience(), but at least */
    CONNECT_MAX = 3000, /* and at most this */
    CHECKS = 4          /* checks of a connection in peers_patience() */
};

static void check(struct link *l);

/* --- ending a link ------------------------------------------------------- */

static void link_free(struct link *l) {
    if (l->closed && !l->resolving) {
        buf_free(&l->sending);
        session_end(&l->session);
        free(l);
    }
}

static void on_closed(uv_handle_t *handle) {
    struct link *l = handle->data;
    l->closed = true;
    link_free(l);
}

static void end(struct link *l) {
    l->peer->link = NULL;
    l->peer = NULL;
    uv_close((uv_handle_t *)&l->tcp, on_closed);
}

/* False: this reason has been logged since the last success. */
static bool is_new_reason(struct peer *peer, const char *why) {
    enum { MOST = sizeof peer->logged / sizeof peer->logged[0] };
    uint32_t sum = crc32c(0, why, strlen(why));
    for (unsigned i = 0; i < peer->n_logged && i < MOST; i++) {
        if (peer->logged[i] == sum) {
            return false;
        }
    }
    peer->logged[peer->n_logged++ % MOST] = sum;
    return true;
}

void link_on_retry(uv_timer_t *timer) {
    struct peer *peer = timer->data;
    if (peer->link != NULL && peer->link->ready) {
        check(peer->link);
        return;
    }
    if (peer->link != NULL) { /* timeout while connecting */
        end(peer->link);
        peer->unreachable = true;
        if (peer->identify != NULL) {
            identify_failed(peer, "no answer", false);
            return;
        }
    }
    if (server_now() < peer->used + IDLE_AFTER) {
        link_start(peer);
    }
}

void link_fail(struct link *l, const char *why) {
    struct peer *peer = l->peer;
    if (peer == NULL) {
        return;
    }
    if (peer->identify != NULL) {
        end(l);
        identify_failed(peer, why, false);
        return;
    }
    if (why != NULL && (is_new_reason(peer, why) || l->ready)) {
        report_warn("server %llu at %s: %s", peer->id, peer->address, why);
    }
    end(l);
    peer->out.len = 0;
    peer->congested = false;
    peer->unreachable = true;
    uv_timer_start(&peer->retry, link_on_retry, peer->delay, 0);
    peer->delay = peer->delay * 2 > RETRY_MAX ? RETRY_MAX : peer->delay * 2;
}

/* --- watching a link ----------------------------------------------------- */

unsigned peers_patience(const struct peers *p) { return 2 * p->server->options->election_timeout; }

void peers_limit_silence(struct peers *p, uv_tcp_t *tcp) {
    unsigned ms = peers_patience(p);
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)tcp, &fd) == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
    }
}

/* True while the peer's kernel acknowledges the bytes before the ping, but has not acknowledged the
 * ping itself. On a slow network the ping has to wait for large messages; an answer is not due. */
static bool advances(struct link *l) {
    uv_os_fd_t fd;
    int unacknowledged = 0;
    if (uv_fileno((uv_handle_t *)&l->tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &unacknowledged) != 0) {
        return false;
    }
    unsigned long long left =
        uv_stream_get_write_queue_size((uv_stream_t *)&l->tcp) + (unsigned)unacknowledged;
    unsigned long long before = l->done;
    l->done = l->sent - left;
    return l->done > before && l->done < l->ping;
}

static void check_later(struct link *l) {
    unsigned ms = peers_patience(l->peer->peers) / CHECKS;
    uv_timer_start(&l->peer->retry, link_on_retry, ms > 0 ? ms : 1, 0);
}

/* Counts checks instead of milliseconds: input is read between two checks, so a pause of this
 * process does not look like silence of the peer. */
static void check(struct link *l) {
    l->silent = advances(l) ? 0 : l->silent + 1;
    if (l->silent == CHECKS) {
        link_fail(l, "no answer");
        return;
    }
    if (l->ping == 0) {
        size_t begun = l->peer->out.len;
        ping_put(l->peer->peers->server, &l->peer->out); /* peers_flush() sends it */
        session_seal(&l->session, &l->peer->out, begun);
        l->ping = l->sent + l->peer->out.len;
    }
    check_later(l);
}

/* --- making a link ------------------------------------------------------- */

static void on_written(uv_write_t *write, int status) {
    struct link *l = write->data;
    l->writing = false;
    if (status < 0) {
        link_fail(l, uv_strerror(status));
    }
}

void link_send(struct link *l, struct buf *out) {
    uv_buf_t b = uv_buf_init(out->data, (unsigned)out->len);
    int n = uv_try_write((uv_stream_t *)&l->tcp, &b, 1);
    if (n < 0 && n != UV_EAGAIN) {
        link_fail(l, uv_strerror(n));
        return;
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    l->sent += out->len;
    if (sent < out->len) {
        l->sending.len = 0;
        buf_put(&l->sending, out->data + sent, out->len - sent);
        b = uv_buf_init(l->sending.data, (unsigned)l->sending.len);
        l->write.data = l;
        l->writing = true;
        uv_write(&l->write, (uv_stream_t *)&l->tcp, &b, 1, on_written);
    }
    out->len = 0;
}

static void on_refused(struct link *l, const char *reason) {
    struct peer *peer = l->peer;
    refusals_note(&peer->peers->refusals, REFUSED_BY_PEER, peer->id, reason);
    if (peer->identify != NULL) {
        end(l);
        identify_failed(peer, reason, true);
        return;
    }
    link_fail(l, NULL);
}

static void on_welcome(struct link *l, const struct welcome *welcome) {
    struct peer *peer = l->peer;
    if (peer->identify != NULL) {
        end(l);
        identify_answered(peer, welcome);
        return;
    }
    struct server *s = peer->peers->server;
    const char *why = handshake_on_welcome(s, peer->id, peer->address, welcome);
    if (why != NULL) {
        struct buf b = {0};
        handshake_put_refused(&b, why);
        session_seal(&l->session, &b, 0);
        link_send(l, &b);
        buf_free(&b);
        if (l->peer != NULL) {
            on_refused(l, why);
        }
        return;
    }
    refusals_clear(&peer->peers->refusals, REFUSED_BY_PEER, peer->id);
    l->ready = true;
    peer->delay = RETRY_MIN;
    peer->n_logged = 0;
    session_seal_all(&l->session, &peer->out);
    check_later(l);
}

static void on_answer(struct link *l, int whole, const char *content, size_t len) {
    struct server *s = l->peer->peers->server;
    struct welcome welcome;
    const char *reason;
    if (whole == 1 && !l->ready && welcome_decode(content, len, &welcome)) {
        on_welcome(l, &welcome);
    } else if (whole == 1 && content[0] == FRAME_PONG && l->ping != 0 &&
               ping_take(s, l->peer->id, l->peer->address, content, len)) {
        l->ping = 0;
    } else if (whole == 1 && content[0] == FRAME_READ_ANSWER && l->ready &&
               read_index_answer(s, content, len)) {
        return;
    } else if (whole == 1 && (reason = refused_decode(content, len)) != NULL) {
        on_refused(l, reason);
    } else {
        link_fail(l, "invalid reply: not a raft-kv server");
    }
}

static void put_hello(struct link *l, struct buf *out) {
    const struct peer *peer = l->peer;
    size_t begun = out->len;
    handshake_put_hello(peer->peers->server, out, peer->purpose, peer->id, peer->address);
    session_seal(&l->session, out, begun);
}

/* A frame of the exchange of keys. The hello follows this server's proof at once, so that a server
 * with another secret finds that out too. */
static void on_exchange(struct link *l, size_t len) {
    bool first = l->session.state == SESSION_KEY;
    struct buf out = {0};
    const char *why = session_exchange(&l->session, l->in, len, &out);
    if (why == NULL && first) {
        put_hello(l, &out);
        link_send(l, &out);
    }
    if (why != NULL) {
        link_fail(l, why);
    }
    buf_free(&out);
}

static void take_answer(struct link *l, size_t len) {
    char opened[sizeof l->in];
    bool refused = l->session.state == SESSION_KEY && l->in[FRAME_HEAD] == FRAME_REFUSED;
    if (session_exchanges(&l->session) && !refused) {
        on_exchange(l, len);
        return;
    }
    const char *content = session_open(&l->session, l->in, &len, opened);
    if (content == NULL && l->session.state == SESSION_OPEN) {
        link_fail(l, "a frame is not authentic");
    } else {
        on_answer(l, content != NULL ? 1 : -1, content, len);
    }
}

static void take_answers(struct link *l) {
    while (l->peer != NULL && l->in_len > 0) {
        size_t len;
        int whole = frame_length(l->in, l->in_len, &len);
        if (whole == 0 && l->in_len < sizeof l->in) {
            return;
        }
        if (whole != 1) {
            on_answer(l, -1, NULL, 0);
            return;
        }
        take_answer(l, len);
        l->in_len -= FRAME_HEAD + len;
        memmove(l->in, l->in + FRAME_HEAD + len, l->in_len);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct link *l = handle->data;
    *buf = uv_buf_init(l->in + l->in_len, (unsigned)(sizeof l->in - l->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)buf;
    struct link *l = stream->data;
    if (n < 0) {
        link_fail(l, n == UV_EOF ? "connection closed" : uv_strerror((int)n));
    } else if (l->peer != NULL) {
        l->in_len += (size_t)n;
        l->silent = 0;
        take_answers(l);
    }
}

static void on_connected(uv_connect_t *connect, int status) {
    struct link *l = connect->data;
    if (l->peer == NULL) {
        return;
    }
    if (status < 0) {
        link_fail(l, uv_strerror(status));
        return;
    }
    struct buf b = {0};
    session_begin(&l->session, l->peer->peers->secret, true, &b);
    if (!session_exchanges(&l->session)) {
        put_hello(l, &b);
    }
    uv_tcp_nodelay(&l->tcp, 1);
    peers_limit_silence(l->peer->peers, &l->tcp);
    uv_read_start((uv_stream_t *)&l->tcp, on_alloc, on_read);
    link_send(l, &b);
    buf_free(&b);
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found) {
    struct link *l = lookup->data;
    l->resolving = false;
    if (l->peer == NULL) {
        link_free(l);
    } else if (status == 0) {
        l->connect.data = l;
        status = uv_tcp_connect(&l->connect, &l->tcp, found->ai_addr, on_connected);
    }
    uv_freeaddrinfo(found);
    if (status < 0) {
        link_fail(l, uv_strerror(status));
    }
}

void link_start(struct peer *peer) {
    uv_loop_t *loop = peer->peers->server->loop;
    struct endpoint to;
    if (!address_peer(peer->address, &to)) {
        if (is_new_reason(peer, "malformed address")) {
            report_warn("server %llu: malformed address %s", peer->id, peer->address);
        }
        return;
    }
    struct link *l = xmalloc(sizeof *l);
    memset(l, 0, sizeof *l);
    l->peer = peer;
    peer->link = l;
    uv_tcp_init(loop, &l->tcp);
    l->tcp.data = l;
    l->lookup.data = l;
    l->resolving = true;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int error = uv_getaddrinfo(loop, &l->lookup, on_looked_up, to.host, to.port, &hints);
    if (error != 0) {
        l->resolving = false;
        link_fail(l, uv_strerror(error));
        return;
    }
    unsigned ms = peers_patience(peer->peers);
    ms = ms < CONNECT_MIN || peer->identify != NULL ? CONNECT_MIN
         : ms > CONNECT_MAX                         ? CONNECT_MAX
                                                    : ms;
    uv_timer_start(&peer->retry, link_on_retry, ms, 0);
}
