/* SPDX-License-Identifier: MIT */
#include "read_index.h"

#include "server.h"

/* A batch fails after this many election timeouts: a new leader is elected in less. */
enum { PATIENCE = 4 };

/* Content of both frames: u8 kind, u64 number, u64 index (of a question: 0; of an answer: 0 if the
 * server cannot tell). */
enum { CONTENT = 17 };

static void put_frame(struct buf *b, enum frame_kind kind, uint64_t number, raft_index index) {
    size_t begun = frame_begin(b);
    buf_put_int(b, kind, 1);
    buf_put_int(b, number, 8);
    buf_put_int(b, index, 8);
    frame_end(b, begun);
}

static bool take_frame(const char *content, size_t len, uint64_t *number, raft_index *index) {
    struct cursor c = {content + 1, content + len, false};
    *number = cursor_int(&c, 8);
    *index = cursor_int(&c, 8);
    return len == CONTENT && !c.bad;
}

/* --- the follower -------------------------------------------------------- */

void read_index_ask(struct server *s, struct read_batch *b) {
    raft_id leader = 0;
    raft_leader(&s->raft, &leader, NULL);
    struct buf frame = {0};
    put_frame(&frame, FRAME_READ_INDEX, b->id, 0);
    b->leader = leader;
    b->asked = leader != 0 && peers_put(&s->peers, leader, &frame) ? server_now() : 0;
    buf_free(&frame); /* peers_flush() sends it */
}

bool read_index_answer(struct server *s, const char *content, size_t len) {
    uint64_t number;
    raft_index index;
    if (!take_frame(content, len, &number, &index)) {
        return false;
    }
    for (unsigned i = 0; i < s->reads.in_flight; i++) {
        struct read_batch *b = reads_batch(&s->reads, i);
        if (b->id != number || b->confirmed || b->begun == 0) {
            continue;
        }
        if (index == 0) {
            b->asked = 0; /* ask again */
        } else {
            b->confirmed = true;
            b->index = index;
        }
    }
    return true;
}

void read_index_retry(struct server *s) {
    raft_time now = server_now();
    raft_time timeout = s->options->election_timeout;
    raft_id leader = 0;
    raft_leader(&s->raft, &leader, NULL);
    for (unsigned i = 0; i < s->reads.in_flight; i++) {
        struct read_batch *b = reads_batch(&s->reads, i);
        if (b->confirmed || b->begun == 0) {
            continue;
        }
        if (now >= b->begun + PATIENCE * timeout) {
            reads_fail(b, "TRYAGAIN no leader confirms reads; nothing was done");
        } else if (server_leads(s)) {
            b->begun = 0;
            reads_confirm(s, b);
        } else if (b->asked == 0 || b->leader != leader || now >= b->asked + timeout) {
            read_index_ask(s, b);
        }
    }
}

/* --- the leader ---------------------------------------------------------- */

static void answer(struct server *s, uint64_t connection, uint64_t number, raft_index index) {
    struct buf b = {0};
    put_frame(&b, FRAME_READ_ANSWER, number, index);
    inbound_send(&s->peers, connection, &b);
    buf_free(&b);
}

/* Find the question of this read, remove it and answer it. */
static void end_question(struct server *s, unsigned long long read, raft_index index) {
    struct read_index *r = &s->read_index;
    for (unsigned i = 0; i < r->n; i++) {
        if (r->questions[i].read == read) {
            struct index_question q = r->questions[i];
            r->questions[i] = r->questions[--r->n];
            answer(s, q.connection, q.number, index);
            return;
        }
    }
}

bool read_index_question(struct server *s, uint64_t connection, const char *content, size_t len) {
    struct read_index *r = &s->read_index;
    uint64_t number;
    raft_index index;
    if (!take_frame(content, len, &number, &index)) {
        return false;
    }
    if (r->n == MAX_QUESTIONS) {
        answer(s, connection, number, 0);
        return true;
    }
    struct raft_event event = {.type = RAFT_READ};
    event.read.id = ++s->reads.last_id;
    r->questions[r->n++] = (struct index_question){event.read.id, connection, number};
    if (server_step(s, &event) != 0) { /* for example: it does not lead */
        end_question(s, event.read.id, 0);
    }
    return true;
}

void read_index_confirmed(struct server *s, const struct raft_read *read) {
    end_question(s, read->id, read->status == 0 ? read->index : 0);
}
