/* SPDX-License-Identifier: MIT */
/* Three hosts in one process, one turn after the other. The linker replaces fdatasync() and send():
 * whenever a host sends, everything that its groups have written must be synced (§3.8). */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "unit.h"

enum { HOSTS = 3, GROUPS = 12, PATIENCE = 60000 };

static struct host hosts[HOSTS];
static struct host *current;    /* the host whose turn it is */
static uint64_t synced[HOSTS];  /* length of the journal that is synced */
static uint64_t checked[HOSTS]; /* number of packets that were sent after something was written */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

int __wrap_fdatasync(int fd) {
    if (current != NULL) {
        CHECK(fd == current->disk.fd);
        synced[current - hosts] = current->disk.size;
    }
    return __real_fdatasync(fd);
}

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags) {
    CHECK(current->disk.batch.len == 0 && current->marked.n == 0);
    CHECK(current->disk.size == synced[current - hosts]);
    checked[current - hosts] += current->disk.size > 0;
    return __real_send(fd, data, len, flags);
}

static void turn(unsigned i) {
    current = &hosts[i];
    host_turn(current);
    current = NULL;
}

static unsigned count(bool (*is_so)(const struct group *)) {
    unsigned n = 0;
    for (unsigned i = 0; i < HOSTS; i++) {
        for (unsigned g = 0; g < GROUPS; g++) {
            n += is_so(&hosts[i].groups[g]);
        }
    }
    return n;
}

static bool leads(const struct group *g) {
    return raft_state((struct raft *)&g->raft) == RAFT_LEADER;
}

static bool has_value(const struct group *g) { return g->state.value == 42; }

/* Take turns until so many servers are so. */
static void until(unsigned n, bool (*is_so)(const struct group *)) {
    raft_time begin = host_now();
    while (count(is_so) != n) {
        for (unsigned i = 0; i < HOSTS; i++) {
            turn(i);
        }
        CHECK(host_now() < begin + PATIENCE);
    }
}

/* Addresses at ports that are free now. */
static void find_ports(char text[HOSTS][32], struct options *o) {
    int fds[HOSTS];
    for (unsigned i = 0; i < HOSTS; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof at;
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(bind(fds[i], (struct sockaddr *)&at, len) == 0);
        CHECK(getsockname(fds[i], (struct sockaddr *)&at, &len) == 0);
        snprintf(text[i], 32, "127.0.0.1:%u", ntohs(at.sin_port));
        o->addresses[i] = text[i];
    }
    for (unsigned i = 0; i < HOSTS; i++) {
        close(fds[i]);
    }
}

int main(void) {
    struct options o[HOSTS];
    char ports[HOSTS][32];
    char folders[HOSTS][64];
    memset(o, 0, sizeof o);
    find_ports(ports, &o[0]);
    for (unsigned i = 0; i < HOSTS; i++) {
        snprintf(folders[i], sizeof folders[i], "/tmp/raft-multi-turns-%d-%u", (int)getpid(), i);
        memcpy(o[i].addresses, o[0].addresses, sizeof o[0].addresses);
        o[i].id = i + 1;
        o[i].n_hosts = HOSTS;
        o[i].dir = folders[i];
        o[i].groups = GROUPS;
        o[i].election = 300;
        o[i].heartbeat = 30;
        o[i].idle = 100;
        o[i].journal = 4096; /* it is rewritten now and then */
        current = &hosts[i];
        host_start(&hosts[i], &o[i]);
    }
    until(GROUPS, leads);
    for (unsigned round = 0; round < 50; round++) { /* each group takes a snapshot, too */
        for (unsigned i = 0; i < HOSTS; i++) {
            for (unsigned g = 0; g < GROUPS; g++) {
                if (leads(&hosts[i].groups[g])) {
                    group_write(&hosts[i], &hosts[i].groups[g], round < 49 ? round : 42);
                }
            }
            turn(i);
        }
    }
    until(HOSTS * GROUPS, has_value);
    for (unsigned i = 0; i < HOSTS; i++) {
        char journal[sizeof folders[0] + 16];
        CHECK(checked[i] > 50 && hosts[i].disk.rewritings > 0);
        CHECK(hosts[i].groups[0].snapshot.index > 0);
        host_stop(&hosts[i]);
        CHECK(snprintf(journal, sizeof journal, "%s/journal", folders[i]) < (int)sizeof journal);
        unlink(journal);
        rmdir(folders[i]);
    }
    return 0;
}
