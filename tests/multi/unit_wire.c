/* SPDX-License-Identifier: MIT */
/* The codec: each type of message with each field set to another value, and damaged input. */
#include <string.h>

#include "unit.h"
#include "wire.h"

static const struct snapshot snapshot = {.index = 77, .state = {0x1122334455667788, 99}};

/* Encode a message, decode it, and compare all that must be equal. The comparison is of memory: the
 * decoded message has 0 wherever the original has. */
static struct raft_message round_trip(struct decoder *d, const struct raft_message *m,
                                      const struct log *log) {
    struct bytes b = {0};
    struct raft_message decoded;
    uint32_t group = 0;
    CHECK(message_encode(&b, 123456, m, log, &snapshot));
    struct cursor c = {b.data, b.data + b.len, false};
    CHECK(message_decode(d, &c, &group, &decoded));
    CHECK(bytes_left(&c) == 0 && group == 123456);
    for (size_t len = 0; len < b.len; len++) { /* cut off anywhere it is malformed */
        char *cut = memcpy(malloc(len + 1), b.data, len);
        struct raft_message ignored;
        c = (struct cursor){cut, cut + len, false};
        CHECK(!message_decode(d, &c, &group, &ignored));
        free(cut);
    }
    for (size_t i = 0; i < 20 * b.len; i++) { /* damaged anywhere, it is harmless */
        char *damaged = memcpy(malloc(b.len), b.data, b.len);
        struct raft_message ignored;
        damaged[i % b.len] = (char)random_below(256);
        c = (struct cursor){damaged, damaged + b.len, false};
        message_decode(d, &c, &group, &ignored);
        CHECK(c.at <= c.end);
        free(damaged);
    }
    c = (struct cursor){b.data, b.data + b.len, false};
    CHECK(message_decode(d, &c, &group, &decoded));
    bytes_free(&b);
    return decoded;
}

static void test_votes(struct decoder *d, const struct log *log) {
    struct raft_message m = {.type = RAFT_REQUEST_VOTE};
    m.request_vote = (struct raft_request_vote){.version = 2,
                                                .term = 0x0102030405060708,
                                                .candidate_id = 3,
                                                .last_log_index = 0x1112131415161718,
                                                .last_log_term = 0x2122232425262728,
                                                .disrupt_leader = true,
                                                .pre_vote = false};
    struct raft_message got = round_trip(d, &m, log);
    CHECK(got.type == m.type && got.request_vote.version == 2);
    CHECK(got.request_vote.term == m.request_vote.term && got.request_vote.candidate_id == 3);
    CHECK(got.request_vote.last_log_index == m.request_vote.last_log_index);
    CHECK(got.request_vote.last_log_term == m.request_vote.last_log_term);
    CHECK(got.request_vote.disrupt_leader && !got.request_vote.pre_vote);
    m.request_vote.disrupt_leader = false;
    m.request_vote.pre_vote = true;
    got = round_trip(d, &m, log);
    CHECK(!got.request_vote.disrupt_leader && got.request_vote.pre_vote);

    m = (struct raft_message){.type = RAFT_REQUEST_VOTE_RESULT};
    m.request_vote_result = (struct raft_request_vote_result){.version = 2,
                                                              .term = 0x0102030405060708,
                                                              .vote_granted = true,
                                                              .pre_vote = false,
                                                              .features = 0x1213,
                                                              .capacity = 0x2223};
    got = round_trip(d, &m, log);
    CHECK(got.request_vote_result.version == 2);
    CHECK(got.request_vote_result.term == m.request_vote_result.term);
    CHECK(got.request_vote_result.vote_granted && !got.request_vote_result.pre_vote);
    CHECK(got.request_vote_result.features == 0x1213);
    CHECK(got.request_vote_result.capacity == 0x2223);
    m.request_vote_result.vote_granted = false;
    m.request_vote_result.pre_vote = true;
    got = round_trip(d, &m, log);
    CHECK(!got.request_vote_result.vote_granted && got.request_vote_result.pre_vote);
}

static void test_append_entries(struct decoder *d, const struct log *log) {
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
    m.append_entries = (struct raft_append_entries){.version = 2,
                                                    .term = 0x0102030405060708,
                                                    .prev_log_index = 10,
                                                    .prev_log_term = 0x1112131415161718,
                                                    .leader_commit = 0x2122232425262728,
                                                    .round = 0x3132333435363738,
                                                    .sleep = true};
    struct raft_message got = round_trip(d, &m, log);
    CHECK(got.append_entries.version == 2 && got.append_entries.term == m.append_entries.term);
    CHECK(got.append_entries.prev_log_index == 10);
    CHECK(got.append_entries.prev_log_term == m.append_entries.prev_log_term);
    CHECK(got.append_entries.leader_commit == m.append_entries.leader_commit);
    CHECK(got.append_entries.round == m.append_entries.round && got.append_entries.sleep);
    CHECK(got.append_entries.n_entries == 0);

    m.append_entries.sleep = false;
    m.append_entries.n_entries = 2;
    got = round_trip(d, &m, log);
    CHECK(!got.append_entries.sleep && got.append_entries.n_entries == 2);
    CHECK(got.append_entries.entries[0].term == 4 && got.append_entries.entries[1].term == 5);
    CHECK(got.append_entries.entries[0].type == RAFT_COMMAND);
    CHECK(got.append_entries.entries[1].type == RAFT_BARRIER);
    CHECK(got.append_entries.entries[0].buf.len == 3 && got.append_entries.entries[1].buf.len == 0);
    CHECK(got.append_entries.entries[0].batch == d->cookie);

    struct bytes b = {0};
    m.append_entries.n_entries = 4; /* the log has three entries from there on */
    CHECK(!message_encode(&b, 1, &m, log, &snapshot) && b.len == 0);

    m = (struct raft_message){.type = RAFT_APPEND_ENTRIES_RESULT};
    m.append_entries_result = (struct raft_append_entries_result){.version = 3,
                                                                  .term = 0x0102030405060708,
                                                                  .rejected = 0x1112131415161718,
                                                                  .last_log_index = 21,
                                                                  .features = 0x3132,
                                                                  .capacity = 0x4142,
                                                                  .round = 0x5152535455565758,
                                                                  .snapshot_index = 61,
                                                                  .snapshot_offset = 71};
    got = round_trip(d, &m, log);
    const struct raft_append_entries_result *r = &got.append_entries_result;
    CHECK(r->version == 3 && r->term == m.append_entries_result.term);
    CHECK(r->rejected == m.append_entries_result.rejected && r->last_log_index == 21);
    CHECK(r->features == 0x3132 && r->capacity == 0x4142);
    CHECK(r->round == m.append_entries_result.round);
    CHECK(r->snapshot_index == 61 && r->snapshot_offset == 71);
}

static void test_others(struct decoder *d, const struct log *log) {
    struct raft_server servers[2] = {{1, "host:1", RAFT_VOTER}, {2, "host:2", RAFT_STANDBY}};
    struct raft_message m = {.type = RAFT_INSTALL_SNAPSHOT};
    m.install_snapshot = (struct raft_install_snapshot){.version = 0,
                                                        .term = 0x0102030405060708,
                                                        .last_index = 77,
                                                        .last_term = 6,
                                                        .conf = {servers, 2},
                                                        .conf_index = 5};
    struct raft_message got = round_trip(d, &m, log);
    const struct raft_install_snapshot *is = &got.install_snapshot;
    CHECK(is->version == 0 && is->term == m.install_snapshot.term && is->last_index == 77);
    CHECK(is->last_term == 6 && is->conf_index == 5 && is->conf.n == 2 && is->last);
    CHECK(is->conf.servers[0].id == 1 && is->conf.servers[1].id == 2);
    CHECK(is->conf.servers[0].role == RAFT_VOTER && is->conf.servers[1].role == RAFT_STANDBY);
    struct bytes b = {0};
    CHECK(message_encode(&b, 1, &m, log, &snapshot));
    struct cursor c = {b.data, b.data + b.len, false};
    uint32_t group;
    CHECK(message_decode(d, &c, &group, &got)); /* what it refers to is in `b` */
    CHECK(strcmp(is->conf.servers[0].address, "host:1") == 0);
    CHECK(strcmp(is->conf.servers[1].address, "host:2") == 0);
    CHECK(is->data.len == STATE_SIZE && load_int(is->data.base, 8) == snapshot.state.value);
    CHECK(load_int((char *)is->data.base + 8, 8) == snapshot.state.writes);
    b.len = 0;
    m.install_snapshot.last_index = 76; /* not the snapshot that there is */
    CHECK(!message_encode(&b, 1, &m, log, &snapshot) && b.len == 0);
    bytes_free(&b);

    m = (struct raft_message){.type = RAFT_TIMEOUT_NOW};
    m.timeout_now = (struct raft_timeout_now){
        .term = 0x0102030405060708, .last_log_index = 0x1112131415161718, .last_log_term = 21};
    got = round_trip(d, &m, log);
    CHECK(got.timeout_now.version == 0 && got.timeout_now.term == m.timeout_now.term);
    CHECK(got.timeout_now.last_log_index == m.timeout_now.last_log_index);
    CHECK(got.timeout_now.last_log_term == 21);
}

static void test_packets(void) {
    struct bytes b = {0};
    raft_id from = 0;
    put(&b, "before", 6);
    put_space(&b, PACKET_HEAD);
    put(&b, "messages", 8);
    packet_close(&b, 6, 2, 3);
    size_t len = b.len - 6;
    CHECK(packet_check(b.data + 6, len, 3, &from) == (long)len && from == 2);
    CHECK(packet_check(b.data + 6, len, 1, &from) == -1); /* for another host */
    for (size_t part = 0; part < len; part++) {
        CHECK(packet_check(b.data + 6, part, 3, &from) == 0);
    }
    for (size_t i = 0; i < 8 * len; i++) { /* no changed bit is accepted */
        b.data[6 + i / 8] = (char)(b.data[6 + i / 8] ^ 1 << i % 8);
        CHECK(packet_check(b.data + 6, len, 3, &from) <= 0);
        b.data[6 + i / 8] = (char)(b.data[6 + i / 8] ^ 1 << i % 8);
    }
    bytes_free(&b);
}

void test_wire(void) {
    struct decoder d = {.cookie = &d};
    struct log log = {.first = 11};
    struct raft_entry entries[3] = {{.term = 4, .type = RAFT_COMMAND, .buf = {"abc", 3}},
                                    {.term = 5, .type = RAFT_BARRIER},
                                    {.term = 5, .type = RAFT_COMMAND, .buf = {"d", 1}}};
    for (int i = 0; i < 3; i++) {
        log_append(&log, &entries[i]);
    }
    test_votes(&d, &log);
    test_append_entries(&d, &log);
    test_others(&d, &log);
    test_packets();
    log_reset(&log, 1);
    free(d.entries);
}
