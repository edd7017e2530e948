/* SPDX-License-Identifier: MIT */
/* A driver with an append-only file (file.c), which is synced by another thread, so to speak. Its
 * messages are encoded by examples/wire. In a program, sim_write() is write(), sim_sync() is
 * fdatasync(), and sim_send() hands the bytes to a connection. */
#include "counter.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "wire.h"

enum { WAITING = 64, SNAPSHOT_AFTER = 12, TRAILING = 2 };

enum fault counter_fault;

struct counter {
    struct raft raft;
    raft_id id;
    struct file file;
    unsigned long long write; /* ticket of the last write */
    bool syncing;
    raft_index syncing_index, syncing_snapshot;
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

static void step(struct counter *c, struct raft_event *event);

/* --- messages -------------------------------------------------------------- */

/* Attach what the library leaves to the caller. */
static struct raft_entry *attach(struct counter *c, struct raft_message *m) {
    if (m->type == RAFT_INSTALL_SNAPSHOT) {
        m->install_snapshot.data.base = &c->file.snapshot.value;
        m->install_snapshot.data.len = sizeof c->file.snapshot.value;
        m->install_snapshot.last = true;
    }
    if (m->type != RAFT_APPEND_ENTRIES || m->append_entries.n_entries == 0) {
        return NULL;
    }
    raft_index first = m->append_entries.prev_log_index + 1;
    if (counter_fault == ATTACHES_WRONG && first > c->file.first) {
        first--;
    }
    struct raft_entry *entries = calloc(m->append_entries.n_entries, sizeof *entries);
    for (unsigned i = 0; entries != NULL && i < m->append_entries.n_entries; i++) {
        struct record *record = &c->file.log[first + i];
        entries[i].term = record->term;
        entries[i].type = (enum raft_entry_type)record->type;
        entries[i].buf.base = record->bytes;
        entries[i].buf.len = (size_t)record->len;
    }
    m->append_entries.entries = entries;
    return entries;
}

static void send_message(struct counter *c, struct raft_message *m) {
    char address[8];
    struct raft_entry *entries = attach(c, m);
    snprintf(address, sizeof address, "%u", (unsigned)c->id);
    size_t len = wire_size(m, address);
    unsigned char *bytes = len > 0 ? malloc(len) : NULL;
    if (bytes != NULL) {
        wire_encode(m, c->id, address, bytes);
        sim_send(c->file.host, m->server_id, bytes, len);
    }
    free(bytes);
    free(entries);
}

/* --- clients --------------------------------------------------------------- */

static void wait_for(struct counter *c, unsigned long long request, raft_index index,
                     raft_term term) {
    unsigned i = c->n_waiting++ % WAITING;
    c->waiting[i].request = request;
    c->waiting[i].index = index;
    c->waiting[i].term = term;
}

/* Answer those who wait for what was applied. */
static void answer(struct counter *c, raft_index index, raft_term term) {
    for (unsigned i = 0; i < WAITING; i++) {
        if (c->waiting[i].request != 0 && c->waiting[i].index <= index) {
            if (c->waiting[i].term == 0 || c->waiting[i].term == term ||
                counter_fault == IGNORES_TERMS) {
                sim_answer(c->file.host, c->waiting[i].request, c->value);
            }
            c->waiting[i].request = 0;
        }
    }
}

/* --- the state machine ------------------------------------------------------ */

static void restore(struct counter *c) {
    if (c->file.received.index == raft_snapshot_index(&c->raft)) {
        file_install(&c->file); /* now the old log may go */
        c->write = 0;
    }
    c->applied = c->file.snapshot.index;
    if (counter_fault != FORGETS_TO_RESTORE) {
        c->value = c->file.snapshot.value;
    }
    sim_restored(c->file.host, c->applied, c->value);
    answer(c, c->applied, 0); /* writes: nobody here knows what became of them */
}

static void apply(struct counter *c) {
    raft_index end = raft_commit_index(&c->raft);
    if (c->applied < raft_snapshot_index(&c->raft)) {
        restore(c);
    }
    if (counter_fault == APPLIES_UNCOMMITTED) {
        end = c->file.last;
    }
    while (c->applied < end) {
        const struct record *record = &c->file.log[++c->applied];
        unsigned long long request = 0;
        if (record->type == RAFT_COMMAND) {
            memcpy(&request, record->bytes, sizeof request);
            c->value++;
        }
        sim_applied(c->file.host, c->applied, request);
        answer(c, c->applied, record->term);
    }
}

static void take_snapshot(struct counter *c) {
    struct raft_snapshot_metadata m = {.index = c->applied};
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    m.term = raft_term_of(&c->raft, m.index);
    if (raft_configuration_at(&c->raft, m.index, &m.configuration, &m.configuration_index) != 0) {
        return;
    }
    file_snapshot(&c->file, SNAPSHOT, &m, c->value);
    sim_sync(c->file.host);
    event.snapshot.metadata.index = m.index;
    event.snapshot.trailing = TRAILING;
    step(c, &event);
}

/* --- carrying out an update ------------------------------------------------ */

static void begin_sync(struct counter *c) {
    if (c->file.dirty && !c->syncing) {
        c->file.dirty = false;
        c->syncing = true;
        c->syncing_index = c->file.last;
        c->syncing_write = c->write;
        c->syncing_snapshot = c->file.received.index;
        sim_sync_begin(c->file.host);
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

static void snapshot_stored(struct counter *c) {
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    event.persisted_snapshot.metadata.index = c->file.received.index;
    event.persisted_snapshot.metadata.term = c->file.received.term;
    event.persisted_snapshot.last = true;
    step(c, &event);
}

/* [carry out] */
static void carry_out(struct counter *c, struct raft_update *update) {
    bool voted = update->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR);
    bool wrote = update->flags & RAFT_UPDATE_ENTRIES;
    bool got_snapshot = update->flags & RAFT_UPDATE_SNAPSHOT;
    if (voted) { /* duty 1 */
        file_vote(&c->file, raft_current_term(&c->raft), raft_voted_for(&c->raft));
    }
    if (wrote) { /* duty 2 */
        file_entries(&c->file, &update->entries, raft_current_term(&c->raft));
        c->write = update->entries.n > 0 ? update->entries.write : c->write;
    }
    if (got_snapshot) { /* duty 3; this driver does not announce chunks, so it is whole */
        unsigned long long value;
        memcpy(&value, update->snapshot.chunk.base, sizeof value);
        file_snapshot(&c->file, RECEIVED, &update->snapshot.metadata, value);
    }
    if (voted && counter_fault != SENDS_BEFORE_VOTE) {
        sim_sync(c->file.host);
    }
    for (unsigned i = 0; update->flags & RAFT_UPDATE_MESSAGES && i < update->messages.n; i++) {
        send_message(c, &update->messages.batch[i]); /* duty 4 */
    }
    for (unsigned i = 0; update->flags & RAFT_UPDATE_READS && i < update->reads.n; i++) {
        if (update->reads.batch[i].status == 0) {
            wait_for(c, update->reads.batch[i].id, update->reads.batch[i].index, 0);
        }
    }
    apply(c);                 /* duty 5 */
    answer(c, c->applied, 0); /* reads of what was applied already */
    if (voted || wrote || got_snapshot) {
        begin_sync(c);
    }
    if (wrote && counter_fault == STORED_BEFORE_SYNC) {
        stored(c, c->file.last, c->write);
    }
    if (got_snapshot && counter_fault == INSTALLS_BEFORE_SYNC) {
        snapshot_stored(c);
    }
    if (c->applied >= raft_snapshot_index(&c->raft) + SNAPSHOT_AFTER) {
        take_snapshot(c);
    }
}
/* [carry out end] */

static int try_step(struct counter *c, struct raft_event *event) {
    struct raft_update update;
    event->time = sim_clock(c->file.host);
    int error = raft_step(&c->raft, event, &update);
    if (error == 0) {
        carry_out(c, &update);
    }
    return error;
}

static void step(struct counter *c, struct raft_event *event) {
    if (try_step(c, event) != 0) {
        sim_fail(c->file.host, raft_errmsg(&c->raft));
    }
}

/* --- what the simulator calls ---------------------------------------------- */

static void stop(void *d) {
    struct counter *c = d;
    raft_close(&c->raft);
    free(c);
}

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

/* Step RAFT_START with what the file has. */
static int load(struct counter *c) {
    struct raft_server servers[SIM_SERVERS];
    char addresses[SIM_SERVERS][8];
    struct raft_snapshot_metadata m = file_metadata(&c->file.snapshot, servers, addresses);
    struct raft_entry *entries = calloc(LOG_MAX, sizeof *entries);
    struct raft_event event = {.type = RAFT_START};
    for (raft_index i = c->file.first; entries != NULL && i <= c->file.last; i++) {
        struct raft_entry *entry = &entries[i - c->file.first];
        entry->term = c->file.log[i].term;
        entry->type = (enum raft_entry_type)c->file.log[i].type;
        entry->buf.base = c->file.log[i].bytes;
        entry->buf.len = (size_t)c->file.log[i].len;
    }
    event.start.term = c->file.term;
    event.start.voted_for = c->file.voted_for;
    event.start.metadata = m.index > 0 ? &m : NULL;
    event.start.start_index = c->file.first;
    event.start.entries = entries;
    event.start.n_entries = (unsigned)(c->file.last + 1 - c->file.first);
    int error = try_step(c, &event);
    free(entries);
    return error;
}

static void *start(struct host *host, raft_id id, unsigned n) {
    struct counter *c = calloc(1, sizeof *c);
    char address[8];
    snprintf(address, sizeof address, "%u", (unsigned)id);
    if (c == NULL || raft_init(&c->raft, id, address) != 0) {
        abort();
    }
    c->id = id;
    raft_set_features(&c->raft, RAFT_FEATURE_ROUNDS);
    raft_set_election_timeout(&c->raft, 300); /* short: there is more to see in a run */
    raft_set_heartbeat_timeout(&c->raft, 50);
    raft_set_install_snapshot_timeout(&c->raft, 1000); /* a lost snapshot is sent again */
    file_read(&c->file, host);
    if (load(c) != 0) {
        stop(c);
        return NULL;
    }
    if (c->file.last == 0 && c->file.voted_for == 0 && c->file.term <= 1) {
        found(c, n); /* term 1 without an entry: power failed while it did so */
    }
    return c;
}

static void receive(void *d, const void *bytes, size_t len) {
    struct raft_event event = {.type = RAFT_RECEIVE};
    struct wire_message message;
    if (wire_decode(bytes, len, &message) == 0) {
        event.receive.message = &message.message;
        step(d, &event);
        wire_free(&message); /* the file has copied the payloads */
    }
}

/* [synced] */
static void synced(void *d) {
    struct counter *c = d;
    c->syncing = false;
    if (counter_fault != STORED_BEFORE_SYNC) {
        stored(c, c->syncing_index, c->syncing_write);
    }
    if (c->syncing_snapshot != 0 && c->file.received.index == c->syncing_snapshot) {
        snapshot_stored(c);
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
        sim_answer(c->file.host, request, c->value);
        return true;
    }
    event.read.id = request;
    return try_step(c, &event) == 0;
}

static struct raft *raft(void *d) { return &((struct counter *)d)->raft; }

const struct driver counter_driver = {start, stop, receive, synced, timeout, add, read_value, raft};
