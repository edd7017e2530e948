/* SPDX-License-Identifier: MIT */
/* The codec of examples/craft: the bytes of each message, what it refuses, and any bytes at all. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "craft.h"

/* Compare with numbers of 8 bytes, which is what all messages consist of. */
static void is(const void *bytes, size_t len, const uint64_t *numbers, size_t n) {
    const unsigned char *at = bytes;
    CHECK(len == 8 * n);
    for (size_t i = 0; i < len; i++) {
        CHECK(at[i] == (unsigned char)(numbers[i / 8] >> (8 * (i % 8))));
    }
}

#define NUMBERS(...) (uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8

static unsigned char bytes[4096];

static size_t encode(const struct raft_message *m, bool extended) {
    size_t len = craft_size(m, extended);
    CHECK(len > 0 && len <= sizeof bytes);
    craft_encode(m, extended, bytes);
    for (size_t i = 0; i < len; i++) {
        CHECK(craft_length(bytes, i) == 0 || craft_length(bytes, i) == len);
    }
    CHECK(craft_length(bytes, len) == len);
    return len;
}

static struct raft_message decode(size_t len, bool extended, struct craft_message *c) {
    free(c->memory);
    CHECK(craft_decode(bytes, len, extended, c) == 0);
    return c->message;
}

static void test_hello(void) {
    raft_id id;
    char address[CRAFT_ADDRESS_MAX];
    size_t len = craft_hello(7, "1.2.3.4:5678", bytes);
    is(bytes, len, NUMBERS(1, 7, 16, 0x3a342e332e322e31, 0x38373635));
    for (size_t i = 0; i < len; i++) {
        CHECK(craft_read_hello(bytes, i, &id, address) == 0);
    }
    CHECK(craft_read_hello(bytes, len, &id, address) == len);
    CHECK(id == 7 && strcmp(address, "1.2.3.4:5678") == 0);
    bytes[0] = 2;
    CHECK(craft_read_hello(bytes, len, &id, address) == SIZE_MAX);
}

static void test_votes(struct craft_message *c) {
    struct raft_message m = {.type = RAFT_REQUEST_VOTE};
    m.request_vote = (struct raft_request_vote){2, 3, 4, 5, 6, false, true};
    is(bytes, encode(&m, false), NUMBERS(3, 40, 3, 4, 5, 6, 2));
    m = decode(56, false, c);
    CHECK(m.request_vote.version == 1 && m.request_vote.pre_vote && m.request_vote.term == 3);
    bytes[8] = 32; /* without flags */
    m = decode(48, false, c);
    CHECK(m.request_vote.version == 0 && !m.request_vote.pre_vote);

    m = (struct raft_message){.type = RAFT_REQUEST_VOTE_RESULT};
    m.request_vote_result = (struct raft_request_vote_result){2, 3, true, true, 15, 9};
    is(bytes, encode(&m, false), NUMBERS(4, 24, 3, 1, 1));
    m.request_vote_result = decode(40, false, c).request_vote_result;
    CHECK(m.request_vote_result.version == 2 && m.request_vote_result.features == 0);
    CHECK(m.request_vote_result.vote_granted && m.request_vote_result.pre_vote);
    m.request_vote_result.features = 15, m.request_vote_result.capacity = 9;
    is(bytes, encode(&m, true), NUMBERS(4 | 2 << 16, 32, 3, 1, 1, 15 | 9 << 16));
    CHECK(decode(48, true, c).request_vote_result.features == 15);
    CHECK(decode(48, false, c).request_vote_result.features == 0);
    encode(&m, false);
    bytes[8] = 16;
    CHECK(decode(32, false, c).request_vote_result.version == 0);

    m = (struct raft_message){.type = RAFT_TIMEOUT_NOW, .timeout_now = {0, 3, 4, 5}};
    is(bytes, encode(&m, false), NUMBERS(6, 24, 3, 4, 5));
    CHECK(decode(40, false, c).timeout_now.last_log_index == 4);
}

static void test_entries(struct craft_message *c) {
    uint64_t payload[2] = {0x1111, 0x2222};
    struct raft_entry e[2] = {{.term = 8, .type = RAFT_COMMAND, .buf = {payload, 8}},
                              {.term = 9, .type = RAFT_BARRIER, .buf = {payload + 1, 8}}};
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
    m.append_entries = (struct raft_append_entries){1, 3, 4, 5, 6, e, 2, 77, false};
    size_t len = encode(&m, false);
    is(bytes, len,
       NUMBERS(1, 80, 3, 4, 5, 6, 2, 8, 1 | 8ull << 32, 9, 2 | 8ull << 32, 0, 0x1111, 0x2222));
    m = decode(len, false, c);
    CHECK(m.append_entries.version == 0 && m.append_entries.n_entries == 2);
    CHECK(m.append_entries.entries[1].type == RAFT_BARRIER && m.append_entries.leader_commit == 6);
    CHECK(memcmp(m.append_entries.entries[1].buf.base, payload + 1, 8) == 0);
    m.append_entries.version = 1, m.append_entries.round = 77;
    len = encode(&m, true);
    CHECK(bytes[2] == 1 && decode(len, true, c).append_entries.round == 77);
    CHECK(decode(len, false, c).append_entries.version == 0);
    m.append_entries.entries = e;
    e[0].buf.len = 7; /* it would abort the receiver */
    CHECK(craft_size(&m, false) == 0);
    bytes[16 + 40 + 8 + 4] = 7;
    CHECK(craft_length(bytes, len) == SIZE_MAX);
    m.append_entries.entries = NULL;
    CHECK(craft_size(&m, false) == 0);

    m = (struct raft_message){.type = RAFT_APPEND_ENTRIES_RESULT};
    m.append_entries_result = (struct raft_append_entries_result){3, 4, 5, 6, 15, 9, 77, 8, 10};
    is(bytes, encode(&m, false), NUMBERS(2, 24, 4, 5, 6));
    CHECK(decode(40, false, c).append_entries_result.version == 0);
    is(bytes, encode(&m, true), NUMBERS(2 | 3 << 16, 56, 4, 5, 6, 15 | 9 << 16, 77, 8, 10));
    m = decode(72, true, c);
    CHECK(m.append_entries_result.version == 3 && m.append_entries_result.round == 77);
    CHECK(m.append_entries_result.snapshot_offset == 10);
}

static void test_snapshot(struct craft_message *c) {
    uint64_t data = 0x3333;
    struct raft_server servers[] = {{1, "a", RAFT_VOTER}, {2, "bcd", RAFT_STANDBY}};
    struct raft_message m = {.type = RAFT_INSTALL_SNAPSHOT};
    struct raft_install_snapshot *s = &m.install_snapshot;
    *s = (struct raft_install_snapshot){0, 3, 4, 5, {servers, 2}, 6, {&data, 8}, 0, true};
    size_t len = encode(&m, false);
    /* 1, 2, 0: 9 bytes; 1 "a" 1: 11 bytes; 2 "bcd" 0: 13 bytes; 7 zero bytes */
    is(bytes, len,
       NUMBERS(5, 96, 3, 4, 5, 6, 40, 0x0000000000000201, 0x0000000000000100, 0x0000000201006100,
               0x0064636200000000, 0, 8, 0, 0x3333));
    m = decode(len, false, c);
    CHECK(s->conf.n == 2 && s->conf_index == 6 && s->data.len == 8);
    CHECK(strcmp(s->conf.servers[1].address, "bcd") == 0 && s->conf.servers[0].role == RAFT_VOTER);
    CHECK(memcmp(s->data.base, &data, 8) == 0);
    s->version = 1, s->offset = 16, s->last = true;
    CHECK(craft_size(&m, false) == 0); /* a chunk is not a snapshot */
    struct craft_message other = {.memory = NULL};
    len = encode(&m, true);
    CHECK(craft_decode(bytes, len, false, &other) == -1 && other.memory == NULL);
    m = decode(len, true, c);
    CHECK(s->version == 1 && s->offset == 16 && s->last);
    s->conf = (struct raft_configuration){servers, 2};
    s->data.base = &data;
    len = encode(&m, true);
    bytes[16 + 40 + 1] = 200; /* more servers than there are */
    CHECK(craft_decode(bytes, len, true, &other) == -1);
}

/* Changed bytes are decoded or refused, but no byte outside is read: run it under a sanitizer. */
static void test_noise(void) {
    size_t len = 128; /* the snapshot of the last test */
    unsigned seed = 1;
    for (int i = 0; i < 200000; i++) {
        unsigned char *copy = malloc(len);
        struct craft_message c = {.memory = NULL};
        memcpy(copy, bytes, len);
        copy[0] = (unsigned char)(1 + i % 6);
        for (int k = 0; k < 3; k++) {
            seed = seed * 1664525 + 1013904223;
            copy[8 + (seed >> 8) % (len - 8)] = (unsigned char)(seed >> 24);
        }
        size_t n = craft_length(copy, len);
        if (n > 0 && n <= len) {
            craft_decode(copy, n, i % 2 == 0, &c);
        }
        free(c.memory);
        free(copy);
    }
}

int main(void) {
    struct craft_message c = {.memory = NULL};
    test_hello();
    test_votes(&c);
    test_entries(&c);
    test_snapshot(&c);
    test_noise();
    free(c.memory);
    return 0;
}
