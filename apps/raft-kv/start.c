/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <sys/random.h>

#include "backup.h"
#include "client.h"
#include "recover.h"
#include "report.h"

enum { HOUSEKEEPING = 200 /* ms */ };

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
    error = error != 0 ? error : raft_set_max_inflight_entries(&s->raft, MAX_INFLIGHT_ENTRIES);
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
    scans_init(&s->scans, s);
    install_recover(&s->store);
    backup_clean(&s->store);
    if (s->options->restore != NULL) {
        backup_restore(s);
    }
    store_load_hard_state(&s->store, hard);
    store_load_base(&s->store, BASE_KEY, base);
    log_open(&s->log, &s->store, s->options->log_segment * 1024);
    struct fence recovered = {.hard = hard->ticket};
    recovered.log = log_load(&s->log, base, image);
    store_check_fence(&s->store, &recovered);
    log_trim(&s->log);
    data_open(&s->data, &s->store);
    bool founding = s->log.last == 0 && s->data.applied == 1 && backup_restored(&s->store);
    if (!founding && (s->data.applied < base->index || s->data.applied > s->log.last)) {
        die("%s: the database is corrupted: it holds the data at entry %llu, outside of the log's "
            "range %llu to %llu",
            s->options->dir, s->data.applied, base->index, s->log.last);
    }
}

/* Initialize libraft with the persistent state. */
static void step_start(struct server *s, const struct hard_state *hard, struct base *base,
                       const struct log_image *image) {
    settings(s);
    struct raft_snapshot_metadata metadata = {base->index, base->term, base->members.conf,
                                              base->conf_index};
    struct raft_event event = {.time = server_now(), .type = RAFT_START};
    event.start.term = hard->term;
    event.start.voted_for = hard->voted_for;
    event.start.metadata = base->index > 0 ? &metadata : NULL;
    event.start.start_index = image->first;
    event.start.entries = image->entries;
    event.start.n_entries = image->n;
    struct raft_update update;
    if (raft_step(&s->raft, &event, &update) != 0) {
        die("%s: the log is corrupted: %s", s->options->dir, raft_errmsg(&s->raft));
    }
    report("started: term %llu, log %llu to %llu, snapshot %llu, applied %llu", hard->term,
           s->log.first, s->log.last, base->index, s->data.applied);
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n == 0) {
        discard_log(s, base);
        update.flags &= ~(unsigned)RAFT_UPDATE_ENTRIES;
    }
    server_carry_out(s, &update);
}

/* The data were restored from a backup: begin with a snapshot at entry 1, so that the other servers
 * receive the data. Nothing has been stored or sent before. */
static void found_from_backup(struct server *s, const struct raft_configuration *conf) {
    const struct hard_state hard = {.term = 1};
    const struct log_image image = {0};
    struct base base = {.index = 1, .term = 1, .conf_index = 1};
    if (raft_last_index(&s->raft) != 0) {
        return; /* that was done before */
    }
    members_copy(&base.members, conf);
    store_save_hard_state(&s->store, hard.term, hard.voted_for);
    log_end(&s->log, &base);
    store_save_base(&s->store, s->store.write_sync, BASE_KEY, &base);
    log_reset(&s->log, base.index);
    raft_close(&s->raft);
    step_start(s, &hard, &base, &image);
    members_free(&base.members);
}

/* Create the cluster, unless this server has Raft state already. */
static void found(struct server *s, const struct raft_configuration *conf) {
    if (backup_restored(&s->store)) {
        found_from_backup(s, conf);
        return;
    }
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    event.bootstrap.conf = *conf;
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
    step_start(s, &hard, &base, &image);
    log_image_free(&image);
    members_free(&base.members);
    if (options_founder(s->options)) {
        found(s, &s->options->bootstrap.conf);
    }
    recover_check(s);
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
    background_start(&s->background, loop);
    peers_start(&s->peers, s);
    start_raft(s);
    uv_prepare_start(&s->turn, server_on_turn);
    uv_timer_start(&s->housekeeping, on_housekeeping, HOUSEKEEPING, HOUSEKEEPING);
}
