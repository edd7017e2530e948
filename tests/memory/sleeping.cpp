/* SPDX-License-Identifier: MIT */
/* Servers that sleep. A step that fails leaves them asleep: no accessor and no byte of the state
 * changes. */
#include "sequences.hpp"

#include "events.hpp"
#include "tested_raft.hpp"

#include <functional>
#include <memory>

namespace memory {
namespace {

constexpr unsigned short kAll = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS |
                                RAFT_FEATURE_JOINT | RAFT_FEATURE_SLEEP;
constexpr raft_time kNoDeadline = INT64_MAX;

bool asleep(const TestedRaft &s) {
    raft_id leader;
    raft_leader(&s.r, &leader, nullptr);
    return leader != 0 && raft_timeout(&s.r) == kNoDeadline;
}

void let_sleep(TestedRaft &s) {
    s.set([](struct raft *r) { return raft_set_features(r, kAll & ~RAFT_FEATURE_CAPACITY); });
    s.set([](struct raft *r) { return raft_set_idle_timeout(r, 100); });
}

/* Server 1 follows server 2, which tells it to sleep. */
struct Follower : TestedRaft {
    explicit Follower(Builder &b) {
        let_sleep(*this);
        prepare(b.start(1, 2, nullptr, 1, {b.change(1, b.conf("1 2 3"))}));
        prepare(b.sleep(2, 2, 2, 1, 1, 1ULL << 20));
        REQUIRE(asleep(*this));
        now = 3000;
    }
};

/* Server 1 leads servers 2 and 3 in term 3. Server 3 is silent for so long that it is left out, or
 * answers like server 2. */
struct Leader : TestedRaft {
    enum Third { kAnswers, kIsSilent };
    explicit Leader(Builder &b, Third third = kAnswers) {
        let_sleep(*this);
        prepare(b.start(1, 2, nullptr, 1, {b.change(1, b.conf("1 2 3"))}));
        now = raft_timeout(&r);
        prepare(b.event(RAFT_TIMEOUT, now));
        prepare(b.vote(now, 2, 3, true));
        prepare(b.vote(now, 2, 3, false));
        prepare(b.persisted(now, 2));
        answer(b, third, 0);
        for (unsigned i = 0; i < 120 && raft_timeout(&r) == now + 100; i++) {
            now += 100;
            const raft_update &update = prepare(b.event(RAFT_TIMEOUT, now));
            answer(b, third, update.messages.batch[0].append_entries.round);
        }
        REQUIRE(raft_commit_index(&r) == 2);
        REQUIRE(raft_timeout(&r) == (third == kAnswers ? kNoDeadline : now + 10000));
    }
    void answer(Builder &b, Third third, unsigned long long round) {
        for (raft_id id = 2; id <= (third == kAnswers ? 3 : 2); id++) {
            prepare(b.result(now, id, 3, 0, 2, kAll, round));
        }
    }
};

/* A sleeping follower takes an event, on its own, and is awake or not afterwards. */
void follower(Builder &b, const raft_event &event, bool sleeps, int code = 0) {
    Follower s(b);
    s.step(event, code);
    REQUIRE(asleep(s) == sleeps);
}

void leader(Builder &b, bool sleeps, const std::function<raft_event(raft_time)> &event,
            int code = 0) {
    Leader s(b);
    s.step(event(s.now + 5000), code);
    REQUIRE(asleep(s) == sleeps);
}

} // namespace

void sleeping() {
    Builder b;
    constexpr raft_time t = 5000;
    follower(b, b.event(RAFT_WAKE, t), false);
    follower(b, b.with_conf(t, RAFT_RECOVER, b.conf("1 2")), false);
    follower(b, b.sleep(t, 2, 2, 1, 1, 1ULL << 20), true);
    follower(b, b.append(t, 2, 2, 1, 1, 1, {}, 1, 1ULL << 21), false);
    follower(b, b.append(t, 2, 2, 1, 1, 1, {b.command(2)}, 1, 1ULL << 21), false);
    follower(b, b.request(t, 3, 3, 1, 1), false);
    follower(b, b.request(t, 3, 3, 1, 1, false, true), false); /* permitted */
    follower(b, b.install(t, 2, 2, 9, 2, b.conf("1 2 3"), 1, 0, false), false);
    follower(b, b.timeout_now(t, 2, 2, 1, 1), false);
    follower(b, b.vote(t, 3, 4, false, false), false); /* a later term */
    follower(b, b.event(RAFT_TIMEOUT, t), true);
    follower(b, b.with_id(t, RAFT_UNREACHABLE, 2), true);
    follower(b, b.persisted(t, 1), true);
    follower(b, b.snapshot(t, 1, 0), true);
    follower(b, b.event(RAFT_CAMPAIGN, t), true, RAFT_BUSY);
    follower(b, b.submit(t, {b.command(0)}), true, RAFT_NOTLEADER);
    follower(b, b.request(t, 2, 0, 1, 1), true, RAFT_MALFORMED);

    leader(b, false, [&](raft_time at) { return b.event(RAFT_WAKE, at); });
    leader(b, false, [&](raft_time at) { return b.submit(at, {b.command(0)}); });
    leader(b, false, [&](raft_time at) { return b.read(at, 1, true); });
    leader(b, false, [&](raft_time at) { return b.reconfigure(at, b.conf("1 2 3 4p"), false); });
    leader(b, false, [&](raft_time at) { return b.with_id(at, RAFT_TRANSFER, 2); });
    leader(b, false, [&](raft_time at) { return b.with_id(at, RAFT_CATCH_UP, 0); });
    leader(b, false, [&](raft_time at) { return b.result(at, 2, 3, 0, 2, kAll); }); /* no round */
    leader(b, false, [&](raft_time at) { return b.request(at, 3, 9, 1, 1, true); });
    leader(b, false, [&](raft_time at) { return b.append(at, 2, 4, 2, 3, 2, {}); });
    leader(b, true, [&](raft_time at) { return b.event(RAFT_TIMEOUT, at); });
    leader(b, true, [&](raft_time at) { return b.snapshot(at, 2, 0); });
    leader(
        b, true, [&](raft_time at) { return b.with_id(at, RAFT_TRANSFER, 9); }, RAFT_BADID);
    leader(
        b, true, [&](raft_time at) { return b.event(RAFT_CAMPAIGN, at); }, RAFT_INVALID);

    /* A member in doubt is asked, and comes back. */
    Leader doubting(b, Leader::kIsSilent);
    const raft_time due = raft_timeout(&doubting.r);
    doubting.step(b.event(RAFT_TIMEOUT, due - 1));
    doubting.step(b.event(RAFT_TIMEOUT, due));
    REQUIRE(raft_timeout(&doubting.r) == due + 10000);
    doubting.step(b.with_id(due + 1, RAFT_UNREACHABLE, 2));
    doubting.step(b.result(due + 2, 3, 3, 0, 2, kAll));
    REQUIRE(raft_timeout(&doubting.r) == due + 102);

    /* A server whose settings have changed is due to wake up. Events that cannot fail do not wake
     * it, because waking up needs memory. */
    Follower s(b);
    s.set([](struct raft *r) { return raft_set_idle_timeout(r, 0); });
    s.step(b.with_id(t, RAFT_UNREACHABLE, 2));
    s.step(b.event(RAFT_CONFIGURATION, t));
    REQUIRE(raft_timeout(&s.r) < t);
    s.step(b.event(RAFT_TIMEOUT, t));
    REQUIRE(raft_timeout(&s.r) > t && !asleep(s));
    Leader l(b);
    l.set([](struct raft *r) { return raft_set_pre_vote(r, 0); });
    l.step(b.with_id(l.now + 1, RAFT_UNREACHABLE, 2));
    l.step(b.event(RAFT_CONFIGURATION, l.now + 1));
    REQUIRE(raft_timeout(&l.r) == l.now);
    l.step(b.event(RAFT_TIMEOUT, l.now + 1));
    REQUIRE(raft_timeout(&l.r) == l.now + 101);
}

} // namespace memory
