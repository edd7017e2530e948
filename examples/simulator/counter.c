/* SPDX-License-Identifier: MIT */
/* A driver with an append-only file, synced by another thread, so to speak. Its messages are
 * encoded by examples/wire. In a program, sim_write() is write(), sim_sync() is fdatasync(), and
 * sim_send() hands the bytes to a connection. */
#include "counter.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

enum { LOG_MAX = 1 << 14, PAYLOAD_MAX = 80, WAITING = 64 };

enum fault counter_fault;

/* --- the file ------------------------------------------------------------- */

enum record_kind { VOTE = 1, TRUNCATE, ENTRY };

struct record {
    uint64_t sum; /* of the rest; a record that was written in part has another one */
    uint64_t kind, index, term, id;
    uint64_t type, len;
    unsigned char bytes[PAYLOAD_MAX];
};

struct counter {
    struct host *host;
    struct raft raft;
    raft_id id;
    size_t end; /* of the file */
    raft_term term;
    raft_id voted_for;
    raft_index last;
    struct record log[LOG_MAX];
    unsigned long long write; /* ticket of the last write */
    bool pending;             /* something is written and no sync of it has begun */
    bool syncing;
    raft_index syncing_index;
    unsigned long long syncing_write;
    raft_index applied;
    unsigned long long value; /* the state machine */
    struct {
        unsigned long long request; /* 0: free */
        raft_index index;
        raft_term term; /* 0: a read */
    } waiting[WAITING];
    unsigned n_waiting;
};

static uint64_t sum_of(const struct record *record) {
    const unsigned char *bytes = (const unsigned char *)record + sizeof record->sum;
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < sizeof *record - sizeof record->sum; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    }
    return sum;
}

static void write_record(struct counter *c, struct record *record) {
    record->sum = sum_of(record);
    sim_write(c->host, c->end, record, sizeof *record);
    c->end += sizeof *record;
    c->pending = true;
}

static void replay(struct counter *c, const struct record *record) {
    if (record->kind == VOTE) {
        c->term = record->term;
        c->voted_for = record->id;
    } else if (record->kind == TRUNCATE) {
        c->last = record->index - 1;
    } else {
        c->log[record->index] = *record;
        c->last = record->index > c->last ? record->index : c->last;
    }
}

static void read_file(struct counter *c) {
    size_t len;
    const unsigned char *bytes = sim_disk(c->host, &len);
    struct record record;
    for (; c->end + sizeof record <= len; c->end += sizeof record) {
        memcpy(&record, bytes + c->end, sizeof record);
        if (record.sum != sum_of(&record)) {
            return; /* it was never synced: the next record replaces it */
        }
        replay(c, &record);
    }
}

/* --- carrying out an update ------------------------------------------------ */

static void step(struct counter *c, struct raft_event *event);

static void write_entries(struct counter *c, const struct raft_update_entries *entries) {
    if (entries->index <= c->last && counter_fault != KEEPS_OLD_ENTRIES) {
        struct record record = {.kind = TRUNCATE, .index = entries->index};
        write_record(c, &record);
        c->last = entries->index - 1;
    }
    for (unsigned i = 0; i < entries->n; i++) {
        const struct raft_entry *entry = &entries->batch[i];
        struct record record = {.kind = ENTRY, .index = entries->index + i};
        record.term = entry->term;
        if (counter_fault == STORES_WRONG_TERM) {
            record.term = raft_current_term(&c->raft);
        }
        record.type = entry->type;
        record.len = entry->buf.len;
        if (record.index >= LOG_MAX || record.len > PAYLOAD_MAX) {
            sim_fail(c->host, "the log is full");
            return;
        }
        if (record.len > 0) {
            bool wrong = counter_fault == STORES_FIRST_PAYLOAD && record.type == RAFT_COMMAND &&
                         entries->batch[0].type == RAFT_COMMAND;
            memcpy(record.bytes, wrong ? entries->batch[0].buf.base : entry->buf.base, record.len);
        }
        write_record(c, &record);
        replay(c, &record);
    }
    c->write = entries->n > 0 ? entries->write : c->write;
}

static void send_message(struct counter *c, struct raft_message *m) {
    struct raft_entry *entries = NULL;
    char address[8];
    if (m->type == RAFT_APPEND_ENTRIES && m->append_entries.n_entries > 0) {
        unsigned n = m->append_entries.n_entries;
        raft_index first = m->append_entries.prev_log_index + 1;
        if (counter_fault == ATTACHES_WRONG && first > 1) {
            first--;
        }
        entries = calloc(n, sizeof *entries);
        for (unsigned i = 0; entries != NULL && i < n; i++) {
            struct record *record = &c->log[first + i];
            entries[i].term = record->term;
            entries[i].type = (enum raft_entry_type)record->type;
            entries[i].buf.base = record->bytes;
            entries[i].buf.len = (size_t)record->len;
        }
        m->append_entries.entries = entries;
    }
    snprintf(address, sizeof address, "%u", (unsigned)c->id);
    size_t len = wire_size(m, address);
    unsigned char *bytes = len > 0 ? malloc(len) : NULL;
    if (bytes != NULL) {
        wire_encode(m, c->id, address, bytes);
        sim_send(c->host, m->server_id, bytes, len);
    }
    free(bytes);
    free(entries);
}

/* Answer those who wait for what was applied. */
static void answer(struct counter *c, raft_index index, raft_term term) {
    for (unsigned i = 0; i < WAITING; i++) {
        if (c->waiting[i].request != 0 && c->waiting[i].index <= index) {
            if (c->waiting[i].term == 0 || c->waiting[i].term == term ||
                counter_fault == IGNORES_TERMS) {
                sim_answer(c->host, c->waiting[i].request, c->value);
            }
            c->waiting[i].request = 0;
        }
    }
}

static void wait_for(struct counter *c, unsigned long long request, raft_index index,
                     raft_term term) {
    unsigned i = c->n_waiting++ % WAITING;
    c->waiting[i].request = request;
    c->waiting[i].index = index;
    c->waiting[i].term = term;
}

static void apply(struct counter *c) {
    raft_index end = raft_commit_index(&c->raft);
    if (counter_fault == APPLIES_UNCOMMITTED) {
        end = c->last;
    }
    while (c->applied < end) {
        const struct record *record = &c->log[++c->applied];
        unsigned long long request = 0;
        if (record->type == RAFT_COMMAND) {
            memcpy(&request, record->bytes, sizeof request);
            c->value++;
        }
        sim_applied(c->host, c->applied, request);
        answer(c, c->applied, record->term);
    }
}

static void begin_sync(struct counter *c) {
    if (c->pending && !c->syncing) {
        c->pending = false;
        c->syncing = true;
        c->syncing_index = c->last;
        c->syncing_write = c->write;
        sim_sync_begin(c->host);
    }
}

static void stored(struct counter *c, raft_index index, unsigned long long write) {
    struct raft_event event = {.type = RAFT_STORED};
    event.stored.index = index;
    event.stored.write = write;
    if (write != 0) {
        step(c, &event);
    }
}

/* [carry out] */
static void carry_out(struct counter *c, struct raft_update *update) {
    bool voted = update->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR);
    bool wrote = update->flags & RAFT_UPDATE_ENTRIES;
    if (voted) {
        struct record record = {.kind = VOTE, .term = raft_current_term(&c->raft)};
        record.id = raft_voted_for(&c->raft);
        write_record(c, &record);
    }
    if (wrote) {
        write_entries(c, &update->entries);
    }
    if (voted && counter_fault != SENDS_BEFORE_VOTE) {
        sim_sync(c->host);
    }
    for (unsigned i = 0; update->flags & RAFT_UPDATE_MESSAGES && i < update->messages.n; i++) {
        send_message(c, &update->messages.batch[i]);
    }
    for (unsigned i = 0; update->flags & RAFT_UPDATE_READS && i < update->reads.n; i++) {
        if (update->reads.batch[i].status == 0) {
            wait_for(c, update->reads.batch[i].id, update->reads.batch[i].index, 0);
        }
    }
    apply(c);
    answer(c, c->applied, 0); /* reads of what was applied already */
    if (voted || wrote) {
        begin_sync(c);
    }
    if (wrote && counter_fault == STORED_BEFORE_SYNC) {
        stored(c, c->last, c->write);
    }
}
/* [carry out end] */

static int try_step(struct counter *c, struct raft_event *event) {
    struct raft_update update;
    event->time = sim_clock(c->host);
    int error = raft_step(&c->raft, event, &update);
    if (error == 0) {
        carry_out(c, &update);
    }
    return error;
}

static void step(struct counter *c, struct raft_event *event) {
    if (try_step(c, event) != 0) {
        sim_fail(c->host, raft_errmsg(&c->raft));
    }
}

/* --- what the simulator calls ---------------------------------------------- */

static void stop(void *d) {
    struct counter *c = d;
    raft_close(&c->raft);
    free(c);
}

/* [found] */
/* A program is told by its operator to found a cluster. This one does it if its disk is empty,
 * which is right because no disk of the simulator loses what was synced. */
static void found(struct counter *c, unsigned n) {
    struct raft_server members[SIM_SERVERS];
    char addresses[SIM_SERVERS][8];
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    for (unsigned i = 0; i < n; i++) {
        snprintf(addresses[i], sizeof addresses[i], "%u", i + 1);
        members[i] = (struct raft_server){i + 1, addresses[i], RAFT_VOTER};
    }
    event.bootstrap.conf.servers = members;
    event.bootstrap.conf.n = n;
    step(c, &event);
}
/* [found end] */

static void *start(struct host *host, raft_id id, unsigned n) {
    struct counter *c = calloc(1, sizeof *c);
    struct raft_entry *entries = calloc(LOG_MAX, sizeof *entries);
    struct raft_event event = {.type = RAFT_START};
    char address[8];
    snprintf(address, sizeof address, "%u", (unsigned)id);
    if (c == NULL || entries == NULL || raft_init(&c->raft, id, address) != 0) {
        abort();
    }
    c->host = host;
    c->id = id;
    raft_set_features(&c->raft, RAFT_FEATURE_ROUNDS);
    raft_set_election_timeout(&c->raft, 300); /* short: there is more to see in a run */
    raft_set_heartbeat_timeout(&c->raft, 50);
    read_file(c);
    for (raft_index i = 1; i <= c->last; i++) {
        entries[i - 1].term = c->log[i].term;
        entries[i - 1].type = (enum raft_entry_type)c->log[i].type;
        entries[i - 1].buf.base = c->log[i].bytes;
        entries[i - 1].buf.len = (size_t)c->log[i].len;
    }
    event.start.term = c->term;
    event.start.voted_for = c->voted_for;
    event.start.start_index = 1;
    event.start.entries = entries;
    event.start.n_entries = (unsigned)c->last;
    int error = try_step(c, &event);
    free(entries);
    if (error != 0) {
        stop(c);
        return NULL;
    }
    if (c->last == 0 && c->term == 0) {
        found(c, n);
    }
    return c;
}

static void receive(void *d, const void *bytes, size_t len) {
    struct raft_event event = {.type = RAFT_RECEIVE};
    struct wire_message message;
    if (wire_decode(bytes, len, &message) == 0) {
        event.receive.message = &message.message;
        step(d, &event);
        wire_free(&message); /* write_entries() has copied the payloads */
    }
}

/* [synced] */
static void synced(void *d) {
    struct counter *c = d;
    c->syncing = false;
    if (counter_fault != STORED_BEFORE_SYNC) {
        stored(c, c->syncing_index, c->syncing_write);
    }
    if (counter_fault != FORGETS_TO_SYNC) {
        begin_sync(c); /* for what was written during this sync */
    }
}
/* [synced end] */

static void timeout(void *d) {
    struct raft_event event = {.type = RAFT_TIMEOUT};
    step(d, &event);
}

static bool add(void *d, unsigned long long request) {
    struct counter *c = d;
    struct raft_entry entry = {.type = RAFT_COMMAND, .batch = c};
    struct raft_event event = {.type = RAFT_SUBMIT};
    if (raft_state(&c->raft) != RAFT_LEADER) {
        return false;
    }
    entry.buf.base = &request;
    entry.buf.len = sizeof request;
    event.submit.entries = &entry;
    event.submit.n = 1;
    /* before the step, which commits it if there is no other server */
    wait_for(c, request, raft_last_index(&c->raft) + 1, raft_current_term(&c->raft));
    return try_step(c, &event) == 0;
}

static bool read_value(void *d, unsigned long long request) {
    struct counter *c = d;
    struct raft_event event = {.type = RAFT_READ};
    if (counter_fault == READS_LOCALLY) {
        sim_answer(c->host, request, c->value);
        return true;
    }
    event.read.id = request;
    return try_step(c, &event) == 0;
}

static struct raft *raft(void *d) { return &((struct counter *)d)->raft; }

/* [driver] */
const struct driver counter_driver = {start, stop, receive, synced, timeout, add, read_value, raft};
/* [driver end] */
