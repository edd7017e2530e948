/* SPDX-License-Identifier: MIT */
/* Steps that succeed if memory lasts. */
#include "sequences.hpp"

#include "events.hpp"
#include "tested_raft.hpp"

#include <cstdint>

namespace memory {
namespace {

constexpr unsigned short kAll =
    RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT;

/* Server 1 of three leads term 3; entry 4, its barrier, is committed. */
void become_leader(TestedRaft &s, Builder &b, const raft_configuration &conf) {
    s.set([](struct raft *r) { return raft_set_features(r, kAll); });
    s.step(b.start(1, 2, nullptr, 1, {b.change(1, conf), b.command(1), b.command(2)}));
    const raft_time due = raft_timeout(&s.r);
    s.step(b.event(RAFT_TIMEOUT, due));
    s.step(b.vote(due, 2, 3, true));
    s.step(b.vote(due, 2, 3, false));
    REQUIRE(raft_state(&s.r) == RAFT_LEADER && raft_last_index(&s.r) == 4);
    s.now = due;
    s.step(b.persisted(s.now, 4));
    s.step(b.result(s.now, 2, 3, 0, 4, kAll));
    s.step(b.result(s.now, 3, 3, 3, 1, kAll)); /* its log is shorter */
    s.step(b.result(s.now, 3, 3, 0, 4, kAll));
    REQUIRE(raft_commit_index(&s.r) == 4);
}

/* A setter, before and after START. */
template <class Setter>
void set_first(Setter setter) {
    Builder b;
    TestedRaft s;
    s.set(setter);
    TestedRaft running;
    running.step(b.start(1, 0, nullptr, 0, {}));
    running.set(setter);
    running.step(b.event(RAFT_TIMEOUT, 2));
}

void ignore(struct raft_tracer *, int, const void *) {}

} // namespace

void setting() {
    static raft_tracer tracer = {nullptr, 1, ignore};
    set_first([](struct raft *r) { return raft_set_election_timeout(r, 2000); });
    set_first([](struct raft *r) { return raft_set_heartbeat_timeout(r, 50); });
    set_first([](struct raft *r) { return raft_set_install_snapshot_timeout(r, 5000); });
    set_first([](struct raft *r) { return raft_set_pre_vote(r, 0); });
    set_first([](struct raft *r) { return raft_set_max_catch_up_rounds(r, 3); });
    set_first([](struct raft *r) { return raft_set_max_catch_up_round_duration(r, 100); });
    set_first([](struct raft *r) { return raft_set_max_inflight_entries(r, 7); });
    set_first([](struct raft *r) { return raft_set_max_message_entries(r, 7); });
    set_first([](struct raft *r) { return raft_set_max_uncommitted_entries(r, 7); });
    set_first([](struct raft *r) { return raft_set_election_delay(r, 7); });
    set_first([](struct raft *r) { return raft_set_election_delay(r, UINT32_MAX); });
    set_first([](struct raft *r) { return raft_set_eager_commit(r, 1); });
    set_first([](struct raft *r) { return raft_set_idle_timeout(r, 7); });
    set_first([](struct raft *r) { return raft_set_capacity_threshold(r, 7); });
    set_first([](struct raft *r) { return raft_set_features(r, kAll); });
    set_first([](struct raft *r) { return raft_set_tracer(r, &tracer); });
    set_first([](struct raft *r) { return raft_seed(r, 7); });
}

void founding() {
    Builder b;
    TestedRaft s;
    s.step(b.start(1, 0, nullptr, 0, {}));
    s.step(b.with_conf(2, RAFT_BOOTSTRAP, b.conf("1 9p")));
    s.step(b.persisted(3, 1));
    REQUIRE(raft_state(&s.r) == RAFT_LEADER);
    s.step(b.persisted(4, 2));
    REQUIRE(raft_commit_index(&s.r) == 2);
    s.step(b.with_conf(5, RAFT_RECONFIGURE, b.conf("1 2s")));
    s.step(b.stored(6, 3, 3));

    TestedRaft recovered;
    recovered.step(b.start(1, 2, nullptr, 1, {b.change(1, b.conf("1 2 3"))}));
    recovered.step(b.append(2, 2, 2, 1, 1, 1, {})); /* its leader */
    const raft_configuration survivors = b.conf("1 2");
    survivors.servers[1].address = "the leader's new address";
    recovered.step(b.with_conf(2, RAFT_RECOVER, survivors));
    recovered.step(b.persisted(3, 2));
}

void following() {
    Builder b;
    TestedRaft s;
    s.step(b.start(1, 1, nullptr, 1, {b.change(1, b.conf("1 2 3"))}));
    /* A leader that is no member of the configuration. */
    s.step(b.append(2, 8, 2, 1, 1, 1, {}));
    raft_message stranger = b.message(RAFT_APPEND_ENTRIES, 8, "moved.example.org:1");
    stranger.append_entries.term = 2;
    stranger.append_entries.prev_log_index = stranger.append_entries.prev_log_term = 1;
    s.step(b.receive(2, stranger));
    /* Entries of many terms, and configurations. */
    const raft_configuration four = b.conf("1 2 3 4s");
    s.step(b.append(3, 2, 7, 1, 1, 1,
                    {b.command(2), b.command(3), b.change(4, four), b.command(5), b.barrier(6)}, 1,
                    5));
    s.step(b.stored(4, 6, 1));
    s.step(b.append(5, 2, 7, 6, 6, 6, {b.command(7)}, 1, 6));
    /* Another leader replaces the last one. */
    const raft_update &replaced =
        s.step(b.append(6, 3, 8, 6, 6, 6, {b.command(8), b.change(8, b.conf("1 2 3"))}));
    s.step(b.stored(7, 8, replaced.entries.write));
    REQUIRE(raft_last_stored(&s.r) == 8);
    s.step(b.append(8, 3, 8, 10, 8, 6, {b.command(8)})); /* a gap: rejected */
    s.step(b.append(8, 2, 7, 1, 1, 1, {b.command(2)}));  /* stale: rejected */
    s.step(b.snapshot(9, 6, 2));
    s.step(b.request(5000, 2, 9, 8, 8, true));
    s.step(b.request(5000, 2, 9, 8, 8));
    s.step(b.request(5001, 3, 9, 8, 8));
    s.step(b.with_id(5002, RAFT_UNREACHABLE, 2));
    raft_event configuration = b.event(RAFT_CONFIGURATION, 5003);
    configuration.configuration.index = 6;
    s.step(configuration);
    raft_message unknown = b.message(static_cast<raft_message_type>(77), 2);
    s.step(b.receive(5004, unknown));
    /* TimeoutNow: an election at once. */
    s.step(b.append(5005, 2, 9, 8, 8, 6, {}));
    s.step(b.timeout_now(5006, 2, 9, 8, 8));
    REQUIRE(raft_state(&s.r) == RAFT_CANDIDATE && raft_current_term(&s.r) == 10);
    s.step(b.timeout_now(5007, 2, 11, 8, 8));
    s.step(b.vote(5008, 2, 12, false, false));
    REQUIRE(raft_current_term(&s.r) == 12);
}

void installing() {
    Builder b;
    TestedRaft s;
    s.set([](struct raft *r) { return raft_set_features(r, kAll); });
    s.step(b.start(1, 0, nullptr, 0, {}));
    const raft_configuration three = b.conf("1 2 3");
    s.step(b.install(2, 2, 3, 20, 2, three, 1, 0, false));
    s.step(b.install(2, 2, 3, 20, 2, three, 1, 0, false)); /* repeated while it is written */
    s.step(b.persisted_chunk(3, 20, 2, 0, false));
    s.step(b.install(4, 2, 3, 20, 2, three, 1, 8, false)); /* wrong offset */
    s.step(b.install(4, 2, 3, 20, 2, three, 1, 16, false));
    s.step(b.install(4, 3, 4, 24, 3, three, 1, 0, false)); /* superseded */
    s.step(b.persisted_chunk(5, 20, 2, 16, false));
    s.step(b.install(6, 3, 4, 24, 3, three, 1, 0, false));
    s.step(b.persisted_chunk(7, 0, 0, 0, false)); /* the write failed */
    const raft_configuration moved = b.conf("1 2 3");
    moved.servers[2].address = "the leader's new address";
    s.step(b.install(8, 3, 4, 24, 3, moved, 0, 0, false));
    s.step(b.append(9, 3, 4, 24, 3, 24, {b.command(4)})); /* rejected meanwhile */
    s.step(b.append(9, 3, 4, 24, 3, 24, {}));
    s.step(b.persisted_chunk(10, 24, 3, 0, true));
    REQUIRE(raft_snapshot_index(&s.r) == 24 && raft_commit_index(&s.r) == 24);
    s.step(b.install(11, 3, 4, 24, 3, three, 0, 0, false)); /* it is installed already */
    s.step(b.install(11, 2, 3, 20, 2, three, 1, 0, false)); /* of an older term */
    s.step(b.append(12, 3, 4, 24, 3, 24, {b.command(4)}));
    s.step(b.persisted(13, 25));
}

void restarting() {
    Builder b;
    const raft_configuration three = b.conf("1 2 3");
    TestedRaft trailing;
    trailing.step(b.start(1, 9, b.metadata(5, 3, three, 1), 4,
                          {b.command(3), b.command(3), b.command(4), b.change(5, three),
                           b.command(6), b.command(7), b.command(9)}));
    REQUIRE(raft_last_index(&trailing.r) == 10 && raft_first_index(&trailing.r) == 4);

    TestedRaft discarding;
    discarding.step(b.start(1, 9, b.metadata(5, 3, three, 1), 4, {b.command(2)}));
    REQUIRE(raft_last_index(&discarding.r) == 5);

    TestedRaft alone;
    alone.set([](struct raft *r) { return raft_set_pre_vote(r, 0); });
    alone.step(b.start(1, 9, b.metadata(5, 3, b.conf("1 2p"), 1), 6, {b.command(9)}));
    REQUIRE(raft_state(&alone.r) == RAFT_LEADER);
}

void campaigning() {
    Builder b;
    /* In a joint change: the configuration that ends it must be ready. */
    const raft_configuration joint = b.conf("1 2o 3i 4t 5u");
    TestedRaft s;
    s.step(b.start(1, 2, nullptr, 1, {b.change(1, joint)}));
    raft_time due = raft_timeout(&s.r);
    s.step(b.event(RAFT_TIMEOUT, due - 1));
    s.step(b.event(RAFT_TIMEOUT, due));
    due = raft_timeout(&s.r);
    s.step(b.event(RAFT_TIMEOUT, due)); /* again */
    s.step(b.vote(due, 7, 3, true));    /* not a member */
    for (raft_id id : {2, 3, 4}) {
        s.step(b.vote(due, id, 3, true));
    }
    for (raft_id id : {2, 3, 4}) {
        s.step(b.vote(due, id, 3, false));
    }
    REQUIRE(raft_state(&s.r) == RAFT_LEADER);
    s.step(b.persisted(due, 2));
    for (raft_id id : {2, 4, 3}) {
        s.step(b.result(due, id, 3, 0, 2));
    }
    REQUIRE(raft_last_index(&s.r) == 3); /* the joint configuration is being left */
    s.step(b.persisted(due, 3));
    s.step(b.result(due, 3, 3, 0, 3));
    REQUIRE(raft_commit_index(&s.r) == 3);
    s.step(b.event(RAFT_TIMEOUT, due + 5000)); /* no quorum answered */
    REQUIRE(raft_state(&s.r) == RAFT_FOLLOWER);

    TestedRaft out; /* a candidate is removed */
    out.set([](struct raft *r) { return raft_set_pre_vote(r, 0); });
    out.step(b.start(1, 2, nullptr, 1, {b.change(1, b.conf("1 2 3"))}));
    out.step(b.event(RAFT_TIMEOUT, raft_timeout(&out.r)));
    REQUIRE(raft_state(&out.r) == RAFT_CANDIDATE);
    out.step(b.append(3000, 2, 3, 1, 1, 1, {b.change(3, b.conf("2"))}));
    out.step(b.persisted(3001, 2));
    out.step(b.event(RAFT_TIMEOUT, 10000));
    out.step(b.append(10001, 2, 4, 2, 3, 2, {}));
    out.step(b.event(RAFT_TIMEOUT, 20000));
}

void leading() {
    Builder b;
    TestedRaft s;
    become_leader(s, b, b.conf("1 2 3"));
    s.set([](struct raft *r) { return raft_set_max_message_entries(r, 2); });
    s.step(b.submit(s.now, {b.command(0), b.command(0), b.command(0), b.command(0), b.barrier(0)}));
    s.step(b.persisted(s.now, 9));
    s.step(b.read(s.now, 1, true));
    s.step(b.read(s.now, 2, false));
    s.step(b.read(s.now, 3, false));
    s.step(b.result(s.now, 2, 3, 0, 6, kAll, 1));
    s.step(b.result(s.now, 2, 3, 0, 9, kAll));
    REQUIRE(raft_commit_index(&s.r) == 9);
    s.step(b.event(RAFT_TIMEOUT, s.now + 100));
    s.step(b.result(s.now + 101, 2, 3, 0, 9, kAll, 101ULL << 20)); /* confirms the reads */
    s.step(b.read(s.now + 102, 4, true));                          /* under the lease */
    s.step(b.snapshot(s.now + 103, 8, 0));
    s.step(b.with_id(s.now + 104, RAFT_UNREACHABLE, 3));
    s.step(b.event(RAFT_TIMEOUT, s.now + 300)); /* server 3 is sent the snapshot */
    s.step(b.result(s.now + 301, 3, 3, 0, 4, kAll));
    s.step(b.result(s.now + 302, 3, 3, 0, 8, kAll));
    s.step(b.read(s.now + 303, 5, false));
    s.step(b.with_id(s.now + 304, RAFT_TRANSFER, 2));
    s.step(b.read(s.now + 305, 6, false));
    s.step(b.append(s.now + 306, 2, 4, 9, 3, 9, {b.barrier(4)})); /* reads are lost */
    REQUIRE(raft_state(&s.r) == RAFT_FOLLOWER);

    TestedRaft old; /* among servers that echo no rounds */
    old.step(b.start(1, 2, nullptr, 1, {b.change(1, b.conf("1 2 3"))}));
    const raft_time due = raft_timeout(&old.r);
    old.step(b.event(RAFT_TIMEOUT, due));
    old.step(b.vote(due, 2, 3, true));
    old.step(b.vote(due, 2, 3, false));
    old.step(b.read(due, 1, false));
    old.step(b.read(due, 2, true));
    old.step(b.persisted(due, 2));
    old.step(b.result(due, 2, 3, 0, 2)); /* it has no rounds: a barrier follows */
    REQUIRE(raft_commit_index(&old.r) == 2 && raft_last_index(&old.r) == 3);
    old.step(b.persisted(due, 3));
    old.step(b.result(due, 2, 3, 0, 3));
    REQUIRE(raft_commit_index(&old.r) == 3);
    old.step(b.with_id(due, RAFT_TRANSFER, 0));
    old.step(b.result(due, 3, 9, 0, 4)); /* a later term */
    REQUIRE(raft_current_term(&old.r) == 9);
}

/* Messages that were cut or did not leave, and commit indexes that are told at once. */
void sending() {
    Builder b;
    TestedRaft s;
    s.set([](struct raft *r) { return raft_set_eager_commit(r, 1); });
    become_leader(s, b, b.conf("1 2 3"));
    s.step(b.sent(s.now, 2, 4)); /* nothing was asked for beyond it */
    s.step(b.submit(s.now, {b.command(0), b.command(0), b.command(0), b.command(0)}));
    s.step(b.sent(s.now, 2, 6)); /* two of four: the others are asked for now */
    s.step(b.sent(s.now, 2, 4)); /* none left */
    s.step(b.sent(s.now, 3, 5));
    s.step(b.sent(s.now, 9, 5)); /* not a member */
    s.step(b.persisted(s.now, 8));
    s.step(b.result(s.now + 1, 3, 3, 0, 5, kAll));
    s.step(b.result(s.now + 1, 3, 3, 0, 8, kAll));
    REQUIRE(raft_commit_index(&s.r) == 8);
    s.step(b.event(RAFT_TIMEOUT, s.now + 100));
    s.step(b.result(s.now + 101, 2, 3, 0, 4, kAll));
    s.step(b.result(s.now + 102, 2, 3, 0, 8, kAll));
    /* It comes back with less than it acknowledged, and echoes a later round. */
    s.step(b.event(RAFT_TIMEOUT, s.now + 200));
    s.step(b.result(s.now + 201, 3, 3, 8, 2, kAll, 200ULL << 20));
    struct raft_peer peer = {};
    REQUIRE(raft_progress(&s.r, 3, &peer) == 0 && peer.data_losses == 1 && peer.match == 0);
    s.step(b.result(s.now + 202, 3, 3, 0, 8, kAll, 200ULL << 20));
    s.step(b.event(RAFT_TIMEOUT, s.now + 300));
}

/* What is given up on demand, and a leader that may not lead any more. */
void giving_up() {
    Builder b;
    TestedRaft s;
    become_leader(s, b, b.conf("1 2 3 4s"));
    s.step(b.with_id(s.now, RAFT_TRANSFER, 1)); /* none is pending */
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 0)); /* none is running */
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 4));
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 0));
    int status = 0;
    REQUIRE(raft_catch_up(&s.r, 4, &status) == 0 && status == RAFT_CATCH_UP_ABORTED);
    s.step(b.submit(s.now, {b.command(0)}));
    s.step(b.with_id(s.now, RAFT_TRANSFER, 3));
    REQUIRE(raft_transferee(&s.r) == 3);
    s.step(b.with_id(s.now, RAFT_TRANSFER, 1));
    REQUIRE(raft_transferee(&s.r) == 0);
    s.step(b.reconfigure(s.now, b.conf("4s 3 2 1"), false)); /* in force already */
    s.step(b.reconfigure(s.now, b.conf("1 2"), true));
    s.set([](struct raft *r) { return raft_set_election_delay(r, UINT32_MAX); });
    s.step(b.event(RAFT_TIMEOUT, s.now + 100));
    REQUIRE(raft_state(&s.r) == RAFT_FOLLOWER);

    TestedRaft asked;
    asked.step(b.start(1, 2, nullptr, 1, {b.change(1, b.conf("1 2 3"))}));
    asked.step(b.event(RAFT_CAMPAIGN, 1001));
    REQUIRE(raft_state(&asked.r) == RAFT_CANDIDATE);
    asked.step(b.vote(1001, 2, 3, true));
    asked.step(b.vote(1001, 3, 3, true, false)); /* its term is lower: asked for again */
    asked.step(b.event(RAFT_CAMPAIGN, 2002));
}

void changing_members() {
    Builder b;
    TestedRaft s;
    become_leader(s, b, b.conf("1 2 3"));
    const raft_configuration with_spare = b.conf("1 2 3 7p");
    s.step(b.submit(s.now, {b.change(0, with_spare)}));
    s.step(b.persisted(s.now, 5));
    s.step(b.result(s.now, 2, 3, 0, 5, kAll));
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 7));
    s.step(b.result(s.now, 7, 3, 4, 0, kAll));
    s.step(b.submit(s.now, {b.command(0)}));
    s.step(b.result(s.now + 2000, 7, 3, 0, 5, kAll));
    s.step(b.result(s.now + 2000, 2, 3, 0, 6, kAll));
    s.step(b.event(RAFT_TIMEOUT, s.now + 2001));
    s.step(b.result(s.now + 2002, 7, 3, 0, 6, kAll));
    int status = 0;
    REQUIRE(raft_catch_up(&s.r, 7, &status) == 0 && status == RAFT_CATCH_UP_FINISHED);
    const raft_configuration voters = b.conf("1 2 3 7");
    voters.servers[0].address = "the leader's new address";
    s.step(b.with_conf(s.now + 2003, RAFT_RECONFIGURE, voters));
    s.step(b.persisted(s.now + 2004, 7));
    for (raft_id id : {2, 7}) {
        s.step(b.result(s.now + 2005, id, 3, 0, 7, kAll));
    }
    REQUIRE(raft_commit_index(&s.r) == 7);
    /* The leader removes itself. */
    s.step(b.with_conf(s.now + 2006, RAFT_RECONFIGURE, b.conf("2 3 7")));
    s.step(b.persisted(s.now + 2007, 8));
    for (raft_id id : {2, 7}) {
        s.step(b.result(s.now + 2008, id, 3, 0, 8, kAll));
    }
    REQUIRE(raft_state(&s.r) == RAFT_FOLLOWER && raft_role(&s.r) == -1);
    s.step(b.snapshot(s.now + 2009, 8, 3));
}

void changing_jointly() {
    Builder b;
    TestedRaft s;
    become_leader(s, b, b.conf("1 2 3 4s 5s"));
    for (raft_id id : {4, 5}) {
        s.step(b.result(s.now, id, 3, 0, 4, kAll));
    }
    const raft_configuration next = b.conf("1 4 3s");
    s.step(b.with_conf(s.now, RAFT_RECONFIGURE, next));
    REQUIRE(raft_role(&s.r) == RAFT_VOTER && raft_last_index(&s.r) == 5);
    s.step(b.persisted(s.now, 5));
    s.step(b.result(s.now, 2, 3, 0, 5, kAll));
    s.step(b.read(s.now, 1, false));
    s.step(b.result(s.now, 4, 3, 0, 5, kAll));
    REQUIRE(raft_commit_index(&s.r) == 5 && raft_last_index(&s.r) == 6);
    /* Server 5 is removed, but must learn that its removal is committed. */
    s.step(b.snapshot(s.now, 5, 0));
    s.step(b.event(RAFT_TIMEOUT, s.now + 100));
    s.step(b.persisted(s.now + 101, 6));
    s.step(b.result(s.now + 102, 4, 3, 0, 6, kAll));
    REQUIRE(raft_commit_index(&s.r) == 6);
    s.step(b.snapshot(s.now + 103, 6, 0));
    s.step(b.with_id(s.now + 104, RAFT_TRANSFER, 4));
    s.step(b.event(RAFT_TIMEOUT, s.now + 1200));
}

} // namespace memory
