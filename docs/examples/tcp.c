/* SPDX-License-Identifier: MIT */
/* Each server opens a connection to each other one, on which it sends; it receives on those that
 * the others have opened. A connection begins with a token and the sender's ID; messages of
 * examples/wire follow. */
#define _GNU_SOURCE
#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELLO = TOKEN + 8 };

static void add(struct bytes *b, const void *data, size_t len) {
    char *base = realloc(b->base, b->len + len + 1);
    if (base == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    b->base = base;
    if (len > 0) {
        memcpy(b->base + b->len, data, len);
    }
    b->len += len;
}

static void drop(struct bytes *b, size_t len) {
    b->len -= len;
    memmove(b->base, b->base + len, b->len);
}

/* --- connections --------------------------------------------------------- */

/* [lost] */
/* A connection is gone, and with it what was on its way. */
static void close_connection(struct transport *t, struct connection *c) {
    if (c->outgoing) {
        t->lost[c->peer] = true;
    }
    close(c->fd);
    free(c->in.base);
    free(c->out.base);
    free(c->held.base);
    *c = (struct connection){.fd = -1};
}

raft_id transport_lost(struct transport *t) {
    for (raft_id id = 1; id <= ID_MAX; id++) {
        if (t->lost[id]) {
            t->lost[id] = false;
            return id;
        }
    }
    return 0;
}
/* [lost end] */

/* Names are not looked up: that would block. */
static bool parse_address(const char *text, struct sockaddr_in *address) {
    char host[16];
    unsigned short port;
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    if (sscanf(text, "%15[0-9.]:%hu", host, &port) != 2) {
        return false;
    }
    address->sin_port = htons(port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static struct connection *new_connection(struct transport *t, int fd) {
    int on = 1;
#ifdef TCP_USER_TIMEOUT /* bytes that are not acknowledged so long end the connection */
    unsigned timeout = 2000;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
#endif
    for (int i = 0; i < CONNECTIONS; i++) {
        if (t->connections[i].fd < 0 &&
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0) {
            t->connections[i].fd = fd;
            return &t->connections[i];
        }
    }
    close(fd);
    return NULL;
}

static struct connection *dial(struct transport *t, const char *address) {
    struct sockaddr_in to;
    if (!parse_address(address, &to)) {
        return NULL;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
        close(fd);
        return NULL;
    }
    return fd >= 0 ? new_connection(t, fd) : NULL;
}

/* [connect] */
/* The connection to a server, which is opened when it is needed. The address comes
 * with the message: it is that of the configuration, or of the message that is
 * answered. */
static struct connection *connection_to(struct transport *t, raft_id id, const char *address) {
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &t->connections[i];
        if (c->fd >= 0 && c->outgoing && c->peer == id) {
            return c;
        }
    }
    struct connection *c = dial(t, address);
    if (c != NULL) {
        c->outgoing = true;
        c->peer = id;
        add(&c->out, t->token, TOKEN); /* that it may speak, and which server it is */
        unsigned char bytes[8];
        for (int i = 0; i < 8; i++) {
            bytes[i] = (unsigned char)(t->id >> 8 * i);
        }
        add(&c->out, bytes, sizeof bytes);
    }
    return c;
}
/* [connect end] */

/* --- sending ------------------------------------------------------------- */

static void mangle(struct connection *c, const char *message, size_t len) {
    int what = rand() % 10;
    if (what == 1 && c->held.len == 0) {
        add(&c->held, message, len); /* another one overtakes it */
        return;
    }
    for (int i = what == 0 ? 1 : 0; i < (what == 2 ? 2 : 1); i++) {
        add(&c->out, message, len);
    }
    add(&c->out, c->held.base, c->held.len);
    c->held.len = 0;
}

/* [send] */
/* Encode, and put the bytes into a buffer. */
void transport_send(struct transport *t, const struct raft_message *m) {
    if (m->server_id > ID_MAX) {
        return;
    }
    struct connection *c = connection_to(t, m->server_id, m->server_address);
    size_t len = wire_size(m, t->address);
    char *message = len > 0 && len <= MESSAGE_LIMIT ? malloc(len) : NULL;
    if (c == NULL || message == NULL || c->out.len + len > BUFFER_LIMIT) {
        t->lost[m->server_id] = true; /* not connected, or the receiver does not read */
        free(message);
        return;
    }
    wire_encode(m, t->id, t->address, message);
    if (t->mangles) {
        mangle(c, message, len);
    } else {
        add(&c->out, message, len);
    }
    free(message);
}

void transport_flush(struct transport *t) {
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &t->connections[i];
        ssize_t n = c->fd >= 0 ? send(c->fd, c->out.base, c->out.len, MSG_NOSIGNAL) : 0;
        if (n > 0) {
            drop(&c->out, (size_t)n);
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            close_connection(t, c);
        }
    }
}
/* [send end] */

/* --- receiving ----------------------------------------------------------- */

/* [hello] */
/* Who speaks on this connection? Compare secrets in constant time. */
static bool read_hello(const struct transport *t, struct connection *c) {
    unsigned char difference = 0;
    for (int i = 0; i < TOKEN; i++) {
        difference |= (unsigned char)(c->in.base[i] ^ t->token[i]);
    }
    for (int i = 0; i < 8; i++) {
        c->peer |= (raft_id)(unsigned char)c->in.base[TOKEN + i] << 8 * i;
    }
    drop(&c->in, HELLO);
    return difference == 0 && c->peer != 0 && c->peer <= ID_MAX;
}
/* [hello end] */

/* [receive] */
/* Pass on each message that is there as a whole. Returns false if the connection
 * must be closed. */
static bool receive(struct transport *t, struct connection *c) {
    if (c->peer == 0 && c->in.len < HELLO) {
        return true;
    }
    if (c->peer == 0 && !read_hello(t, c)) {
        return false;
    }
    for (bool good = true; good;) {
        struct wire_message w;
        size_t len = wire_length(c->in.base, c->in.len);
        if (len > MESSAGE_LIMIT) {
            return false; /* it would only fill the memory */
        }
        if (len == 0 || len > c->in.len) {
            return true; /* the rest has not arrived yet */
        }
        if (wire_decode(c->in.base, len, &w) != 0) {
            return false;
        }
        good = w.message.server_id == c->peer; /* nobody speaks for another server */
        if (good) {
            t->receive(t, &w.message);
        }
        wire_free(&w);
        drop(&c->in, len);
    }
    return false;
}
/* [receive end] */

static void read_from(struct transport *t, struct connection *c) {
    char chunk[65536];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n > 0 && !c->outgoing) {
        add(&c->in, chunk, (size_t)n);
        if (!receive(t, c)) {
            t->n_refused++;
            close_connection(t, c);
        }
    } else if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
        close_connection(t, c);
    }
}

void transport_read(struct transport *t) {
    int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        new_connection(t, fd);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        if (t->connections[i].fd >= 0) {
            read_from(t, &t->connections[i]);
        }
    }
}

unsigned transport_wait(const struct transport *t, struct pollfd *fds) {
    unsigned n = 0;
    fds[n++] = (struct pollfd){.fd = t->listener, .events = POLLIN};
    for (int i = 0; i < CONNECTIONS; i++) {
        const struct connection *c = &t->connections[i];
        if (c->fd >= 0) {
            short events = c->out.len > 0 ? POLLIN | POLLOUT : POLLIN;
            fds[n++] = (struct pollfd){.fd = c->fd, .events = events};
        }
    }
    return n;
}

/* --- open and close ------------------------------------------------------ */

bool transport_open(struct transport *t, raft_id id, const char *address, const char *token) {
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    char host[INET_ADDRSTRLEN];
    int on = 1;
    *t = (struct transport){.id = id};
    memcpy(t->token, token, TOKEN);
    for (int i = 0; i < CONNECTIONS; i++) {
        t->connections[i].fd = -1;
    }
    t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->listener < 0 || !parse_address(address, &at) ||
        setsockopt(t->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(t->listener, (struct sockaddr *)&at, len) != 0 ||
        listen(t->listener, CONNECTIONS) != 0 ||
        getsockname(t->listener, (struct sockaddr *)&at, &len) != 0 ||
        inet_ntop(AF_INET, &at.sin_addr, host, sizeof host) == NULL) {
        return false;
    }
    snprintf(t->address, ADDRESS_MAX, "%s:%u", host, ntohs(at.sin_port));
    return true;
}

void transport_close(struct transport *t) {
    for (int i = 0; i < CONNECTIONS; i++) {
        if (t->connections[i].fd >= 0) {
            close_connection(t, &t->connections[i]);
        }
    }
    close(t->listener);
}
