/* SPDX-License-Identifier: MIT */
/* Snapshots: this server's own, and that of a leader. */
#include "minimal.h"

/* [take] */
void snapshot_take(struct server *s) {
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    struct raft_install_snapshot own = {.last_index = s->applied,
                                        .last_term = raft_term_of(&s->raft, s->applied),
                                        .data = {s->map.pairs.base, s->map.pairs.len}};
    if (raft_configuration_at(&s->raft, s->applied, &own.conf, &own.conf_index) != 0) {
        die("internal error: no configuration at an applied entry");
    }
    snapshot_copy(&s->log.snapshot, &own);
    log_rewrite(&s->log); /* durable before the library hears of it */
    event.snapshot.metadata.index = s->applied;
    event.snapshot.trailing = TRAILING;
    must_step(s, &event);
    log_drop(&s->log, raft_first_index(&s->raft));
}
/* [take end] */

/* [receive] */
void snapshot_receive(struct server *s, const struct raft_update_snapshot *u) {
    struct raft_install_snapshot whole = {.last_index = u->metadata.index,
                                          .last_term = u->metadata.term,
                                          .conf = u->metadata.configuration,
                                          .conf_index = u->metadata.configuration_index,
                                          .data = u->chunk};
    snapshot_copy(&s->received, &whole);
}
/* [receive end] */

/* [install] */
void snapshot_install(struct server *s) {
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    wire_free(&s->log.snapshot);
    s->log.snapshot = s->received;
    s->received = (struct wire_message){.memory = NULL};
    const struct raft_install_snapshot *i = &s->log.snapshot.message.install_snapshot;
    log_drop(&s->log, log_last(&s->log) + 1);
    s->log.first = i->last_index + 1;
    s->write = 0;
    log_rewrite(&s->log);
    map_restore(&s->map, &i->data);
    s->applied = i->last_index;
    event.persisted_snapshot.metadata.index = i->last_index;
    event.persisted_snapshot.metadata.term = i->last_term;
    event.persisted_snapshot.last = true;
    must_step(s, &event);
    if (raft_snapshot_index(&s->raft) != s->applied) {
        die("internal error: the library has abandoned the snapshot");
    }
}
/* [install end] */
