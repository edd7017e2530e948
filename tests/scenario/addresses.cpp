/* SPDX-License-Identifier: MIT */
/* Where messages go, and what raft_leader() tells, while addresses change. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

const std::string long_address(200, 'x');

/* The only message of the last step. */
const raft_message &only_message(const Server &s) {
    REQUIRE(s.update.messages.n == 1);
    return s.update.messages.batch[0];
}

bool goes_to(const Server &s, raft_message_type type, const std::string &address) {
    const raft_message &m = only_message(s);
    return m.type == type && m.server_id == 2 && m.server_address == address;
}

/* Servers whose messages are delivered by address. */
struct Node {
    Node(raft_id id, const char *at) : address(at) { REQUIRE(raft_init(&r, id, at) == 0); }
    ~Node() { raft_close(&r); }
    Node(const Node &) = delete;
    Node &operator=(const Node &) = delete;

    struct raft r {};
    std::string address;
    std::vector<std::pair<raft_entry, std::string>> log; /* payloads apart */
};

class Network { /* of servers 1, 2... */
public:
    Network(std::initializer_list<std::pair<raft_id, const char *>> nodes, const Configuration &c) {
        for (const auto &[id, address] : nodes) {
            nodes_.push_back(std::make_unique<Node>(id, address));
            Event e = event::start({.id = id, .log = ""});
            e.e.start.term = 1;
            e.e.start.start_index = 1;
            e.entries = draw_log("1[1 2 3]");
            const std::string bytes = encode(c);
            raft_event raw = *e.at(now_, 1);
            raw.start.entries[0].buf = {const_cast<char *>(bytes.data()), bytes.size()};
            Node &n = *nodes_.back();
            n.log.emplace_back(raft_entry{1, RAFT_CHANGE, {}, {nullptr}}, bytes);
            step(n, raw);
        }
    }
    struct raft *operator[](raft_id id) {
        return &nodes_[static_cast<size_t>(id - 1)]->r;
    }
    void step(raft_id id, Event e) { step(*nodes_[static_cast<size_t>(id - 1)], *e.at(now_, 1)); }

    /* Fire the timers that are due, and deliver everything, for so long. */
    void run(raft_time ms) {
        for (const raft_time end = now_ + ms; now_ < end; now_++) {
            for (const auto &n : nodes_) {
                if (raft_timeout(&n->r) <= now_) {
                    step(n->r.id, event::timeout());
                }
            }
            deliver();
        }
    }
    raft_id leader() {
        for (const auto &n : nodes_) {
            if (raft_state(&n->r) == RAFT_LEADER) {
                return n->r.id;
            }
        }
        return 0;
    }
    unsigned lost = 0; /* messages to addresses where no server is */

private:
    struct Sent {
        std::string from, to;
        raft_message m;
        std::vector<std::pair<raft_entry, std::string>> entries;
    };

    void step(Node &n, raft_event e) {
        raft_update u;
        REQUIRE(raft_step(&n.r, &e, &u) == 0);
        if ((u.flags & RAFT_UPDATE_ENTRIES) != 0) {
            n.log.resize(static_cast<size_t>(u.entries.index - 1));
            for (unsigned i = 0; i < u.entries.n; i++) {
                const raft_buffer &buf = u.entries.batch[i].buf;
                n.log.emplace_back(u.entries.batch[i],
                                   std::string(static_cast<const char *>(buf.base), buf.len));
            }
        }
        if ((u.flags & RAFT_UPDATE_MESSAGES) != 0) {
            for (unsigned i = 0; i < u.messages.n; i++) {
                const raft_message &m = u.messages.batch[i];
                Sent s{n.address, m.server_address, m, {}};
                s.m.server_id = n.r.id;
                if (m.type == RAFT_APPEND_ENTRIES) {
                    const auto first =
                        n.log.begin() + static_cast<ptrdiff_t>(m.append_entries.prev_log_index);
                    s.entries.assign(first, first + m.append_entries.n_entries);
                }
                sent_.push_back(std::move(s));
            }
        }
        if ((u.flags & RAFT_UPDATE_ENTRIES) != 0 && u.entries.n > 0) {
            step(n, *event::stored(raft_last_index(&n.r), u.entries.write).at(now_, 1));
        }
    }
    void deliver() {
        while (!sent_.empty()) {
            Sent s = std::move(sent_.front());
            sent_.pop_front();
            Node *to = nullptr;
            for (const auto &n : nodes_) {
                to = n->address == s.to ? n.get() : to;
            }
            if (to == nullptr) {
                lost++;
                continue;
            }
            std::vector<raft_entry> entries;
            for (auto &[entry, bytes] : s.entries) {
                entries.push_back({entry.term, entry.type, {bytes.data(), bytes.size()}, {&s}});
            }
            s.m.server_address = s.from.c_str();
            if (s.m.type == RAFT_APPEND_ENTRIES) {
                s.m.append_entries.entries = entries.data();
            }
            Event e(RAFT_RECEIVE);
            raft_event raw = *e.at(now_, 1);
            raw.receive.message = &s.m;
            step(*to, raw);
        }
    }

    std::vector<std::unique_ptr<Node>> nodes_;
    std::deque<Sent> sent_;
    raft_time now_ = 1000;
};

Configuration members(const char *a, const char *b, const char *c) {
    Configuration conf;
    conf.add(1, RAFT_VOTER, a);
    conf.add(2, RAFT_VOTER, b);
    conf.add(3, RAFT_VOTER, c);
    return conf;
}

} // namespace

TEST_CASE("Two of three servers have moved: a leader is elected, and records the addresses") {
    Network net({{1, "s1"}, {2, "moved 2"}, {3, "moved 3"}}, members("s1", "s2", "s3"));
    net.run(30000);
    const raft_id leader = net.leader();
    REQUIRE(leader > 1); /* server 1 reaches nobody first */
    REQUIRE(net.lost > 0);
    raft_id id = 0;
    const char *address = nullptr;
    raft_leader(net[1], &id, &address);
    REQUIRE(id == leader);
    REQUIRE(std::string(address) == "s" + std::to_string(leader)); /* as configured */
    REQUIRE(raft_commit_index(net[leader]) == 2);
    net.step(leader, event::reconfigure(members("s1", "moved 2", "moved 3")));
    net.run(3000);
    REQUIRE(net.leader() == leader);
    for (raft_id server : {1, 2, 3}) {
        REQUIRE(raft_commit_index(net[server]) == 3);
        raft_leader(net[server], &id, &address);
        REQUIRE(id == leader);
        REQUIRE(std::string(address) == "moved " + std::to_string(leader));
    }
}

TEST_CASE("Results of votes and pre-votes go to the address that the request came with") {
    const std::string at = GENERATE(std::string("new2"), long_address);
    const bool pre_vote = GENERATE(false, true);
    const bool up_to_date = GENERATE(false, true);
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    SECTION("when it is decided") { c.sleep(5000); }
    SECTION("when a leader was heard a moment ago") {}
    c[1].receive(
        2,
        RequestVote{
            .term = 2, .last = {up_to_date ? 2U : 1U, 1}, .pre_vote = pre_vote, .at = at.c_str()});
    REQUIRE(goes_to(c[1], RAFT_REQUEST_VOTE_RESULT, at));
}

TEST_CASE("Rejections go to the address that the rejected message came with") {
    const std::string at = GENERATE(std::string("new2"), long_address);
    Cluster c({{.id = 1, .term = 5, .log = "1[1 2 3] 1"}});
    SECTION("of a stale leader") {
        c[1].receive(2, AppendEntries{.term = 4, .prev = {2, 1}, .at = at.c_str()});
        REQUIRE(c[1].leader() == 0);
    }
    SECTION("of a stale leader's snapshot") {
        c[1].receive(2, InstallSnapshot{.term = 4, .last = {9, 3}, .at = at.c_str()});
        REQUIRE(c[1].leader() == 0);
    }
    SECTION("of the leader, whose previous entry is missing") {
        c[1].receive(2, AppendEntries{.term = 5, .prev = {4, 5}, .at = at.c_str()});
        REQUIRE(c[1].leader() == 2);
    }
    SECTION("of the leader after another address in this term") {
        c[1].receive(2, AppendEntries{.term = 5, .prev = {4, 5}, .at = "old2"});
        c[1].receive(2, AppendEntries{.term = 5, .prev = {4, 5}, .at = at.c_str()});
    }
    SECTION("of a delayed message of the present leader, which has moved since") {
        c[1].receive(2, AppendEntries{.term = 6, .prev = {2, 1}, .at = "old2"});
        c[1].receive(2, AppendEntries{.term = 4, .prev = {2, 1}, .at = at.c_str()});
    }
    REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, at));
    REQUIRE(only_message(c[1]).append_entries_result.rejected != 0);
}

TEST_CASE("An acknowledgement goes to the address that the leader's last message came with") {
    const std::string at = GENERATE(std::string("new2"), long_address);
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    for (int i = 0; i < 2; i++) { /* the second time, the fast path could take it */
        c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .log = "2"});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 2}});
        REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, "s2"));
    }
    SECTION("a heartbeat") {
        c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 2}, .at = at.c_str()});
        REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, at));
        c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 2}, .at = at.c_str()});
        REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, at));
        c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 2}});
        REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, "s2"));
    }
    SECTION("entries that become durable later") {
        c[1].slow = true;
        c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 2}, .log = "2 2", .at = at.c_str()});
        REQUIRE(c[1].update.flags == RAFT_UPDATE_ENTRIES);
        c.sleep(50);
        c[1].store_all();
        REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, at));
        REQUIRE(only_message(c[1]).append_entries_result.last_log_index == 5);
    }
    SECTION("entries that become durable after a heartbeat from elsewhere") {
        c[1].slow = true;
        c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 2}, .log = "2 2"});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {5, 2}, .at = at.c_str()});
        c[1].store_all();
        REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, at));
    }
    SECTION("a vote request of the leader does not count") {
        c[1].receive(2, RequestVote{.term = 2, .last = {3, 2}, .at = at.c_str()});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 2}});
        REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, "s2"));
    }
}

TEST_CASE("The status of a snapshot goes to the address that the leader's last message came with") {
    const std::string at = GENERATE(std::string("new2"), long_address);
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2 3]"}});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {9, 2}, .bytes = 20});
    SECTION("a chunk becomes durable") {
        c[1].receive(2, AppendEntries{.term = 2, .prev = {9, 2}, .at = at.c_str()});
        c[1].store_all();
    }
    SECTION("the last chunk becomes durable") {
        c[1].store_all();
        c[1].receive(2, InstallSnapshot{.term = 2, .last = {9, 2}, .offset = 20, .at = at.c_str()});
        c[1].store_all();
        REQUIRE(c[1].last() == 9);
    }
    SECTION("a chunk comes again") {
        c[1].store_all();
        c[1].receive(2, InstallSnapshot{.term = 2, .last = {9, 2}, .bytes = 20, .at = at.c_str()});
    }
    REQUIRE(goes_to(c[1], RAFT_APPEND_ENTRIES_RESULT, at));
}

TEST_CASE("Everything but an answer goes to the configured address") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    REQUIRE(std::string(c.take(1, 2)->server_address) == "s2");
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true, .at = "new2"});
    REQUIRE(std::string(c.take(1, 2)->server_address) == "s2");
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .at = "new2"});
    REQUIRE(c[1].leads());
    REQUIRE(std::string(c.take(1, 2)->server_address) == "s2");
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .at = "new2"});
    c[1].submit();
    REQUIRE(std::string(c.take(1, 2)->server_address) == "s2");
}

TEST_CASE("raft_leader() tells the configured address; RAFT_UPDATE_LEADER is set if that changes") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .at = "new2"});
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    REQUIRE(c[1].leader_at() == "2 at s2");
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .at = "newer2"});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_LEADER)); /* only answers go elsewhere */
    REQUIRE(c[1].leader_at() == "2 at s2");
    /* A configuration without the leader: what its messages came with. */
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1[1 3]", .at = "newer2"});
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    REQUIRE(c[1].leader_at() == "2 at newer2");
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .at = "newest2"});
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    REQUIRE(c[1].leader_at() == "2 at newest2");
    /* One with the leader at the same address: nothing changes. */
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}});
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .log = "1[1 2]"});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_LEADER));
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
    REQUIRE(c[1].leader_at() == "2 at s2");
    /* The configuration loses the leader, and its message has another address. */
    c[1].receive(2, AppendEntries{.term = 1, .prev = {3, 1}, .log = "1[1 3]", .at = "new2"});
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    REQUIRE(c[1].leader_at() == "2 at new2");
    /* It is rolled back. */
    c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 1}, .log = "2", .at = "new2"});
    REQUIRE(c[1].leader_at() == "2 at s2");
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
}

TEST_CASE("A leader that the latest configuration lacks tells raft_init()'s address as its own") {
    Cluster c({Draw{.id = 1}});
    Configuration conf;
    conf.add(1, RAFT_VOTER, "elsewhere");
    c[1].bootstrap(conf);
    REQUIRE(c[1].leader_at() == "1 at elsewhere");
    conf.add(2, RAFT_STANDBY, "s2");
    for (const int role : {RAFT_STANDBY, RAFT_VOTER}) {
        conf.members[1].role = role;
        c[1].reconfigure(conf);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_LEADER));
        c[1].receive(2, AppendResult{.term = c[1].term(), .last = c[1].last()});
        REQUIRE(c[1].commit() == c[1].last());
    }
    c[1].reconfigure("2");
    REQUIRE(c[1].leads());
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    REQUIRE(c[1].leader_at() == "1 at s1");
    c[1].receive(2, AppendResult{.term = c[1].term(), .last = c[1].last()});
    REQUIRE_FALSE(c[1].leads());
    REQUIRE(c[1].leader_at() == "none");
}
