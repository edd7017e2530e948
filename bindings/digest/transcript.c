/* SPDX-License-Identifier: MIT */
/* The lines of the transcript: README.md describes them. */
#include "cluster.h"

#include <stdarg.h>
#include <stdio.h>

static FILE *out;

void open_transcript(const char *path) {
    out = fopen(path, "w");
    if (out == NULL) {
        die(path);
    }
}

void close_transcript(void) {
    if (fclose(out) != 0) {
        die("write the transcript");
    }
}

void line(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
}

static void put_hex(const struct raft_buffer *buffer) {
    const unsigned char *bytes = buffer->base;
    if (buffer->len == 0) {
        line("-");
    }
    for (size_t i = 0; i < buffer->len; i++) {
        line("%02x", (unsigned)bytes[i]);
    }
}

static void put_configuration(const struct raft_configuration *conf) {
    if (conf->n == 0) {
        line("-");
    }
    for (unsigned i = 0; i < conf->n; i++) {
        const struct raft_server *s = &conf->servers[i];
        line("%s%llu:%s:%d", i > 0 ? "," : "", s->id, s->address, s->role);
    }
}

static void trace(struct raft_tracer *t, int type, const void *record) {
    const struct raft_tracer_info *info = record;
    (void)t;
    line("t %llu %d %d %llu %llu %llu %llu %s\n", info->server, type, info->code, info->time,
         info->peer, info->term, info->index, info->text);
}

struct raft_tracer tracer = {NULL, 1, trace};

void line_update(const struct server *s, enum raft_event_type type, int code, unsigned flags) {
    const struct raft *r = &s->raft;
    raft_id leader;
    const char *address;
    raft_leader(r, &leader, &address);
    line("u %d %llu %d %d %u", s->id, now, (int)type, code, flags);
    line(" %llu %llu %d %llu %llu", raft_current_term(r), raft_voted_for(r),
         (int)raft_state((struct raft *)r), raft_commit_index(r), raft_timeout(r));
    line(" %llu %llu %llu %llu %d", raft_last_index(r), raft_first_index(r), raft_last_stored(r),
         raft_snapshot_index(r), raft_role(r));
    line(" %llu %s %llu", leader, address != NULL ? address : "-", raft_transferee(r));
    line(code != 0 ? " %s\n" : "\n", raft_errmsg(r));
}

void line_entries(const struct raft_update_entries *entries) {
    line("e %llu %u %llu\n", entries->index, entries->n, entries->write);
    for (unsigned i = 0; i < entries->n; i++) {
        const struct raft_entry *entry = &entries->batch[i];
        line(" %llu %d %zu ", entry->term, (int)entry->type, entry->cookie);
        put_hex(&entry->buf);
        line("\n");
    }
}

void line_snapshot(const struct raft_update_snapshot *snapshot) {
    const struct raft_snapshot_metadata *metadata = &snapshot->metadata;
    line("s %llu %llu %llu ", metadata->index, metadata->term, metadata->configuration_index);
    put_configuration(&metadata->configuration);
    line(" %llu %d ", snapshot->offset, snapshot->last);
    put_hex(&snapshot->chunk);
    line("\n");
}

static void put_append_entries(const struct raft_append_entries *m) {
    line("%d %llu %llu %llu %llu %u %llu %d", m->version, m->term, m->prev_log_index,
         m->prev_log_term, m->leader_commit, m->n_entries, m->round, m->sleep);
}

static void put_append_entries_result(const struct raft_append_entries_result *m) {
    line("%d %llu %llu %llu %d %d %llu %llu %llu", m->version, m->term, m->rejected,
         m->last_log_index, m->features, m->capacity, m->round, m->snapshot_index,
         m->snapshot_offset);
}

static void put_request_vote(const struct raft_request_vote *m) {
    line("%d %llu %llu %llu %llu %d %d", m->version, m->term, m->candidate_id, m->last_log_index,
         m->last_log_term, m->disrupt_leader, m->pre_vote);
}

static void put_request_vote_result(const struct raft_request_vote_result *m) {
    line("%d %llu %d %d %d %d", m->version, m->term, m->vote_granted, m->pre_vote, m->features,
         m->capacity);
}

static void put_install_snapshot(const struct raft_install_snapshot *m) {
    line("%d %llu %llu %llu %llu ", m->version, m->term, m->last_index, m->last_term,
         m->conf_index);
    put_configuration(&m->conf);
    line(" %llu", m->offset);
}

static void put_timeout_now(const struct raft_timeout_now *m) {
    line("%d %llu %llu %llu", m->version, m->term, m->last_log_index, m->last_log_term);
}

void line_message(const struct raft_message *m) {
    line("m %d %llu %s ", (int)m->type, m->server_id, m->server_address);
    switch (m->type) {
        case RAFT_APPEND_ENTRIES:
            put_append_entries(&m->append_entries);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            put_append_entries_result(&m->append_entries_result);
            break;
        case RAFT_REQUEST_VOTE:
            put_request_vote(&m->request_vote);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            put_request_vote_result(&m->request_vote_result);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            put_install_snapshot(&m->install_snapshot);
            break;
        case RAFT_TIMEOUT_NOW:
            put_timeout_now(&m->timeout_now);
            break;
    }
    line("\n");
}

void line_peer(raft_id id, const struct raft_peer *p) {
    line("p %llu %d %d %d %llu %llu %llu %llu %llu %llu\n", id, p->mode, p->features, p->capacity,
         p->match, p->next, p->last_contact, p->snapshot_index, p->snapshot_offset, p->data_losses);
}
