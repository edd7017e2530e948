/* SPDX-License-Identifier: MIT */
#include "codec.h"

#include <stdlib.h>

#include "limits.h"

/* --- encoding ------------------------------------------------------------ */

static void encode_request_vote(struct buf *b, const struct raft_request_vote *m) {
    buf_put_int(b, m->version, 1);
    buf_put_int(b, m->term, 8);
    buf_put_int(b, m->candidate_id, 8);
    buf_put_int(b, m->last_log_index, 8);
    buf_put_int(b, m->last_log_term, 8);
    buf_put_int(b, m->disrupt_leader, 1);
    buf_put_int(b, m->pre_vote, 1);
}

static void encode_request_vote_result(struct buf *b, const struct raft_request_vote_result *m) {
    buf_put_int(b, m->version, 1);
    buf_put_int(b, m->term, 8);
    buf_put_int(b, m->vote_granted, 1);
    buf_put_int(b, m->pre_vote, 1);
    buf_put_int(b, m->features, 2);
    buf_put_int(b, m->capacity, 2);
}

static bool encode_append_entries(struct buf *b, struct raft_append_entries *m, struct log *log) {
    buf_put_int(b, m->version, 1);
    buf_put_int(b, m->term, 8);
    buf_put_int(b, m->prev_log_index, 8);
    buf_put_int(b, m->prev_log_term, 8);
    buf_put_int(b, m->leader_commit, 8);
    buf_put_int(b, m->round, 8);
    size_t count_at = b->len;
    buf_put_int(b, 0, 4);
    size_t bytes = 0;
    unsigned n = 0;
    for (; n < m->n_entries && bytes < MAX_MESSAGE_ENTRIES_BYTES; n++) {
        const struct log_entry *e = log_get(log, m->prev_log_index + 1 + n);
        if (e == NULL) {
            return false;
        }
        char *to = buf_room(b, 13 + e->len);
        store_le(to, e->term, 8);
        to[8] = (char)e->type;
        store_le(to + 9, e->len, 4);
        memcpy(to + 13, e->data, e->len);
        b->len += 13 + e->len;
        bytes += e->len;
    }
    store_le(b->data + count_at, n, 4);
    m->n_entries = n;
    return true;
}

static void encode_append_entries_result(struct buf *b,
                                         const struct raft_append_entries_result *m) {
    buf_put_int(b, m->version, 1);
    buf_put_int(b, m->term, 8);
    buf_put_int(b, m->rejected, 8);
    buf_put_int(b, m->last_log_index, 8);
    buf_put_int(b, m->features, 2);
    buf_put_int(b, m->capacity, 2);
    buf_put_int(b, m->round, 8);
    buf_put_int(b, m->snapshot_index, 8);
    buf_put_int(b, m->snapshot_offset, 8);
}

static void encode_install_snapshot(struct buf *b, const struct raft_install_snapshot *m) {
    buf_put_int(b, m->version, 1);
    buf_put_int(b, m->term, 8);
    buf_put_int(b, m->last_index, 8);
    buf_put_int(b, m->last_term, 8);
    conf_encode(b, &m->conf);
    buf_put_int(b, m->conf_index, 8);
    buf_put_int(b, m->offset, 8);
    buf_put_int(b, m->last, 1);
    buf_put_int(b, m->data.len, 4);
    buf_put(b, m->data.base, m->data.len);
}

static void encode_timeout_now(struct buf *b, const struct raft_timeout_now *m) {
    buf_put_int(b, m->version, 1);
    buf_put_int(b, m->term, 8);
    buf_put_int(b, m->last_log_index, 8);
    buf_put_int(b, m->last_log_term, 8);
}

bool message_encode(struct buf *b, struct raft_message *message, struct log *log) {
    size_t begun = frame_begin(b);
    bool whole = true;
    buf_put_int(b, (uint64_t)message->type, 1);
    switch (message->type) {
        case RAFT_REQUEST_VOTE:
            encode_request_vote(b, &message->request_vote);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            encode_request_vote_result(b, &message->request_vote_result);
            break;
        case RAFT_APPEND_ENTRIES:
            whole = encode_append_entries(b, &message->append_entries, log);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            encode_append_entries_result(b, &message->append_entries_result);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            encode_install_snapshot(b, &message->install_snapshot);
            break;
        case RAFT_TIMEOUT_NOW:
            encode_timeout_now(b, &message->timeout_now);
            break;
        default:
            whole = false;
    }
    if (!whole) {
        b->len = begun;
        return false;
    }
    frame_end(b, begun);
    return true;
}

/* --- decoding ------------------------------------------------------------ */

static void decode_request_vote(struct cursor *c, struct raft_request_vote *m) {
    m->version = (unsigned char)cursor_int(c, 1);
    m->term = cursor_int(c, 8);
    m->candidate_id = cursor_int(c, 8);
    m->last_log_index = cursor_int(c, 8);
    m->last_log_term = cursor_int(c, 8);
    m->disrupt_leader = cursor_int(c, 1) != 0;
    m->pre_vote = cursor_int(c, 1) != 0;
}

static void decode_request_vote_result(struct cursor *c, struct raft_request_vote_result *m) {
    m->version = (unsigned char)cursor_int(c, 1);
    m->term = cursor_int(c, 8);
    m->vote_granted = cursor_int(c, 1) != 0;
    m->pre_vote = cursor_int(c, 1) != 0;
    m->features = (unsigned short)cursor_int(c, 2);
    m->capacity = (unsigned short)cursor_int(c, 2);
}

static void decode_append_entries(struct decoder *d, struct block *block, struct cursor *c,
                                  struct raft_append_entries *m) {
    m->version = (unsigned char)cursor_int(c, 1);
    m->term = cursor_int(c, 8);
    m->prev_log_index = cursor_int(c, 8);
    m->prev_log_term = cursor_int(c, 8);
    m->leader_commit = cursor_int(c, 8);
    m->round = cursor_int(c, 8);
    size_t n = (size_t)cursor_int(c, 4);
    if (n > cursor_left(c) / 13) { /* 13 bytes is the shortest entry */
        c->bad = true;
        return;
    }
    if (n > d->cap) {
        d->cap = n;
        d->entries = xrealloc(d->entries, n * sizeof *d->entries);
    }
    for (size_t i = 0; i < n && !c->bad; i++) {
        struct raft_entry *e = &d->entries[i];
        e->term = cursor_int(c, 8);
        e->type = (enum raft_entry_type)cursor_int(c, 1);
        e->buf.len = (size_t)cursor_int(c, 4);
        e->buf.base = (void *)cursor_bytes(c, e->buf.len);
        e->batch = block;
    }
    m->entries = d->entries;
    m->n_entries = (unsigned)n;
}

static void decode_append_entries_result(struct cursor *c, struct raft_append_entries_result *m) {
    m->version = (unsigned char)cursor_int(c, 1);
    m->term = cursor_int(c, 8);
    m->rejected = cursor_int(c, 8);
    m->last_log_index = cursor_int(c, 8);
    m->features = (unsigned short)cursor_int(c, 2);
    m->capacity = (unsigned short)cursor_int(c, 2);
    m->round = cursor_int(c, 8);
    m->snapshot_index = cursor_int(c, 8);
    m->snapshot_offset = cursor_int(c, 8);
}

static void decode_install_snapshot(struct decoder *d, struct cursor *c,
                                    struct raft_install_snapshot *m) {
    m->version = (unsigned char)cursor_int(c, 1);
    m->term = cursor_int(c, 8);
    m->last_index = cursor_int(c, 8);
    m->last_term = cursor_int(c, 8);
    members_free(&d->members);
    conf_decode(c, &d->members);
    m->conf = d->members.conf;
    m->conf_index = cursor_int(c, 8);
    m->offset = cursor_int(c, 8);
    m->last = cursor_int(c, 1) != 0;
    m->data.len = (size_t)cursor_int(c, 4);
    m->data.base = (void *)cursor_bytes(c, m->data.len);
}

static void decode_timeout_now(struct cursor *c, struct raft_timeout_now *m) {
    m->version = (unsigned char)cursor_int(c, 1);
    m->term = cursor_int(c, 8);
    m->last_log_index = cursor_int(c, 8);
    m->last_log_term = cursor_int(c, 8);
}

bool message_decode(struct decoder *d, struct block *block, const char *data, size_t len,
                    struct raft_message *message) {
    struct cursor c = {data, data + len, false};
    message->type = (enum raft_message_type)cursor_int(&c, 1);
    switch (message->type) {
        case RAFT_REQUEST_VOTE:
            decode_request_vote(&c, &message->request_vote);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            decode_request_vote_result(&c, &message->request_vote_result);
            break;
        case RAFT_APPEND_ENTRIES:
            decode_append_entries(d, block, &c, &message->append_entries);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            decode_append_entries_result(&c, &message->append_entries_result);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            decode_install_snapshot(d, &c, &message->install_snapshot);
            break;
        case RAFT_TIMEOUT_NOW:
            decode_timeout_now(&c, &message->timeout_now);
            break;
        default:
            return false;
    }
    return !c.bad && cursor_left(&c) == 0;
}

void decoder_free(struct decoder *d) {
    free(d->entries);
    members_free(&d->members);
}
