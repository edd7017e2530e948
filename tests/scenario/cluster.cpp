/* SPDX-License-Identifier: MIT */
#include "cluster.hpp"

#include <cstdio>
#include <exception>

#include "catch.hpp"

namespace scenario {

Cluster::Cluster(const std::vector<Draw> &servers) : exceptions_(std::uncaught_exceptions()) {
    for (const Draw &d : servers) {
        add(d);
    }
}

Cluster::Cluster(const char *members, raft_id leader) : Cluster(fresh(members)) {
    if (leader != 0) {
        elect(leader);
    }
}

Cluster::~Cluster() {
    if (std::uncaught_exceptions() > exceptions_) {
        std::fprintf(stderr, "What happened:\n%s\n", transcript_.c_str());
    }
}

std::vector<Draw> Cluster::fresh(const char *members, unsigned features) {
    static std::set<std::string> logs; /* drawings outlive the clusters that use them */
    const std::string &log = *logs.insert("1[" + std::string(members) + "]").first;
    std::vector<Draw> all;
    for (const Member &m : Configuration(members).members) {
        Draw d;
        d.id = m.id;
        d.log = log.c_str();
        d.features = features;
        all.push_back(d);
    }
    return all;
}

Server &Cluster::operator[](raft_id id) {
    auto found = servers_.find(id);
    if (found == servers_.end()) {
        FAIL("no server " << id << " in the cluster");
    }
    return *found->second;
}

Server &Cluster::add(const Draw &draw) {
    return *(servers_[draw.id] = std::make_unique<Server>(*this, draw));
}

bool Cluster::runs(raft_id id) const {
    auto found = servers_.find(id);
    return found != servers_.end() && found->second->up;
}

bool Cluster::lost(Link link) const {
    return cut_.contains(link) || isolated_.contains(link.first) || isolated_.contains(link.second);
}

bool Cluster::deliver_one() {
    for (auto &[link, queue] : links_) {
        if (queue.empty() || held_.contains(link) || !servers_.contains(link.second)) {
            continue;
        }
        Message m = queue.front();
        queue.pop_front();
        if (runs(link.second) && !lost(link)) {
            hand(m);
        }
        return true;
    }
    return false;
}

void Cluster::deliver() {
    for (int i = 0; deliver_one(); ++i) {
        if (i == 20000) {
            FAIL("the network never becomes quiet");
        }
    }
}

void Cluster::deliver(raft_id from, raft_id to) {
    std::deque<Message> queue;
    queue.swap(links_[{from, to}]);
    if (queue.empty()) {
        FAIL("nothing to deliver from " << from << " to " << to);
    }
    for (const Message &m : queue) {
        hand(m);
    }
}

void Cluster::drop() { links_.clear(); }

void Cluster::drop(raft_id from, raft_id to) { links_[{from, to}].clear(); }

void Cluster::hold(raft_id from, raft_id to) { held_.insert({from, to}); }

void Cluster::release() { held_.clear(); }

void Cluster::isolate(raft_id id) { isolated_.insert(id); }

void Cluster::cut(raft_id a, raft_id b) {
    cut_.insert({a, b});
    cut_.insert({b, a});
}

void Cluster::heal() {
    cut_.clear();
    isolated_.clear();
}

Message Cluster::take(raft_id from, raft_id to) {
    auto &queue = links_[{from, to}];
    if (queue.empty()) {
        FAIL("no message on its way from " << from << " to " << to);
    }
    Message m = queue.front();
    queue.pop_front();
    return m;
}

Message Cluster::take(raft_id from, raft_id to, raft_message_type type) {
    Message m = take(from, to);
    if (m->type != type) {
        FAIL("from " << from << " to " << to << " came " << describe(m.m));
    }
    return m;
}

raft_append_entries_result Cluster::result(raft_id from, raft_id to) {
    Message m = take(from, to, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(count(from, to) == 0);
    return m->append_entries_result;
}

size_t Cluster::count(raft_id from, raft_id to) const {
    auto found = links_.find({from, to});
    return found == links_.end() ? 0 : found->second.size();
}

void Cluster::hand(Message message) {
    Server &to = (*this)[message.to];
    to.step(event::receive(std::move(message)));
}

void Cluster::expire(raft_id id) {
    Server &s = (*this)[id];
    if (s.deadline() == kNoDeadline) {
        FAIL("server " << id << " has no deadline");
    }
    if (s.deadline() > now) {
        now = s.deadline();
    }
    s.timeout();
}

void Cluster::run(raft_time ms) {
    const raft_time end = now + ms;
    for (;;) {
        deliver();
        Server *next = nullptr;
        for (auto &[id, s] : servers_) {
            if (s->up && s->deadline() <= end &&
                (next == nullptr || s->deadline() < next->deadline())) {
                next = s.get();
            }
        }
        if (next == nullptr) {
            break;
        }
        expire(next->id);
    }
    now = end;
}

void Cluster::elect(raft_id id) {
    Server &s = (*this)[id];
    for (int i = 0; i < 5 && !s.leads(); ++i) {
        expire(id);
        deliver();
    }
    if (!s.leads()) {
        FAIL("server " << id << " does not become leader");
    }
}

void Cluster::win(raft_id id, const std::vector<raft_id> &voters) {
    Server &s = (*this)[id];
    expire(id);
    for (bool pre_vote : {true, false}) {
        for (raft_id voter : voters) {
            if (s.state() == RAFT_CANDIDATE && (!pre_vote || s.vote() != id)) {
                raft_term term = s.term() + (pre_vote ? 1 : 0);
                s.receive(voter, VoteResult{.term = term, .granted = true, .pre_vote = pre_vote});
            }
        }
    }
    if (!s.leads()) {
        FAIL("server " << id << " does not win");
    }
    for (auto &[link, queue] : links_) {
        if (link.first == id) {
            queue.clear();
        }
    }
}

raft_id Cluster::leader() {
    raft_id found = 0;
    raft_term term = 0;
    for (auto &[id, s] : servers_) {
        if (s->up && s->leads() && s->term() > term) {
            found = id;
            term = s->term();
        }
    }
    return found;
}

/* Fields that an old codec does not carry hold anything. */
void Cluster::sent(Message message) {
    raft_message &m = message.m;
    if (m.type == RAFT_APPEND_ENTRIES && m.append_entries.version < 1) {
        m.append_entries.round = 0xbad;
    } else if (m.type == RAFT_INSTALL_SNAPSHOT && m.install_snapshot.version < 1) {
        m.install_snapshot.offset = 0xbad;
        m.install_snapshot.last = false;
    } else if (m.type == RAFT_APPEND_ENTRIES_RESULT && m.append_entries_result.version < 3) {
        raft_append_entries_result &a = m.append_entries_result;
        a.round = a.snapshot_index = a.snapshot_offset = 0xbad;
    }
    const Link link{message.from, message.to};
    if (!lost(link)) {
        links_[link].push_back(std::move(message));
    }
}

void Cluster::note(const std::string &line) {
    transcript_ += "t=" + std::to_string(now) + " " + line + "\n";
}

} // namespace scenario
