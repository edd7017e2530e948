/* SPDX-License-Identifier: MIT */
/* Steps that fail, with every error code. They must change nothing, too. */
#include "sequences.hpp"

#include <cstring>

#include "events.hpp"
#include "tested_raft.hpp"

namespace memory {
namespace {

constexpr raft_index kLimit = 1ULL << 62;

/* Server 1 leads in term 3; nothing of that term is committed. */
void elect(TestedRaft &s, Builder &b, raft_event start) {
    s.prepare(start);
    s.now = raft_timeout(&s.r);
    s.prepare(b.event(RAFT_TIMEOUT, s.now));
    for (bool pre_vote : {true, false}) {
        s.prepare(b.vote(s.now, 2, start.start.term + 1, pre_vote));
    }
    REQUIRE(raft_state(&s.r) == RAFT_LEADER);
}

raft_event three_started(Builder &b) {
    return b.start(1, 2, nullptr, 1, {b.change(1, b.conf("1 2 3")), b.command(1)});
}

/* Illegal configurations, with the error that each gets. */
void try_configurations(TestedRaft &s, Builder &b, raft_event_type type) {
    s.step(b.with_conf(s.now, type, b.conf("1 0")), RAFT_BADID);
    s.step(b.with_conf(s.now, type, b.conf("1 2 1p")), RAFT_DUPLICATEID);
    s.step(b.with_conf(s.now, type, b.conf({{1, RAFT_VOTER, "same"}, {2, RAFT_VOTER, "same"}})),
           RAFT_DUPLICATEADDRESS);
    for (int role : {-1, 3, 6, 7, 1 << 30}) {
        s.step(b.with_conf(s.now, type, b.conf({{1, RAFT_VOTER}, {2, role}})), RAFT_BADROLE);
    }
    s.step(b.with_conf(s.now, type, b.conf("1s 2p")), RAFT_INVALID);
    s.step(b.with_conf(s.now, type, {nullptr, 3}), RAFT_INVALID);
    raft_configuration no_address = b.conf("1 2");
    no_address.servers[1].address = nullptr;
    s.step(b.with_conf(s.now, type, no_address), RAFT_INVALID);
}

raft_event append_event(Builder &b, raft_append_entries ae) {
    raft_message m = b.message(RAFT_APPEND_ENTRIES, 2);
    m.append_entries = ae;
    return b.receive(10, m);
}

void try_appends(TestedRaft &s, Builder &b) {
    const raft_entry fine = b.command(2);
    raft_entry bad_type = b.command(2);
    bad_type.type = static_cast<raft_entry_type>(4);
    raft_entry falling[] = {b.command(2), b.command(1)};
    raft_entry late = b.command(3);
    raft_entry truncated = b.change(2, b.conf("1 2 3"));
    truncated.buf.len -= 8;
    raft_entry no_id = b.change(2, b.conf("1 2 3"));
    memset(static_cast<unsigned char *>(no_id.buf.base) + 9, 0, 8); /* of the first server */
    raft_entry copy = fine;
    for (raft_append_entries ae : {
             raft_append_entries{0, 0, 1, 1, 1, nullptr, 0, 0, false},
             raft_append_entries{0, kLimit + 1, 1, 1, 1, nullptr, 0, 0, false},
             raft_append_entries{0, 2, kLimit + 1, 1, 1, nullptr, 0, 0, false},
             raft_append_entries{0, 2, 1, 3, 1, nullptr, 0, 0, false},
             raft_append_entries{0, 2, 1, 0, 1, nullptr, 0, 0, false},
             raft_append_entries{0, 2, 0, 1, 1, nullptr, 0, 0, false},
             raft_append_entries{0, 2, 1, 1, kLimit + 1, nullptr, 0, 0, false},
             raft_append_entries{0, 2, 1, 1, 1, nullptr, 1, 0, false},
             raft_append_entries{0, 2, 1, 1, 1, &bad_type, 1, 0, false},
             raft_append_entries{0, 2, 1, 1, 1, falling, 2, 0, false},
             raft_append_entries{0, 2, 1, 1, 1, &late, 1, 0, false},
             raft_append_entries{0, 2, 1, 1, 1, &truncated, 1, 0, false},
             raft_append_entries{0, 2, 1, 1, 1, &no_id, 1, 0, false},
             raft_append_entries{0, 2, 0, 0, 1, &copy, 1, 0, false},
         }) {
        s.step(append_event(b, ae), RAFT_MALFORMED);
    }
    s.step(append_event(b, {0, 2, 1, 2, 1, nullptr, 0, 0, false}), RAFT_CORRUPT);
    raft_entry other[] = {b.change(2, b.conf("1 2 3")), b.command(2)};
    s.step(append_event(b, {0, 2, 0, 0, 1, other, 2, 0, false}), RAFT_CORRUPT);
}

void try_installs(TestedRaft &s, Builder &b) {
    const raft_configuration three = b.conf("1 2 3");
    const auto refused = [&](raft_install_snapshot is, int code) {
        raft_message m = b.message(RAFT_INSTALL_SNAPSHOT, 2);
        m.install_snapshot = is;
        s.step(b.receive(10, m), code);
    };
    char data[4] = {};
    const raft_buffer some = {data, sizeof data};
    const raft_configuration twice = b.conf("1 1");
    refused({1, 0, 9, 1, three, 1, some, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 0, 0, three, 1, some, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 9, 3, three, 1, some, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 9, 1, three, 0, some, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 9, 1, three, 10, some, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 9, 1, three, 1, {nullptr, 4}, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 9, 1, three, 1, some, kLimit + 1, true}, RAFT_MALFORMED);
    refused({1, 2, 9, 1, three, 1, {nullptr, 0}, 0, false}, RAFT_MALFORMED);
    refused({1, 2, 9, 1, twice, 1, some, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 9, 1, {nullptr, 0}, 1, some, 0, true}, RAFT_MALFORMED);
    refused({1, 2, 1, 2, three, 1, some, 0, true}, RAFT_CORRUPT);
}

} // namespace

void failing_starts() {
    Builder b;
    const raft_configuration three = b.conf("1 2 3");
    const raft_configuration twice = b.conf("1 1");
    TestedRaft s;
    raft_event voted = b.start(1, 0, nullptr, 0, {});
    voted.start.voted_for = 1;
    s.step(voted, RAFT_CORRUPT);
    s.step(b.start(1, 0, nullptr, 1, {b.change(1, three)}), RAFT_CORRUPT);
    s.step(b.start(1, kLimit + 1, nullptr, 1, {}), RAFT_CORRUPT);
    s.step(b.start(1, 2, b.metadata(0, 1, three, 1), 1, {}), RAFT_CORRUPT);
    s.step(b.start(1, 2, b.metadata(5, 3, three, 1), 1, {}), RAFT_CORRUPT);
    s.step(b.start(1, 2, b.metadata(5, 2, three, 6), 1, {}), RAFT_CORRUPT);
    s.step(b.start(1, 2, b.metadata(5, 2, twice, 1), 1, {}), RAFT_MALFORMED);
    s.step(b.start(1, 2, b.metadata(5, 2, three, 1), 7, {b.command(2)}), RAFT_CORRUPT);
    s.step(b.start(1, 2, b.metadata(5, 2, three, 1), 6, {b.command(1)}), RAFT_CORRUPT);
    s.step(b.start(1, 2, nullptr, 0, {b.change(1, three)}), RAFT_CORRUPT);
    s.step(b.start(1, 2, nullptr, 2, {b.change(1, three)}), RAFT_CORRUPT);
    s.step(b.start(1, 2, nullptr, 1, {b.command(1)}), RAFT_CORRUPT);
    s.step(b.start(1, 2, nullptr, 1, {b.change(0, three)}), RAFT_CORRUPT);
    s.step(b.start(1, 2, nullptr, 1, {b.change(1, three), b.command(3)}), RAFT_CORRUPT);
    s.step(b.start(1, 3, nullptr, 1, {b.change(1, three), b.command(3), b.command(2)}),
           RAFT_CORRUPT);
    s.step(b.start(1, 2, nullptr, 1, {b.change(1, three), b.change(1, twice)}), RAFT_MALFORMED);
    raft_entry bad_type = b.command(1);
    bad_type.type = static_cast<raft_entry_type>(0);
    s.step(b.start(1, 2, nullptr, 1, {b.change(1, three), bad_type}), RAFT_MALFORMED);
    raft_event nothing = b.start(1, 2, nullptr, 1, {});
    nothing.start.entries = nullptr;
    nothing.start.n_entries = 1;
    s.step(nothing, RAFT_INVALID);
    s.step(b.event(RAFT_TIMEOUT, 1), RAFT_INVALID); /* before the start */
    s.set([](struct raft *r) { return raft_set_heartbeat_timeout(r, 1000); });
    s.step(b.start(1, 1, nullptr, 0, {}), RAFT_INVALID); /* contradictory settings */
    s.set([](struct raft *r) { return raft_set_heartbeat_timeout(r, 50); });
    s.set([](struct raft *r) { return raft_set_features(r, 64); }, RAFT_INVALID);
    s.step(b.start(1, 1, nullptr, 0, {}));
    s.step(b.start(2, 1, nullptr, 0, {}), RAFT_INVALID); /* again */
    s.set([](struct raft *r) { return raft_set_election_timeout(r, 50); }, RAFT_INVALID);
    s.step(b.event(RAFT_TIMEOUT, kLimit + 1), RAFT_INVALID);
    s.step(b.event(static_cast<raft_event_type>(0), 3), RAFT_INVALID);
    s.step(b.event(static_cast<raft_event_type>(RAFT_WAKE + 1), 3), RAFT_INVALID);
}

void failing_messages() {
    Builder b;
    TestedRaft s;
    s.prepare(three_started(b));
    s.step(b.event(RAFT_RECEIVE, 2), RAFT_INVALID);
    raft_message m = b.message(RAFT_TIMEOUT_NOW, 2);
    m.timeout_now = {0, 2, 1, 1};
    m.server_id = 0;
    s.step(b.receive(3, m), RAFT_MALFORMED);
    m.server_id = 1;
    s.step(b.receive(3, m), RAFT_MALFORMED);
    m.server_id = 2;
    m.server_address = nullptr;
    s.step(b.receive(3, m), RAFT_MALFORMED);
    try_appends(s, b);
    try_installs(s, b);
    s.step(b.timeout_now(10, 2, 0, 1, 1), RAFT_MALFORMED);
    s.step(b.timeout_now(10, 2, 2, 1, 3), RAFT_MALFORMED);
    s.step(b.request(10, 2, 0, 1, 1), RAFT_MALFORMED);
    s.step(b.request(10, 2, 2, 0, 1), RAFT_MALFORMED);
    raft_event other = b.request(10, 2, 2, 1, 1);
    other.receive.message->request_vote.candidate_id = 3;
    s.step(other, RAFT_MALFORMED);
    s.step(b.vote(10, 2, kLimit + 1, false), RAFT_MALFORMED);
    s.step(b.result(10, 2, kLimit + 1, 0, 1), RAFT_MALFORMED);
    s.step(b.result(10, 2, 2, kLimit + 1, 1), RAFT_MALFORMED);
    /* Two leaders in one term. */
    s.step(b.append(10, 2, 2, 1, 1, 1, {}));
    s.step(b.append(10, 3, 2, 1, 1, 1, {}), RAFT_MALFORMED);
    s.step(b.install(10, 3, 2, 9, 2, b.conf("1 2 3"), 0, 0, true), RAFT_MALFORMED);

    TestedRaft leader;
    elect(leader, b, three_started(b));
    leader.step(b.append(leader.now, 2, 3, 1, 1, 1, {}), RAFT_MALFORMED);
    leader.step(b.result(leader.now, 2, 3, 0, 1, 15, 1ULL << 40), RAFT_MALFORMED);
}

void failing_requests() {
    Builder b;
    TestedRaft s;
    s.prepare(three_started(b));
    s.now = 2;
    s.step(b.submit(s.now, {b.command(0)}), RAFT_NOTLEADER);
    s.step(b.submit(s.now, {}), RAFT_INVALID);
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 2), RAFT_NOTLEADER);
    s.step(b.with_id(s.now, RAFT_TRANSFER, 2), RAFT_NOTLEADER);
    s.step(b.with_conf(s.now, RAFT_RECONFIGURE, b.conf("1 2 3")), RAFT_NOTLEADER);
    s.step(b.read(s.now, 1, true), RAFT_NOTLEADER);
    s.step(b.stored(s.now, 1, 0), RAFT_INVALID);
    s.step(b.stored(s.now, 1, 9), RAFT_INVALID);
    s.step(b.snapshot(s.now, 2, 0), RAFT_INVALID);
    s.step(b.snapshot(s.now, 0, 0), RAFT_INVALID);
    raft_event configuration = b.event(RAFT_CONFIGURATION, s.now);
    configuration.configuration.index = 2;
    s.step(configuration, RAFT_INVALID);
    s.step(b.with_conf(s.now, RAFT_BOOTSTRAP, b.conf("1 2 3")), RAFT_CANTBOOTSTRAP);
    s.step(b.with_conf(s.now, RAFT_RECOVER, b.conf("2")), RAFT_BADID);
    try_configurations(s, b, RAFT_RECOVER);

    TestedRaft pristine;
    pristine.prepare(b.start(1, 0, nullptr, 0, {}));
    try_configurations(pristine, b, RAFT_BOOTSTRAP);
    pristine.step(b.with_conf(2, RAFT_BOOTSTRAP, b.conf("2")), RAFT_BADID);
    pristine.prepare(b.install(3, 2, 3, 20, 2, b.conf("1 2 3"), 1, 0, false));
    pristine.step(b.with_conf(4, RAFT_RECOVER, b.conf("1 2 3")), RAFT_BUSY);
    pristine.step(b.with_conf(4, RAFT_BOOTSTRAP, b.conf("1 2 3")), RAFT_CANTBOOTSTRAP);

    TestedRaft leader;
    elect(leader, b, three_started(b));
    leader.step(b.with_conf(leader.now, RAFT_RECOVER, b.conf("1 2 3")), RAFT_INVALID);
    raft_entry bad_type = b.command(0);
    bad_type.type = static_cast<raft_entry_type>(9);
    leader.step(b.submit(leader.now, {bad_type}), RAFT_MALFORMED);
    leader.step(b.submit(leader.now, {b.command(0), b.change(0, b.conf("1 2 3"))}), RAFT_MALFORMED);
    leader.step(b.with_id(leader.now, RAFT_TRANSFER, 9), RAFT_BADID);
    leader.prepare(b.with_id(leader.now, RAFT_TRANSFER, 2));
    leader.step(b.with_id(leader.now, RAFT_TRANSFER, 3), RAFT_BUSY);
    leader.step(b.submit(leader.now, {b.command(0)}), RAFT_NOTLEADER);
    leader.step(b.with_conf(leader.now, RAFT_RECONFIGURE, b.conf("1 2 3")), RAFT_NOTLEADER);
    leader.step(b.read(leader.now, 1, false), RAFT_NOTLEADER);
}

void failing_changes() {
    Builder b;
    TestedRaft s;
    const raft_configuration founding = b.conf("1 2 3 4s 5s");
    elect(s, b, b.start(1, 2, nullptr, 1, {b.change(1, founding)}));
    const raft_configuration two = b.conf("1 2");
    s.step(b.with_conf(s.now, RAFT_RECONFIGURE, two),
           RAFT_CANTCHANGE); /* the barrier is not committed */
    s.step(b.submit(s.now, {b.change(0, two)}), RAFT_CANTCHANGE);
    s.prepare(b.persisted(s.now, 2));
    s.prepare(b.result(s.now, 2, 3, 0, 2));
    try_configurations(s, b, RAFT_RECONFIGURE);
    s.step(b.with_conf(s.now, RAFT_RECONFIGURE, b.conf("1 4")),
           RAFT_CANTCHANGE); /* a member does not support joint changes */
    const raft_configuration joint = b.conf("1 4i");
    s.step(b.submit(s.now, {b.change(0, joint)}), RAFT_BADROLE);
    s.step(b.submit(s.now, {b.change(0, b.conf("1 4"))}), RAFT_CANTCHANGE); /* two voters change */
    raft_entry cut = b.change(0, two);
    cut.buf.len -= 8;
    s.step(b.submit(s.now, {cut}), RAFT_MALFORMED);
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 9), RAFT_BADID);
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 2), RAFT_BADROLE);
    s.step(b.with_id(s.now, RAFT_TRANSFER, 4), RAFT_BADROLE);
    s.prepare(b.with_id(s.now, RAFT_CATCH_UP, 4));
    s.step(b.with_id(s.now, RAFT_CATCH_UP, 5), RAFT_BUSY);
    s.step(b.with_conf(s.now, RAFT_RECONFIGURE, two), RAFT_CANTCHANGE); /* a catch-up runs */
    s.prepare(b.result(s.now, 4, 3, 0, 2));
    s.prepare(b.with_conf(s.now, RAFT_RECONFIGURE, b.conf("1 2 4s")));
    s.step(b.with_conf(s.now, RAFT_RECONFIGURE, two), RAFT_CANTCHANGE); /* one is uncommitted */

    TestedRaft alone;
    const raft_configuration one = b.conf("1 2p");
    alone.prepare(b.start(1, 1, nullptr, 1, {b.change(1, one)}));
    alone.step(b.with_id(1, RAFT_TRANSFER, 0), RAFT_NOTFOUND);

    /* The joint configuration would be illegal: its two sides share an address. */
    TestedRaft moved;
    moved.set([](struct raft *r) { return raft_set_features(r, 15); });
    elect(moved, b, three_started(b));
    moved.prepare(b.persisted(moved.now, 3));
    moved.prepare(b.result(moved.now, 2, 3, 0, 3, 15));
    moved.step(b.with_conf(moved.now, RAFT_RECONFIGURE,
                           b.conf({{1, RAFT_VOTER},
                                   {2, RAFT_VOTER},
                                   {4, RAFT_VOTER, "server-3.example.org:7000"}})),
               RAFT_DUPLICATEADDRESS);
}

/* Servers that are needed are silent, and IDs were used before. */
void failing_unforced() {
    Builder b;
    TestedRaft s;
    const raft_configuration three = b.conf("1 2 3");
    elect(s, b,
          b.start(1, 2, nullptr, 1,
                  {b.change(1, b.conf("1 2 3 9s")), b.change(1, three), b.command(2)}));
    s.prepare(b.persisted(s.now, 4));
    s.prepare(b.result(s.now, 2, 3, 0, 4));
    const raft_configuration again = b.conf("1 2 3 9s");
    s.step(b.reconfigure(s.now, again, false), RAFT_BADID);
    s.step(b.submit(s.now, {b.change(0, again)}), RAFT_BADID);
    s.now += 1001;
    const raft_configuration other = b.conf("1 2 3 8s");
    s.step(b.reconfigure(s.now, other, false), RAFT_NOCONNECTION);
    s.step(b.submit(s.now, {b.change(0, other)}), RAFT_NOCONNECTION);
    s.step(b.with_id(s.now, RAFT_TRANSFER, 2), RAFT_NOCONNECTION);
    s.step(b.with_id(s.now, RAFT_TRANSFER, 0), RAFT_NOTFOUND);
    s.step(b.event(RAFT_CAMPAIGN, s.now), RAFT_INVALID); /* it leads */
    s.step(b.reconfigure(s.now, again, true));

    TestedRaft started;
    started.step(b.event(RAFT_CAMPAIGN, 1), RAFT_INVALID);
    started.step(b.event(RAFT_WAKE, 1), RAFT_INVALID);
    started.step(b.sent(1, 2, 1), RAFT_INVALID);
    started.prepare(three_started(b));
    started.step(b.event(RAFT_CAMPAIGN, 1000), RAFT_BUSY);
    /* Terms that no honest cluster has. */
    constexpr raft_term kForged = (1ULL << 61) + (1ULL << 32) + 1;
    started.step(b.append(10, 2, kForged, 1, 1, 1, {}), RAFT_MALFORMED);
    started.step(b.install(10, 2, kForged, 9, 1, three, 1, 0, false), RAFT_MALFORMED);
    started.step(b.request(10, 2, kForged, 9, 1, false, true), RAFT_MALFORMED);
    started.step(b.vote(10, 2, kForged, false), RAFT_MALFORMED);
    started.step(b.result(10, 2, kForged, 0, 1), RAFT_MALFORMED);
    started.step(b.timeout_now(10, 2, kForged, 1, 1), RAFT_MALFORMED);

    TestedRaft high;
    high.prepare(b.start(1, kLimit - 5, nullptr, 1, {b.change(1, three)}));
    high.step(b.with_conf(1, RAFT_RECOVER, b.conf("1")), RAFT_TOOBIG);
}

void failing_at_limits() {
    Builder b;
    TestedRaft s;
    s.set([](struct raft *r) { return raft_set_max_uncommitted_entries(r, 2); });
    s.set([](struct raft *r) { return raft_set_capacity_threshold(r, 500); });
    elect(s, b, three_started(b));
    s.step(b.submit(s.now, {b.command(0), b.command(0)}), RAFT_BUSY);
    raft_event full = b.submit(s.now, {b.command(0)});
    full.capacity = 499;
    raft_event low = b.result(s.now, 2, 3, 0, 1);
    low.receive.message->append_entries_result.capacity = 1;
    s.prepare(low);
    s.step(full, RAFT_NOSPACE);

    TestedRaft reader;
    elect(reader, b, three_started(b));
    for (unsigned i = 0; i < 65536; i++) {
        reader.prepare(b.read(reader.now, i, false));
    }
    reader.step(b.read(reader.now, 1, false), RAFT_BUSY);

    /* A log that ends at the highest index. */
    TestedRaft last;
    last.prepare(b.start(1, 1, b.metadata(kLimit - 2, 1, b.conf("1"), 1), 0, {}));
    last.prepare(b.persisted(1, kLimit - 1));
    last.step(b.submit(1, {b.command(0), b.command(0)}), RAFT_TOOBIG);
    last.step(b.with_conf(1, RAFT_RECONFIGURE, b.conf("1 2s")), RAFT_TOOBIG);
}

} // namespace memory
