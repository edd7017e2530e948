/* SPDX-License-Identifier: MIT */
/* Memory that fails at every allocation of every step: RAFT_NOMEM, nothing changed, and the same
 * event stepped again succeeds as if nothing had failed. */
#include "../observe/failing_memory.hpp"
#include "../observe/state.hpp"
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

using Result = std::pair<std::string, observe::Digest>;

Result result(struct raft &r, const raft_update &update) {
    return {text_of(update), observe::state(r)};
}

/* Lets every allocation of every step fail once, in clones of the servers that take it. */
class Starvation {
public:
    Starvation() {
        before_step = [this](const raft &r, const raft_event &e) { starve(r, e); };
    }
    ~Starvation() { before_step = nullptr; }
    Starvation(const Starvation &) = delete;
    Starvation &operator=(const Starvation &) = delete;
    /* Allocations of that server that have failed. */
    long failures(raft_id id) { return failures_[id]; }

private:
    void starve(const raft &r, const raft_event &event) {
        struct raft plain = observe::clone(r);
        raft_event e = event;
        raft_update update;
        const int code = raft_step(&plain, &e, &update);
        if (code != 0) { /* it is meant to fail, or a test of its own */
            raft_close(&plain);
            return;
        }
        const Result expected = result(plain, update);
        raft_close(&plain);
        for (unsigned k = 1;; ++k) {
            struct raft hungry = observe::clone(r);
            e = event;
            failing_memory::arm(k, true);
            const int rv = raft_step(&hungry, &e, &update);
            const bool failed = failing_memory::disarm();
            INFO("event " << event.type << ", allocation " << k);
            if (failed) {
                REQUIRE(rv == RAFT_NOMEM);
                REQUIRE(update.flags == 0);
                REQUIRE(observe::state(hungry) == observe::state(r));
                REQUIRE(answers_of(&hungry) == answers_of(const_cast<raft *>(&r)));
                REQUIRE(std::string(raft_errmsg(&hungry)) != "");
                ++failures_[r.id];
                REQUIRE(raft_step(&hungry, &e, &update) == 0);
            } else {
                REQUIRE(rv == 0);
            }
            REQUIRE(result(hungry, update) == expected);
            raft_close(&hungry);
            if (!failed) { /* it needed fewer */
                return;
            }
        }
    }
    std::map<raft_id, long> failures_;
};

} // namespace

TEST_CASE("Memory fails while a leader lives a full life") {
    Starvation starvation;
    Cluster c(Cluster::fresh("1 2 3 4s 5s"));
    c.elect(1);
    c.run(250);
    c[1].submit(20);
    c.run(150);
    c[1].read(1);
    c[1].read(2, true);
    c.deliver();
    c[1].reconfigure("1 2 3 4s 5s 6s");
    c.deliver();
    c[1].change("1 2 3 4s 5s");
    c.deliver();
    c[1].reconfigure("1 4 5");
    c.deliver();
    c[1].take_snapshot(c[1].commit(), 3);
    c.isolate(4);
    c[1].submit(5);
    c.run(150);
    c[1].take_snapshot(c[1].commit(), 0);
    c.heal();
    c.run(300);
    c[1].transfer(5);
    c.deliver();
    c.run(300);
    REQUIRE(c[5].leads());
    REQUIRE(starvation.failures(1) > 20);
}

TEST_CASE("Memory fails while a follower lives a full life") {
    Starvation starvation;
    Cluster c(Cluster::fresh("1 2 3"));
    c.chunk_size = 9;
    c.elect(1);
    c[1].submit(30);
    c.run(200);
    c.isolate(3);
    c[1].submit(5);
    c.run(100);
    c[1].take_snapshot(c[1].commit(), 0);
    c.heal();
    c.run(500);
    REQUIRE(raft_snapshot_index(c[3].handle()) != 0);
    c.isolate(1);
    c.run(6000);
    c[c.leader()].submit(3);
    c.deliver();
    REQUIRE(starvation.failures(3) > 5);
}

TEST_CASE("Memory fails while a server is founded, caught up, recovered") {
    Starvation starvation;
    Cluster c({Draw{.id = 1}, Draw{.id = 2}});
    c[1].bootstrap("1");
    c[1].reconfigure("1 2p");
    c.run(200);
    c[1].catch_up(2);
    c.run(200);
    c[1].reconfigure("1 2");
    c.run(200);
    c[1].crash();
    c.run(200);
    c[2].step(event::recover("2"));
    c.run(6000);
    REQUIRE(c[2].leads());
    REQUIRE(starvation.failures(2) > 5);
    c[1].restart();
    REQUIRE(starvation.failures(1) > 0);
}

TEST_CASE("Memory fails in raft_init and in the setters") {
    bool failed = true;
    for (unsigned k = 1; failed; ++k) {
        struct raft r {};
        failing_memory::arm(k, true);
        int rv = raft_init(&r, 1, "an address that has to be copied somewhere");
        failed = failing_memory::disarm();
        REQUIRE(rv == (failed ? int{RAFT_NOMEM} : 0));
        if (!failed) {
            REQUIRE(k > 1);
            failing_memory::arm(1, true);
            rv = raft_set_heartbeat_timeout(&r, 50);
            REQUIRE(rv == (failing_memory::disarm() ? int{RAFT_NOMEM} : 0));
        }
        REQUIRE(raft_close(&r) == 0);
    }
}

TEST_CASE("Memory fails while a configuration is rolled back under a leader from elsewhere") {
    Starvation starvation;
    Cluster c({Draw{.id = 1, .term = 3, .log = "1[1 2] 2[1 2 3]"}});
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 2}});
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2");
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}, .commit = 2});
    REQUIRE(starvation.failures(1) > 2);
}
