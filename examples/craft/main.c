/* SPDX-License-Identifier: MIT */
/* The commands of clients, and the program's arguments. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static void reply(struct peer *p, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    bytes_add(&p->out, line, strlen(line));
    bytes_add(&p->out, "\n", 1);
    p->waits = NO_COMMAND;
}

static void list(struct host *h, struct peer *p) {
    for (size_t at = 0; at < h->list.len; at += 8) {
        char number[32];
        unsigned long long value = 0;
        for (int i = 7; i >= 0; i--) {
            value = value << 8 | (unsigned char)h->list.base[at + (size_t)i];
        }
        bytes_add(&p->out, number, (size_t)snprintf(number, sizeof number, "%llu ", value));
    }
    reply(p, ".");
}

void client_read(struct host *h, const struct raft_read *read) {
    for (struct peer *p = h->peers; p != NULL; p = p->next) {
        if (p->waits == LISTED && p->index == 0 && p->read == read->id) {
            p->index = read->index;
            if (read->status != 0) {
                reply(p, "error the leader has changed");
            }
        }
    }
}

static int reconfigure(struct host *h, raft_id id, const char *address, int role) {
    struct raft_configuration conf = {0};
    struct raft_server servers[64];
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    raft_configuration_at(&h->raft, raft_last_index(&h->raft), &conf, NULL);
    for (unsigned i = 0; i < conf.n && event.reconfigure.conf.n < 63; i++) {
        struct raft_server s = conf.servers[i];
        bool is = s.id == id;
        if (!is || role >= 0) {
            s.role = is ? role : s.role;
            servers[event.reconfigure.conf.n++] = s;
        }
    }
    if (address != NULL) {
        servers[event.reconfigure.conf.n++] = (struct raft_server){id, address, role};
    }
    event.reconfigure.conf.servers = servers;
    /* The addresses are the library's, until the next step. */
    struct raft_install_snapshot with_conf = {.conf = event.reconfigure.conf};
    struct wire_message copy = {.memory = NULL};
    snapshot_copy(&copy, &with_conf);
    event.reconfigure.conf = copy.message.install_snapshot.conf;
    int error = host_step(h, &event);
    wire_free(&copy);
    return error;
}

/* Make a server a voter: it is caught up first. Until then the answer is an error; ask again. */
static int promote(struct host *h, raft_id id) {
    struct raft_event event = {.type = RAFT_CATCH_UP};
    int status = RAFT_CATCH_UP_NONE;
    int error = raft_catch_up(&h->raft, id, &status);
    if (error != 0 || status == RAFT_CATCH_UP_FINISHED) {
        return error != 0 ? error : reconfigure(h, id, NULL, RAFT_VOTER);
    }
    event.catch_up.server_id = id;
    error = status == RAFT_CATCH_UP_RUNNING ? 0 : host_step(h, &event);
    return error != 0 ? error : RAFT_BUSY;
}

static void run(struct host *h, struct peer *p, char *line) {
    const char *command = strsep(&line, " "), *word = strsep(&line, " ");
    unsigned long long number = word != NULL ? strtoull(word, NULL, 10) : 0;
    struct raft_event event = {.type = RAFT_SUBMIT};
    unsigned char payload[8];
    struct raft_entry entry = {
        .type = RAFT_COMMAND, .buf = {payload, sizeof payload}, .batch = payload};
    int error = 0;
    p->index = 0;
    if (strcmp(command, "add") == 0) {
        for (int i = 0; i < 8; i++) {
            payload[i] = (unsigned char)(number >> (8 * i));
        }
        event.submit.entries = &entry;
        event.submit.n = 1;
        p->waits = ADDED;
    } else if (strcmp(command, "list") == 0) {
        event.type = RAFT_READ;
        event.read.id = p->read = ++h->reads;
        p->waits = LISTED;
    } else if (strcmp(command, "transfer") == 0) {
        event.type = RAFT_TRANSFER;
        event.transfer.server_id = number;
    } else if (strcmp(command, "status") == 0) {
        raft_id leader;
        raft_leader(&h->raft, &leader, NULL);
        reply(p,
              "state=%d term=%llu leader=%llu role=%d applied=%llu last=%llu snapshot=%llu "
              "chunks=%u",
              raft_state(&h->raft), raft_current_term(&h->raft), leader, raft_role(&h->raft),
              h->applied, raft_last_index(&h->raft), raft_snapshot_index(&h->raft), h->chunks);
        return;
    } else if (strcmp(command, "progress") == 0) {
        struct raft_peer progress;
        error = raft_progress(&h->raft, number, &progress);
        if (error == 0) {
            reply(p, "features=%u match=%llu losses=%llu", progress.features, progress.match,
                  progress.data_losses);
            return;
        }
    } else {
        p->waits = CHANGED;
    }
    if (p->waits == CHANGED && strcmp(command, "join") == 0 && line != NULL) {
        error = reconfigure(h, number, line, RAFT_STANDBY);
    } else if (p->waits == CHANGED && strcmp(command, "promote") == 0) {
        error = promote(h, number);
    } else if (p->waits == CHANGED && strcmp(command, "remove") == 0) {
        error = reconfigure(h, number, NULL, -1);
    } else if (p->waits == CHANGED) {
        error = RAFT_INVALID;
    } else if (error == 0) {
        error = host_step(h, &event);
    }
    if (error != 0) {
        reply(p, "error %d %s", error, raft_errmsg(&h->raft));
    } else if (p->waits == NO_COMMAND) {
        reply(p, "ok");
    } else if (p->waits != LISTED) {
        p->index = raft_last_index(&h->raft);
        p->term = raft_current_term(&h->raft);
    }
}

static void answer(struct host *h, struct peer *p) {
    raft_term term = raft_term_of(&h->raft, p->index);
    if (p->waits == LISTED && p->index != 0 && p->index <= h->applied) {
        list(h, p);
    } else if ((p->waits == ADDED || p->waits == CHANGED) && term != p->term) {
        reply(p, "error unknown: the log has changed");
    } else if ((p->waits == ADDED || p->waits == CHANGED) && p->index <= h->applied) {
        reply(p, "ok");
    }
}

void clients_serve(struct host *h) {
    for (struct peer *p = h->peers; p != NULL; p = p->next) {
        if (p->kind != CLIENT || p->broken) {
            continue;
        }
        answer(h, p);
        char *end = p->in.len > 0 ? memchr(p->in.base, '\n', p->in.len) : NULL;
        if (p->waits == NO_COMMAND && end != NULL) {
            size_t len = (size_t)(end - p->in.base) + 1;
            *end = 0;
            run(h, p, p->in.base);
            bytes_drop(&p->in, len);
        }
    }
}

int main(int argc, char **argv) {
    static struct host h;
    bool features = argc == 6 && strcmp(argv[5], "--features") == 0;
    if (argc != 5 + features) {
        die("usage: raft-craft DIRECTORY ID ADDRESS CLIENTS'-ADDRESS [--features]\n"
            "Give --features when no server of C-Raft is left.");
    }
    signal(SIGPIPE, SIG_IGN);
    h.address = argv[3];
    h.extended = features;
    h.peers_fd = net_listen(argv[3]);
    h.clients_fd = net_listen(argv[4]);
    host_start(&h, strtoull(argv[2], NULL, 10), argv[1],
               features ? RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT : 0);
    for (;;) {
        raft_time t = now(), deadline = raft_timeout(&h.raft);
        bool due = deadline <= t || h.write != 0; /* a client's command is not written yet */
        int wait = due ? 0 : deadline - t > 1000 ? 1000 : (int)(deadline - t);
        net_poll(&h, wait);
        host_turn(&h);
    }
}
