/* SPDX-License-Identifier: MIT */
/* The workloads of steps.cpp for Debian's libraft-dev (C-Raft 0.15). It has no step to count
 * in: the whole program is counted, and the same program without the library is subtracted.
 *
 * usage: peer list                             the figures, a line of JSON each
 *        peer run SERVERS ENTRIES WINDOW       with the library
 *        peer empty SERVERS ENTRIES WINDOW     the harness alone */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peers peers;

void peer_die(const char *what) {
    fprintf(stderr, "peer: %s\n", what);
    exit(1);
}

static int apply(struct raft_fsm *fsm, const struct raft_buffer *buf, void **result) {
    const struct peer *peer = fsm->data;
    (void)buf;
    peers.applied += peer->id == 1;
    *result = NULL;
    return 0;
}

static int no_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[], unsigned *n) {
    (void)fsm;
    (void)bufs;
    (void)n;
    return RAFT_INVALID;
}

static int no_restore(struct raft_fsm *fsm, struct raft_buffer *buf) {
    (void)fsm;
    (void)buf;
    return RAFT_INVALID;
}

static void create(unsigned servers) {
    peers.n = servers;
    peers.now = 1;
    for (unsigned i = 0; i < servers; i++) {
        struct peer *peer = &peers.all[i];
        peer->id = i + 1;
        snprintf(peer->address, sizeof peer->address, "127.0.0.1:%u", 9001 + i);
        peer_io_fill(peer);
    }
}

static void elect(void) {
    for (unsigned i = 0; i < peers.n; i++) {
        struct peer *peer = &peers.all[i];
        peer->fsm = (struct raft_fsm){
            .version = 1,
            .data = peer,
            .apply = apply,
            .snapshot = no_snapshot,
            .restore = no_restore,
        };
        if (raft_init(&peer->raft, &peer->io, &peer->fsm, peer->id, peer->address) != 0) {
            peer_die("raft_init");
        }
        raft_set_snapshot_threshold(&peer->raft, 1000000000);
        if (raft_start(&peer->raft) != 0) {
            peer_die("raft_start");
        }
    }
    for (unsigned i = 0; i < 100 && raft_state(&peers.all[0].raft) != RAFT_LEADER; i++) {
        peers.now += 100;
        peers.all[0].tick(&peers.all[0].io);
        peer_io_deliver();
    }
    if (raft_state(&peers.all[0].raft) != RAFT_LEADER) {
        peer_die("no leader");
    }
}

/* Called once for each entry. */
static struct raft_apply *requests;

static void applied(struct raft_apply *req, int status, void *result) {
    (void)req;
    (void)result;
    if (status != 0) {
        peer_die("an entry was not applied");
    }
}

static char *new_payload(void) {
    char *payload = raft_malloc(PEER_PAYLOAD);
    if (payload == NULL) {
        peer_die("out of memory");
    }
    memset(payload, 'x', PEER_PAYLOAD);
    return payload;
}

static void submit(unsigned long i) {
    struct raft_buffer buf = {new_payload(), PEER_PAYLOAD};
    if (raft_apply(&peers.all[0].raft, &requests[i], &buf, 1, applied) != 0) {
        peer_die("raft_apply");
    }
}

/* The harness alone: the same messages, copies and callbacks without the library. */
static void nothing_sent(struct raft_io_send *req, int status) {
    (void)req;
    (void)status;
}

static void nothing_stored(struct raft_io_append *req, int status) {
    (void)req;
    (void)status;
}

static void send_nothing(struct peer *from, raft_id to, unsigned short type,
                         struct raft_entry *entry) {
    static struct raft_io_send send;
    struct raft_message message;
    memset(&message, 0, sizeof message);
    message.type = type;
    message.server_id = to;
    if (entry != NULL) {
        message.append_entries.entries = entry;
        message.append_entries.n_entries = 1;
    }
    (void)from->io.send(&from->io, &send, &message, nothing_sent);
}

static void answer_stored(struct raft_io_append *req, int status) {
    (void)status;
    send_nothing(req->data, 1, RAFT_IO_APPEND_ENTRIES_RESULT, NULL);
}

static void nothing_received(struct raft_io *io, struct raft_message *message) {
    static struct raft_io_append appends[PEER_SERVERS];
    struct peer *peer = io->data;
    if (message->type != RAFT_IO_APPEND_ENTRIES) {
        return;
    }
    struct raft_io_append *append = &appends[peer->id - 1];
    append->data = peer;
    (void)io->append(io, append, message->append_entries.entries, 1, answer_stored);
    raft_free(message->append_entries.entries[0].batch);
    raft_free(message->append_entries.entries);
}

static void submit_nothing(unsigned long i) {
    static struct raft_io_append append;
    struct peer *leader = &peers.all[0];
    struct raft_entry entry = {1, RAFT_COMMAND, {new_payload(), PEER_PAYLOAD}, NULL};
    (void)i;
    (void)leader->io.append(&leader->io, &append, &entry, 1, nothing_stored);
    for (unsigned k = 1; k < peers.n; k++) {
        send_nothing(leader, peers.all[k].id, RAFT_IO_APPEND_ENTRIES, &entry);
    }
    raft_free(entry.buf.base);
}

static void work(unsigned long entries, unsigned long window, void (*one)(unsigned long)) {
    for (unsigned long i = 0; i < entries; i++) {
        one(i);
        if ((i + 1) % window == 0) {
            peer_io_deliver();
            peers.now++;
        }
    }
    peer_io_deliver();
}

static void list(void) {
    static const unsigned servers[] = {3, 9, 25, 51};
    static const unsigned windows[] = {10, 100, 1000};
    for (unsigned i = 0; i < sizeof servers / sizeof *servers; i++) {
        printf("{\"name\": \"C-Raft W1/N=%u\", \"arguments\": [%u, %u, 1]}\n", servers[i],
               servers[i], servers[i] > 9 ? 100 : 1000);
    }
    for (unsigned i = 0; i < sizeof windows / sizeof *windows; i++) {
        printf("{\"name\": \"C-Raft W3/window=%u\", \"arguments\": [3, 1000, %u]}\n", windows[i],
               windows[i]);
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        list();
        return 0;
    }
    if (argc != 5) {
        peer_die("usage: peer list | run SERVERS ENTRIES WINDOW | empty SERVERS ENTRIES WINDOW");
    }
    const unsigned long servers = strtoul(argv[2], NULL, 10);
    const unsigned long entries = strtoul(argv[3], NULL, 10);
    const unsigned long window = strtoul(argv[4], NULL, 10);
    if (servers == 0 || servers > PEER_SERVERS || window == 0) {
        peer_die("impossible numbers");
    }
    requests = calloc(entries + 1, sizeof *requests);
    if (requests == NULL) {
        peer_die("out of memory");
    }
    create((unsigned)servers);
    if (strcmp(argv[1], "run") == 0) {
        elect();
        work(entries, window, submit);
        if (peers.applied != entries) {
            peer_die("not every entry was applied");
        }
    } else {
        for (unsigned i = 0; i < peers.n; i++) {
            peers.all[i].recv = nothing_received;
        }
        work(entries, window, submit_nothing);
    }
    return 0;
}
