/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RETRY = 200,                 /* ms between attempts to connect */
    READ = 256 * 1024,           /* bytes asked for in one read; */
    READ_TURN = 2 * 1024 * 1024, /* bytes read from a connection in one turn */
    PACKET_FULL = 1024 * 1024,   /* a packet of this length is closed, and another is opened */
    OUT_MAX = 16 * 1024 * 1024   /* a peer that is this far behind is disconnected */
};

/* --- sockets ------------------------------------------------------------- */

static int open_socket(const char *address, struct addrinfo **info, int flags) {
    char host[256];
    const char *colon = strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) {
        die("%s: not of the form host:port", address);
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    int error = getaddrinfo(host, colon + 1, &hints, info);
    if (error != 0) {
        die("%s: %s", address, gai_strerror(error));
    }
    int fd = socket((*info)->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("cannot open a socket: %s", strerror(errno));
    }
    return fd;
}

static void listen_at(struct peers *p, const char *address) {
    struct addrinfo *info;
    int on = 1;
    p->listener = open_socket(address, &info, AI_PASSIVE);
    setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(p->listener, info->ai_addr, info->ai_addrlen) != 0 ||
        listen(p->listener, MAX_INBOUND) != 0) {
        die("cannot listen at %s: %s", address, strerror(errno));
    }
    freeaddrinfo(info);
}

void peers_start(struct peers *p, raft_id id, const char *const *addresses, unsigned n) {
    *p = (struct peers){.id = id, .n = n, .addresses = addresses};
    for (raft_id i = 1; i <= n; i++) {
        p->hosts[i].fd = -1;
    }
    listen_at(p, addresses[id - 1]);
}

void peers_stop(struct peers *p) {
    for (raft_id i = 1; i <= p->n; i++) {
        if (p->hosts[i].fd >= 0) {
            close(p->hosts[i].fd);
        }
        bytes_free(&p->hosts[i].out);
    }
    for (unsigned i = 0; i < p->n_inbound; i++) {
        close(p->inbound[i].fd);
        bytes_free(&p->inbound[i].in);
    }
    close(p->listener);
}

/* --- sending ------------------------------------------------------------- */

static void disconnect(struct peer *peer) {
    close(peer->fd);
    peer->fd = -1;
    peer->broken = peer->broken || peer->connected;
    peer->connected = peer->open = false;
    bytes_drop(&peer->out, peer->out.len);
}

static void close_packet(struct peers *p, raft_id to) {
    struct peer *peer = &p->hosts[to];
    packet_close(&peer->out, peer->packet, p->id, to);
    p->packets++;
    peer->open = false;
}

struct bytes *peers_packet(struct peers *p, raft_id to) {
    struct peer *peer = &p->hosts[to];
    if (!peer->connected) {
        return NULL;
    }
    if (peer->open && peer->out.len - peer->packet > PACKET_FULL) {
        close_packet(p, to);
    }
    if (!peer->open) {
        peer->open = true;
        peer->packet = peer->out.len;
        put_space(&peer->out, PACKET_HEAD);
    }
    return &peer->out;
}

static void send_out(struct peers *p, struct peer *peer) {
    size_t sent = 0;
    while (sent < peer->out.len) {
        ssize_t n = send(peer->fd, peer->out.data + sent, peer->out.len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            disconnect(peer);
            return;
        }
        sent += n > 0 ? (size_t)n : 0;
    }
    p->bytes += sent;
    bytes_drop(&peer->out, sent);
    if (peer->out.len > OUT_MAX) {
        disconnect(peer);
    }
}

void peers_flush(struct peers *p, raft_time now) {
    for (raft_id i = 1; i <= p->n; i++) {
        struct peer *peer = &p->hosts[i];
        if (peer->open) {
            peer->sent = now;
            close_packet(p, i);
        }
        if (peer->connected && peer->out.len > 0) {
            send_out(p, peer);
        }
    }
}

raft_time peers_connect(struct peers *p, raft_time now) {
    raft_time next = now + RETRY;
    for (raft_id i = 1; i <= p->n; i++) {
        struct peer *peer = &p->hosts[i];
        struct addrinfo *info;
        int on = 1;
        if (i == p->id || peer->fd >= 0) {
            continue;
        }
        if (now >= peer->retry) {
            peer->retry = now + RETRY;
            peer->fd = open_socket(p->addresses[i - 1], &info, 0);
            setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (connect(peer->fd, info->ai_addr, info->ai_addrlen) != 0 && errno != EINPROGRESS) {
                disconnect(peer);
            }
            freeaddrinfo(info);
        }
        next = peer->retry < next ? peer->retry : next;
    }
    return next;
}

/* A connection attempt has ended. */
static void connected(struct peer *peer) {
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        disconnect(peer);
    } else {
        peer->connected = true;
    }
}

/* The peer never sends on this connection: if it can be read, it has ended. */
static bool has_ended(const struct peer *peer) {
    char byte;
    ssize_t n = recv(peer->fd, &byte, 1, MSG_PEEK);
    return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* --- receiving ----------------------------------------------------------- */

static void accept_one(struct peers *p) {
    int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && p->n_inbound == MAX_INBOUND) {
        close(fd);
    } else if (fd >= 0) {
        p->inbound[p->n_inbound++] = (struct inbound){.fd = fd};
    }
}

/* Take the whole packets that have been read. Returns false if the connection is to end. */
static bool take_packets(struct peers *p, struct bytes *in, on_packet take, void *context) {
    size_t at = 0;
    long len;
    raft_id from;
    while ((len = packet_check(in->data + at, in->len - at, p->id, &from)) > 0) {
        if (from == 0 || from > p->n || from == p->id ||
            !take(context, from, in->data + at, (size_t)len)) {
            return false;
        }
        at += (size_t)len;
        p->hosts[from].retry = 0; /* it is alive: connect to it in the next turn */
    }
    bytes_drop(in, at);
    return len == 0;
}

/* Read what has arrived, up to a limit. Returns false if the connection has ended. */
static bool read_inbound(struct peers *p, struct inbound *in, on_packet take, void *context) {
    in->more = false;
    for (size_t total = 0; total < READ_TURN;) {
        size_t had = in->in.len;
        ssize_t n = read(in->fd, put_space(&in->in, READ), READ);
        in->in.len = had + (n > 0 ? (size_t)n : 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (n <= 0 || !take_packets(p, &in->in, take, context)) {
            return false;
        }
        total += (size_t)n;
    }
    in->more = true;
    return true;
}

/* --- poll() -------------------------------------------------------------- */

unsigned peers_poll(struct peers *p, struct pollfd *fds) {
    unsigned n = 0;
    fds[n++] = (struct pollfd){.fd = p->listener, .events = POLLIN};
    for (raft_id i = 1; i <= p->n; i++) {
        struct peer *peer = &p->hosts[i];
        bool writing = !peer->connected || peer->out.len > 0;
        fds[n++] = (struct pollfd){.fd = peer->fd, .events = writing ? POLLIN | POLLOUT : POLLIN};
    }
    for (unsigned i = 0; i < p->n_inbound; i++) {
        fds[n++] = (struct pollfd){.fd = p->inbound[i].fd, .events = POLLIN};
    }
    return n;
}

bool peers_polled(struct peers *p, struct pollfd *fds, on_packet take, void *context) {
    bool more = false;
    for (raft_id i = 1; i <= p->n; i++) {
        struct peer *peer = &p->hosts[i];
        if (peer->fd < 0 || fds[i].revents == 0) {
            continue;
        }
        if (!peer->connected) {
            connected(peer);
        } else if ((fds[i].revents & ~POLLOUT) != 0 && has_ended(peer)) {
            disconnect(peer);
        }
    }
    for (unsigned i = p->n_inbound; i > 0;
         i--) { /* backwards: the last one replaces a closed one */
        struct inbound *in = &p->inbound[i - 1];
        if (fds[1 + p->n + i - 1].revents != 0 && !read_inbound(p, in, take, context)) {
            close(in->fd);
            bytes_free(&in->in);
            *in = p->inbound[--p->n_inbound];
        } else {
            more = more || in->more;
        }
    }
    if (fds[0].revents != 0) {
        accept_one(p);
    }
    return more;
}
