/* SPDX-License-Identifier: MIT */
/* Tracing: typed facts of successful steps. */
#include "catch.hpp"
#include "cluster.hpp"

#include <set>

using namespace scenario;

namespace {

struct Fact {
    int type;
    raft_tracer_info info;
    std::string text;
};

struct Recorder {
    raft_tracer tracer{this, 1, [](raft_tracer *t, int type, const void *info) {
                           auto *i = static_cast<const raft_tracer_info *>(info);
                           static_cast<Recorder *>(t->impl)->facts.push_back(
                               {type, *i, i->text == nullptr ? "null" : i->text});
                       }};
    std::vector<Fact> facts;

    const Fact *find(int type) const {
        for (const Fact &f : facts) {
            if (f.type == type) {
                return &f;
            }
        }
        return nullptr;
    }
};

} // namespace

TEST_CASE("Every change is traced") {
    Recorder rec;
    auto draws = Cluster::fresh("1 2 3 4s");
    draws[0].set = [&](raft *r) { REQUIRE(raft_set_tracer(r, &rec.tracer) == 0); };
    Cluster c(draws);
    const Fact *f = rec.find(RAFT_TRACE_EVENT);
    REQUIRE(f);
    REQUIRE(f->info.code == RAFT_START);
    rec.facts.clear();
    c.elect(1);
    f = rec.find(RAFT_TRACE_TERM);
    REQUIRE(f);
    REQUIRE(f->info.term == 2);
    f = rec.find(RAFT_TRACE_VOTE);
    REQUIRE(f);
    REQUIRE(f->info.peer == 1);
    f = rec.find(RAFT_TRACE_STATE);
    REQUIRE(f);
    REQUIRE(f->info.code == RAFT_CANDIDATE);
    f = rec.find(RAFT_TRACE_LEADER);
    REQUIRE(f);
    REQUIRE(f->info.peer == 1);
    f = rec.find(RAFT_TRACE_ENTRIES);
    REQUIRE(f);
    REQUIRE(f->info.index == 2);
    REQUIRE(f->info.code == 1);
    f = rec.find(RAFT_TRACE_COMMIT);
    REQUIRE(f);
    REQUIRE(f->info.index == 2);
    f = rec.find(RAFT_TRACE_SENT);
    REQUIRE(f);
    REQUIRE(f->info.code == RAFT_REQUEST_VOTE);
    f = rec.find(RAFT_TRACE_RECEIVED);
    REQUIRE(f);
    REQUIRE(f->info.code == RAFT_REQUEST_VOTE_RESULT);
    rec.facts.clear();
    c[1].reconfigure("1 2 3 5s");
    f = rec.find(RAFT_TRACE_CONFIGURATION);
    REQUIRE(f);
    REQUIRE(f->info.index == 3);
    REQUIRE(f->info.code == 4);
    c.deliver();
    c[1].catch_up(5);
    REQUIRE(rec.find(RAFT_TRACE_CATCH_UP));
    rec.facts.clear();
    c[1].read(9);
    c.deliver();
    f = rec.find(RAFT_TRACE_READ);
    REQUIRE(f);
    REQUIRE(f->info.code == 0);
    REQUIRE(f->info.index == 3);
    c[1].transfer(2);
    f = rec.find(RAFT_TRACE_TRANSFER);
    REQUIRE(f);
    REQUIRE(f->info.peer == 2);
    REQUIRE(f->info.index == 0);
    for (const Fact &each : rec.facts) {
        REQUIRE(each.info.version == 1);
        REQUIRE(each.info.server == 1);
        REQUIRE(each.info.time == c.now);
        REQUIRE(!each.text.empty());
        REQUIRE(each.text != "null");
        REQUIRE(each.type >= RAFT_TRACE_EVENT);
        REQUIRE(each.type <= RAFT_TRACE_TRANSFER);
        for (unsigned long long r : each.info.reserved) {
            REQUIRE(r == 0);
        }
    }
}

TEST_CASE("The end of a transfer that fails with the leadership is traced") {
    Recorder rec;
    auto draws = Cluster::fresh("1 2 3");
    draws[0].set = [&](raft *r) { REQUIRE(raft_set_tracer(r, &rec.tracer) == 0); };
    Cluster c(draws);
    c.elect(1);
    c[1].transfer(2);
    rec.facts.clear();
    c[1].receive(3, AppendResult{.term = 9, .last = 0});
    const Fact *f = rec.find(RAFT_TRACE_TRANSFER);
    REQUIRE(f);
    REQUIRE(f->info.peer == 0);
}

TEST_CASE("Snapshot chunks are traced") {
    Recorder rec;
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3]", .set = [&](raft *r) {
                    raft_set_tracer(r, &rec.tracer);
                }}});
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}});
    const Fact *f = rec.find(RAFT_TRACE_SNAPSHOT);
    REQUIRE(f);
    REQUIRE(f->info.index == 8);
}

TEST_CASE("Steps that fail are not traced") {
    Recorder rec;
    Cluster c(Cluster::fresh("1 2 3"));
    c[1].set([&](raft *r) { raft_set_tracer(r, &rec.tracer); });
    raft_update update;
    REQUIRE(raft_step(c[1].handle(), event::submit(1).at(c.now, 1), &update) == RAFT_NOTLEADER);
    REQUIRE(raft_step(c[1].handle(), event::snapshot(9, 0).at(c.now, 1), &update) == RAFT_INVALID);
    REQUIRE(raft_step(c[1].handle(),
                      event::receive(draft(2, 1, AppendEntries{.term = 0})).at(c.now, 1),
                      &update) == RAFT_MALFORMED);
    REQUIRE(rec.facts.empty());
}

TEST_CASE("Tracing changes nothing, can be replaced and turned off") {
    Recorder first;
    Recorder second;
    auto life = [&](bool traced) {
        Cluster c({{.id = 1, .log = "1[1 2 3]"}});
        if (traced) {
            c[1].set([&](raft *r) { raft_set_tracer(r, &first.tracer); });
        }
        c.expire(1);
        if (traced) {
            c[1].set([&](raft *r) { raft_set_tracer(r, &second.tracer); });
        }
        c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true});
        if (traced) {
            c[1].set([&](raft *r) { raft_set_tracer(r, nullptr); });
        }
        c[1].receive(2, VoteResult{.term = 2, .granted = true});
        return c[1].see() + text_of(c[1].update);
    };
    REQUIRE(life(true) == life(false));
    REQUIRE_FALSE(first.facts.empty());
    REQUIRE_FALSE(second.facts.empty());
    std::set<int> codes;
    for (const Fact &f : second.facts) {
        if (f.type == RAFT_TRACE_EVENT) {
            codes.insert(f.info.code);
        }
    }
    REQUIRE(codes == std::set<int>{RAFT_RECEIVE});
}

TEST_CASE("A tracer without a function is refused") {
    Cluster c(Cluster::fresh("1 2 3"));
    raft_tracer empty{nullptr, 1, nullptr};
    REQUIRE(raft_set_tracer(c[1].handle(), &empty) == RAFT_INVALID);
    c.expire(1); /* the tracer is not called */
}
