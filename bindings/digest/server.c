/* SPDX-License-Identifier: MIT */
/* A server with its state machine, and the network. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message in transit; it owns its entries, configuration and data. */
struct packet {
    struct packet *next;
    raft_id from, to;
    struct raft_message message;
};

struct server servers[SERVERS + 1];
raft_time now;
static struct packet *head, **tail = &head;

/* --- The network */

static void attach_entries(struct server *s, struct raft_append_entries *append) {
    size_t at = (size_t)(append->prev_log_index + 1 - s->first);
    append->entries = entries_of(s->log + at, append->n_entries);
    for (unsigned i = 0; i < append->n_entries; i++) {
        struct raft_buffer *buf = &append->entries[i].buf;
        buf->base = copy_bytes(buf->base, buf->len).base;
    }
}

static void attach_chunk(struct server *s, struct raft_install_snapshot *install) {
    struct members *members = allocate(sizeof *members);
    copy_members(members, &install->conf);
    install->conf = configuration_of(members);
    if (install->last_index != s->snapshot.index) {
        die("an old snapshot is asked for");
    }
    size_t left = s->snapshot.data.len - (size_t)install->offset;
    install->data.len = left < CHUNK ? left : CHUNK;
    install->data.base =
        copy_bytes(s->snapshot.data.base + install->offset, install->data.len).base;
    install->last = install->data.len == left;
}

/* Attach what the message asks for, copy it and put it into the queue. */
static void send_message(struct server *s, const struct raft_message *message) {
    struct packet *packet = allocate(sizeof *packet);
    packet->from = s->raft.id;
    packet->to = message->server_id;
    packet->message = *message;
    packet->message.server_id = s->raft.id;
    packet->message.server_address = s->address;
    if (message->type == RAFT_APPEND_ENTRIES) {
        attach_entries(s, &packet->message.append_entries);
    } else if (message->type == RAFT_INSTALL_SNAPSHOT) {
        attach_chunk(s, &packet->message.install_snapshot);
    }
    *tail = packet;
    tail = &packet->next;
}

static void free_packet(struct packet *packet) {
    if (packet->message.type == RAFT_APPEND_ENTRIES) {
        struct raft_append_entries *append = &packet->message.append_entries;
        for (unsigned i = 0; i < append->n_entries; i++) {
            free(append->entries[i].buf.base);
        }
        free(append->entries);
    } else if (packet->message.type == RAFT_INSTALL_SNAPSHOT) {
        /* The servers are at the beginning of the struct members. */
        struct members *members = (void *)packet->message.install_snapshot.conf.servers;
        free_members(members);
        free(members);
        free(packet->message.install_snapshot.data.base);
    }
    free(packet);
}

int network_is_empty(void) { return head == NULL; }

void deliver(void) {
    struct packet *packet = head;
    struct server *to = &servers[packet->to];
    head = packet->next;
    if (head == NULL) {
        tail = &head;
    }
    if (!to->running || to->cut || servers[packet->from].cut) {
        line("d %llu %llu\n", packet->from, packet->to);
    } else {
        struct raft_event event = {.type = RAFT_RECEIVE};
        event.receive.message = &packet->message;
        expect(step(to, &event), 0);
    }
    free_packet(packet);
}

/* --- The duties of an update */

static void write_entries(struct server *s, const struct raft_update_entries *entries) {
    line_entries(entries);
    if (s->n == 0) {
        s->first = entries->index;
    }
    size_t kept = (size_t)(entries->index - s->first);
    remove_records(s, kept, s->n - kept);
    s->log = realloc(s->log, (kept + entries->n + 1) * sizeof *s->log);
    if (s->log == NULL) {
        die("out of memory");
    }
    for (unsigned i = 0; i < entries->n; i++) {
        const struct raft_entry *entry = &entries->batch[i];
        struct record *record = &s->log[s->n++];
        record->term = entry->term;
        record->type = entry->type;
        record->payload = copy_bytes(entry->buf.base, entry->buf.len);
    }
}

static void write_chunk(struct server *s, const struct raft_update_snapshot *chunk) {
    line_snapshot(chunk);
    if (chunk->offset == 0) {
        free_snapshot(&s->incoming);
        s->incoming.index = chunk->metadata.index;
        s->incoming.term = chunk->metadata.term;
        s->incoming.members_index = chunk->metadata.configuration_index;
        copy_members(&s->incoming.members, &chunk->metadata.configuration);
    }
    if (s->incoming.data.len != chunk->offset) {
        die("a chunk is missing");
    }
    append_bytes(&s->incoming.data, chunk->chunk.base, chunk->chunk.len);
}

/* The received snapshot replaces the log. */
static void install(struct server *s) {
    free_snapshot(&s->snapshot);
    s->snapshot = s->incoming;
    memset(&s->incoming, 0, sizeof s->incoming);
    remove_records(s, 0, s->n);
    s->first = s->snapshot.index + 1;
}

static void apply(struct server *s) {
    while (s->applied < raft_commit_index(&s->raft)) {
        raft_index index = s->applied + 1;
        if (index < s->first || index >= s->first + s->n) {
            if (s->snapshot.index < index) {
                die("an entry is missing");
            }
            s->state.len = 0;
            append_bytes(&s->state, s->snapshot.data.base, s->snapshot.data.len);
            s->applied = s->snapshot.index;
            continue;
        }
        const struct record *record = &s->log[index - s->first];
        if (record->type == RAFT_COMMAND) {
            append_bytes(&s->state, record->payload.base, record->payload.len);
            append_bytes(&s->state, "\n", 1);
        }
        s->applied = index;
    }
}

/* Duty 4. Returns the number of events in `sent` that report messages which were cut. */
static unsigned send_all(struct server *s, const struct raft_update_messages *messages,
                         struct raft_event *sent) {
    unsigned n = 0;
    for (unsigned i = 0; i < messages->n; i++) {
        struct raft_message *message = &messages->batch[i];
        line_message(message);
        unsigned count = message->append_entries.n_entries;
        if (message->type == RAFT_APPEND_ENTRIES && s->limit > 0 && count > s->limit) {
            message->append_entries.n_entries = s->limit;
            sent[n].type = RAFT_SENT;
            sent[n].sent.server_id = message->server_id;
            sent[n++].sent.index = message->append_entries.prev_log_index + s->limit;
        }
        send_message(s, message);
    }
    return n;
}

int step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    struct raft_event sent[MEMBERS_MAX] = {{0}}, acks[2] = {{0}};
    unsigned n_sent = 0, n_acks = 0;
    event->time = now;
    event->capacity = (unsigned short)(s->id * 100);
    int code = raft_step(&s->raft, event, &update);
    line_update(s, event->type, code, update.flags);
    if (code != 0) {
        return code;
    }
    if (update.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        s->term = raft_current_term(&s->raft);
        s->vote = raft_voted_for(&s->raft);
    }
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        write_entries(s, &update.entries);
        if (update.entries.n > 0) {
            struct raft_event *ack = &acks[n_acks++];
            ack->type = RAFT_STORED;
            ack->stored.index = update.entries.index + update.entries.n - 1;
            ack->stored.write = update.entries.write;
        }
    }
    if (update.flags & RAFT_UPDATE_SNAPSHOT) {
        struct raft_event *ack = &acks[n_acks++];
        write_chunk(s, &update.snapshot);
        ack->type = RAFT_PERSISTED_SNAPSHOT;
        ack->persisted_snapshot.metadata.index = update.snapshot.metadata.index;
        ack->persisted_snapshot.metadata.term = update.snapshot.metadata.term;
        ack->persisted_snapshot.offset = update.snapshot.offset;
        ack->persisted_snapshot.last = update.snapshot.last;
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        n_sent = send_all(s, &update.messages, sent);
    }
    if (update.flags & RAFT_UPDATE_READS) {
        for (unsigned i = 0; i < update.reads.n; i++) {
            const struct raft_read *read = &update.reads.batch[i];
            line("r %llu %llu %d\n", read->id, read->index, read->status);
            s->reads[s->n_reads++ % READS_MAX] = *read;
        }
    }
    if (event->type == RAFT_PERSISTED_SNAPSHOT &&
        raft_snapshot_index(&s->raft) != s->snapshot.index) {
        install(s);
    }
    if (update.flags & RAFT_UPDATE_COMMIT_INDEX) {
        apply(s);
    }
    for (unsigned i = 0; i < n_sent; i++) {
        expect(step(s, &sent[i]), 0);
    }
    for (unsigned i = 0; i < n_acks; i++) {
        expect(step(s, &acks[i]), 0);
    }
    return 0;
}

/* --- Starting and stopping */

void start_server(int id) {
    struct server *s = &servers[id];
    struct raft_event event = {.type = RAFT_START};
    struct raft_snapshot_metadata metadata = {0};

    s->id = id;
    s->running = 1;
    s->applied = 0;
    s->state.len = 0;
    s->n_reads = 0;
    snprintf(s->address, sizeof s->address, "%d", id);
    expect(raft_init(&s->raft, (raft_id)id, s->address), 0);
    expect(raft_seed(&s->raft, (unsigned)id * 1000), 0);
    expect(raft_set_features(&s->raft, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS |
                                           RAFT_FEATURE_JOINT | RAFT_FEATURE_SLEEP),
           0);
    expect(raft_set_max_message_entries(&s->raft, 50), 0);
    if (id == 1) {
        expect(raft_set_tracer(&s->raft, &tracer), 0);
    }
    event.start.term = s->term;
    event.start.voted_for = s->vote;
    if (s->snapshot.index > 0) {
        metadata.index = s->snapshot.index;
        metadata.term = s->snapshot.term;
        metadata.configuration = configuration_of(&s->snapshot.members);
        metadata.configuration_index = s->snapshot.members_index;
        event.start.metadata = &metadata;
    }
    event.start.start_index = s->first;
    event.start.n_entries = (unsigned)s->n;
    event.start.entries = entries_of(s->log, s->n);
    struct raft_entry *entries = event.start.entries;
    expect(step(s, &event), 0);
    free(entries);
}

void stop_server(int id) {
    expect(raft_close(&servers[id].raft), 0);
    servers[id].running = 0;
}

void take_snapshot(struct server *s) {
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    struct raft_configuration conf;
    free_snapshot(&s->snapshot);
    s->snapshot.index = s->applied;
    s->snapshot.term = raft_term_of(&s->raft, s->applied);
    expect(raft_configuration_at(&s->raft, s->applied, &conf, &s->snapshot.members_index), 0);
    copy_members(&s->snapshot.members, &conf);
    s->snapshot.data = copy_bytes(s->state.base, s->state.len);
    event.snapshot.metadata.index = s->applied;
    event.snapshot.trailing = 5;
    expect(step(s, &event), 0);
    raft_index first = raft_first_index(&s->raft);
    remove_records(s, 0, (size_t)(first - s->first));
    s->first = first;
}
