/* SPDX-License-Identifier: MIT */
/* A cluster moved by hand: servers, the network between them, and the clock.
 *
 * Servers that are drawn run the library. A server with any other ID is played by the test: what
 * is sent to it can be read with take(), and it speaks through Server::receive(). Every step of
 * every server is judged (see tests/driver/). */
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../driver/judge.hpp"
#include "events.hpp"
#include "server.hpp"

namespace scenario {

class Cluster {
public:
    explicit Cluster(const std::vector<Draw> &servers);
    /* Servers with one log that sets these members, in term 1. With a leader: it is elected. */
    explicit Cluster(const char *members, raft_id leader = 0);
    ~Cluster();
    Cluster(const Cluster &) = delete;
    Cluster &operator=(const Cluster &) = delete;

    /* The same, to be changed before the cluster is made. */
    static std::vector<Draw> fresh(const char *members, unsigned features = all_features);

    Server &operator[](raft_id id);
    Server &add(const Draw &draw);
    bool runs(raft_id id) const;

    /* The network. */
    void deliver();                         /* everything, until all is quiet */
    void deliver(raft_id from, raft_id to); /* what is on this link now */
    void drop();                            /* everything on its way is lost */
    void drop(raft_id from, raft_id to);
    void hold(raft_id from, raft_id to); /* keep back until release() */
    void release();
    void isolate(raft_id id);       /* lose all from and to it from now on */
    void cut(raft_id a, raft_id b); /* lose all between these two */
    void heal();
    Message take(raft_id from, raft_id to); /* the oldest on this link */
    Message take(raft_id from, raft_id to, raft_message_type type);
    raft_append_entries_result result(raft_id from, raft_id to); /* the only one on this link */
    size_t count(raft_id from, raft_id to) const;
    void hand(Message message); /* deliver it, again or late */

    /* The clock. */
    void sleep(raft_time ms) { now += ms; } /* time passes, and no timer fires */
    void expire(raft_id id);                /* advance to its deadline and fire its timer */
    void run(raft_time ms);                 /* timers fire and messages arrive for so long */
    raft_time now = 1000;

    /* Make this server the leader, by an ordinary election, barrier committed. */
    void elect(raft_id id);
    /* The same with played servers that grant pre-vote and vote. What the winner sent
     * meanwhile is dropped; its barrier is appended but not committed. */
    void win(raft_id id, const std::vector<raft_id> &voters);
    raft_id leader();

    /* Server's side. */
    void sent(Message message);
    void note(const std::string &line);

    Judge judge{Judge::kWithPlayedServers};

    size_t chunk_size = 1000; /* how many bytes of a snapshot go into one message */

private:
    using Link = std::pair<raft_id, raft_id>;
    bool deliver_one();
    bool lost(Link link) const;

    std::map<raft_id, std::unique_ptr<Server>> servers_;
    std::map<Link, std::deque<Message>> links_;
    std::set<Link> held_;
    std::set<Link> cut_;
    std::set<raft_id> isolated_;
    std::string transcript_;
    int exceptions_;
};

} // namespace scenario
