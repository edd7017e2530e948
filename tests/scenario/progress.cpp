/* SPDX-License-Identifier: MIT */
/* How a leader replicates when messages are lost, late, reordered or trimmed: what it sends is
 * bounded, and nothing stalls (§3.5, §10.2). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Server 1 leads in term 2 and is moved by hand. Servers 2 and 3 are played. */
struct Led : Cluster {
    explicit Led(const char *log = "1[1 2 3]", std::function<void(raft *)> set = {})
        : Cluster({Draw{.id = 1, .log = log, .set = std::move(set)}}) {
        win(1, {2, 3});
    }
    Server &leader() { return (*this)[1]; }
    void ack(raft_id from, raft_index last) {
        leader().receive(from, AppendResult{.term = leader().term(), .last = last});
    }
    /* All that is on its way to server 2: how many messages, and entries. */
    std::pair<size_t, size_t> taken() {
        size_t messages = 0;
        size_t entries = 0;
        while (count(1, 2) > 0) {
            const Message m = take(1, 2);
            messages++;
            entries += m->type == RAFT_APPEND_ENTRIES ? m->append_entries.n_entries : 0;
        }
        return {messages, entries};
    }
    /* The next heartbeat; server 3 keeps the leader in contact with a quorum. */
    Message heartbeat() {
        drop();
        expire(1);
        ack(3, leader().last());
        return take(1, 2);
    }
};

} // namespace

TEST_CASE("A heartbeat names what the peer is known to have, so that it may overtake entries") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(5); /* 3 to 7, on their way */
    for (int i = 0; i < 3; ++i) {
        const Message m = c.heartbeat();
        REQUIRE(m->append_entries.prev_log_index == 2);
        REQUIRE(m->append_entries.n_entries == 0);
        c.ack(2, 2);
    }
    REQUIRE(c.leader().match(2) == 2);
}

TEST_CASE("A heartbeat that overtakes entries of a slow connection causes no second copy of them") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(1000); /* in one message, which takes ten seconds */
    REQUIRE(c.taken() == std::pair<size_t, size_t>{1, 1000});
    size_t again = 0;
    for (int i = 0; i < 100; ++i) {
        c.expire(1);
        c.ack(3, c.leader().last());
        c.ack(2, 2); /* the answer to the heartbeat */
        again += c.taken().second;
    }
    REQUIRE(again > 0);  /* entries may be lost: one is sent again... */
    REQUIRE(again < 10); /* ...less often each time */
    c.ack(2, 1002);
    REQUIRE(c.taken().second == 0);
    c.leader().submit(1);
    REQUIRE(c.taken() == std::pair<size_t, size_t>{1, 1});
}

TEST_CASE("A slow peer that acknowledges part of what is in flight is not sent the rest again") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(300);
    c.taken();
    for (int i = 0; i < 5; ++i) {
        c.expire(1);
        c.ack(3, c.leader().last());
        c.ack(2, 2);
    }
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PROBE); /* it is stalled */
    c.taken();
    c.ack(2, 102); /* more than the one entry that was sent again: the others are on their way */
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(c.leader().progress(2).next == 303);
    REQUIRE(c.taken().second == 0);
}

TEST_CASE("Entries that are lost without a report are sent again after a few heartbeats") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(10);
    c.drop();
    const raft_time lost = c.now;
    size_t entries = 0;
    while (entries == 0) {
        c.expire(1);
        c.ack(3, c.leader().last());
        c.ack(2, 2);
        entries = c.taken().second;
    }
    REQUIRE(entries == 1);
    REQUIRE(c.now - lost <= 300);
    c.ack(2, 3);
    while (c.leader().match(2) < c.leader().last()) {
        REQUIRE(c.taken().second > 0); /* each acknowledgement brings the next entries */
        c.ack(2, c.leader().progress(2).next - 1);
    }
}

TEST_CASE("Silence is not slowness: the patience with a peer that comes back is bounded") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(10);
    for (int i = 0; i < 6000; ++i) { /* server 2 is silent for ten minutes */
        c.heartbeat();
    }
    c.ack(2, 2);
    REQUIRE(c.heartbeat()->append_entries.n_entries == 0);
    REQUIRE(c.taken().second == 1); /* it is lost, too */
    const raft_time lost = c.now;
    while (c.taken().second == 0) {
        c.expire(1);
        c.ack(3, c.leader().last());
        c.ack(2, 2);
        REQUIRE(c.now - lost <= 10100); /* ten election timeouts */
    }
}

TEST_CASE("A probe carries one entry at most") {
    Led c("1[1 2 3] 1 1 1 1 1 1 1");
    c.drop();
    c.leader().receive(2, AppendResult{.term = 2, .rejected = 8, .last = 1});
    const Message m = c.take(1, 2);
    REQUIRE(m->append_entries.prev_log_index == 1);
    REQUIRE(m->append_entries.n_entries == 1);
    c.ack(2, 2);
    REQUIRE(c.taken().second == 7); /* the rest, at once */
}

TEST_CASE("Where a thousand terms diverge, one small message a round trip finds the agreement") {
    std::string log = "1[1 2 3]";
    for (int term = 2; term <= 1001; ++term) {
        log += " " + std::to_string(term);
    }
    Cluster c({Draw{.id = 1, .term = 1001, .log = log.c_str()}});
    c.win(1, {2, 3});
    size_t messages = 0;
    size_t entries = 0;
    c[1].receive(2, AppendResult{.term = 1002, .rejected = 1001, .last = 1000});
    while (c[1].progress(2).mode == RAFT_PROGRESS_PROBE) {
        const Message m = c.take(1, 2);
        messages++;
        entries += m->append_entries.n_entries;
        const raft_index prev = m->append_entries.prev_log_index;
        if (prev > 1) {
            c[1].receive(2, AppendResult{.term = 1002, .rejected = prev, .last = prev});
        } else {
            c[1].receive(2, AppendResult{.term = 1002, .last = 2});
        }
    }
    REQUIRE(messages <= 1001);
    REQUIRE(entries <= 1001);
}

TEST_CASE("RAFT_UNREACHABLE closes the window: stale answers do not resend everything") {
    Led c("1[1 2 3]", [](raft *r) { raft_set_max_message_entries(r, 8); });
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(1024);
    c.leader().submit(1024);
    c.taken();
    size_t messages = 0;
    for (raft_index acknowledged = 3; acknowledged < 128; ++acknowledged) {
        c.leader().step(event::unreachable(2)); /* one of the messages in flight was lost */
        c.ack(2, acknowledged);                 /* another one arrived */
        c.ack(2, acknowledged);                 /* and a late answer */
        const size_t sent = c.taken().first;
        REQUIRE(sent <= 2);
        messages += sent;
    }
    REQUIRE(messages <= 250);
}

TEST_CASE("RAFT_UNREACHABLE during the search for agreement changes nothing") {
    Led c("1[1 2 3] 1 1 1");
    const raft_index next = c.leader().progress(2).next;
    c.leader().step(event::unreachable(2));
    REQUIRE(c.leader().progress(2).next == next);
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PROBE);
}

TEST_CASE("RAFT_SENT lets the leader go on after what a caller really sent") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(100); /* 3 to 102 */
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 100);
    SECTION("some of the message left: what follows is asked for at once") {
        c.leader().step(event::sent(2, 12));
        const Message m = c.take(1, 2);
        REQUIRE(m->append_entries.prev_log_index == 12);
        REQUIRE(m->append_entries.n_entries == 90);
        c.leader().step(event::sent(2, 22));
        REQUIRE(c.take(1, 2)->append_entries.prev_log_index == 22);
        /* The messages that left are acknowledged, and nothing is sent again. */
        c.ack(2, 12);
        REQUIRE(c.leader().match(2) == 12);
        REQUIRE(c.count(1, 2) == 0);
    }
    SECTION("nothing of it left: it is asked for after the next acknowledgement") {
        c.leader().step(event::sent(2, 2));
        REQUIRE(c.count(1, 2) == 0);
        REQUIRE(c.leader().progress(2).next == 3);
        c.ack(2, 2);
        REQUIRE(c.take(1, 2)->append_entries.n_entries == 100);
    }
    SECTION("or at the next heartbeat") {
        c.leader().step(event::sent(2, 2));
        c.drop();
        c.expire(1);
        REQUIRE(c.take(1, 2)->append_entries.n_entries == 0);
        REQUIRE(c.take(1, 2)->append_entries.n_entries == 100);
    }
    SECTION("a rejection of what did not leave is ignored") {
        c.leader().step(event::sent(2, 2));
        c.leader().receive(2, AppendResult{.term = 2, .rejected = 50, .last = 2});
        REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PIPELINE);
    }
}

TEST_CASE("RAFT_SENT is ignored where it does not apply") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(10); /* 3 to 12 */
    c.ack(2, 7);
    c.taken();
    c.leader().ignores(event::sent(2, 6));  /* acknowledged already */
    c.leader().ignores(event::sent(2, 12)); /* all was sent */
    c.leader().ignores(event::sent(2, 999));
    c.leader().ignores(event::sent(1, 8)); /* the leader itself */
    c.leader().ignores(event::sent(9, 8)); /* no member */
    c.leader().step(event::unreachable(2));
    c.leader().ignores(event::sent(2, 8)); /* a peer that is probed */
    Cluster follower({Draw{.id = 1, .log = "1[1 2 3] 1"}});
    follower[1].ignores(event::sent(2, 1));
}

TEST_CASE("Trimmed messages that are reported cost no throughput") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(1000);
    size_t steps = 0;
    /* The caller cuts each message after 10 entries, and sends up to 100 in a row. */
    while (c.count(1, 2) > 0) {
        const Message m = c.take(1, 2);
        const raft_append_entries &ae = m->append_entries;
        if (ae.n_entries > 10) {
            c.leader().step(event::sent(2, ae.prev_log_index + 10));
        }
        steps++;
    }
    REQUIRE(steps == 100); /* 1,000 entries, without waiting for one answer */
}

TEST_CASE("The patience with a peer that was slow once wears off") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(1000);
    for (int i = 0; i < 100; ++i) { /* it takes ten seconds */
        c.expire(1);
        c.ack(3, c.leader().last());
        c.ack(2, 2);
    }
    for (int i = 0; i < 1000; ++i) {
        c.ack(2, c.leader().last());
        c.expire(1);
        c.ack(3, c.leader().last());
    }
    c.ack(2, c.leader().last());
    c.leader().submit(10);
    c.drop();
    const raft_time lost = c.now;
    while (c.taken().second == 0) {
        c.expire(1);
        c.ack(3, c.leader().last());
        c.ack(2, 1002);
        REQUIRE(c.now - lost <= 400);
    }
}

TEST_CASE("A rejected heartbeat does not stop entries in flight that were compacted meanwhile") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(10); /* 3 to 12, on their way to server 2 */
    c.ack(3, 12);
    c.leader().take_snapshot(10);
    const Message m = c.heartbeat();
    REQUIRE(m->append_entries.prev_log_index == 10); /* entry 2 is not known any more */
    c.leader().receive(2, AppendResult{.term = 2, .rejected = 10, .last = 2});
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PIPELINE);
    c.ack(2, 12);
    REQUIRE(c.leader().match(2) == 12);
}

TEST_CASE("Eager commits: each peer in the pipeline is told a new commit index at once") {
    Led c("1[1 2 3]", [](raft *r) { REQUIRE(raft_set_eager_commit(r, 1) == 0); });
    c.ack(2, 2);
    c.ack(3, 2);
    c.drop();
    SECTION("after an acknowledgement") {
        c.leader().submit(1);
        c.drop();
        c.ack(3, 3);
    }
    SECTION("after a write of the leader") {
        c.leader().slow = true;
        c.leader().submit(1);
        c.ack(3, 3);
        REQUIRE(c.leader().commit() == 2);
        c.drop();
        c.leader().store_all();
    }
    REQUIRE(c.leader().commit() == 3);
    for (raft_id id : {2, 3}) {
        REQUIRE(c.count(1, id) == 1);
        const Message m = c.take(1, id);
        REQUIRE(m->append_entries.leader_commit == 3);
        REQUIRE(m->append_entries.n_entries == 0);
    }
    c.ack(2, 3); /* the commit index does not rise again */
    REQUIRE(c.count(1, 2) + c.count(1, 3) == 0);
}

TEST_CASE("Eager commits: a peer that is sent entries learns the commit index from them") {
    Led c("1[1 2 3]", [](raft *r) {
        REQUIRE(raft_set_eager_commit(r, 1) == 0);
        raft_set_max_inflight_entries(r, 4);
    });
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(6); /* 3 to 6 are sent */
    c.drop();
    c.ack(3, 6);
    REQUIRE(c.count(1, 2) == 1);
    REQUIRE(c.count(1, 3) == 1);
    const Message m = c.take(1, 3);
    REQUIRE(m->append_entries.n_entries == 2);
    REQUIRE(m->append_entries.leader_commit == 6);
}

TEST_CASE("Without eager commits the next message tells the commit index") {
    Led c;
    c.ack(2, 2);
    c.ack(3, 2);
    c.leader().submit(1);
    c.drop();
    c.ack(3, 3);
    REQUIRE(c.leader().commit() == 3);
    REQUIRE(c.count(1, 2) + c.count(1, 3) == 0);
    REQUIRE(c.heartbeat()->append_entries.leader_commit == 3);
}
