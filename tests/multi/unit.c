/* SPDX-License-Identifier: MIT */
/* Unit tests of raft-multi's modules, without a host. The first failed check ends the program. */
#include "unit.h"

#include <string.h>

#include "detector.h"
#include "log.h"
#include "timers.h"

/* --- timers -------------------------------------------------------------- */

enum { TIMERS = 300 };

/* The timers against an array of deadlines. */
static void test_timers(void) {
    struct timers t;
    raft_time due[TIMERS];
    uint32_t group;
    timers_init(&t, TIMERS);
    CHECK(timers_next(&t) == NEVER && !timers_expired(&t, NEVER - 1, &group));
    for (int i = 0; i < TIMERS; i++) {
        due[i] = NEVER;
    }
    for (int round = 0; round < 20000; round++) {
        uint32_t some = random_below(TIMERS);
        unsigned kind = random_below(10);
        raft_time now = random_below(1000);
        raft_time first = NEVER;
        uint32_t n = 0;
        if (kind < 6) {
            timers_set(&t, some, due[some] = random_below(1000));
        } else if (kind < 8) {
            timers_set(&t, some, due[some] = NEVER);
        } else if (timers_expired(&t, now, &group)) {
            for (int i = 0; i < TIMERS; i++) {
                CHECK(due[i] >= due[group]);
            }
            CHECK(due[group] <= now);
            due[group] = NEVER;
        } else {
            CHECK(timers_next(&t) > now);
        }
        for (int i = 0; i < TIMERS; i++) {
            first = due[i] < first ? due[i] : first;
            n += due[i] < NEVER;
        }
        CHECK(timers_next(&t) == first && t.n == n);
    }
    timers_free(&t);
}

/* A host whose groups sleep keeps no space for their deadlines. */
static void test_timers_shrink(void) {
    struct timers t;
    timers_init(&t, 100000);
    for (uint32_t i = 0; i < 100000; i++) {
        timers_set(&t, i, 1000 + i);
    }
    CHECK(t.cap >= 100000);
    for (uint32_t i = 0; i < 100000; i++) {
        timers_set(&t, i, NEVER);
    }
    CHECK(t.n == 0 && t.cap < 1000);
    timers_free(&t);
}

/* --- the log in memory --------------------------------------------------- */

static void append(struct log *l, raft_term term, const char *payload) {
    struct raft_entry e = {.term = term, .type = RAFT_COMMAND};
    e.buf.base = (void *)payload;
    e.buf.len = strlen(payload);
    log_append(l, &e);
}

static void expect(const struct log *l, raft_index index, raft_term term, const char *payload) {
    const char *at;
    size_t len;
    struct raft_entry e;
    CHECK(log_range(l, index, 1, &at, &len));
    struct cursor c = {at, at + len, false};
    entry_unpack(&c, &e, NULL);
    CHECK(!c.bad && bytes_left(&c) == 0);
    CHECK(e.term == term && e.type == RAFT_COMMAND && e.buf.len == strlen(payload));
    CHECK(e.buf.len == 0 || memcmp(e.buf.base, payload, e.buf.len) == 0);
}

static void test_log(void) {
    struct log l = {.first = 5};
    const char *at;
    size_t len;
    CHECK(log_last(&l) == 4 && !log_range(&l, 5, 1, &at, &len));
    append(&l, 2, "five");
    append(&l, 2, "");
    append(&l, 3, "seven");
    append(&l, 3, "eight");
    CHECK(log_last(&l) == 8);
    expect(&l, 5, 2, "five");
    expect(&l, 6, 2, "");
    expect(&l, 8, 3, "eight");
    CHECK(log_range(&l, 6, 3, &at, &len) && len == 3 * ENTRY_HEAD + 10);
    CHECK(!log_range(&l, 4, 1, &at, &len) && !log_range(&l, 8, 2, &at, &len));

    struct raft_entry *entries = log_unpack(&l);
    CHECK(entries[2].term == 3 && memcmp(entries[2].buf.base, "seven", 5) == 0);
    free(entries);

    log_truncate(&l, 9); /* nothing to delete */
    CHECK(log_last(&l) == 8);
    log_truncate(&l, 7);
    CHECK(log_last(&l) == 6);
    append(&l, 4, "other seven");
    expect(&l, 7, 4, "other seven");
    log_drop(&l, 6);
    CHECK(l.first == 6 && l.n == 2);
    expect(&l, 6, 2, "");
    expect(&l, 7, 4, "other seven");
    log_drop(&l, 10);
    CHECK(l.first == 10 && l.n == 0 && l.bytes == NULL);
    append(&l, 5, "ten");
    expect(&l, 10, 5, "ten");
    log_truncate(&l, 3);
    CHECK(l.first == 3 && l.n == 0 && l.bytes == NULL);
}

/* --- the detector -------------------------------------------------------- */

static void test_detector(void) {
    struct detector d;
    detector_start(&d, 1000);
    CHECK(detector_judge(&d, 2, 1000 + MISSED * BEAT) == UNCHANGED);
    detector_heard(&d, 3, 2000);
    CHECK(detector_judge(&d, 2, 1001 + MISSED * BEAT) == GONE);
    CHECK(detector_judge(&d, 2, 1002 + MISSED * BEAT) == UNCHANGED); /* said once */
    CHECK(detector_judge(&d, 3, 1002 + MISSED * BEAT) == UNCHANGED);
    detector_heard(&d, 2, 9000);
    CHECK(detector_judge(&d, 2, 9001) == BACK);
    CHECK(detector_judge(&d, 2, 9001) == UNCHANGED);
    CHECK(detector_judge(&d, 3, 9001) == GONE);
}

/* --- buffers ------------------------------------------------------------- */

static void test_bytes(void) {
    struct bytes b = {0};
    put_int(&b, 0x0102030405060708, 8);
    put(&b, "abc", 3);
    put_int(&b, 0xffff, 2);
    bytes_drop(&b, 8);
    CHECK(b.len == 5 && memcmp(b.data, "abc\xff\xff", 5) == 0);
    struct cursor c = {b.data, b.data + b.len, false};
    CHECK(get_int(&c, 3) == ('a' | 'b' << 8 | 'c' << 16) && get_int(&c, 2) == 0xffff && !c.bad);
    CHECK(get_int(&c, 1) == 0 && c.bad && get(&c, 0) == NULL);
    bytes_drop(&b, b.len);
    CHECK(b.len == 0 && b.data != NULL); /* a small buffer is kept, */
    put_space(&b, 2 * 1024 * 1024);
    bytes_drop(&b, b.len);
    CHECK(b.data == NULL && b.cap == 0); /* a large one is not */
}

int main(void) {
    test_bytes();
    test_timers();
    test_timers_shrink();
    test_log();
    test_detector();
    test_wire();
    test_disk();
    return 0;
}
