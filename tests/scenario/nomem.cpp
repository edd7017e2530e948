/* SPDX-License-Identifier: MIT */
/* Out of memory at every allocation of every step: RAFT_NOMEM, no trace, and the same
 * event stepped again succeeds as if nothing had been. malloc() and its kin are wrapped by
 * the linker (see meson.build). */
#include "catch.hpp"
#include "cluster.hpp"
#include "render.hpp"

#include <cstdlib>

using namespace story;

namespace {
bool armed;
long budget; /* allocations that still succeed */
long refused;

bool out_of_memory() {
    if (!armed || budget-- > 0) {
        return false;
    }
    ++refused;
    return true;
}
} // namespace

extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size) { return out_of_memory() ? nullptr : __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) {
    return out_of_memory() ? nullptr : __real_calloc(n, size);
}
void *__wrap_realloc(void *old, size_t size) {
    return out_of_memory() ? nullptr : __real_realloc(old, size);
}
}

namespace {

struct Player {
    struct raft r {};
    ~Player() { raft_close(&r); }
    Player() = default;
    Player(const Player &) = delete;
    Player &operator=(const Player &) = delete;

    int step(const Past &p, raft_update *update) {
        return raft_step(&r, p.event->at(p.time, p.capacity), update);
    }
    void play(const std::vector<Past> &past, size_t n) {
        raft_update update;
        for (size_t i = 0; i < n; ++i) {
            if (past[i].event == nullptr) {
                past[i].setter(&r);
            } else {
                REQUIRE(step(past[i], &update) == 0);
            }
        }
    }
};

/* Every allocation of every step of this life fails once. Returns how many there were. */
long starve(const std::vector<Past> &past) {
    long total = 0;
    for (size_t i = 0; i < past.size(); ++i) {
        if (past[i].event == nullptr) {
            continue;
        }
        Player plain;
        plain.play(past, i);
        const std::string before = digest(&plain.r);
        raft_update expected;
        REQUIRE(plain.step(past[i], &expected) == 0);
        const std::string wanted = render(expected) + digest(&plain.r);
        for (long k = 0;; ++k) {
            Player hungry;
            hungry.play(past, i);
            raft_update update;
            raft_event *e = past[i].event->at(past[i].time, past[i].capacity);
            budget = k;
            refused = 0;
            armed = true;
            int rv = raft_step(&hungry.r, e, &update);
            armed = false;
            INFO(past[i].event->text << ", allocation " << k);
            if (refused == 0) { /* it needed no more than k */
                REQUIRE(rv == 0);
                REQUIRE(render(update) + digest(&hungry.r) == wanted);
                break;
            }
            ++total;
            REQUIRE(rv == RAFT_NOMEM);
            REQUIRE(update.flags == 0);
            REQUIRE(digest(&hungry.r) == before);
            REQUIRE(std::string(raft_errmsg(&hungry.r)) != "");
            REQUIRE(hungry.step(past[i], &update) == 0);
            REQUIRE(render(update) + digest(&hungry.r) == wanted);
        }
    }
    return total;
}

} // namespace

TEST_CASE("Memory fails while a leader lives a full life") {
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
    c[1].snapshot(c[1].commit(), 3);
    c.isolate(4);
    c[1].submit(5);
    c.run(150);
    c[1].snapshot(c[1].commit(), 0);
    c.heal();
    c.run(300);
    c[1].transfer(5);
    c.deliver();
    c.run(300);
    REQUIRE(c[5].leads());
    REQUIRE(starve(c[1].past()) > 20);
}

TEST_CASE("Memory fails while a follower lives a full life") {
    Cluster c(Cluster::fresh("1 2 3"));
    c.chunk_size = 9;
    c.elect(1);
    c[1].submit(30);
    c.run(200);
    c.isolate(3);
    c[1].submit(5);
    c.run(100);
    c[1].snapshot(c[1].commit(), 0);
    c.heal();
    c.run(500);
    REQUIRE(raft_snapshot_index(&c[3].raft) != 0);
    c.isolate(1);
    c.run(6000);
    c[c.leader()].submit(3);
    c.deliver();
    REQUIRE(starve(c[3].past()) > 5);
}

TEST_CASE("Memory fails while a server is founded, caught up, recovered") {
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
    REQUIRE(starve(c[2].past()) > 5);
    c[1].restart();
    REQUIRE(starve(c[1].past()) > 0);
}

TEST_CASE("Memory fails in raft_init and in the setters") {
    for (long k = 0;; ++k) {
        struct raft r {};
        budget = k;
        refused = 0;
        armed = true;
        int rv = raft_init(&r, 1, "an address that has to be copied somewhere");
        armed = false;
        if (refused == 0) {
            REQUIRE(rv == 0);
            REQUIRE(k > 0);
            budget = refused = 0;
            armed = true;
            rv = raft_set_heartbeat_timeout(&r, 50);
            armed = false;
            REQUIRE((rv == 0 || rv == RAFT_NOMEM));
            REQUIRE((rv == RAFT_NOMEM) == (refused > 0));
            raft_close(&r);
            break;
        }
        REQUIRE(rv == RAFT_NOMEM);
        REQUIRE(raft_close(&r) == 0);
    }
}

TEST_CASE("Memory fails while a configuration is rolled back under a leader from elsewhere") {
    Cluster c({Draw{.id = 1, .term = 3, .log = "1[1 2] 2[1 2 3]"}});
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 2}});
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2");
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}, .commit = 2});
    REQUIRE(starve(c[1].past()) > 2);
}
