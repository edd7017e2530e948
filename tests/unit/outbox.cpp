/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "state/outbox.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

using namespace libraft;

TEST_CASE("outbox: the parts are aligned and do not overlap") {
    for (uint64_t messages : {0, 1, 3}) {
        for (uint64_t entries : {0, 1, 5}) {
            for (uint64_t reads : {0, 2}) {
                for (uint64_t bytes : {0, 8, 64}) {
                    Need need;
                    need.messages = messages;
                    need.entries = entries;
                    need.reads = reads;
                    need.bytes = bytes;
                    Outbox box;
                    REQUIRE(box.reserve(need.size()));
                    Outgoing out;
                    out.lay_out(box.block(), need);
                    /* Fill everything: overlaps would show, as would a sanitizer. */
                    for (uint64_t i = 0; i < messages; ++i) {
                        std::memset(static_cast<void *>(&out.add_message()), 1,
                                    sizeof(raft_message));
                    }
                    for (uint64_t i = 0; i < entries; ++i) {
                        std::memset(static_cast<void *>(&out.add_entry()), 2, sizeof(raft_entry));
                    }
                    for (uint64_t i = 0; i < reads; ++i) {
                        std::memset(static_cast<void *>(&out.add_read()), 3, sizeof(raft_read));
                    }
                    for (uint64_t i = 0; i < bytes; i += 8) {
                        void *taken = out.take(1 + i % 8); /* rounded up to 8 */
                        REQUIRE(reinterpret_cast<uintptr_t>(taken) % 8 == 0);
                        std::memset(taken, 4, 8);
                    }
                    auto all = [](const void *base, size_t n, int value) {
                        for (size_t i = 0; i < n; ++i) {
                            if (static_cast<const unsigned char *>(base)[i] != value) {
                                return false;
                            }
                        }
                        return true;
                    };
                    REQUIRE(all(out.messages, messages * sizeof(raft_message), 1));
                    for (uint64_t i = 0; i < entries; ++i) {
                        REQUIRE(all(&out.entries[i], sizeof(raft_entry), 2));
                    }
                    REQUIRE(all(out.reads, reads * sizeof(raft_read), 3));
                    REQUIRE(all(out.bytes, bytes, 4));
                }
            }
        }
    }
}

TEST_CASE("outbox: the block is replaced only when it must grow") {
    Outbox box;
    REQUIRE(box.reserve(1000));
    const char *block = box.block();
    REQUIRE(box.reserve(10));
    REQUIRE(box.reserve(1000));
    REQUIRE(box.block() == block);
    REQUIRE(box.reserve(100000));
    for (size_t i = 0; i < 100000; ++i) {
        REQUIRE(box.block()[i] == 0); /* zeroed */
    }
}

TEST_CASE("outbox: a failed reservation keeps the old block") {
    Outbox box;
    REQUIRE(box.reserve(64));
    char *block = box.block();
    block[5] = 'x';
    REQUIRE_FALSE(box.reserve(UINT64_MAX));
    REQUIRE_FALSE(box.reserve(uint64_t{1} << 60));
    REQUIRE(box.block() == block);
    REQUIRE(block[5] == 'x');
    Need most;
    most.messages = most.entries = most.reads = UINT32_MAX;
    REQUIRE(most.size() > UINT32_MAX); /* no overflow */
    REQUIRE(most.size() / sizeof(raft_message) > UINT32_MAX);
}

TEST_CASE("outbox: sizes are sums of the parts, in whole words") {
    REQUIRE(Need().size() == 0);
    Need need;
    for (uint64_t bytes : {1, 7, 8}) {
        need.bytes = bytes;
        REQUIRE(need.size() == 8);
    }
    need.bytes = 9;
    REQUIRE(need.size() == 16);
}

namespace {

constexpr uint64_t kLarge = 1000000;

/* Reservations until the block is another one, at most 1,000. */
unsigned reservations_until_replaced(Outbox &box, uint64_t size) {
    const char *block = box.block();
    unsigned n = 0;
    while (box.block() == block && n < 1000) {
        REQUIRE(box.reserve(size));
        n++;
    }
    return n;
}

} // namespace

TEST_CASE("outbox: a large block is given back after a few small reservations") {
    Outbox box;
    REQUIRE(box.reserve(1000));
    REQUIRE_FALSE(box.is_large());
    REQUIRE(box.reserve(kLarge));
    REQUIRE(box.is_large());
    REQUIRE_FALSE(box.holds(8)); /* not for the fast path: each step is observed */
    REQUIRE(reservations_until_replaced(box, 800) <= 8);
    REQUIRE_FALSE(box.is_large());
    REQUIRE(box.holds(800));
    REQUIRE_FALSE(box.holds(2000));
}

TEST_CASE("outbox: nothing is reserved in a large block, and it is given back all the same") {
    Outbox box;
    REQUIRE(box.reserve(kLarge));
    REQUIRE(reservations_until_replaced(box, 0) <= 8);
    REQUIRE(box.holds(sizeof(raft_message)));
}

TEST_CASE("outbox: a large block that is used a quarter of is kept, and serves the fast path") {
    Outbox box;
    REQUIRE(box.reserve(kLarge));
    const char *block = box.block();
    unsigned open = 0;
    for (int i = 0; i < 1000; i++) {
        REQUIRE(box.reserve(i % 5 == 0 ? kLarge / 4 : 100));
        REQUIRE(box.block() == block);
        open += box.holds(kLarge);
        REQUIRE(box.holds(kLarge) == box.holds(8));
    }
    REQUIRE(open > 450);
    /* Large steps have ended. */
    REQUIRE(reservations_until_replaced(box, kLarge / 4 - 8) <= 24);
    REQUIRE(box.is_large());
    REQUIRE(reservations_until_replaced(box, 100) <= 8);
    REQUIRE_FALSE(box.is_large());
}

TEST_CASE("outbox: a large block that grows is observed anew, and is zeroed") {
    Outbox box;
    REQUIRE(box.reserve(kLarge));
    for (int i = 0; i < 7; i++) {
        REQUIRE(box.reserve(8));
    }
    memset(box.block(), 1, kLarge);
    REQUIRE(box.reserve(kLarge + 8));
    const char *block = box.block();
    REQUIRE(std::count(block, block + kLarge + 8, '\0') == kLarge + 8);
    for (int i = 0; i < 7; i++) {
        REQUIRE(box.reserve(8));
        REQUIRE(box.block() == block);
    }
    REQUIRE(box.reserve(8));
    REQUIRE_FALSE(box.is_large());
}

TEST_CASE("outbox: a block that was given back, small or large, is reserved again") {
    Outbox box;
    for (const uint64_t size : {uint64_t{64}, uint64_t{kLarge}}) {
        REQUIRE(box.reserve(size));
        box.release();
        REQUIRE(box.block() == nullptr);
        REQUIRE_FALSE(box.holds(8)); /* so that the fast path reserves, too */
        box.release();
        REQUIRE(box.reserve(size));
        const char *block = box.block();
        REQUIRE(std::count(block, block + size, '\0') == static_cast<ptrdiff_t>(size));
    }
}
