/* SPDX-License-Identifier: MIT */
/* raft-kv-load: a load generator that checks for lost writes.
 *
 *   raft-kv-load write  PORT,PORT,... CLIENTS SECONDS FILE
 *   raft-kv-load verify PORT FILE
 *
 * `write` runs clients that write distinct keys to the leader, and follows leader changes. It
 * writes each acknowledged write to FILE as a line with the key and the value. It prints a line
 * for each pause of 100 ms or more without any acknowledgement, and totals at the end.
 *
 * `verify` checks that one server's own data contain every write in FILE. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PORTS = 16, MAX_CLIENTS = 1000, LINE = 512 };
enum { ANSWER_TIMEOUT = 3000, RETRY = 20, PAUSE = 100 }; /* ms */

struct client {
    int fd; /* -1: not connected */
    int port;
    bool connecting;
    uint64_t since;  /* when the current request or wait began */
    uint64_t number; /* number of the current key */
    char in[LINE];
    size_t in_len;
};

static int ports[MAX_PORTS];
static int n_ports;
static struct client clients[MAX_CLIENTS];
static int n_clients;
static uint64_t acknowledged;
static uint64_t unknown;
static uint64_t last_acknowledged;
static uint64_t longest_pause;
static FILE *record;

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "raft-kv-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int open_socket(int port, int flags) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
    if (fd < 0) {
        fail("socket");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

/* --- writing ------------------------------------------------------------- */

static void make_key(const struct client *c, char *key, char *value) {
    int id = (int)(c - clients);
    sprintf(key, "load:%d:%" PRIu64, id, c->number);
    sprintf(value, "%064" PRIu64, c->number * 1000 + (uint64_t)id);
}

static void disconnect(struct client *c) {
    if (c->fd >= 0) {
        close(c->fd);
    }
    c->fd = -1;
    c->in_len = 0;
    c->since = now();
}

/* The write failed or its outcome is unknown: do not record it and continue with the next key. */
static void give_up(struct client *c) {
    c->number++;
    unknown++;
    disconnect(c);
    c->port = ports[c->number % (uint64_t)n_ports];
}

static void send_write(struct client *c) {
    char key[64];
    char value[80];
    char command[256];
    make_key(c, key, value);
    int len = sprintf(command, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(key), key,
                      strlen(value), value);
    c->since = now();
    if (send(c->fd, command, (size_t)len, MSG_NOSIGNAL) != len) {
        give_up(c);
    }
}

static void on_acknowledged(struct client *c) {
    char key[64];
    char value[80];
    make_key(c, key, value);
    fprintf(record, "%s %s\n", key, value);
    uint64_t time = now();
    uint64_t pause = time - last_acknowledged;
    if (acknowledged > 0 && pause >= PAUSE) {
        printf("pause %" PRIu64 " ms\n", pause);
        longest_pause = pause > longest_pause ? pause : longest_pause;
    }
    last_acknowledged = time;
    acknowledged++;
    c->number++;
    send_write(c);
}

static void on_answer(struct client *c, char *line) {
    if (line[0] == '+') {
        on_acknowledged(c);
    } else if (strncmp(line, "-MOVED ", 7) == 0) { /* nothing was done: retry the same key */
        disconnect(c);
        c->port = atoi(strrchr(line, ':') + 1);
    } else if (strncmp(line, "-CLUSTERDOWN", 12) == 0 || strncmp(line, "-TRYAGAIN", 9) == 0) {
        disconnect(c);
        c->port = ports[rand() % n_ports];
    } else {
        give_up(c);
    }
}

static void on_readable(struct client *c) {
    ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - 1 - c->in_len, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            give_up(c);
        }
        return;
    }
    c->in_len += (size_t)n;
    c->in[c->in_len] = '\0';
    if (strstr(c->in, "\r\n") != NULL) {
        c->in_len = 0;
        on_answer(c, c->in);
    }
}

static void on_connected(struct client *c) {
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    c->connecting = false;
    if (error != 0) {
        disconnect(c);
        c->port = ports[rand() % n_ports];
    } else {
        send_write(c);
    }
}

static void tick(struct client *c) {
    uint64_t time = now();
    if (c->fd < 0 && time >= c->since + RETRY) {
        c->since = time;
        c->fd = open_socket(c->port, SOCK_NONBLOCK);
        c->connecting = c->fd >= 0;
        if (c->fd < 0) {
            c->port = ports[rand() % n_ports];
        }
    } else if (c->fd >= 0 && time > c->since + ANSWER_TIMEOUT) {
        give_up(c);
    }
}

static void turn(void) {
    static struct pollfd polled[MAX_CLIENTS];
    for (int i = 0; i < n_clients; i++) {
        tick(&clients[i]);
        polled[i].fd = clients[i].fd;
        polled[i].events = clients[i].connecting ? POLLOUT : POLLIN;
        polled[i].revents = 0;
    }
    if (poll(polled, (nfds_t)n_clients, RETRY) < 0 && errno != EINTR) {
        fail("poll");
    }
    for (int i = 0; i < n_clients; i++) {
        struct client *c = &clients[i];
        if (c->fd < 0 || c->fd != polled[i].fd || polled[i].revents == 0) {
            continue;
        }
        if (c->connecting) {
            on_connected(c);
        } else {
            on_readable(c);
        }
    }
}

static int usage(void) {
    fprintf(stderr,
            "usage: raft-kv-load write PORT,... CLIENTS SECONDS FILE    (up to %d clients)\n"
            "       raft-kv-load verify PORT FILE\n",
            MAX_CLIENTS);
    return 2;
}

static int write_keys(const char *list, int count, int seconds, const char *path) {
    char *copy = strdup(list);
    for (char *p = strtok(copy, ","); p != NULL && n_ports < MAX_PORTS; p = strtok(NULL, ",")) {
        ports[n_ports++] = atoi(p);
    }
    free(copy);
    record = fopen(path, "w");
    if (record == NULL) {
        fail(path);
    }
    if (n_ports == 0 || count < 1 || count > MAX_CLIENTS) {
        return usage();
    }
    n_clients = count;
    for (int i = 0; i < count; i++) {
        clients[i] = (struct client){.fd = -1, .port = ports[i % n_ports]};
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    uint64_t begin = now();
    while (now() < begin + (uint64_t)seconds * 1000) {
        turn();
    }
    if (fclose(record) != 0) {
        fail(path);
    }
    printf("acknowledged %" PRIu64 "\nunknown %" PRIu64 "\nlongest-pause %" PRIu64
           "\nper-second %" PRIu64 "\n",
           acknowledged, unknown, longest_pause, acknowledged / (uint64_t)seconds);
    return acknowledged > 0 ? 0 : 1;
}

/* --- verifying ----------------------------------------------------------- */

/* Read a batch of keys with RAFT.LOCAL; returns the number of missing or wrong values. */
static uint64_t verify_batch(FILE *out, FILE *in, char lines[][LINE], int n) {
    uint64_t wrong = 0;
    for (int i = 0; i < n; i++) {
        size_t len = strcspn(lines[i], " ");
        fprintf(out, "*2\r\n$10\r\nRAFT.LOCAL\r\n$%zu\r\n%.*s\r\n", len, (int)len, lines[i]);
    }
    fflush(out);
    for (int i = 0; i < n; i++) {
        char head[LINE];
        char value[LINE] = "";
        if (fgets(head, sizeof head, in) == NULL) {
            fail("no reply");
        }
        if (head[0] == '$' && head[1] != '-' && fgets(value, sizeof value, in) == NULL) {
            fail("no reply");
        }
        const char *expected = strchr(lines[i], ' ') + 1;
        size_t len = strcspn(expected, "\n");
        if (strncmp(value, expected, len) != 0 || strcmp(value + len, "\r\n") != 0) {
            wrong++;
            fprintf(stderr, "missing or wrong: %s", lines[i]);
        }
    }
    return wrong;
}

static int verify(int port, const char *path) {
    enum { BATCH = 100 };
    static char lines[BATCH][LINE];
    FILE *keys = fopen(path, "r");
    int fd = open_socket(port, 0);
    if (keys == NULL || fd < 0) {
        fail(keys == NULL ? path : "connect");
    }
    FILE *out = fdopen(fd, "w");
    FILE *in = fdopen(dup(fd), "r");
    uint64_t checked = 0;
    uint64_t wrong = 0;
    int n = 0;
    while (fgets(lines[n], LINE, keys) != NULL) {
        checked++;
        if (++n == BATCH) {
            wrong += verify_batch(out, in, lines, n);
            n = 0;
        }
    }
    wrong += verify_batch(out, in, lines, n);
    printf("checked %" PRIu64 "\nwrong %" PRIu64 "\n", checked, wrong);
    return wrong == 0 && checked > 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "write") == 0) {
        return write_keys(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5]);
    }
    if (argc == 4 && strcmp(argv[1], "verify") == 0) {
        return verify(atoi(argv[2]), argv[3]);
    }
    return usage();
}
