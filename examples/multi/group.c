/* SPDX-License-Identifier: MIT */
#include "group.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

enum {
    SNAPSHOT_AFTER = 32, /* applied entries after which a snapshot is taken */
    TRAILING = 8,        /* entries that the log keeps then, for members that are a little behind */
    UNCOMMITTED_MAX = 64
};

/* --- the state machine --------------------------------------------------- */

/* Answer the writes from `index` on: other entries have taken their places, or a snapshot has. */
static void give_up(struct host *h, struct group *g, raft_index index) {
    struct waiting **at = &g->waiting;
    while (*at != NULL && (*at)->index < index) {
        at = &(*at)->next;
    }
    while (*at != NULL) {
        struct waiting *lost = *at;
        *at = lost->next;
        free(lost);
        orders_written(h, g, false);
    }
}

static void answer(struct host *h, struct group *g, raft_term term) {
    struct waiting *first = g->waiting;
    if (first != NULL && first->index == g->applied) {
        bool committed = first->term == term;
        g->waiting = first->next;
        free(first);
        orders_written(h, g, committed);
    }
}

/* Take a snapshot. It becomes valid when it is durable: see group_stored(). */
static void take_snapshot(struct host *h, struct group *g) {
    struct raft_configuration conf;
    struct snapshot s = {
        .index = g->applied, .term = raft_term_of(&g->raft, g->applied), .state = g->state};
    if (raft_configuration_at(&g->raft, s.index, &conf, &s.conf_index) != 0) {
        die("internal error: no configuration at an applied entry");
    }
    g->pending = resize(NULL, sizeof *g->pending);
    *g->pending = (struct pending){.snapshot = s, .recorded = true};
    group_record(h, g);
    host_mark(h, g);
}

/* Duty 5. */
static void apply(struct host *h, struct group *g) {
    raft_index commit = raft_commit_index(&g->raft);
    const char *packed;
    size_t len;
    if (commit <= g->applied) {
        return;
    }
    if (!log_range(&g->log, g->applied + 1, (unsigned)(commit - g->applied), &packed, &len)) {
        die("internal error: a committed entry is not in the log");
    }
    for (struct cursor c = {packed, packed + len, false}; bytes_left(&c) > 0;) {
        struct raft_entry e;
        entry_unpack(&c, &e, NULL);
        g->applied++;
        if (e.type == RAFT_COMMAND && e.buf.len == 8) {
            g->state.value = load_int(e.buf.base, 8);
            g->state.writes++;
        }
        answer(h, g, e.term);
    }
    if (g->applied - g->snapshot.index >= SNAPSHOT_AFTER && g->pending == NULL) {
        take_snapshot(h, g);
    }
}

/* --- carrying out an update ---------------------------------------------- */

void group_record(struct host *h, struct group *g) {
    struct image image = {.term = raft_current_term(&g->raft),
                          .vote = raft_voted_for(&g->raft),
                          .snapshot = g->pending != NULL ? g->pending->snapshot : g->snapshot,
                          .log = g->log};
    disk_put_image(&h->disk, group_number(h, g), &image);
}

static void drop_pending(struct group *g) {
    free(g->pending);
    g->pending = NULL;
}

/* Duty 2. */
static void on_entries(struct host *h, struct group *g, const struct raft_update_entries *u) {
    const char *packed = NULL;
    size_t len = 0;
    give_up(h, g, u->index);
    log_truncate(&g->log, u->index);
    for (unsigned i = 0; i < u->n; i++) {
        log_append(&g->log, &u->batch[i]);
    }
    if (u->index + u->n != g->log.first + g->log.n ||
        !log_range(&g->log, u->index, u->n, &packed, &len)) {
        die("internal error: the entries do not follow the log");
    }
    disk_put_entries(&h->disk, group_number(h, g), u->index, u->n, packed, len);
    if (u->n > 0) {
        g->write = u->write;
        g->unstored = true;
        host_mark(h, g);
    }
}

/* Duty 3. The snapshots of this program are sent whole. */
static void on_snapshot(struct host *h, struct group *g, const struct raft_update_snapshot *u) {
    const struct raft_snapshot_metadata *m = &u->metadata;
    const char *state = u->chunk.base;
    if (u->offset != 0 || !u->last || u->chunk.len != STATE_SIZE) {
        die("a snapshot of another program");
    }
    drop_pending(g); /* one that this host has taken is older */
    g->pending = resize(NULL, sizeof *g->pending);
    *g->pending =
        (struct pending){.snapshot = {.index = m->index,
                                      .term = m->term,
                                      .conf_index = m->configuration_index,
                                      .state = {load_int(state, 8), load_int(state + 8, 8)}},
                         .received = true};
    host_mark(h, g);
}

/* A leader sends these once and waits for the answer. It repeats the others in any case. */
static bool must_arrive(const struct raft_message *m) {
    return m->type == RAFT_INSTALL_SNAPSHOT ||
           (m->type == RAFT_APPEND_ENTRIES && m->append_entries.n_entries > 0);
}

/* [messages] */
/* Duty 4. Returns the members to report by RAFT_UNREACHABLE, as bits. */
static unsigned on_messages(struct host *h, struct group *g, const struct raft_update_messages *u) {
    unsigned unreachable = 0;
    for (unsigned i = 0; i < u->n; i++) {
        const struct raft_message *m = &u->batch[i];
        /* Nothing is queued for a host that is gone: it would find only old messages. */
        bool gone = h->detector.gone[m->server_id];
        struct bytes *packet = gone ? NULL : peers_packet(&h->peers, m->server_id);
        bool kept =
            packet != NULL && message_encode(packet, group_number(h, g), m, &g->log, &g->snapshot);
        h->messages += kept;
        if (!kept && must_arrive(m)) {
            unreachable |= 1u << m->server_id;
        }
    }
    return unreachable;
}
/* [messages end] */

static void on_leader(struct host *h, struct group *g) {
    raft_id leader;
    raft_leader(&g->raft, &leader, NULL);
    h->leads[g->leader]--;
    g->leader = (unsigned char)leader;
    h->leads[g->leader]++;
}

static void step_unreachable(struct host *h, struct group *g, unsigned members) {
    for (raft_id id = 1; members >> id != 0; id++) {
        if (members >> id & 1) {
            struct raft_event event = {.type = RAFT_UNREACHABLE};
            event.unreachable.server_id = id;
            group_step(h, g, &event);
        }
    }
}

/* [carry out] */
static void carry_out(struct host *h, struct group *g, const struct raft_update *u) {
    unsigned unreachable = 0;
    if (u->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        disk_put_vote(&h->disk, group_number(h, g), raft_current_term(&g->raft),
                      raft_voted_for(&g->raft));
    }
    if ((u->flags & RAFT_UPDATE_ENTRIES || raft_state(&g->raft) == RAFT_CANDIDATE) &&
        g->pending != NULL && g->pending->received) {
        drop_pending(g); /* the library has abandoned the installation */
    }
    if (u->flags & RAFT_UPDATE_ENTRIES) {
        on_entries(h, g, &u->entries);
    }
    if (u->flags & RAFT_UPDATE_SNAPSHOT) {
        on_snapshot(h, g, &u->snapshot);
    }
    if (u->flags & RAFT_UPDATE_MESSAGES) {
        unreachable = on_messages(h, g, &u->messages);
    }
    if (u->flags & RAFT_UPDATE_COMMIT_INDEX) {
        apply(h, g);
    }
    for (unsigned i = 0; u->flags & RAFT_UPDATE_READS && i < u->reads.n; i++) {
        orders_answer_read(h, g, &u->reads.batch[i]);
    }
    if (u->flags & RAFT_UPDATE_TIMEOUT) {
        timers_set(&h->timers, group_number(h, g), raft_timeout(&g->raft));
    }
    if (u->flags & RAFT_UPDATE_LEADER) {
        on_leader(h, g);
    }
    step_unreachable(h, g, unreachable); /* last: these steps overwrite the update */
}
/* [carry out end] */

int group_step(struct host *h, struct group *g, struct raft_event *event) {
    struct raft_update update;
    event->time = host_now();
    h->steps++;
    int error = raft_step(&g->raft, event, &update);
    if (error == RAFT_NOMEM) {
        die("out of memory");
    }
    if (error == 0) {
        carry_out(h, g, &update);
    }
    return error;
}

int group_write(struct host *h, struct group *g, uint64_t value) {
    char command[8];
    store_int(command, value, sizeof command);
    struct raft_entry entry = {.type = RAFT_COMMAND, .buf = {command, sizeof command}, .batch = g};
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    int error = group_step(h, g, &event);
    if (error == 0) {
        struct waiting **end = &g->waiting;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = resize(NULL, sizeof **end);
        **end = (struct waiting){NULL, raft_last_index(&g->raft), raft_current_term(&g->raft)};
    }
    return error;
}

/* --- the start ----------------------------------------------------------- */

raft_id group_preferred(const struct host *h, const struct group *g) {
    return group_number(h, g) % h->options->n_hosts + 1;
}

void group_delay(struct host *h, struct group *g, unsigned delay) {
    if (raft_set_election_delay(&g->raft, delay) != 0) {
        die("out of memory");
    }
    timers_set(&h->timers, group_number(h, g), raft_timeout(&g->raft));
}

/* [settings] */
static void settings(struct host *h, struct group *g) {
    const struct options *o = h->options;
    uint32_t number = group_number(h, g);
    unsigned delay = group_preferred(h, g) == o->id ? 0 : o->election;
    int error = raft_init(&g->raft, o->id, o->addresses[o->id - 1]);
    error = error != 0 ? error : raft_seed(&g->raft, h->seed + number * 2654435761u);
    error = error != 0 ? error : raft_set_election_timeout(&g->raft, o->election);
    error = error != 0 ? error : raft_set_heartbeat_timeout(&g->raft, o->heartbeat);
    error = error != 0 ? error : raft_set_election_delay(&g->raft, delay);
    error = error != 0 ? error : raft_set_install_snapshot_timeout(&g->raft, o->election);
    error = error != 0 ? error : raft_set_max_uncommitted_entries(&g->raft, UNCOMMITTED_MAX);
    error =
        error != 0 ? error : raft_set_features(&g->raft, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_SLEEP);
    error = error != 0 ? error : raft_set_idle_timeout(&g->raft, o->idle);
    if (error != 0) {
        die("the timeouts do not fit each other: %s", raft_errmsg(&g->raft));
    }
}
/* [settings end] */

static void start_raft(struct host *h, struct group *g, const struct image *image) {
    const struct snapshot *s = &image->snapshot;
    struct raft_snapshot_metadata metadata = {s->index, s->term, h->members, s->conf_index};
    struct raft_entry *entries = image->log.n > 0 ? log_unpack(&image->log) : NULL;
    struct raft_event event = {.type = RAFT_START};
    event.start.term = image->term;
    event.start.voted_for = image->vote;
    event.start.metadata = s->index > 0 ? &metadata : NULL;
    event.start.start_index = image->log.first;
    event.start.entries = entries;
    event.start.n_entries = image->log.n;
    if (group_step(h, g, &event) != 0) {
        die("group %u: the journal is damaged: %s", group_number(h, g), raft_errmsg(&g->raft));
    }
    free(entries);
}

void group_start(struct host *h, struct group *g, struct image *image) {
    *g = (struct group){.log = image->log,
                        .snapshot = image->snapshot,
                        .state = image->snapshot.state,
                        .applied = image->snapshot.index};
    settings(h, g);
    start_raft(h, g, image);
    if (raft_last_index(&g->raft) == 0) {
        struct raft_event event = {.type = RAFT_BOOTSTRAP};
        event.bootstrap.conf = h->members;
        int error = group_step(h, g, &event);
        if (error != 0 && error != RAFT_CANTBOOTSTRAP) {
            die("cannot bootstrap: %s", raft_errmsg(&g->raft));
        }
    }
}

void group_stop(struct group *g) {
    while (g->waiting != NULL) {
        struct waiting *next = g->waiting->next;
        free(g->waiting);
        g->waiting = next;
    }
    drop_pending(g);
    log_reset(&g->log, 1);
    raft_close(&g->raft);
}

/* --- after the sync ------------------------------------------------------ */

static void must_step(struct host *h, struct group *g, struct raft_event *event) {
    if (group_step(h, g, event) != 0) {
        die("internal error: %s", raft_errmsg(&g->raft));
    }
}

/* The snapshot that this host took is durable. */
static void snapshot_taken(struct host *h, struct group *g) {
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    event.snapshot.metadata.index = g->pending->snapshot.index;
    event.snapshot.trailing = TRAILING;
    g->snapshot = g->pending->snapshot;
    drop_pending(g);
    must_step(h, g, &event);
    log_drop(&g->log, raft_first_index(&g->raft));
}

/* Replace log and state by the received snapshot. It is written in the next batch of this turn. */
static void install(struct host *h, struct group *g) {
    const struct snapshot *s = &g->pending->snapshot;
    give_up(h, g, 0);
    log_reset(&g->log, s->index + 1);
    g->applied = s->index;
    g->state = s->state;
    g->pending->recorded = true;
    group_record(h, g);
    host_mark(h, g);
}

static void installed(struct host *h, struct group *g) {
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    event.persisted_snapshot.metadata.index = g->pending->snapshot.index;
    event.persisted_snapshot.metadata.term = g->pending->snapshot.term;
    event.persisted_snapshot.last = true;
    g->snapshot = g->pending->snapshot;
    drop_pending(g);
    must_step(h, g, &event);
    if (raft_snapshot_index(&g->raft) != g->snapshot.index) {
        die("internal error: the installed snapshot was rejected");
    }
}

/* [stored] */
void group_stored(struct host *h, struct group *g) {
    if (g->pending != NULL) {
        g->pending->durable = g->pending->recorded;
    }
    if (g->unstored) {
        struct raft_event event = {.type = RAFT_STORED};
        event.stored.index = log_last(&g->log);
        event.stored.write = g->write;
        g->unstored = false;
        must_step(h, g, &event); /* may have taken a snapshot, which is not durable yet */
    }
    if (g->pending != NULL && !g->pending->recorded) {
        install(h, g);
    } else if (g->pending != NULL && g->pending->durable) {
        (g->pending->received ? installed : snapshot_taken)(h, g);
    }
}
/* [stored end] */
