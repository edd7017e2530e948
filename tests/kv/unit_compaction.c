/* SPDX-License-Identifier: MIT */
/* Unit tests of the decision when the log is compacted. */
#include "unit.h"

#include "compaction.h"

#define MIB (1024ull * 1024)

/* 1000 entries or 1 MiB; plenty of room; no transfer. */
static struct compaction log_of(uint64_t entries, uint64_t bytes) {
    return (struct compaction){
        .max_entries = 1000, .max_bytes = MIB, .entries = entries, .bytes = bytes};
}

/* The same while a dump of this size is sent to a server that answered `silence` ms ago. */
static struct compaction sending(uint64_t entries, uint64_t bytes, uint64_t size,
                                 uint64_t silence) {
    struct compaction c = log_of(entries, bytes);
    c.sending = true;
    c.dump_size = size;
    c.silence = silence;
    return c;
}

static bool due(struct compaction c) { return compaction_due(&c); }

static void check_growth(void) {
    CHECK(!due(log_of(0, 0)) && !due(log_of(1, 1)));
    CHECK(!due(log_of(999, MIB - 1)));
    CHECK(due(log_of(1000, 0)) && due(log_of(1, MIB)));
    CHECK(!due(log_of(0, 100 * MIB))); /* nothing was applied: there is no newer snapshot */
}

/* A transfer delays a compaction while its receiver answers, and up to a size of the log. */
static void check_transfers(void) {
    CHECK(!due(sending(1000, 0, 1, 0)) && !due(sending(1, MIB, 1, 0)));
    CHECK(!due(sending(1000000, 8 * MIB - 1, 1, 0)));
    CHECK(due(sending(1, 8 * MIB, 1, 0)));       /* the receiver is too slow */
    CHECK(due(sending(1, 8 * MIB, 4 * MIB, 0))); /* not more for a dump that is not larger */
    CHECK(!due(sending(1, 8 * MIB, 5 * MIB, 0)));
    CHECK(!due(sending(1, 10 * MIB - 1, 5 * MIB, 0)));
    CHECK(due(sending(1, 10 * MIB, 5 * MIB, 0)));
    CHECK(!due(sending(1, MIB, 1, 29999)));
    CHECK(due(sending(1, MIB, 1, 30000))); /* the receiver is dead or frozen */
    CHECK(!due(sending(999, MIB - 1, 1, 30000)) && !due(sending(0, 8 * MIB, 1, 0)));
    struct compaction other = log_of(1000, 0);
    other.dump_size = 100 * MIB; /* a dump that nobody needs any more */
    CHECK(due(other));
    struct compaction usual = sending(1, 1023 * MIB, 1, 0);
    usual.max_bytes = 128 * MIB;
    CHECK(!due(usual));
    usual.bytes = 1024 * MIB;
    CHECK(due(usual));
}

/* If there is little room, the log is compacted early, whatever is being sent. */
static void check_room(void) {
    struct compaction c = sending(1, MIB, 100 * MIB, 0);
    c.waited = 200;
    CHECK(!due(c));
    c.tight = true;
    CHECK(due(c));
    c.waited = 199;
    CHECK(!due(c));
    c.waited = 200;
    c.bytes = MIB - 1;
    CHECK(!due(c));
    c.deletions = 1;
    CHECK(due(c));
    c.waited = 199;
    CHECK(!due(c));
    c.waited = 200;
    c.entries = 0;
    CHECK(!due(c));
}

/* For every size of log there is an end: it is compacted, however large the log has become. */
static void check_bound(void) {
    for (unsigned i = 0; i < 10000; i++) {
        struct compaction c = sending(1 + random_below(5000), 0, random_below(64 * MIB), 0);
        c.silence = random_below(2) ? 0 : random_below(60000);
        c.tight = random_below(2);
        c.waited = random_below(400);
        uint64_t most = compaction_most_bytes(&c);
        CHECK(most >= 8 * c.max_bytes && most <= 8 * c.max_bytes + 2 * c.dump_size);
        c.bytes = most + random_below(MIB);
        CHECK(due(c));
    }
}

void test_compaction(void) {
    check_growth();
    check_transfers();
    check_room();
    check_bound();
}
