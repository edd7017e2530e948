/* SPDX-License-Identifier: MIT */
/* What must hold across all servers, whatever happens: it knows everything that any of
 * them ever wrote, voted, acknowledged and committed. */
#pragma once

#include "stats.hpp"
#include "types.hpp"

#include <map>
#include <unordered_map>

namespace sim {

class Server;

class Judge {
public:
    explicit Judge(Stats &stats) : stats_(stats) {}

    void add(const Server *server) { servers_.push_back(server); }

    /* Server s's log now holds that entry, after one of that term. `made`: by this
     * server itself, as leader or founder. */
    void appended(const Server &s, raft_index index, const Entry &e, raft_term prev_term,
                  bool made);
    /* Its commit index rose from one to another in a step before or after which it led
     * (one that commits its own removal steps down), the configuration before which was
     * that. */
    void committed(const Server &s, raft_index from, raft_index to, bool led, const Conf &before);
    /* It applied the entry at an index, or restored a snapshot there. */
    void applied(const Server &s, raft_index index, uint64_t digest);
    void elected(const Server &s);
    /* A vote, real one, left the server or is its own. */
    void voted(raft_id voter, raft_term term, raft_id candidate);
    /* An acknowledgement left the server. */
    void acknowledged(raft_id server, raft_term term, raft_index index);
    /* A message of that term left the server. */
    void spoke(raft_id server, raft_term term);
    /* A leader believes that a server's log matches its own up to there. */
    void matched(const Server &leader, raft_id peer, raft_index match) const;
    /* A server lost a term that had not been made durable, and that nobody saw. */
    void forget_unseen(raft_id server, raft_term durable_term);

    /* A majority is lost; this server is recovered, with a log that ends there. What it does not
     * hold was never committed from now on, and what happened in later terms never happened. */
    void recovered(const Server &s, raft_index last);
    raft_index recovered_at() const { return recovered_at_; }
    /* A server comes back with an empty disk. */
    void forget(raft_id server);

    raft_index top() const { return committed_.size(); }
    raft_term committed_term(raft_index i) const { return committed_[i - 1].term; }
    /* The configuration in force at a committed index. */
    const Conf *committed_conf(raft_index index) const;
    raft_id leader_of(raft_term term) const;

private:
    struct Born {
        const Payload *payload;
        raft_term prev_term;
        raft_id maker;
    };
    struct Committed {
        raft_term term;
        raft_term by;    /* term of the leader that committed it */
        uint64_t digest; /* of the state once applied; 0: nobody did */
        const Payload *payload;
    };

    static uint64_t key(raft_term term, raft_index index) { return term << 32 | index; }
    void check_completeness(const Server &leader) const;
    void commit_new(const Server &s, raft_index from, raft_index to, bool led, const Conf &before);

    Stats &stats_;
    raft_index recovered_at_ = 0;
    std::vector<const Server *> servers_;
    std::unordered_map<uint64_t, Born> born_;
    std::vector<Committed> committed_; /* of index 1 on */
    std::map<raft_term, raft_id> leaders_;
    std::unordered_map<uint64_t, raft_id> votes_;    /* by term and voter */
    std::unordered_map<uint64_t, raft_index> acked_; /* by term and server */
    raft_term spoken_[kMaxServers + 1] = {};
    std::map<raft_index, Conf> configurations_; /* committed ones */
};

} // namespace sim
