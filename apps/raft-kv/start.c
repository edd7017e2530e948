/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <sys/random.h>

#include "backup.h"
#include "client.h"
#include "disk.h"
#include "file.h"
#include "identity.h"
#include "recover.h"
#include "report.h"

enum { HOUSEKEEPING = 200 /* ms */, NICENESS = 10 };

#define NO_PASSWORD                                                                               \
    "--listen: without a password every program that reaches this address could read and change " \
    "the data. Listen at 127.0.0.1, give --password-file and --admin-password-file, or accept "   \
    "this with --insecure"

static void settings(struct server *s) {
    const struct options *o = s->options;
    unsigned seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        seed = (unsigned)uv_hrtime() ^ (unsigned)o->id;
    }
    int error = raft_init(&s->raft, o->id, s->address);
    error = error != 0 ? error : raft_seed(&s->raft, seed);
    error = error != 0 ? error : raft_set_election_timeout(&s->raft, o->election_timeout);
    error = error != 0 ? error : raft_set_heartbeat_timeout(&s->raft, o->heartbeat);
    error = error != 0 ? error : raft_set_max_inflight_entries(&s->raft, MAX_INFLIGHT_ENTRIES);
    error = error != 0 ? error : raft_set_max_uncommitted_entries(&s->raft, MAX_UNCOMMITTED);
    error = error != 0 ? error : raft_set_install_snapshot_timeout(&s->raft, 5000);
    error = error != 0 ? error : raft_set_capacity_threshold(&s->raft, SPACE_PLENTY);
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
    dir_make(s->options->dir);
    space_open(&s->space, s->options->dir, s->options->disk_reserve);
    store_open(&s->store, s->options->dir, s->options->cluster, s->options->id,
               s->descriptors.open_files);
    s->store.values.large = s->options->large_value;
    scans_init(&s->scans, s);
    pages_init(&s->pages, s);
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
    store_recovered(&s->store, &recovered);
    peer_tickets_load(&s->peers.tickets, &s->store);
    address_complete(s->options->advertise, s->store.incarnation, s->address);
    data_open(&s->data, &s->store);
    bool founding = s->log.last == 0 && s->data.applied == 1 && backup_restored(&s->store);
    if (!founding && (s->data.applied < base->index || s->data.applied > s->log.last)) {
        die("%s: the database is corrupted: it holds the data at entry %llu, outside of the log's "
            "range %llu to %llu; " REPLACE_SERVER,
            s->options->dir, s->data.applied, base->index, s->log.last);
    }
}

/* Initialize libraft with the persistent state. */
static void step_start(struct server *s, const struct hard_state *hard, struct base *base,
                       const struct log_image *image) {
    settings(s);
    struct raft_snapshot_metadata metadata = {base->index, base->term, base->members.conf,
                                              base->conf_index};
    disk_check_space(s);
    struct raft_event event = {
        .time = server_now(), .type = RAFT_START, .capacity = (unsigned short)s->space.level};
    event.start.term = hard->term;
    event.start.voted_for = hard->voted_for;
    event.start.metadata = base->index > 0 ? &metadata : NULL;
    event.start.start_index = image->first;
    event.start.entries = image->entries;
    event.start.n_entries = image->n;
    struct raft_update update;
    int error = raft_step(&s->raft, &event, &update);
    if (error == RAFT_NOMEM) {
        die("out of memory");
    }
    if (error != 0) {
        die("%s: the log is corrupted: %s; " REPLACE_SERVER, s->options->dir,
            raft_errmsg(&s->raft));
    }
    report("started: term %llu, log %llu to %llu, snapshot %llu, applied %llu", hard->term,
           s->log.first, s->log.last, base->index, s->data.applied);
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n == 0) {
        discard_log(s, base);
        update.flags &= ~(unsigned)RAFT_UPDATE_ENTRIES;
    }
    server_carry_out(s, &update);
}

void server_found_from_backup(struct server *s, const struct raft_configuration *conf) {
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

/* Go on with a founding that was interrupted, or begin one. A server that has founded its cluster
 * but has an empty log has not sent a message and has no vote. */
static void found(struct server *s, struct members *founding) {
    if (founding->conf.n > 0 && s->log.last == 0) {
        founding_bootstrap(s, &founding->conf);
    } else if (founding->conf.n > 0) {
        store_end_founding(&s->store);
    } else if (s->store.cluster_id == 0 && s->options->bootstrap.conf.n > 0) {
        founding_begin(s);
    } else if (s->store.cluster_id == 0) {
        report("waiting to be added to a cluster with RAFT.ADD");
    }
    members_free(founding);
}

static void start_raft(struct server *s) {
    struct hard_state hard;
    struct base base;
    struct log_image image;
    struct members founding = {0};
    load(s, &hard, &base, &image);
    store_load_founding(&s->store, &founding);
    step_start(s, &hard, &base, &image);
    log_image_free(&image);
    members_free(&base.members);
    found(s, &founding);
    recover_check(s);
}

static void report_options(const struct options *o) {
    report("raft-kv " KV_VERSION
           " starts: cluster %s, directory %s, address %s, election timeout "
           "%u ms, heartbeat %u ms, log level %s",
           o->cluster, o->dir, o->advertise, o->election_timeout, o->heartbeat, o->log_level);
}

static void on_housekeeping(uv_timer_t *timer) {
    struct server *s = timer->data;
    watch_housekeeping(s);
    proposals_expire(s);
    reads_expire(s);
    clients_watch(s);
    peer_tickets_save(&s->peers.tickets, &s->store, server_now());
    read_index_retry(s);
}

void server_start(struct server *s, const struct options *options, uv_loop_t *loop) {
    *s = (struct server){.options = options, .loop = loop, .started = server_now()};
    report_options(options);
    descriptors_init(&s->descriptors);
    proposals_init(&s->proposals);
    memory_init(&s->memory, (size_t)options->max_client_memory * 1024 * 1024);
    auth_init(&s->auth, options);
    uv_prepare_init(loop, &s->turn);
    uv_idle_init(loop, &s->again);
    uv_timer_init(loop, &s->timer);
    uv_timer_init(loop, &s->housekeeping);
    s->turn.data = s->again.data = s->timer.data = s->housekeeping.data = s;
    server_listen(loop, &s->listener, options->listen, clients_accept,
                  options->insecure || s->auth.required ? NULL : NO_PASSWORD);
    s->listener.data = s;
    background_start(&s->background, loop, NICENESS);
    background_start(&s->syncer, loop, 0);
    peers_start(&s->peers, s);
    start_raft(s);
    uv_prepare_start(&s->turn, server_on_turn);
    uv_timer_start(&s->housekeeping, on_housekeeping, HOUSEKEEPING, HOUSEKEEPING);
}
