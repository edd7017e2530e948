/* SPDX-License-Identifier: MIT */
/* Servers and clients connect to one port and send lines. A server's first line is `peer`, and
 * messages of examples/wire follow. Each server sends on connections that it has opened, and
 * receives on the others. */
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "minimal.h"

static bool parse_address(const char *text, struct sockaddr_in *address) {
    char host[64], port[8];
    return sscanf(text, "%63[0-9.]:%7[0-9]", host, port) == 2 &&
           uv_ip4_addr(host, atoi(port), address) == 0;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
    static char shared[65536]; /* on_read() copies */
    (void)handle, (void)size;
    *buf = uv_buf_init(shared, sizeof shared);
}

/* [lost] */
static void on_closed(uv_handle_t *handle) {
    struct link *l = handle->data, **at = &((struct server *)handle->loop->data)->links;
    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    if (l->id != 0) { /* what was on its way may be lost; the next message connects again */
        struct raft_event event = {.type = RAFT_UNREACHABLE};
        event.unreachable.server_id = l->id;
        step(handle->loop->data, &event);
    }
    free(l->address);
    free(l->argument);
    free(l->in.base);
    free(l->out.base);
    free(l->sending.base);
    free(l);
}
/* [lost end] */

void transport_close(struct link *l) {
    if (!l->closing) {
        l->closing = true;
        uv_close((uv_handle_t *)&l->tcp, on_closed);
    }
}

static struct link *new_link(struct server *s) {
    struct link *l = resize(NULL, sizeof *l);
    *l = (struct link){.next = s->links};
    uv_tcp_init(s->listener.loop, &l->tcp); /* opens nothing yet, and does not fail */
    l->tcp.data = l;
    return s->links = l;
}

/* --- sending --------------------------------------------------------------- */

static void on_connected(uv_connect_t *connect, int status) {
    struct link *l = connect->handle->data;
    l->connected = status == 0;
    if (status != 0) {
        transport_close(l);
    }
}

static struct link *link_to(struct server *s, raft_id id, const char *text) {
    struct sockaddr_in address;
    unsigned timeout = LINK_TIMEOUT_MS;
    uv_os_fd_t fd;
    for (struct link *l = s->links; l != NULL; l = l->next) {
        if (l->id == id && !l->closing) {
            if (strcmp(l->address, text) == 0) {
                return l;
            }
            transport_close(l); /* it has moved */
        }
    }
    struct link *l = new_link(s);
    l->id = id;
    l->address = copy_text(text);
    bytes_add(&l->out, "peer\n", 5);
    if (!parse_address(text, &address) ||
        uv_tcp_connect(&l->connect, &l->tcp, (struct sockaddr *)&address, on_connected) != 0 ||
        uv_tcp_nodelay(&l->tcp, 1) != 0 || uv_fileno((uv_handle_t *)&l->tcp, &fd) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout) != 0) {
        transport_close(l);
    }
    return l;
}

/* [send] */
void transport_send(struct server *s, const struct raft_message *m, bool complete) {
    struct link *l = link_to(s, m->server_id, m->server_address);
    size_t size = complete ? wire_size(m, s->address) : 0;
    if (size > 0 && l->out.len + l->sending.len <= BUFFER_LIMIT) {
        wire_encode(m, s->raft.id, s->address, bytes_add(&l->out, NULL, size));
    } else {
        transport_close(l);
    }
}

static void on_written(uv_write_t *write, int status) {
    struct link *l = write->handle->data;
    l->sending.len = 0;
    if (status != 0) {
        transport_close(l);
    }
}

void transport_flush(struct server *s) {
    for (struct link *l = s->links; l != NULL; l = l->next) {
        if (l->out.len > 0 && l->sending.len == 0 && l->connected && !l->closing) {
            struct bytes sent = l->sending;
            l->sending = l->out;
            l->out = sent;
            uv_buf_t buf = uv_buf_init(l->sending.base, (unsigned)l->sending.len);
            if (uv_write(&l->write, (uv_stream_t *)&l->tcp, &buf, 1, on_written) != 0) {
                transport_close(l);
            }
        }
    }
}
/* [send end] */

/* --- receiving ------------------------------------------------------------- */

/* [receive] */
static void receive(struct server *s, struct link *l) {
    size_t at = 0, len;
    while ((len = wire_length(l->in.base + at, l->in.len - at)) != 0 && len <= l->in.len - at) {
        struct wire_message w;
        struct raft_event event = {.type = RAFT_RECEIVE};
        event.receive.message = &w.message;
        if (wire_decode(l->in.base + at, len, &w) != 0) {
            transport_close(l);
            return;
        }
        if (step(s, &event) != 0) {
            fprintf(stderr, "a message was refused: %s\n", raft_errmsg(&s->raft));
        }
        wire_free(&w);
        at += len;
    }
    bytes_drop(&l->in, at);
    if (len == SIZE_MAX) {
        transport_close(l);
    }
}
/* [receive end] */

/* [line] */
/* The next line is due when the answer to the last one has left. So a client that does not read
 * cannot fill the memory. */
char *transport_line(struct link *l, size_t *len) {
    bool due = l->id == 0 && !l->from_server && !l->closing && l->in.len > 0 && l->out.len == 0 &&
               l->sending.len == 0;
    char *end = due ? memchr(l->in.base, '\n', l->in.len) : NULL;
    *len = end != NULL ? (size_t)(end - l->in.base) + 1 : l->in.len;
    if (due && *len > LINE_LIMIT) {
        transport_close(l);
        return NULL;
    }
    return end != NULL ? (*end = 0, l->in.base) : NULL;
}
/* [line end] */

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct link *l = stream->data;
    if (n < 0) {
        transport_close(l);
        return;
    }
    bytes_add(&l->in, buf->base, (size_t)n);
    if (!l->from_server && l->in.len >= 5 && memcmp(l->in.base, "peer\n", 5) == 0) {
        l->from_server = true;
        bytes_drop(&l->in, 5);
    }
    if (l->from_server) {
        receive(stream->loop->data, l);
    } else if (l->in.len > CLIENT_LIMIT) {
        transport_close(l);
    }
}

static void on_connection(uv_stream_t *listener, int status) {
    struct link *l = new_link(listener->loop->data);
    l->connected = status == 0 && uv_accept(listener, (uv_stream_t *)&l->tcp) == 0 &&
                   uv_tcp_nodelay(&l->tcp, 1) == 0 && uv_tcp_keepalive(&l->tcp, 1, 60) == 0 &&
                   uv_read_start((uv_stream_t *)&l->tcp, on_alloc, on_read) == 0;
    if (!l->connected) {
        transport_close(l);
    }
}

void transport_listen(struct server *s) {
    struct sockaddr_in address;
    uv_loop_t *loop = uv_default_loop();
    loop->data = s;
    if (!parse_address(s->address, &address) || uv_tcp_init(loop, &s->listener) != 0 ||
        uv_tcp_bind(&s->listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&s->listener, 128, on_connection) != 0) {
        die("cannot listen at %s", s->address);
    }
}
