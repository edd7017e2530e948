/* SPDX-License-Identifier: MIT */
/* A server in C: README.md. usage: server ID ADDRESS ADDRESS ADDRESS */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { SERVERS = 3, CONNECTIONS = 32, INPUT = 1 << 20, LOG = 1 << 16 };

struct connection {
    int fd; /* 0: none */
    char kind;
    size_t len;
    char *in;
};

static struct raft raft;
static char **addresses; /* of server 1, 2, 3 */
static const char *address;
static struct raft_entry entries[LOG]; /* entries[i] has the index i + 1 */
static raft_index last, applied;
static unsigned commands;
static uint64_t digest = 0xcbf29ce484222325;
static int links[SERVERS + 1]; /* to other servers; 0: none */
static struct connection connections[CONNECTIONS];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void *allocate(size_t size) {
    void *p = malloc(size);
    if (p == NULL) {
        die("malloc");
    }
    return p;
}

static raft_time now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

static struct sockaddr_in parse(const char *text) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    char host[32];
    unsigned short port;
    if (sscanf(text, "%31[0-9.]:%hu", host, &port) != 2 || inet_aton(host, &a.sin_addr) == 0) {
        die(text);
    }
    a.sin_port = htons(port);
    return a;
}

static int send_all(int fd, const char *bytes, size_t len) {
    for (ssize_t n; len > 0; bytes += n, len -= (size_t)n) {
        n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return -1;
        }
    }
    return 0;
}

static int send_message(struct raft_message *m) {
    int *link = &links[m->server_id], one = 1;
    struct timeval second = {.tv_sec = 1};
    if (m->type == RAFT_APPEND_ENTRIES) {
        m->append_entries.entries = entries + m->append_entries.prev_log_index;
    }
    size_t len = wire_size(m, address);
    char *bytes = allocate(len + 1);
    if (len == 0) {
        die("cannot encode");
    }
    wire_encode(m, raft.id, address, bytes);
    if (*link == 0) {
        struct sockaddr_in to = parse(addresses[m->server_id - 1]);
        *link = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(*link, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(*link, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
        if (connect(*link, (struct sockaddr *)&to, sizeof to) != 0 ||
            send_all(*link, "P", 1) != 0) {
            goto failed;
        }
    }
    if (send_all(*link, bytes, len) == 0) {
        free(bytes);
        return 0;
    }
failed:
    free(bytes);
    close(*link);
    *link = 0;
    return -1;
}

static void store(const struct raft_update_entries *e) {
    if (e->index - 1 + e->n > LOG) {
        die("the log is full");
    }
    for (raft_index i = e->index; i <= last; i++) {
        free(entries[i - 1].buf.base);
    }
    for (unsigned i = 0; i < e->n; i++) {
        struct raft_entry *to = &entries[e->index - 1 + i];
        *to = e->batch[i];
        to->cookie = 1;
        if (to->buf.len > 0) {
            to->buf.base = memcpy(allocate(to->buf.len), e->batch[i].buf.base, to->buf.len);
        } else {
            to->buf.base = NULL;
        }
    }
    last = e->index - 1 + e->n;
}

static int step(struct raft_event *event) {
    struct raft_update u;
    struct raft_event then = {.type = RAFT_UNREACHABLE};
    raft_id lost = 0;
    event->time = now();
    int code = raft_step(&raft, event, &u);
    if (code != 0) {
        return code;
    }
    if (u.flags & RAFT_UPDATE_ENTRIES) {
        store(&u.entries);
    }
    for (unsigned i = 0; (u.flags & RAFT_UPDATE_MESSAGES) && i < u.messages.n; i++) {
        if (send_message(&u.messages.batch[i]) != 0) {
            lost |= 1ULL << u.messages.batch[i].server_id;
        }
    }
    for (; applied < raft_commit_index(&raft); applied++) {
        const struct raft_entry *e = &entries[applied];
        commands += e->type == RAFT_COMMAND;
        for (size_t i = 0; e->type == RAFT_COMMAND && i < e->buf.len; i++) {
            digest = (digest ^ ((unsigned char *)e->buf.base)[i]) * 0x100000001b3;
        }
    }
    if ((u.flags & RAFT_UPDATE_ENTRIES) && u.entries.n > 0) {
        struct raft_event stored = {.type = RAFT_STORED};
        stored.stored.index = last;
        stored.stored.write = u.entries.write;
        step(&stored);
    }
    for (raft_id id = 1; id <= SERVERS; id++) {
        then.unreachable.server_id = id;
        if (lost & 1ULL << id) {
            step(&then);
        }
    }
    return 0;
}

static int answer(int fd, char *line) {
    char text[64];
    int code = 0;
    struct raft_entry entry = {.type = RAFT_COMMAND, .cookie = 1};
    struct raft_event event = {.type = RAFT_SUBMIT};
    if (strncmp(line, "submit ", 7) == 0) {
        entry.buf.base = line + 7;
        entry.buf.len = strlen(line + 7);
        event.submit.entries = &entry;
        event.submit.n = 1;
        code = step(&event);
    } else if (strncmp(line, "transfer ", 9) == 0) {
        event.type = RAFT_TRANSFER;
        event.transfer.server_id = strtoull(line + 9, NULL, 10);
        code = step(&event);
    }
    snprintf(text, sizeof text, "%d %u %016" PRIx64 "\n", raft_state(&raft) == RAFT_LEADER,
             commands, digest);
    const char *reply = code == 0 ? text : "no\n";
    return send_all(fd, reply, strlen(reply));
}

/* Take what is complete out of the input. Returns its length, or -1 to close the connection. */
static ssize_t take(struct connection *c, char *in, size_t len) {
    if (c->kind == 0) {
        c->kind = in[0];
        return 1;
    }
    if (c->kind != 'P') {
        char *end = memchr(in, '\n', len);
        if (end == NULL) {
            return 0;
        }
        *end = 0;
        return answer(c->fd, in) == 0 ? end + 1 - in : -1;
    }
    size_t n = wire_length(in, len);
    struct wire_message w;
    struct raft_event event = {.type = RAFT_RECEIVE};
    if (n == 0 || (n > len && n <= INPUT)) {
        return 0;
    }
    if (n > INPUT || wire_decode(in, n, &w) != 0) {
        return -1;
    }
    event.receive.message = &w.message;
    step(&event);
    wire_free(&w);
    return (ssize_t)n;
}

static void receive(struct connection *c) {
    ssize_t n = recv(c->fd, c->in + c->len, INPUT - c->len, 0), used = n > 0 ? 1 : -1;
    c->len += n > 0 ? (size_t)n : 0;
    while (used > 0 && c->len > 0) {
        used = take(c, c->in, c->len);
        if (used > 0) {
            c->len -= (size_t)used;
            memmove(c->in, c->in + used, c->len);
        }
    }
    if (used < 0) {
        close(c->fd);
        free(c->in);
        *c = (struct connection){0};
    }
}

static void accept_one(int listener) {
    int fd = accept(listener, NULL, NULL);
    for (int i = 0; fd >= 0 && i < CONNECTIONS; i++) {
        if (connections[i].fd == 0) {
            connections[i] = (struct connection){.fd = fd, .in = allocate(INPUT)};
            return;
        }
    }
    close(fd);
}

static void loop(int listener) {
    for (;;) {
        struct pollfd p[CONNECTIONS + 1] = {{.fd = listener, .events = POLLIN}};
        raft_time due = raft_timeout(&raft), at = now();
        for (int i = 0; i < CONNECTIONS; i++) {
            p[i + 1].fd = connections[i].fd != 0 ? connections[i].fd : -1;
            p[i + 1].events = POLLIN;
        }
        poll(p, CONNECTIONS + 1, due > at ? (int)(due - at) : 0);
        for (int i = 0; i < CONNECTIONS; i++) {
            if (p[i + 1].revents != 0) {
                receive(&connections[i]);
            }
        }
        if (p[0].revents != 0) {
            accept_one(listener);
        }
        struct raft_event event = {.type = RAFT_TIMEOUT};
        if (now() >= raft_timeout(&raft) && step(&event) != 0) {
            die(raft_errmsg(&raft));
        }
    }
}

int main(int argc, char **argv) {
    struct raft_server servers[SERVERS];
    struct raft_event start = {.type = RAFT_START}, found = {.type = RAFT_BOOTSTRAP};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    if (argc != SERVERS + 2) {
        die("usage: server ID ADDRESS ADDRESS ADDRESS");
    }
    unsigned id = (unsigned)atoi(argv[1]);
    addresses = argv + 2;
    address = argv[1 + id];
    struct sockaddr_in a = parse(address);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 16) != 0) {
        die(address);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        servers[i] = (struct raft_server){i + 1, addresses[i], RAFT_VOTER};
    }
    found.bootstrap.conf = (struct raft_configuration){servers, SERVERS};
    if (raft_init(&raft, id, address) != 0 || raft_seed(&raft, id) != 0 ||
        raft_set_heartbeat_timeout(&raft, 50) != 0 || raft_set_election_timeout(&raft, 300) != 0 ||
        raft_set_features(&raft, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT) !=
            0 ||
        step(&start) != 0 || step(&found) != 0) {
        die("cannot start");
    }
    loop(listener);
}
