/* SPDX-License-Identifier: MIT */
/* Steps events and carries out the updates. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server.h"

raft_time now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

static void must_step(struct host *h, struct raft_event *event) {
    if (host_step(h, event) != 0) {
        die("internal error: %s", raft_errmsg(&h->raft));
    }
}

static void apply(struct host *h) {
    while (h->applied < raft_commit_index(&h->raft)) {
        const struct raft_entry *e = log_range(&h->log, h->applied + 1, 1);
        if (e == NULL) {
            die("internal error: a committed entry is not in the log");
        }
        h->applied++;
        if (e->type == RAFT_COMMAND && e->buf.len == 8) {
            bytes_add(&h->list, e->buf.base, 8);
        }
    }
}

static void restore(struct host *h) {
    const struct raft_install_snapshot *s = &h->log.snapshot.message.install_snapshot;
    h->list.len = 0;
    bytes_add(&h->list, s->data.base, s->data.len);
    h->applied = s->last_index;
}

/* Attach entries or bytes. Returns false if they are not there any more. */
static bool attach(struct host *h, struct raft_message *m) {
    if (m->type == RAFT_APPEND_ENTRIES && m->append_entries.n_entries > 0) {
        struct raft_append_entries *a = &m->append_entries;
        a->entries = log_range(&h->log, a->prev_log_index + 1, a->n_entries);
        return a->entries != NULL;
    }
    if (m->type == RAFT_INSTALL_SNAPSHOT) {
        const struct raft_install_snapshot *own = &h->log.snapshot.message.install_snapshot;
        struct raft_install_snapshot *s = &m->install_snapshot;
        if (s->last_index != own->last_index || s->offset > own->data.len) {
            return false;
        }
        size_t left = own->data.len - (size_t)s->offset;
        s->last = s->version == 0 || left <= LIST_CHUNK;
        s->data.base = (char *)own->data.base + s->offset;
        s->data.len = s->last ? left : LIST_CHUNK;
    }
    return true;
}

/* Chunks are collected in memory and acknowledged at once: if the server crashes, the installation
 * begins anew. The last one is acknowledged when the whole snapshot is on disk. */
static void receive_chunk(struct host *h, const struct raft_update_snapshot *u) {
    struct raft_event done = {.type = RAFT_PERSISTED_SNAPSHOT};
    if (u->offset == 0) {
        h->incoming.len = 0;
    }
    h->chunks++;
    bytes_add(&h->incoming, u->chunk.base, u->chunk.len);
    done.persisted_snapshot.metadata.index = u->metadata.index;
    done.persisted_snapshot.metadata.term = u->metadata.term;
    done.persisted_snapshot.offset = u->offset;
    done.persisted_snapshot.last = u->last;
    if (u->last) {
        struct raft_install_snapshot whole = {.last_index = u->metadata.index,
                                              .last_term = u->metadata.term,
                                              .conf = u->metadata.configuration,
                                              .conf_index = u->metadata.configuration_index,
                                              .data = {h->incoming.base, h->incoming.len}};
        snapshot_copy(&h->received, &whole);
    }
    h->installed = done;
}

int host_step(struct host *h, struct raft_event *event) {
    struct raft *r = &h->raft;
    struct raft_update u;
    raft_id unsent[16];
    unsigned n_unsent = 0;
    event->time = now();
    int error = raft_step(r, event, &u);
    if (error != 0) {
        return error;
    }
    if (u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        log_vote(&h->log, raft_current_term(r), raft_voted_for(r));
    }
    if (u.flags & RAFT_UPDATE_ENTRIES || raft_state(r) == RAFT_CANDIDATE) {
        h->installed.type = (enum raft_event_type)0; /* an installation is abandoned */
        wire_free(&h->received);
    }
    if (u.flags & RAFT_UPDATE_ENTRIES) {
        log_write(&h->log, &u.entries);
        h->write = u.entries.n > 0 ? u.entries.write : h->write;
    }
    if (u.flags & RAFT_UPDATE_SNAPSHOT) {
        receive_chunk(h, &u.snapshot);
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        if (attach(h, &u.messages.batch[i])) {
            net_send(h, &u.messages.batch[i]);
        } else if (n_unsent < 16) {
            unsent[n_unsent++] = u.messages.batch[i].server_id;
        }
    }
    if (u.flags & RAFT_UPDATE_COMMIT_INDEX && event->type != RAFT_PERSISTED_SNAPSHOT) {
        apply(h);
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_READS && i < u.reads.n; i++) {
        client_read(h, &u.reads.batch[i]);
    }
    for (unsigned i = 0; i < n_unsent; i++) {
        struct raft_event lost = {.type = RAFT_UNREACHABLE};
        lost.unreachable.server_id = unsent[i];
        must_step(h, &lost);
    }
    return 0;
}

static void install(struct host *h) {
    struct raft_event done = h->installed;
    h->installed.type = (enum raft_event_type)0;
    if (!done.persisted_snapshot.last) {
        must_step(h, &done);
        return;
    }
    wire_free(&h->log.snapshot);
    h->log.snapshot = h->received;
    h->received = (struct wire_message){.memory = NULL};
    log_drop(&h->log, log_last(&h->log) + 1);
    h->log.first = done.persisted_snapshot.metadata.index + 1;
    h->write = 0;
    log_rewrite(&h->log);
    restore(h);
    must_step(h, &done);
    if (raft_snapshot_index(&h->raft) != h->applied) {
        die("internal error: the library has abandoned the snapshot");
    }
    apply(h);
}

static void take_snapshot(struct host *h) {
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    struct raft_install_snapshot own = {.last_index = h->applied,
                                        .last_term = raft_term_of(&h->raft, h->applied),
                                        .data = {h->list.base, h->list.len}};
    if (raft_configuration_at(&h->raft, h->applied, &own.conf, &own.conf_index) != 0) {
        die("internal error: no configuration at an applied entry");
    }
    snapshot_copy(&h->log.snapshot, &own);
    log_rewrite(&h->log); /* durable before the library hears of it */
    event.snapshot.metadata.index = h->applied;
    event.snapshot.trailing = LIST_TRAILING;
    must_step(h, &event);
    log_drop(&h->log, raft_first_index(&h->raft));
}

void host_turn(struct host *h) {
    if (now() >= raft_timeout(&h->raft)) {
        struct raft_event event = {.type = RAFT_TIMEOUT};
        must_step(h, &event);
    }
    clients_serve(h);
    while (h->log.batch.len > 0 || h->write != 0 || h->installed.type != 0) {
        struct raft_event event = {.type = RAFT_STORED};
        log_sync(&h->log);
        net_flush(h);
        event.stored.index = log_last(&h->log);
        event.stored.write = h->write;
        h->write = 0;
        if (event.stored.write != 0) {
            must_step(h, &event);
        }
        if (h->installed.type != 0) {
            install(h);
        }
    }
    clients_serve(h); /* before the log is compacted: the terms of entries are needed */
    if (h->applied >= raft_snapshot_index(&h->raft) + LIST_AFTER) {
        take_snapshot(h);
    }
    net_flush(h);
}

void host_start(struct host *h, raft_id id, const char *dir, unsigned features) {
    log_open(&h->log, dir, id);
    const struct raft_install_snapshot *i = &h->log.snapshot.message.install_snapshot;
    struct raft_snapshot_metadata m = {i->last_index, i->last_term, i->conf, i->conf_index};
    struct raft_event event = {.type = RAFT_START};
    event.start.term = h->log.term;
    event.start.voted_for = h->log.vote;
    event.start.start_index = h->log.first;
    event.start.entries = h->log.entries;
    event.start.n_entries = h->log.n;
    if (h->log.snapshot.memory != NULL) {
        event.start.metadata = &m;
        restore(h);
    }
    if (raft_init(&h->raft, id, h->address) != 0 || raft_seed(&h->raft, (unsigned)now()) != 0 ||
        raft_set_features(&h->raft, features) != 0) {
        die("cannot start");
    }
    must_step(h, &event);
    host_turn(h);
}
