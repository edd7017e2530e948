/* SPDX-License-Identifier: MIT */
/* Membership changes together with catch-up, removal and unknown servers (§4.1 to §4.3). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Server 1 leads played servers; all of them have all entries, which are committed. */
struct Led : Cluster {
    explicit Led(const char *members, unsigned features = all_features)
        : Cluster({Draw{.id = 1, .log = members, .features = features}}) {
        win(1, {2, 3});
    }
    void all_store(std::initializer_list<raft_id> ids) {
        for (raft_id id : ids) {
            (*this)[1].receive(id,
                               AppendResult{.term = (*this)[1].term(), .last = (*this)[1].last()});
        }
        drop();
    }
};

} // namespace

TEST_CASE("Removing a standby ends its catch-up and sets the flag (§4.2.1)") {
    Led c("1[1 2 3 4s]");
    c.all_store({2, 3, 4});
    c[1].catch_up(4);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    c[1].reconfigure("1 2 3");
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
}

TEST_CASE("A second catch-up of an up-to-date server changes nothing (§4.2.1)") {
    Led c("1[1 2 3 4s]");
    c.all_store({2, 3, 4});
    c[1].catch_up(4);
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
    c[1].catch_up(4);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_CATCH_UP));
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
}

TEST_CASE("Only a round that is faster than an election timeout is the last one (§4.2.1)") {
    Led c("1[1 2 3 4s]");
    c.all_store({2, 3});
    c[1].receive(4, AppendResult{.term = 2, .last = 1});
    c[1].submit(3);
    c[1].catch_up(4);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
    const raft_index target = c[1].last();
    c[1].submit(2); /* a round never ends without newer entries */
    bool slow = false;
    SECTION("fast") { c.sleep(500); }
    SECTION("slow") {
        slow = true;
        c.sleep(1500);
    }
    c[1].receive(4, AppendResult{.term = 2, .last = target});
    REQUIRE(c[1].catch_up_status(4) == (slow ? RAFT_CATCH_UP_RUNNING : RAFT_CATCH_UP_FINISHED));
    c[1].receive(4, AppendResult{.term = 2, .last = c[1].last()});
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
}

TEST_CASE("Leaving a joint configuration ends the catch-up of a removed server (§4.3)") {
    Led c("1[1 2 3 4s 5s 6s]");
    c.all_store({2, 3, 4, 5, 6});
    c[1].catch_up(4);
    c[1].reconfigure("1 2 3 4 5s 6s"); /* promoted: the status stays */
    c.all_store({2, 3, 4, 5, 6});
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    c[1].reconfigure("1 2 3 5 6s"); /* 4 leaves, 5 comes */
    REQUIRE(c[1].conf() == "1 2 3 4o 5i 6s");
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_CATCH_UP));
    const raft_index joint = c[1].last();
    c[1].receive(2, AppendResult{.term = 2, .last = joint});
    c[1].receive(3, AppendResult{.term = 2, .last = joint}); /* three of four, three of four */
    REQUIRE(c[1].conf() == "1 2 3 5 6s");
    REQUIRE(c[1].catch_up_status(5) == RAFT_CATCH_UP_NONE);
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
}

TEST_CASE("A standby that a joint change removes is no member from its beginning (§4.3)") {
    Led c("1[1 2 3 4s 5s 6s]");
    c.all_store({2, 3, 4, 5, 6});
    c[1].catch_up(6);
    c[1].reconfigure("1 4 5");
    REQUIRE(c[1].conf() == "1 2o 3o 4i 5i");
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
    const raft_index joint = c[1].last();
    c[1].receive({2, 3, 4, 5}, AppendResult{.term = 2, .last = joint});
    REQUIRE(c[1].conf() == "1 4 5");
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_CATCH_UP)); /* the flag was set before */
}

TEST_CASE("A joint change needs members that have announced the joint feature (§4.3)") {
    Led c("1[1 2 3 4s 5s]");
    c.all_store({2, 3, 4, 5});
    SECTION("an unknown new server has not") {
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 6 7"));
    }
    SECTION("a member has not") {
        c[1].receive(
            5, AppendResult{
                   .term = 2, .last = 2, .features = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS});
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4 5"));
    }
    SECTION("a spare does not count: it receives no log") {
        c[1].reconfigure("1 4 5 9p");
        REQUIRE(c[1].conf() == "1 2o 3o 4i 5i 9p");
    }
}

TEST_CASE("A leader that is no voter cannot be caught up itself") {
    Led c("1[1 2 3]");
    c.all_store({2, 3});
    c[1].slow = true;
    c[1].reconfigure("1s 2 3");
    REQUIRE(c[1].leads());
    c[1].refuses(RAFT_BADID, event::catch_up(1));
}

TEST_CASE("Recovery needs a higher term and a higher index") {
    const raft_term limit = 1ULL << 62;
    SECTION("there is no higher term") {
        Cluster c({Draw{.id = 1, .term = limit, .log = "1[1 2 3]"}});
        c[1].refuses(RAFT_TOOBIG, event::recover("1"));
    }
    SECTION("there is no higher index") {
        Cluster c({Draw{
            .id = 1, .term = 3, .start = limit + 1, .snapshot = {limit, 2}, .conf = "1 2 3"}});
        c[1].refuses(RAFT_TOOBIG, event::recover("1"));
    }
    SECTION("otherwise it is done") {
        const raft_term before = limit - (1 << 20) - 4;
        Cluster c({Draw{.id = 1, .term = before, .log = "1[1 2 3]"}});
        c[1].step(event::recover("1"));
        REQUIRE(c[1].term() > before);
        REQUIRE(c[1].conf() == "1");
    }
}

TEST_CASE("A bootstrap needs a server without state (§4.4)") {
    SECTION("a vote is state") {
        Cluster c({Draw{.id = 1, .term = 1, .vote = 2}});
        c[1].refuses(RAFT_CANTBOOTSTRAP, event::bootstrap("1"));
    }
    SECTION("a later term is state") {
        Cluster c({Draw{.id = 1, .term = 2}});
        c[1].refuses(RAFT_CANTBOOTSTRAP, event::bootstrap("1"));
    }
    SECTION("a snapshot is state") {
        Cluster c({Draw{.id = 1, .term = 2, .start = 4, .snapshot = {3, 1}, .conf = "1 2"}});
        c[1].refuses(RAFT_CANTBOOTSTRAP, event::bootstrap("1"));
    }
    SECTION("term 1 alone is not") {
        Cluster c({Draw{.id = 1, .term = 1}});
        c[1].bootstrap("1");
        REQUIRE(c[1].leads());
    }
}

TEST_CASE("Removing two standbys at once ends both catch-ups") {
    Led c("1[1 2 3 4s 5s]");
    c.all_store({2, 3, 4, 5});
    c[1].catch_up(4);
    c[1].catch_up(5);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    c[1].reconfigure("1 2 3");
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
}

TEST_CASE("A standby that becomes a spare is told so, and then sent nothing more (§4.2.1)") {
    Led c("1[1 2 3 4s]");
    c.all_store({2, 3, 4});
    c[1].reconfigure("1 2 3 4p");
    REQUIRE(c.take(1, 4)->append_entries.n_entries == 1); /* the change */
    c[1].receive(2, AppendResult{.term = 2, .last = c[1].last()});
    REQUIRE(c[1].commit() == c[1].last());
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_NONE);
    const auto notification = c.take(1, 4, RAFT_APPEND_ENTRIES); /* the change is committed */
    REQUIRE(notification->append_entries.n_entries == 0);
    REQUIRE(notification->append_entries.prev_log_index == c[1].last());
    REQUIRE(notification->append_entries.leader_commit == c[1].last());
    c.all_store({3});
    c[1].submit(2);
    REQUIRE(c.count(1, 2) == 1);
    REQUIRE(c.count(1, 4) == 0);
    c.all_store({2, 3});
    REQUIRE(c[1].commit() == c[1].last());
    c[1].catch_up(4);
    const Message probe =
        c.take(1, 4); /* the leader supposes that it has what it was sent before */
    REQUIRE(probe->append_entries.prev_log_index == 3);
    REQUIRE(probe->append_entries.n_entries == 1);
}

TEST_CASE(
    "A spare that is being sent a snapshot continues with it in its catch-up (§4.2.1, §5.1)") {
    Led c("1[1 2 3 4s]");
    c.all_store({2, 3});
    c[1].submit(3);
    c.all_store({2, 3});
    c[1].take_snapshot(5);
    c[1].receive(4, AppendResult{.term = 2, .rejected = 1, .last = 0});
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_SNAPSHOT);
    c[1].reconfigure("1 2 3 4p");
    c.all_store({2, 3});
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_NONE);
    c[1].catch_up(4);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_SNAPSHOT);
    c[1].receive(4, AppendResult{.term = 2, .last = 5});
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_PIPELINE);
}

TEST_CASE("A server that is installing a snapshot cannot be bootstrapped (§4.4, §5.1)") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {8, 1}, .conf = "1 2"});
    REQUIRE(c[1].term() == 1);
    c[1].refuses(RAFT_CANTBOOTSTRAP, event::bootstrap("1"));
}

TEST_CASE(
    "Removing a voter can leave more than a majority ahead of the commit index (§3.5, §4.1)") {
    Led c("1[1 2 3 4 5s]");
    c.all_store({2, 3, 4, 5});
    c[1].slow = true;
    c[1].submit(5); /* 3..7, not durable here yet */
    c[1].receive(2, AppendResult{.term = 2, .last = 6});
    c[1].receive(3, AppendResult{.term = 2, .last = 5});
    c[1].receive(5, AppendResult{.term = 2, .last = 7}); /* not a voter */
    REQUIRE(c[1].commit() == 2);                         /* two of four */
    c[1].reconfigure("1 2 3 5s");
    REQUIRE(c[1].commit() == 2);
    c[1].store_all();
    REQUIRE(c[1].stored() == 8);
    REQUIRE(c[1].commit() == 6); /* on 1 and 2; not what only 1 has, nor what 5 has */
}
