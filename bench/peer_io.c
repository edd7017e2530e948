/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A later event: a message arrives, or a request is done. */
enum task_kind { TASK_MESSAGE, TASK_SENT, TASK_STORED };

struct task {
    enum task_kind kind;
    struct peer *peer; /* the sender of a message */
    union {
        struct raft_message message;
        struct raft_io_send *send;
        struct raft_io_append *append;
    };
};

static struct {
    struct task *tasks;
    size_t first, last, room;
} queue;

static struct task *add_task(enum task_kind kind, struct peer *peer) {
    if (queue.last == queue.room) {
        queue.room = queue.room == 0 ? 1024 : queue.room * 2;
        queue.tasks = realloc(queue.tasks, queue.room * sizeof *queue.tasks);
        if (queue.tasks == NULL) {
            peer_die("out of memory");
        }
    }
    struct task *task = &queue.tasks[queue.last++];
    task->kind = kind;
    task->peer = peer;
    return task;
}

/* The receiver owns what it receives: an array of entries, and one block of payloads. */
static void copy_entries(struct raft_append_entries *ae) {
    if (ae->n_entries == 0) {
        ae->entries = NULL;
        return;
    }
    size_t size = 0;
    for (unsigned i = 0; i < ae->n_entries; i++) {
        size += ae->entries[i].buf.len;
    }
    struct raft_entry *entries = raft_malloc(ae->n_entries * sizeof *entries);
    char *batch = raft_malloc(size);
    if (entries == NULL || batch == NULL) {
        peer_die("out of memory");
    }
    char *payload = batch;
    for (unsigned i = 0; i < ae->n_entries; i++) {
        entries[i] = ae->entries[i];
        memcpy(payload, ae->entries[i].buf.base, ae->entries[i].buf.len);
        entries[i].buf.base = payload;
        entries[i].batch = batch;
        payload += ae->entries[i].buf.len;
    }
    ae->entries = entries;
}

static int io_send(struct raft_io *io, struct raft_io_send *req, const struct raft_message *message,
                   raft_io_send_cb cb) {
    struct peer *peer = io->data;
    struct task *task = add_task(TASK_MESSAGE, peer);
    task->message = *message;
    if (message->type == RAFT_IO_APPEND_ENTRIES) {
        copy_entries(&task->message.append_entries);
    }
    req->cb = cb;
    add_task(TASK_SENT, peer)->send = req;
    return 0;
}

static int io_append(struct raft_io *io, struct raft_io_append *req,
                     const struct raft_entry entries[], unsigned n, raft_io_append_cb cb) {
    (void)entries;
    (void)n;
    req->cb = cb;
    add_task(TASK_STORED, io->data)->append = req;
    return 0;
}

static void run_task(struct task task) {
    if (task.kind == TASK_SENT) {
        task.send->cb(task.send, 0);
    } else if (task.kind == TASK_STORED) {
        task.append->cb(task.append, 0);
    } else {
        struct peer *to = &peers.all[task.message.server_id - 1];
        task.message.server_id = task.peer->id;
        task.message.server_address = task.peer->address;
        to->recv(&to->io, &task.message);
    }
}

void peer_io_deliver(void) {
    while (queue.first < queue.last) {
        run_task(queue.tasks[queue.first++]);
    }
    queue.first = queue.last = 0;
}

/* Entry 1: the configuration, in C-Raft's own format. */
static size_t encode_configuration(unsigned char *bytes) {
    size_t size = 0;
    bytes[size++] = 1;
    for (unsigned i = 0; i < 8; i++) {
        bytes[size++] = (unsigned char)((unsigned long long)peers.n >> (8 * i));
    }
    for (unsigned s = 0; s < peers.n; s++) {
        for (unsigned i = 0; i < 8; i++) {
            bytes[size++] = (unsigned char)(peers.all[s].id >> (8 * i));
        }
        const size_t length = strlen(peers.all[s].address) + 1;
        memcpy(bytes + size, peers.all[s].address, length);
        size += length;
        bytes[size++] = RAFT_VOTER;
    }
    while (size % 8 != 0) {
        bytes[size++] = 0;
    }
    return size;
}

static int io_load(struct raft_io *io, raft_term *term, raft_id *voted_for,
                   struct raft_snapshot **snapshot, raft_index *start_index,
                   struct raft_entry *entries[], size_t *n_entries) {
    (void)io;
    struct raft_entry *entry = raft_calloc(1, sizeof *entry);
    unsigned char *bytes = raft_malloc(16 + (size_t)peers.n * 48);
    if (entry == NULL || bytes == NULL) {
        return RAFT_NOMEM;
    }
    entry->term = 1;
    entry->type = RAFT_CHANGE;
    entry->buf.base = bytes;
    entry->buf.len = encode_configuration(bytes);
    entry->batch = bytes;
    *term = 1;
    *voted_for = 0;
    *snapshot = NULL;
    *start_index = 1;
    *entries = entry;
    *n_entries = 1;
    return 0;
}

static int io_init(struct raft_io *io, raft_id id, const char *address) {
    (void)io;
    (void)id;
    (void)address;
    return 0;
}

static void io_close(struct raft_io *io, raft_io_close_cb cb) { cb(io); }

static int io_start(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                    raft_io_recv_cb recv) {
    struct peer *peer = io->data;
    (void)msecs;
    peer->tick = tick;
    peer->recv = recv;
    return 0;
}

static int io_configuration(struct raft_io *io, const struct raft_configuration *conf) {
    (void)io;
    (void)conf;
    return RAFT_INVALID;
}

static int io_set(struct raft_io *io, unsigned long long value) {
    (void)io;
    (void)value;
    return 0;
}

static int io_snapshot_put(struct raft_io *io, unsigned trailing, struct raft_io_snapshot_put *req,
                           const struct raft_snapshot *snapshot, raft_io_snapshot_put_cb cb) {
    (void)io;
    (void)trailing;
    (void)req;
    (void)snapshot;
    (void)cb;
    return RAFT_INVALID;
}

static int io_snapshot_get(struct raft_io *io, struct raft_io_snapshot_get *req,
                           raft_io_snapshot_get_cb cb) {
    (void)io;
    (void)req;
    (void)cb;
    return RAFT_INVALID;
}

static int io_async_work(struct raft_io *io, struct raft_io_async_work *req,
                         raft_io_async_work_cb cb) {
    (void)io;
    (void)req;
    (void)cb;
    return RAFT_INVALID;
}

static raft_time io_time(struct raft_io *io) {
    (void)io;
    return peers.now;
}

/* Server 1 has the shortest election timeout. */
static int io_random(struct raft_io *io, int min, int max) {
    const struct peer *peer = io->data;
    return peer->id == 1 ? min : max - 1;
}

void peer_io_fill(struct peer *peer) {
    peer->io = (struct raft_io){
        .version = 2,
        .data = peer,
        .init = io_init,
        .close = io_close,
        .load = io_load,
        .start = io_start,
        .bootstrap = io_configuration,
        .recover = io_configuration,
        .set_term = io_set,
        .set_vote = io_set,
        .send = io_send,
        .append = io_append,
        .truncate = io_set,
        .snapshot_put = io_snapshot_put,
        .snapshot_get = io_snapshot_get,
        .time = io_time,
        .random = io_random,
        .async_work = io_async_work,
    };
}
