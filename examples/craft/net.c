/* SPDX-License-Identifier: MIT */
/* Connections. A server sends on those that it has opened, and receives on the others. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

static bool parse(const char *text, struct sockaddr_in *a) {
    char ip[64];
    unsigned port;
    *a = (struct sockaddr_in){.sin_family = AF_INET};
    if (sscanf(text, "%63[0-9.]:%u", ip, &port) != 2 || port > 65535) {
        return false;
    }
    a->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, ip, &a->sin_addr) == 1;
}

int net_listen(const char *address) {
    struct sockaddr_in a;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !parse(address, &a) ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0) {
        die("cannot listen at %s", address);
    }
    return fd;
}

static struct peer *new_peer(struct host *h, int fd, enum peer_kind kind) {
    int one = 1;
    struct peer *p = resize(NULL, sizeof *p);
    *p = (struct peer){.fd = fd, .kind = kind, .broken = fd < 0, .next = h->peers};
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    return h->peers = p;
}

static struct peer *peer_to(struct host *h, raft_id id, const char *address) {
    struct sockaddr_in a;
    unsigned timeout = LINK_TIMEOUT_MS;
    for (struct peer *p = h->peers; p != NULL; p = p->next) {
        if (p->kind == TO_PEER && p->id == id && !p->broken) {
            if (strcmp(p->address, address) == 0) {
                return p;
            }
            p->broken = true; /* it has moved */
        }
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct peer *p = new_peer(h, fd, TO_PEER);
    p->id = id;
    p->connecting = true;
    snprintf(p->address, sizeof p->address, "%s", address);
    craft_hello(h->raft.id, h->address,
                bytes_add(&p->out, NULL, craft_hello(h->raft.id, h->address, NULL)));
    if (fd < 0 || !parse(address, &a) ||
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout) != 0 ||
        (connect(fd, (struct sockaddr *)&a, sizeof a) != 0 && errno != EINPROGRESS)) {
        p->broken = true;
    }
    return p;
}

void net_send(struct host *h, const struct raft_message *m) {
    struct peer *p = peer_to(h, m->server_id, m->server_address);
    size_t size = craft_size(m, h->extended);
    if (size == 0 || p->out.len > BUFFER_LIMIT) {
        fprintf(stderr, "a message to server %llu was dropped\n", m->server_id);
        p->broken = true;
        return;
    }
    craft_encode(m, h->extended, bytes_add(&p->out, NULL, size));
}

static void flush(struct peer *p) {
    while (p->out.len > 0 && !p->broken && !p->connecting) {
        ssize_t n = send(p->fd, p->out.base, p->out.len, MSG_NOSIGNAL);
        if (n > 0) {
            bytes_drop(&p->out, (size_t)n);
        } else if (errno == EAGAIN) {
            return;
        } else {
            p->broken = errno != EINTR;
        }
    }
}

void net_flush(struct host *h) {
    for (struct peer *p = h->peers; p != NULL; p = p->next) {
        flush(p);
    }
}

static void receive(struct host *h, struct peer *p) {
    size_t at = 0, n = 0;
    if (p->id == 0) {
        at = craft_read_hello(p->in.base, p->in.len, &p->id, p->address);
        p->broken = at == SIZE_MAX;
        if (p->id == 0 || p->broken) {
            return;
        }
    }
    while ((n = craft_length(p->in.base + at, p->in.len - at)) > 0 && n <= p->in.len - at) {
        struct craft_message m;
        struct raft_event event = {.type = RAFT_RECEIVE};
        if (craft_decode(p->in.base + at, n, h->extended, &m) != 0) {
            p->broken = true;
            return;
        }
        m.message.server_id = p->id;
        m.message.server_address = p->address;
        event.receive.message = &m.message;
        if (host_step(h, &event) != 0) {
            fprintf(stderr, "a message was refused: %s\n", raft_errmsg(&h->raft));
        }
        free(m.memory); /* the log and the snapshot have copies */
        at += n;
    }
    p->broken = p->broken || n == SIZE_MAX;
    bytes_drop(&p->in, at);
}

static void read_some(struct host *h, struct peer *p) {
    char *at = bytes_add(&p->in, NULL, 65536);
    ssize_t n = recv(p->fd, at, 65536, 0);
    p->in.len -= 65536 - (n > 0 ? (size_t)n : 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        p->broken = true;
    } else if (n > 0 && p->kind == FROM_PEER) {
        receive(h, p);
    } else if (p->kind == TO_PEER || p->in.len > LINE_LIMIT) {
        p->broken = true; /* nothing, or not so much, is expected */
    }
}

static void drop_broken(struct host *h) {
    for (struct peer **at = &h->peers, *p; (p = *at) != NULL;) {
        if (!p->broken) {
            at = &p->next;
            continue;
        }
        struct raft_event event = {.type = RAFT_UNREACHABLE};
        event.unreachable.server_id = p->kind == TO_PEER ? p->id : 0;
        *at = p->next;
        if (p->fd >= 0) {
            close(p->fd);
        }
        free(p->in.base);
        free(p->out.base);
        free(p);
        if (event.unreachable.server_id != 0 && host_step(h, &event) != 0) {
            die("internal error: %s", raft_errmsg(&h->raft));
        }
        at = &h->peers; /* the step may have added one */
    }
}

static void accept_one(struct host *h, int listener, enum peer_kind kind) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        new_peer(h, fd, kind);
    }
}

bool net_poll(struct host *h, int msecs) {
    struct pollfd fds[POLLED_MAX] = {{h->peers_fd, POLLIN, 0}, {h->clients_fd, POLLIN, 0}};
    struct peer *of[POLLED_MAX];
    nfds_t n = 2;
    drop_broken(h);
    for (struct peer *p = h->peers; p != NULL && n < POLLED_MAX; p = p->next) {
        short out = p->out.len > 0 || p->connecting ? POLLOUT : 0;
        of[n] = p;
        fds[n++] = (struct pollfd){p->fd, (short)(POLLIN | out), 0};
    }
    if (poll(fds, n, msecs) <= 0) {
        return false;
    }
    for (nfds_t i = 2; i < n; i++) {
        if (fds[i].revents & POLLOUT && of[i]->connecting) {
            int error = 0;
            socklen_t len = sizeof error;
            getsockopt(of[i]->fd, SOL_SOCKET, SO_ERROR, &error, &len);
            of[i]->connecting = false;
            of[i]->broken = of[i]->broken || error != 0;
        }
        if (fds[i].revents & (POLLIN | POLLERR | POLLHUP) && !of[i]->broken) {
            read_some(h, of[i]);
        }
    }
    if (fds[0].revents != 0) {
        accept_one(h, h->peers_fd, FROM_PEER);
    }
    if (fds[1].revents != 0) {
        accept_one(h, h->clients_fd, CLIENT);
    }
    return true;
}
