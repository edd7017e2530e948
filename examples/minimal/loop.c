/* SPDX-License-Identifier: MIT */
/* The event loop: it steps events, and carries out the updates. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "minimal.h"

/* [apply] */
static void apply(struct server *s) {
    while (s->applied < raft_commit_index(&s->raft)) {
        const struct raft_entry *e = log_range(&s->log, s->applied + 1, 1);
        if (e == NULL) {
            die("internal error: a committed entry is not in the log");
        }
        s->applied++;
        map_apply(&s->map, e);
    }
}
/* [apply end] */

/* [attach] */
/* Attach what the library leaves to the caller. Returns false if it is not there any more. */
static bool attach(struct server *s, struct raft_message *m) {
    if (m->type == RAFT_APPEND_ENTRIES && m->append_entries.n_entries > 0) {
        struct raft_append_entries *a = &m->append_entries;
        a->entries = log_range(&s->log, a->prev_log_index + 1, a->n_entries);
        return a->entries != NULL;
    }
    if (m->type == RAFT_INSTALL_SNAPSHOT) {
        const struct raft_install_snapshot *own = &s->log.snapshot.message.install_snapshot;
        m->install_snapshot.data = own->data;
        return m->install_snapshot.last_index == own->last_index;
    }
    return true;
}
/* [attach end] */

/* [clock] */
static raft_time now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

static void on_timer(uv_timer_t *timer) {
    struct raft_event event = {.type = RAFT_TIMEOUT};
    step(timer->loop->data, &event);
}

static void set_timer(struct server *s) {
    raft_time t = now(), deadline = raft_timeout(&s->raft);
    uv_update_time(s->timer.loop); /* libuv reads its clock once in each turn */
    uv_timer_start(&s->timer, on_timer, deadline > t ? deadline - t : 0, 0);
}
/* [clock end] */

/* [duties] */
static void carry_out(struct server *s, struct raft_update *u) {
    struct raft *r = &s->raft;
    if (u->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) { /* duty 1 */
        log_vote(&s->log, raft_current_term(r), raft_voted_for(r));
    }
    if (u->flags & RAFT_UPDATE_ENTRIES || raft_state(r) == RAFT_CANDIDATE) {
        wire_free(&s->received); /* an installation, if there is one, is abandoned */
    }
    if (u->flags & RAFT_UPDATE_ENTRIES) { /* duty 2 */
        log_write(&s->log, &u->entries);
        s->write = u->entries.n > 0 ? u->entries.write : s->write;
    }
    if (u->flags & RAFT_UPDATE_SNAPSHOT) { /* duty 3 */
        snapshot_receive(s, &u->snapshot);
    }
    for (unsigned i = 0; u->flags & RAFT_UPDATE_MESSAGES && i < u->messages.n; i++) {
        struct raft_message *m = &u->messages.batch[i]; /* duty 4 */
        transport_send(s, m, attach(s, m));
    }
    if (u->flags & RAFT_UPDATE_COMMIT_INDEX) { /* duty 5 */
        apply(s);
    }
    for (unsigned i = 0; u->flags & RAFT_UPDATE_READS && i < u->reads.n; i++) {
        clients_read(s, &u->reads.batch[i]);
    }
    if (u->flags & RAFT_UPDATE_TIMEOUT) { /* duty 6 */
        set_timer(s);
    }
}
/* [duties end] */

/* [step] */
int step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    event->time = now();
    int error = raft_step(&s->raft, event, &update);
    if (error == RAFT_NOMEM) {
        die("out of memory");
    }
    if (error == 0) {
        carry_out(s, &update);
    }
    return error;
}

void must_step(struct server *s, struct raft_event *event) {
    if (step(s, event) != 0) {
        die("internal error: %s", raft_errmsg(&s->raft));
    }
}
/* [step end] */

/* [turn] */
static void on_idle(uv_idle_t *idle) {
    (void)idle; /* while the handle is active, libuv does not wait */
}

/* Called in each turn of the loop, before it waits. What was stepped since the last time is written
 * with one sync; then the messages are sent. */
static void on_turn(uv_prepare_t *prepare) {
    struct server *s = prepare->loop->data;
    bool more = clients_run(s);
    if (s->applied >= raft_snapshot_index(&s->raft) + SNAPSHOT_AFTER) {
        snapshot_take(s);
    }
    log_sync(&s->log);
    transport_flush(s);
    if (s->write != 0) {
        struct raft_event event = {.type = RAFT_STORED};
        event.stored.index = log_last(&s->log);
        event.stored.write = s->write;
        s->write = 0;
        must_step(s, &event);
        more = true;
    }
    if (s->received.memory != NULL) {
        snapshot_install(s);
        more = true;
    }
    if (more) { /* one more turn, after what has arrived meanwhile */
        uv_idle_start(&s->idle, on_idle);
    } else {
        uv_idle_stop(&s->idle);
    }
}
/* [turn end] */

/* [start] */
static void start_raft(struct server *s) {
    const struct raft_install_snapshot *i = &s->log.snapshot.message.install_snapshot;
    struct raft_snapshot_metadata m = {i->last_index, i->last_term, i->conf, i->conf_index};
    struct raft_event event = {.type = RAFT_START};
    event.start.term = s->log.term;
    event.start.voted_for = s->log.vote;
    event.start.start_index = s->log.first;
    event.start.entries = s->log.entries;
    event.start.n_entries = s->log.n;
    if (s->log.snapshot.memory != NULL) {
        event.start.metadata = &m;
        map_restore(&s->map, &i->data);
        s->applied = i->last_index;
    }
    must_step(s, &event);
}

void server_run(struct server *s, const char *dir, raft_id id,
                struct raft_configuration *founders) {
    uv_loop_t *loop = uv_default_loop();
    unsigned seed = 0;
    transport_listen(s); /* first: no second process can have the same directory and address */
    log_open(&s->log, dir, id);
    uv_timer_init(loop, &s->timer);
    uv_idle_init(loop, &s->idle);
    uv_prepare_init(loop, &s->prepare);
    uv_prepare_start(&s->prepare, on_turn);
    if (uv_random(NULL, NULL, &seed, sizeof seed, 0, NULL) != 0 ||
        raft_init(&s->raft, id, s->address) != 0 || raft_seed(&s->raft, seed) != 0 ||
        raft_set_max_inflight_entries(&s->raft, UNACKNOWLEDGED_MAX) != 0 ||
        raft_set_max_uncommitted_entries(&s->raft, UNCOMMITTED_MAX) != 0 ||
        raft_set_features(&s->raft, RAFT_FEATURE_ROUNDS) != 0) {
        die("cannot start");
    }
    start_raft(s);
    if (founders->n > 0) {
        struct raft_event event = {.type = RAFT_BOOTSTRAP};
        event.bootstrap.conf = *founders;
        if (step(s, &event) != 0) {
            die("cannot begin a cluster in %s: %s", dir, raft_errmsg(&s->raft));
        }
    }
    uv_run(loop, UV_RUN_DEFAULT);
}
/* [start end] */
