/* SPDX-License-Identifier: MIT */
/* Reads that come while a round or a barrier for reads is under way share the next one (§6.4). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

constexpr unsigned short no_rounds = RAFT_FEATURE_CAPACITY;

/* Server 1 leads played servers in term 2; its barrier is committed. */
struct Led : Cluster {
    explicit Led(const char *log = "1[1 2 3]", std::vector<raft_id> others = {2, 3})
        : Cluster({{.id = 1, .log = log}}) {
        win(1, others);
        for (raft_id id : others) {
            (*this)[1].receive(id, AppendResult{.term = 2, .last = 2});
        }
        drop();
    }
    unsigned long long round(raft_id to) {
        return take(1, to, RAFT_APPEND_ENTRIES)->append_entries.round;
    }
    void echo(raft_id from, unsigned long long of) {
        (*this)[1].receive(from, AppendResult{.term = 2, .last = 2, .round = of});
    }
    void reads(unsigned long long first, unsigned long long last) {
        for (unsigned long long id = first; id <= last; ++id) {
            (*this)[1].read(id);
        }
    }
    bool answered(unsigned long long first, unsigned long long last) {
        for (unsigned long long id = first; id <= last; ++id) {
            const auto answer = (*this)[1].answer(id);
            if (!answer || answer->status != 0) {
                return false;
            }
        }
        return true;
    }
    bool none_answered(unsigned long long first, unsigned long long last) {
        for (unsigned long long id = first; id <= last; ++id) {
            if ((*this)[1].answer(id)) {
                return false;
            }
        }
        return true;
    }
};

} // namespace

TEST_CASE("A thousand reads in one millisecond are two rounds") {
    Cluster c("1 2 3 4 5", 1);
    c.run(300);
    const raft_time asked = c.now;
    size_t sent = 0;
    const auto on_the_way = [&] {
        size_t n = 0;
        for (raft_id id : {2, 3, 4, 5}) {
            n += c.count(1, id);
        }
        return n;
    };
    for (unsigned long long id = 1; id <= 1000; ++id) {
        c[1].read(id);
    }
    sent += on_the_way();
    REQUIRE(sent == 4);
    for (raft_id id : {2, 3, 4, 5}) {
        c.deliver(1, id);
    }
    for (raft_id id : {2, 3, 4, 5}) {
        c.deliver(id, 1);
    }
    sent += on_the_way();
    REQUIRE(sent == 8);
    REQUIRE(c[1].answers.size() == 1);
    c.deliver();
    REQUIRE(c[1].answers.size() == 1000);
    for (const auto &[id, answer] : c[1].answers) {
        REQUIRE(answer.status == 0);
        REQUIRE(answer.index == c[1].commit());
    }
    REQUIRE(c.now == asked);
    c[1].read(2000); /* nothing is under way: it begins a round at once */
    REQUIRE(on_the_way() == 4);
}

TEST_CASE("The next round begins when the first is confirmed, not before") {
    Led c("1[1 2 3 4 5]", {2, 3, 4, 5});
    c.reads(1, 3);
    const auto first = c.round(2);
    for (raft_id id : {3, 4, 5}) {
        REQUIRE(c.round(id) == first);
    }
    c.echo(2, first);
    REQUIRE(c.none_answered(1, 3)); /* two of five */
    REQUIRE(c.count(1, 2) == 0);
    c.echo(3, first);
    REQUIRE(c.answered(1, 1));
    REQUIRE(c.none_answered(2, 3));
    const auto second = c.round(2);
    REQUIRE(second > first);
    c.echo(4, first); /* a late echo confirms no read that came after its round began */
    c.echo(5, first);
    REQUIRE(c.none_answered(2, 3));
    c[1].read(4);
    c.echo(4, second);
    c.echo(5, second);
    REQUIRE(c.answered(2, 3));
    REQUIRE(c.none_answered(4, 4)); /* it came while the second round was under way */
    REQUIRE(c.round(3) == second);
    REQUIRE(c.round(3) > second);
}

TEST_CASE("If the messages of a round are lost, waiting reads share the next heartbeat's round") {
    Led c;
    c.reads(1, 2);
    const auto first = c.round(2);
    c.drop();
    c.expire(1);
    const auto heartbeat = c.round(2);
    REQUIRE(heartbeat > first);
    REQUIRE(c.count(1, 2) == 0); /* one message, not one for each of both rounds */
    c.echo(2, heartbeat);
    REQUIRE(c.answered(1, 2));
    REQUIRE(c.count(1, 2) == 0); /* no read waits: no other round begins */
}

TEST_CASE("A read does not share the round of a heartbeat that was sent before it came") {
    Led c;
    c.expire(1);
    const auto heartbeat = c.round(2);
    c[1].read(1);
    const auto own = c.round(2);
    c.echo(2, heartbeat);
    REQUIRE_FALSE(c[1].answer(1));
    c.echo(2, own);
    REQUIRE(c[1].answer(1));
}

TEST_CASE("A commit index that rises meanwhile is not needed by the reads that wait") {
    Led c;
    c.reads(1, 2);
    c[1].submit(3);
    c[1].receive(2, AppendResult{.term = 2, .last = 5});
    REQUIRE(c[1].commit() == 5);
    c[1].read(3);
    c.drop();
    c.expire(1);
    const auto heartbeat = c.round(2);
    c[1].receive(2, AppendResult{.term = 2, .last = 5, .round = heartbeat});
    REQUIRE(c.answered(1, 3));
    REQUIRE(c[1].answer(1)->index == 2);
    REQUIRE(c[1].answer(2)->index == 2);
    REQUIRE(c[1].answer(3)->index == 5);
}

TEST_CASE("Reads before the leader's barrier commits share rounds, too") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    c.win(1, {2, 3});
    c[1].read(1);
    c[1].read(2);
    const auto echo = [&](raft_index last) {
        unsigned long long round = 0;
        while (c.count(1, 2) > 0) {
            round = c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.round;
        }
        c[1].receive(2, AppendResult{.term = 2, .last = last, .round = round});
    };
    echo(2); /* the round is confirmed: the next begins, though the first read must still wait */
    REQUIRE(c.count(1, 2) > 0);
    REQUIRE(c[1].answers.empty());
    c[1].read(3);
    echo(3);
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(2));
    REQUIRE_FALSE(c[1].answer(3));
    echo(3);
    REQUIRE(c[1].answer(3));
    REQUIRE(c[1].answer(3)->index == 3);
}

/* ------------------------------------------------------------------ barriers */

TEST_CASE("A thousand reads that need a barrier are two barriers") {
    auto draws = Cluster::fresh("1 2 3", 0);
    draws[0].features = all_features;
    Cluster c(draws);
    c.elect(1);
    c.run(200);
    const raft_index before = c[1].last();
    for (unsigned long long id = 1; id <= 1000; ++id) {
        c[1].read(id);
    }
    REQUIRE(c[1].last() == before + 1);
    c.deliver();
    REQUIRE(c[1].last() == before + 2);
    REQUIRE(c[1].answers.size() == 1000);
    for (const auto &[id, answer] : c[1].answers) {
        REQUIRE(answer.status == 0);
    }
}

TEST_CASE("The next barrier begins when the leader's own write commits the first one") {
    Cluster c({{.id = 1, .log = "1[1 2 3]", .features = 0}});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2, .features = no_rounds, .version = 2});
    c[1].slow = true;
    c[1].read(1);
    c[1].read(2);
    REQUIRE(c[1].last() == 3);
    c[1].receive(2, AppendResult{.term = 2, .last = 3, .features = no_rounds, .version = 2});
    REQUIRE(c[1].commit() == 2);
    c.drop();
    c[1].store_all();
    REQUIRE(c[1].answer(1));
    REQUIRE_FALSE(c[1].answer(2));
    REQUIRE(c[1].last() == 4);
    REQUIRE(c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.n_entries == 1);
    c[1].receive(2, AppendResult{.term = 2, .last = 4, .features = no_rounds, .version = 2});
    c[1].store_all();
    REQUIRE(c[1].answer(2));
}

TEST_CASE("While the features of a needed server are unknown, a read waits for its answer") {
    Cluster c({{.id = 1, .log = "1[1 2s]"}});
    REQUIRE(c[1].leads());
    c[1].force("1 2"); /* 2 has never answered */
    c.drop();
    const raft_index last = c[1].last();
    c[1].read(1);
    c[1].read(2);
    REQUIRE(c[1].last() == last);
    REQUIRE(c.count(1, 2) == 0);
    c.expire(1);
    REQUIRE(c[1].last() == last);
    REQUIRE(c.count(1, 2) == 1);
    c.drop();
    SECTION("it echoes rounds: a round begins") {
        c[1].receive(2, AppendResult{.term = 2, .rejected = 2, .last = 1});
        REQUIRE(c[1].last() == last);
        unsigned long long round = 0;
        while (c.count(1, 2) > 0) {
            round = c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.round;
        }
        REQUIRE(round > 0);
        REQUIRE_FALSE(c[1].answer(1));
        c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    }
    SECTION("it does not: a barrier begins") {
        c[1].receive(2, AppendResult{.term = 2, .last = last, .features = no_rounds, .version = 2});
        REQUIRE(c[1].last() == last + 1);
        REQUIRE_FALSE(c[1].answer(1));
        c[1].receive(
            2, AppendResult{.term = 2, .last = last + 1, .features = no_rounds, .version = 2});
    }
    SECTION("it is so old that it announces nothing: a barrier begins") {
        c[1].receive(2, AppendResult{.term = 2, .last = last, .version = 0});
        REQUIRE(c[1].last() == last + 1);
        c[1].receive(2, AppendResult{.term = 2, .last = last + 1, .version = 0});
    }
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(2));
}

TEST_CASE("A leader that is not in contact with a quorum appends no barrier for a read") {
    Led c;
    c.sleep(1000);
    const raft_index last = c[1].last();
    c[1].read(1);
    REQUIRE(c[1].last() == last);
    SECTION("it steps down") {
        c[1].timeout();
        REQUIRE(c[1].answer(1)->status == RAFT_LEADERSHIPLOST);
    }
    SECTION("a server answers after all") {
        c.echo(2, 1);
        c.echo(2, c.round(2));
        REQUIRE(c[1].answer(1)->status == 0);
    }
}

/* ------------------------------------------------- no read waits without end */

TEST_CASE("Reads that wait for the next round are answered when leadership is lost") {
    Led c;
    c.reads(1, 3);
    c[1].receive(3, AppendEntries{.term = 5, .prev = {2, 2}});
    for (unsigned long long id : {1, 2, 3}) {
        REQUIRE(c[1].answer(id));
        REQUIRE(c[1].answer(id)->status == RAFT_LEADERSHIPLOST);
    }
}

TEST_CASE("Reads that wait are answered when the other voter is removed") {
    Cluster c({{.id = 1, .log = "1[1 2]"}});
    c.win(1, {2});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].slow = true;
    c[1].read(1);
    c[1].read(2);
    c[1].reconfigure("1");
    REQUIRE(c[1].answers.empty());
    c[1].store_all();
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(2));
}

TEST_CASE("Reads that wait are answered after a change of the members") {
    Led c("1[1 2 3 4s 5s]", {2, 3, 4, 5});
    c.reads(1, 2);
    const auto first = c.round(2);
    c[1].reconfigure("1 4 5");
    c.drop();
    c.echo(2, first); /* of the old voters one more, of the new ones none */
    REQUIRE(c[1].answers.empty());
    c.expire(1);
    const auto heartbeat = c.round(4);
    for (raft_id id : {2, 4}) {
        c[1].receive(id, AppendResult{.term = 2, .last = 2, .round = heartbeat});
    }
    REQUIRE(c.answered(1, 2));
}

TEST_CASE("Reads that wait for a round become reads that wait for a barrier") {
    Led c;
    c.reads(1, 2);
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2, .features = no_rounds, .version = 2});
    REQUIRE(c[1].last() == 2); /* an echo of the first round may still be on its way */
    c.expire(1);
    REQUIRE(c[1].last() == 3); /* one for both */
    c[1].receive(2, AppendResult{.term = 2, .last = 3, .features = no_rounds, .version = 2});
    REQUIRE(c.answered(1, 2));
}

TEST_CASE("Reads that wait during a transfer are answered when it is given up") {
    Led c;
    c[1].submit();
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    c[1].transfer(3); /* it lacks an entry */
    c.drop();
    SECTION("by a round, even before") {
        c.reads(1, 2);
        c.echo(2, c.round(2));
        c.echo(2, c.round(2));
    }
    SECTION("by a barrier, although the first of them is answered before") {
        c.reads(1, 2);
        c[1].receive(3, AppendResult{.term = 2, .last = 2, .features = no_rounds, .version = 2});
        c[1].receive(
            2, AppendResult{.term = 2, .last = 3, .round = c.round(2), .features = no_rounds});
        REQUIRE(c.answered(1, 1));
        REQUIRE(c[1].last() == 3); /* none while the transfer is under way */
        c[1].transfer(1);
        c.expire(1);
        REQUIRE(c[1].last() == 4);
        c[1].receive(2, AppendResult{.term = 2, .last = 4, .features = no_rounds, .version = 2});
    }
    SECTION("by a barrier, afterwards") {
        c[1].read(1);
        c[1].read(2);
        const AppendResult older{.term = 2, .last = 2, .features = no_rounds, .version = 2};
        c[1].receive({2, 3}, older);
        c[1].refuses(RAFT_NOTLEADER, event::read(3));
        c.expire(1);
        REQUIRE(c[1].last() == 3);
        c[1].transfer(1);
        c.expire(1);
        REQUIRE(c[1].last() == 4);
        c[1].receive(2, AppendResult{.term = 2, .last = 4, .features = no_rounds, .version = 2});
    }
    REQUIRE(c.answered(1, 2));
}

TEST_CASE("A sole voter answers any number of reads in one millisecond, without messages") {
    Cluster c({{.id = 1, .log = "1[1 2s]"}});
    c.drop();
    for (unsigned long long id = 1; id <= 3000; ++id) {
        c[1].read(id);
        REQUIRE(c[1].answer(id));
    }
    REQUIRE(c.count(1, 2) == 0);
}
