/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <string.h>

#include "counter.h"

static uint64_t sum_of(const struct record *record) {
    const unsigned char *bytes = (const unsigned char *)record + sizeof record->sum;
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < sizeof *record - sizeof record->sum; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    }
    return sum;
}

/* What a record means: the same when it is written and when it is read. */
static void replay(struct file *f, const struct record *record) {
    switch (record->kind) {
        case VOTE:
            f->term = record->term;
            f->voted_for = record->id;
            break;
        case TRUNCATE:
            f->last = record->index - 1;
            f->received.index = 0; /* its installation was abandoned */
            break;
        case ENTRY:
            f->log[record->index] = *record;
            f->last = record->index > f->last ? record->index : f->last;
            f->received.index = 0;
            break;
        case SNAPSHOT:
            f->snapshot = *record;
            break;
        case RECEIVED:
            f->received = *record;
            break;
        case INSTALLED:
            f->snapshot = f->received.index > f->snapshot.index ? f->received : f->snapshot;
            f->received.index = 0;
            f->last = f->snapshot.index;
            f->first = f->last + 1;
            break;
    }
}

static void write_record(struct file *f, struct record *record) {
    record->sum = sum_of(record);
    sim_write(f->host, f->end, record, sizeof *record);
    f->end += sizeof *record;
    f->dirty = true;
    replay(f, record);
}

void file_read(struct file *f, struct host *host) {
    size_t len;
    const unsigned char *bytes = sim_disk(host, &len);
    struct record record;
    f->host = host;
    f->first = 1;
    for (; f->end + sizeof record <= len; f->end += sizeof record) {
        memcpy(&record, bytes + f->end, sizeof record);
        if (record.sum != sum_of(&record)) {
            break; /* it was never synced: the next record replaces it */
        }
        replay(f, &record);
    }
    if (f->received.index > f->snapshot.index) { /* it may have been acknowledged */
        f->snapshot = f->received;
    }
}

void file_vote(struct file *f, raft_term term, raft_id voted_for) {
    struct record record = {.kind = VOTE, .term = term, .id = voted_for};
    write_record(f, &record);
}

void file_entries(struct file *f, const struct raft_update_entries *entries, raft_term term) {
    if (entries->n == 0) {
        file_install(f);
        return;
    }
    if (entries->index <= f->last && counter_fault != KEEPS_OLD_ENTRIES) {
        struct record record = {.kind = TRUNCATE, .index = entries->index};
        write_record(f, &record);
    }
    for (unsigned i = 0; i < entries->n; i++) {
        const struct raft_entry *entry = &entries->batch[i];
        const struct raft_entry *source = entry;
        struct record record = {.kind = ENTRY, .index = entries->index + i};
        record.term = counter_fault == STORES_WRONG_TERM ? term : entry->term;
        record.type = entry->type;
        if (counter_fault == STORES_FIRST_PAYLOAD && entries->batch[0].type == entry->type) {
            source = &entries->batch[0];
        }
        record.len = source->buf.len;
        if (record.index >= LOG_MAX || record.len > PAYLOAD_MAX) {
            sim_fail(f->host, "the log is full");
            return;
        }
        if (record.len > 0) {
            memcpy(record.bytes, source->buf.base, record.len);
        }
        write_record(f, &record);
    }
}

void file_snapshot(struct file *f, enum record_kind kind, const struct raft_snapshot_metadata *m,
                   uint64_t value) {
    struct record record = {.kind = kind, .index = m->index, .term = m->term};
    record.value = value;
    record.conf_index = m->configuration_index;
    record.len = m->configuration.n;
    for (unsigned i = 0; i < m->configuration.n && i < SIM_SERVERS; i++) {
        record.bytes[2 * i] = (unsigned char)m->configuration.servers[i].id;
        record.bytes[2 * i + 1] = (unsigned char)m->configuration.servers[i].role;
    }
    write_record(f, &record);
}

void file_install(struct file *f) {
    struct record record = {.kind = INSTALLED};
    write_record(f, &record);
}

struct raft_snapshot_metadata file_metadata(const struct record *snapshot,
                                            struct raft_server *servers, char (*addresses)[8]) {
    struct raft_snapshot_metadata m = {.index = snapshot->index, .term = snapshot->term};
    m.configuration_index = snapshot->conf_index;
    m.configuration.servers = servers;
    m.configuration.n = (unsigned)snapshot->len;
    for (unsigned i = 0; i < m.configuration.n; i++) {
        unsigned id = snapshot->bytes[2 * i];
        snprintf(addresses[i], sizeof addresses[i], "%u", id);
        servers[i] = (struct raft_server){id, addresses[i], snapshot->bytes[2 * i + 1]};
    }
    return m;
}
