/* SPDX-License-Identifier: MIT */
/* What a settled cluster does all day takes the short way of a step, which is what its speed
 * rests on: the long way, which the linker leads through here, is not taken once. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace story;

int long_way(void *server, raft_event *event, raft_update *update) asm(
    "__real__ZN7libraft4stepERNS_6ServerER10raft_eventR11raft_update");
int counted_long_way(void *server, raft_event *event, raft_update *update) asm(
    "__wrap__ZN7libraft4stepERNS_6ServerER10raft_eventR11raft_update");

namespace {
unsigned long_ways = 0;
}

int counted_long_way(void *server, raft_event *event, raft_update *update) {
    long_ways++;
    return long_way(server, event, update);
}

namespace {

/* Everything that a settled cluster does, some time. */
void live(Cluster &c, unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
        c[1].submit(1 + i % 3);
        c.deliver();
    }
    c.run(1000);
}

} // namespace

TEST_CASE("Entries, acknowledgements and heartbeats of a settled cluster take the short way") {
    Cluster c(Cluster::fresh("1 2 3"));
    c.elect(1);
    c.run(2000);
    REQUIRE(long_ways > 0);
    live(c, 5); /* until every outbox is large enough */
    const raft_index before = c[1].commit();
    long_ways = 0;
    SECTION("with disks that acknowledge at once") {
        live(c, 10);
        REQUIRE(c[1].commit() > before + 10);
    }
    SECTION("with a slow disk at a follower") {
        c[3].slow = true;
        c[1].submit();
        c.deliver();
        c[3].store_all();
        c.deliver();
        REQUIRE(c[1].match(3) == c[1].last());
    }
    SECTION("with a slow disk at the leader") {
        c[1].slow = true;
        c[1].submit();
        c.deliver();
        c[1].store_all();
        REQUIRE(c[1].commit() == before + 1);
    }
    REQUIRE(long_ways == 0);
}

TEST_CASE("Limits that are not reached leave the short way open") {
    Cluster c({{.id = 1,
                .log = "1[1 2 3]",
                .set =
                    [](raft *r) {
                        raft_set_max_message_entries(r, 3);
                        raft_set_max_uncommitted_entries(r, 10);
                        raft_set_max_inflight_entries(r, 3);
                    }},
               {.id = 2, .log = "1[1 2 3]"},
               {.id = 3, .log = "1[1 2 3]"}});
    c.elect(1);
    c.run(2000);
    live(c, 6);
    long_ways = 0;
    live(c, 6);
    REQUIRE(long_ways == 0);
    c[1].submit(3);
    c[1].submit(3); /* nothing more than three entries may be in flight */
    c.deliver();
    REQUIRE(c[2].last() == c[1].last());
    REQUIRE(long_ways == 0);
}

TEST_CASE("What is unusual takes the long way") {
    Cluster c(Cluster::fresh("1 2 3"));
    c.elect(1);
    c.run(2000);
    live(c, 5);
    long_ways = 0;
    c[1].read(1);
    REQUIRE(long_ways > 0);
}

TEST_CASE("A voter that became a spare does not keep the others from the short way") {
    Cluster c(Cluster::fresh("1 2 3 4"));
    c.elect(1);
    c.run(2000);
    c[1].reconfigure("1 2 3 4p");
    c.run(2000);
    live(c, 5);
    long_ways = 0;
    live(c, 5);
    REQUIRE(c[2].commit() == c[1].last());
    REQUIRE(long_ways == 0);
}
