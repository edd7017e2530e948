/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <sys/random.h>

#include "client.h"
#include "report.h"

enum { HOUSEKEEPING = 200 /* ms */, NICENESS = 10 };

static void settings(struct server *s) {
    const struct options *o = s->options;
    unsigned seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        seed = (unsigned)uv_hrtime() ^ (unsigned)o->id;
    }
    int error = raft_init(&s->raft, o->id, o->advertise);
    error = error != 0 ? error : raft_seed(&s->raft, seed);
    error = error != 0 ? error : raft_set_election_timeout(&s->raft, o->election_timeout);
    error = error != 0 ? error : raft_set_heartbeat_timeout(&s->raft, o->heartbeat);
    error = error != 0 ? error : raft_set_max_inflight_entries(&s->raft, 16 * 1024);
    error = error != 0 ? error : raft_set_max_uncommitted_entries(&s->raft, MAX_UNCOMMITTED);
    error = error != 0 ? error : raft_set_install_snapshot_timeout(&s->raft, 5000);
    error = error != 0 ? error
                       : raft_set_features(&s->raft, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS |
                                                         RAFT_FEATURE_JOINT);
    if (error != 0) {
        die("invalid combination of options");
    }
}

/* libraft found that the log ends before the snapshot: remove all its entries. */
static void discard_log(struct server *s, struct base *base) {
    log_end(&s->log, base);
    store_save_base(&s->store, s->store.write_sync, BASE_KEY, base);
    log_reset(&s->log, base->index);
}

/* Read the persistent state. */
static void load(struct server *s, struct hard_state *hard, struct base *base,
                 struct log_image *image) {
    store_open(&s->store, s->options->dir, s->options->cluster, s->options->id,
               s->descriptors.open_files);
    s->store.values.large = s->options->large_value;
    scans_init(&s->scans, s);
    install_recover(&s->store);
    store_load_hard_state(&s->store, hard);
    store_load_base(&s->store, BASE_KEY, base);
    log_open(&s->log, &s->store, s->options->log_segment * 1024);
    struct fence recovered = {.hard = hard->ticket};
    recovered.log = log_load(&s->log, base, image);
    store_check_fence(&s->store, &recovered);
    log_trim(&s->log);
    data_open(&s->data, &s->store);
    if (s->data.applied < base->index || s->data.applied > s->log.last) {
        die("%s: the database is corrupted: it holds the data at entry %llu, outside of the log's "
            "range %llu to %llu",
            s->options->dir, s->data.applied, base->index, s->log.last);
    }
}

static void bootstrap(struct server *s) {
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    event.bootstrap.conf = s->options->bootstrap.conf;
    int error = server_step(s, &event);
    if (error != 0 && error != RAFT_CANTBOOTSTRAP) {
        die("cannot bootstrap: %s", raft_errmsg(&s->raft));
    }
}

static void start_raft(struct server *s) {
    struct hard_state hard;
    struct base base;
    struct log_image image;
    load(s, &hard, &base, &image);
    settings(s);
    struct raft_snapshot_metadata metadata = {base.index, base.term, base.members.conf,
                                              base.conf_index};
    struct raft_event event = {.time = server_now(), .type = RAFT_START};
    event.start.term = hard.term;
    event.start.voted_for = hard.voted_for;
    event.start.metadata = base.index > 0 ? &metadata : NULL;
    event.start.start_index = image.first;
    event.start.entries = image.entries;
    event.start.n_entries = image.n;
    struct raft_update update;
    if (raft_step(&s->raft, &event, &update) != 0) {
        die("%s: the log is corrupted: %s", s->options->dir, raft_errmsg(&s->raft));
    }
    report("started: term %llu, log %llu to %llu, snapshot %llu, applied %llu", hard.term,
           s->log.first, s->log.last, base.index, s->data.applied);
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n == 0) {
        discard_log(s, &base);
        update.flags &= ~(unsigned)RAFT_UPDATE_ENTRIES;
    }
    server_carry_out(s, &update);
    log_image_free(&image);
    members_free(&base.members);
    if (s->options->bootstrap.conf.n > 0) {
        bootstrap(s);
    }
}

static void on_housekeeping(uv_timer_t *timer) { proposals_expire(timer->data); }

void server_start(struct server *s, const struct options *options, uv_loop_t *loop) {
    *s = (struct server){.options = options, .loop = loop, .started = server_now()};
    descriptors_init(&s->descriptors);
    proposals_init(&s->proposals);
    uv_prepare_init(loop, &s->turn);
    uv_idle_init(loop, &s->again);
    uv_timer_init(loop, &s->timer);
    uv_timer_init(loop, &s->housekeeping);
    s->turn.data = s->again.data = s->timer.data = s->housekeeping.data = s;
    server_listen(loop, &s->listener, options->listen, clients_accept);
    s->listener.data = s;
    background_start(&s->background, loop, NICENESS);
    background_start(&s->syncer, loop, 0);
    peers_start(&s->peers, s);
    start_raft(s);
    uv_prepare_start(&s->turn, server_on_turn);
    uv_timer_start(&s->housekeeping, on_housekeeping, HOUSEKEEPING, HOUSEKEEPING);
}
