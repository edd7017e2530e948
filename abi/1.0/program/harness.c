/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct packet {
    raft_id to;
    struct raft_message message;
    struct raft_entry entries[BATCH];
    struct raft_server servers[SERVERS];
};

static struct server cluster[SERVERS];
static struct packet network[PACKETS];
static size_t head, tail;
raft_time now = 1000;
static unsigned char arena[1 << 20];
static size_t used;
const char *const names[] = {"", "one", "two", "three", "four", "five"};

void failed(const char *what, int line) {
    printf("line %d, time %llu: %s\n", line, now, what);
    exit(1);
}

struct server *of(raft_id id) {
    CHECK(id >= 1 && id <= SERVERS);
    return &cluster[id - 1];
}

/* A copy of bytes that lives as long as the program. */
static void *keep(const void *bytes, size_t n) {
    void *copy = arena + used;
    CHECK(used + n < sizeof arena);
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    used += n + 1;
    return copy;
}

struct raft_configuration copy(const struct raft_configuration *from,
                               struct raft_server servers[SERVERS]) {
    struct raft_configuration to = {servers, from->n};
    CHECK(from->n <= SERVERS);
    for (unsigned i = 0; i < from->n; i++) {
        servers[i] = from->servers[i];
        CHECK(strcmp(servers[i].address, names[servers[i].id]) == 0);
        servers[i].address = names[servers[i].id];
    }
    return to;
}

void emit(struct raft_tracer *t, int type, const void *data) {
    const struct raft_tracer_info *info = data;
    struct server *s = t->impl;
    CHECK(info->version >= 1 && info->server == s->raft.id && info->time <= now);
    CHECK(info->text != NULL && info->text[0] != '\0' && info->peer <= SERVERS);
    CHECK(info->term == raft_current_term(&s->raft) || type == RAFT_TRACE_SNAPSHOT);
    CHECK(type != RAFT_TRACE_STATE || info->code == (int)raft_state(&s->raft));
    CHECK(type != RAFT_TRACE_COMMIT || info->index == raft_commit_index(&s->raft));
    s->traces[type & 63]++;
}

/* Duty 4: copy the message, and attach the entries or the bytes of the snapshot. */
static void post(struct server *s, const struct raft_message *from) {
    struct packet *p = &network[tail++ % PACKETS];
    struct raft_message *m = &p->message;
    CHECK(tail - head < PACKETS);
    CHECK(strcmp(from->server_address, names[from->server_id]) == 0);
    *m = *from;
    p->to = from->server_id;
    m->server_id = s->raft.id;
    m->server_address = names[s->raft.id];
    if (m->type == RAFT_APPEND_ENTRIES) {
        struct raft_append_entries *a = &m->append_entries;
        if (a->n_entries > CUT) {
            a->n_entries = CUT;
            s->sent.server_id = p->to;
            s->sent.index = a->prev_log_index + CUT;
        }
        for (unsigned i = 0; i < a->n_entries; i++) {
            p->entries[i] = s->log[a->prev_log_index + 1 + i];
        }
        a->entries = p->entries;
    } else if (m->type == RAFT_INSTALL_SNAPSHOT) {
        struct raft_install_snapshot *i = &m->install_snapshot;
        size_t rest = s->snapshot.size - (size_t)i->offset;
        CHECK(i->last_index == s->snapshot.metadata.index);
        CHECK(i->last_term == s->snapshot.metadata.term && i->version >= 1 && i->conf_index > 0);
        i->conf = copy(&i->conf, p->servers);
        i->data.base = s->snapshot.bytes + i->offset;
        i->data.len = rest < CHUNK ? rest : CHUNK;
        i->last = i->data.len == rest;
    }
}

/* Duty 5. */
static void apply(struct server *s) {
    if (raft_snapshot_index(&s->raft) > s->applied) {
        s->applied = s->snapshot.metadata.index;
        memcpy(&s->sum, s->snapshot.bytes, sizeof s->sum);
    }
    while (s->applied < raft_commit_index(&s->raft)) {
        const struct raft_entry *entry = &s->log[++s->applied];
        const unsigned char *bytes = entry->buf.base;
        if (entry->type == RAFT_COMMAND) {
            for (size_t i = 0; i < entry->buf.len; i++) {
                s->sum = s->sum * 31 + bytes[i];
            }
        } else if (entry->type == RAFT_CHANGE) {
            CHECK(bytes[0] == 1 && bytes[1] <= SERVERS && entry->buf.len % 8 == 0);
            s->configuration.index = s->applied;
        }
    }
}

int step(struct server *s, struct raft_event *event) {
    struct raft_update u;
    int status;
    event->time = now;
    event->capacity = 100;
    status = raft_step(&s->raft, event, &u);
    if (status != 0) {
        CHECK(u.flags == 0 && raft_errmsg(&s->raft)[0] != '\0');
        return status;
    }
    s->seen |= u.flags;
    if (u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        s->term = raft_current_term(&s->raft);
        s->vote = raft_voted_for(&s->raft);
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_ENTRIES && i < u.entries.n; i++) {
        struct raft_entry *entry = &s->log[u.entries.index + i];
        CHECK(u.entries.index + i < LENGTH);
        *entry = u.entries.batch[i];
        if (entry->batch == NULL) { /* the library's own */
            entry->buf.base = keep(entry->buf.base, entry->buf.len);
            entry->cookie = 1;
        }
        s->stored.index = u.entries.index + i;
        s->stored.write = u.entries.write;
    }
    if (u.flags & RAFT_UPDATE_SNAPSHOT) {
        struct snapshot *to = &s->incoming;
        to->size = u.snapshot.offset == 0 ? 0 : to->size;
        CHECK(u.snapshot.offset == to->size);
        CHECK(to->size + u.snapshot.chunk.len <= sizeof to->bytes);
        memcpy(to->bytes + to->size, u.snapshot.chunk.base, u.snapshot.chunk.len);
        to->size += u.snapshot.chunk.len;
        to->metadata = u.snapshot.metadata;
        to->metadata.configuration = copy(&u.snapshot.metadata.configuration, to->servers);
        s->chunk.metadata = to->metadata;
        s->chunk.offset = u.snapshot.offset;
        s->chunk.last = u.snapshot.last;
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        post(s, &u.messages.batch[i]);
    }
    if (u.flags & RAFT_UPDATE_COMMIT_INDEX) {
        apply(s);
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_READS && i < u.reads.n; i++) {
        s->read = u.reads.batch[i];
    }
    s->first = raft_first_index(&s->raft);
    s->last = raft_last_index(&s->raft);
    return 0;
}

struct raft_event event_of(enum raft_event_type type) {
    struct raft_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    return event;
}

/* Report what the disk and the state machine have done. Returns whether there was something. */
static bool acknowledge(struct server *s) {
    struct raft_event event;
    if (s->sent.server_id != 0) {
        event = event_of(RAFT_SENT);
        event.sent = s->sent;
        s->sent.server_id = 0;
    } else if (s->stored.index != 0) {
        event = event_of(s->raft.id == 3 ? RAFT_PERSISTED_ENTRIES : RAFT_STORED);
        if (event.type == RAFT_STORED) {
            event.stored = s->stored;
        } else {
            event.persisted_entries.index = s->stored.index;
        }
        s->stored.index = 0;
    } else if (s->chunk.metadata.index != 0) {
        event = event_of(RAFT_PERSISTED_SNAPSHOT);
        event.persisted_snapshot = s->chunk;
        if (s->chunk.last) {
            s->snapshot = s->incoming;
            s->snapshot.metadata.configuration.servers = s->snapshot.servers;
        }
        s->chunk.metadata.index = 0;
    } else if (s->configuration.index != 0) {
        event = event_of(RAFT_CONFIGURATION);
        event.configuration = s->configuration;
        s->configuration.index = 0;
    } else {
        return false;
    }
    CHECK(step(s, &event) == 0);
    return true;
}

/* Deliver a message, or report that it cannot be delivered. Returns whether there was one. */
static bool deliver(void) {
    static struct packet p;
    struct raft_event event = event_of(RAFT_RECEIVE);
    struct server *s;
    if (head == tail) {
        return false;
    }
    p = network[head++ % PACKETS];
    event.receive.message = &p.message;
    if (p.message.type == RAFT_APPEND_ENTRIES) {
        p.message.append_entries.entries = p.entries;
    } else if (p.message.type == RAFT_INSTALL_SNAPSHOT) {
        p.message.install_snapshot.conf.servers = p.servers;
    }
    s = of(p.to);
    if (!s->up) {
        s = of(p.message.server_id);
        event = event_of(RAFT_UNREACHABLE);
        event.unreachable.server_id = p.to;
    }
    CHECK(!s->up || step(s, &event) == 0);
    return true;
}

static void settle(void) {
    bool busy;
    do {
        busy = false;
        for (raft_id id = 1; id <= SERVERS; id++) {
            while (of(id)->up && acknowledge(of(id))) {
                busy = true;
            }
        }
        busy = deliver() || busy;
    } while (busy);
}

void run(raft_time duration) {
    raft_time end = now + duration;
    for (;;) {
        raft_time next = end;
        settle();
        for (raft_id id = 1; id <= SERVERS; id++) {
            if (of(id)->up && raft_timeout(&of(id)->raft) < next) {
                next = raft_timeout(&of(id)->raft);
            }
        }
        now = next > now ? next : now;
        if (now >= end) {
            return;
        }
        for (raft_id id = 1; id <= SERVERS; id++) {
            if (of(id)->up && raft_timeout(&of(id)->raft) <= now) {
                struct raft_event event = event_of(RAFT_TIMEOUT);
                CHECK(step(of(id), &event) == 0);
            }
        }
    }
}
