/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <string.h>
#include <zlib.h>

/* --- packets ------------------------------------------------------------- */

static uint32_t checksum(const char *packet, size_t len) {
    return (uint32_t)crc32_z(0, (const Bytef *)packet + 8, len - 8);
}

void packet_close(struct bytes *b, size_t at, raft_id from, raft_id to) {
    char *packet = b->data + at;
    store_int(packet, b->len - at - 8, 4);
    store_int(packet + 8, from, 4);
    store_int(packet + 12, to, 4);
    store_int(packet + 4, checksum(packet, b->len - at), 4);
}

long packet_check(const char *data, size_t len, raft_id to, raft_id *from) {
    if (len < PACKET_HEAD) {
        return 0;
    }
    size_t whole = (size_t)load_int(data, 4) + 8;
    if (whole < PACKET_HEAD || whole > PACKET_MAX || load_int(data + 12, 4) != to) {
        return -1;
    }
    *from = load_int(data + 8, 4);
    if (len < whole) {
        return 0;
    }
    return load_int(data + 4, 4) == checksum(data, whole) ? (long)whole : -1;
}

/* --- encoding ------------------------------------------------------------ */

static void encode_request_vote(struct bytes *b, const struct raft_request_vote *m) {
    put_int(b, m->version, 1);
    put_int(b, m->term, 8);
    put_int(b, m->candidate_id, 8);
    put_int(b, m->last_log_index, 8);
    put_int(b, m->last_log_term, 8);
    put_int(b, m->disrupt_leader, 1);
    put_int(b, m->pre_vote, 1);
}

static void encode_request_vote_result(struct bytes *b, const struct raft_request_vote_result *m) {
    put_int(b, m->version, 1);
    put_int(b, m->term, 8);
    put_int(b, m->vote_granted, 1);
    put_int(b, m->pre_vote, 1);
    put_int(b, m->features, 2);
    put_int(b, m->capacity, 2);
}

static void encode_append_entries(struct bytes *b, const struct raft_append_entries *m,
                                  const char *packed, size_t len) {
    put_int(b, m->version, 1);
    put_int(b, m->term, 8);
    put_int(b, m->prev_log_index, 8);
    put_int(b, m->prev_log_term, 8);
    put_int(b, m->leader_commit, 8);
    put_int(b, m->round, 8);
    put_int(b, m->sleep, 1);
    put_int(b, m->n_entries, 4);
    put(b, packed, len);
}

static void encode_append_entries_result(struct bytes *b,
                                         const struct raft_append_entries_result *m) {
    put_int(b, m->version, 1);
    put_int(b, m->term, 8);
    put_int(b, m->rejected, 8);
    put_int(b, m->last_log_index, 8);
    put_int(b, m->features, 2);
    put_int(b, m->capacity, 2);
    put_int(b, m->round, 8);
    put_int(b, m->snapshot_index, 8);
    put_int(b, m->snapshot_offset, 8);
}

static void encode_install_snapshot(struct bytes *b, const struct raft_install_snapshot *m,
                                    const struct state *state) {
    put_int(b, m->version, 1);
    put_int(b, m->term, 8);
    put_int(b, m->last_index, 8);
    put_int(b, m->last_term, 8);
    put_int(b, m->conf.n, 1);
    for (unsigned i = 0; i < m->conf.n; i++) {
        put_int(b, m->conf.servers[i].id, 8);
        put_int(b, (uint64_t)m->conf.servers[i].role, 1);
        put(b, m->conf.servers[i].address, strlen(m->conf.servers[i].address) + 1);
    }
    put_int(b, m->conf_index, 8);
    put_int(b, state->value, 8);
    put_int(b, state->writes, 8);
}

static void encode_timeout_now(struct bytes *b, const struct raft_timeout_now *m) {
    put_int(b, m->version, 1);
    put_int(b, m->term, 8);
    put_int(b, m->last_log_index, 8);
    put_int(b, m->last_log_term, 8);
}

bool message_encode(struct bytes *b, uint32_t group, const struct raft_message *m,
                    const struct log *log, const struct snapshot *snapshot) {
    const struct raft_append_entries *ae = &m->append_entries;
    const char *packed = NULL;
    size_t len = 0;
    if (m->type == RAFT_APPEND_ENTRIES && ae->n_entries > 0 &&
        !log_range(log, ae->prev_log_index + 1, ae->n_entries, &packed, &len)) {
        return false;
    }
    if (m->type == RAFT_INSTALL_SNAPSHOT && m->install_snapshot.last_index != snapshot->index) {
        return false;
    }
    put_int(b, group, 4);
    put_int(b, (uint64_t)m->type, 1);
    switch (m->type) {
        case RAFT_REQUEST_VOTE:
            encode_request_vote(b, &m->request_vote);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            encode_request_vote_result(b, &m->request_vote_result);
            break;
        case RAFT_APPEND_ENTRIES:
            encode_append_entries(b, ae, packed, len);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            encode_append_entries_result(b, &m->append_entries_result);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            encode_install_snapshot(b, &m->install_snapshot, &snapshot->state);
            break;
        case RAFT_TIMEOUT_NOW:
            encode_timeout_now(b, &m->timeout_now);
            break;
        default:
            die("a message of type %d, which this program does not know", (int)m->type);
    }
    return true;
}

/* --- decoding ------------------------------------------------------------ */

static void decode_request_vote(struct cursor *c, struct raft_request_vote *m) {
    m->version = (unsigned char)get_int(c, 1);
    m->term = get_int(c, 8);
    m->candidate_id = get_int(c, 8);
    m->last_log_index = get_int(c, 8);
    m->last_log_term = get_int(c, 8);
    m->disrupt_leader = get_int(c, 1) != 0;
    m->pre_vote = get_int(c, 1) != 0;
}

static void decode_request_vote_result(struct cursor *c, struct raft_request_vote_result *m) {
    m->version = (unsigned char)get_int(c, 1);
    m->term = get_int(c, 8);
    m->vote_granted = get_int(c, 1) != 0;
    m->pre_vote = get_int(c, 1) != 0;
    m->features = (unsigned short)get_int(c, 2);
    m->capacity = (unsigned short)get_int(c, 2);
}

static void decode_append_entries(struct decoder *d, struct cursor *c,
                                  struct raft_append_entries *m) {
    m->version = (unsigned char)get_int(c, 1);
    m->term = get_int(c, 8);
    m->prev_log_index = get_int(c, 8);
    m->prev_log_term = get_int(c, 8);
    m->leader_commit = get_int(c, 8);
    m->round = get_int(c, 8);
    m->sleep = get_int(c, 1) != 0;
    size_t n = (size_t)get_int(c, 4);
    if (n > bytes_left(c) / ENTRY_HEAD) {
        c->bad = true;
        return;
    }
    if (n > d->cap) {
        d->cap = n;
        d->entries = resize(d->entries, n * sizeof *d->entries);
    }
    for (size_t i = 0; i < n; i++) {
        entry_unpack(c, &d->entries[i], d->cookie);
    }
    m->entries = d->entries;
    m->n_entries = (unsigned)n;
}

static void decode_append_entries_result(struct cursor *c, struct raft_append_entries_result *m) {
    m->version = (unsigned char)get_int(c, 1);
    m->term = get_int(c, 8);
    m->rejected = get_int(c, 8);
    m->last_log_index = get_int(c, 8);
    m->features = (unsigned short)get_int(c, 2);
    m->capacity = (unsigned short)get_int(c, 2);
    m->round = get_int(c, 8);
    m->snapshot_index = get_int(c, 8);
    m->snapshot_offset = get_int(c, 8);
}

static void decode_install_snapshot(struct decoder *d, struct cursor *c,
                                    struct raft_install_snapshot *m) {
    m->version = (unsigned char)get_int(c, 1);
    m->term = get_int(c, 8);
    m->last_index = get_int(c, 8);
    m->last_term = get_int(c, 8);
    m->conf = (struct raft_configuration){d->servers, (unsigned)get_int(c, 1)};
    if (m->conf.n > sizeof d->servers / sizeof d->servers[0]) {
        c->bad = true;
        return;
    }
    for (unsigned i = 0; i < m->conf.n && !c->bad; i++) {
        d->servers[i].id = get_int(c, 8);
        d->servers[i].role = (int)get_int(c, 1);
        const char *end = memchr(c->at, '\0', bytes_left(c));
        d->servers[i].address = end != NULL ? get(c, (size_t)(end - c->at) + 1) : NULL;
        c->bad = c->bad || end == NULL;
    }
    m->conf_index = get_int(c, 8);
    m->data.len = STATE_SIZE;
    m->data.base = (void *)get(c, m->data.len);
    m->last = true;
}

static void decode_timeout_now(struct cursor *c, struct raft_timeout_now *m) {
    m->version = (unsigned char)get_int(c, 1);
    m->term = get_int(c, 8);
    m->last_log_index = get_int(c, 8);
    m->last_log_term = get_int(c, 8);
}

bool message_decode(struct decoder *d, struct cursor *c, uint32_t *group, struct raft_message *m) {
    memset(m, 0, sizeof *m); /* an initializer need not zero the whole union */
    *group = (uint32_t)get_int(c, 4);
    m->type = (enum raft_message_type)get_int(c, 1);
    switch (m->type) {
        case RAFT_REQUEST_VOTE:
            decode_request_vote(c, &m->request_vote);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            decode_request_vote_result(c, &m->request_vote_result);
            break;
        case RAFT_APPEND_ENTRIES:
            decode_append_entries(d, c, &m->append_entries);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            decode_append_entries_result(c, &m->append_entries_result);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            decode_install_snapshot(d, c, &m->install_snapshot);
            break;
        case RAFT_TIMEOUT_NOW:
            decode_timeout_now(c, &m->timeout_now);
            break;
        default:
            return false;
    }
    return !c->bad;
}
