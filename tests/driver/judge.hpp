/* SPDX-License-Identifier: MIT */
/* The promises of Raft across servers (figure 3.2 of the dissertation, and what follows from it).
 * The judge knows everything that any server wrote, voted, acknowledged and committed; drivers tell
 * it. Each function throws a Violation if its promise is broken. */
#pragma once

#include "driver.hpp"

#include <functional>
#include <map>
#include <unordered_map>

namespace driver {

class Judge {
public:
    /* All servers run the library; or some are played by the test: what those might have done is
     * not held against the others. */
    enum Cluster { kComplete, kWithPlayedServers };
    explicit Judge(Cluster cluster) : complete_(cluster == kComplete) {}

    void add(const Driver *server) { servers_.push_back(server); }
    void remove(const Driver *server);

    /* Log matching (§3.5) and leader append-only (§3.5): the log of `s` now holds that entry, after
     * one of that term. `made`: by this server itself, as leader or founder. */
    void appended(const Driver &s, raft_index index, const Entry &e, raft_term prev_term,
                  bool made);
    /* A server starts with this log. Servers that the test plays may have made it. */
    void loaded(const Driver &s);
    /* Commitment by a quorum of durable logs, and only of the leader's own term (§3.6.2); state
     * machine safety (§3.6.3). The commit index of `s` rose from s.before.commit to s.view.commit.
     * A leader that commits its own removal steps down in the same step (§4.2.2). */
    void committed(const Driver &s);
    /* State machine safety (§3.6.3): it applied the entry at an index, or restored a snapshot
     * there. `state` is a digest of the state machine. */
    void applied(const Driver &s, raft_index index, uint64_t state);
    /* Election safety (§3.4), by a quorum of votes; leader completeness (§3.6.3). */
    void elected(const Driver &s);
    /* At most one vote a term (§3.4). */
    void voted(raft_id voter, raft_term term, raft_id candidate);
    /* A leader believes that a server's log matches its own up to there: it must have acknowledged
     * that in this term (§3.5). */
    void matched(const Driver &leader, raft_id peer, raft_index match) const;
    /* No server sends a message of an earlier term than before (§3.3). */
    void spoke(raft_id server, raft_term term);
    /* An acknowledgement that a server is about to send: what it names is what the leader of that
     * term holds there, as long as it leads (§3.5). */
    void acknowledging(const Driver &s, const raft_append_entries_result &r) const;
    /* A message leaves a server: votes, acknowledgements and terms are taken from it. */
    void left(const Message &message);

    /* A server crashed: terms that were not durable, and that no other server saw, are
     * forgotten. */
    void forget_unseen(raft_id server, raft_term durable_term);
    /* A server comes back with an empty disk. */
    void forget(raft_id server);
    /* A server comes back with less than was durable. Leaders may count what it acknowledged before
     * as long as they have not noticed. */
    void lost_data(raft_id server);
    void noticed_loss(const Driver &leader, raft_id server);
    /* A majority is lost, and this server is recovered with a log that ends at `last`: what it does
     * not hold is no longer committed, and later terms never happened. `lost` tells which servers
     * never run again. Returns how many committed entries are lost. */
    raft_index recovered(const Driver &s, raft_index last,
                         const std::function<bool(raft_id)> &lost);

    raft_index top() const { return base_ + committed_.size(); } /* highest committed index */
    raft_term committed_term(raft_index i) const { return i > base_ ? at(i).term : 0; }
    /* The configuration in force at a committed index; null: unknown. */
    const Configuration *committed_conf(raft_index index) const;
    raft_id leader_of(raft_term term) const;
    /* The highest index that a server has acknowledged in a term. */
    raft_index acknowledged(raft_id server, raft_term term) const;

    bool checks_logs = true; /* false: a played leader breaks log matching itself */
    uint64_t entries_committed = 0, changes_committed = 0;

private:
    struct Born {
        const Payload *payload;
        raft_term prev_term;
        raft_id maker;
    };
    struct Committed {
        raft_term term;  /* 0: unknown */
        raft_term by;    /* term of the leader that committed it */
        uint64_t digest; /* of the state once applied; 0: no server has applied it */
        const Payload *payload;
    };
    using Key = std::pair<raft_term, uint64_t>;
    struct Hash {
        size_t operator()(const Key &k) const {
            return static_cast<size_t>((k.first * 0x9e3779b97f4a7c15U) ^ k.second);
        }
    };

    const Driver *find(raft_id id) const;
    const Committed &at(raft_index i) const {
        return committed_[static_cast<size_t>(i - base_ - 1)];
    }
    void check_completeness(const Driver &leader) const;
    void commit_new(const Driver &s);

    const bool complete_;
    std::vector<const Driver *> servers_;
    std::unordered_map<Key, Born, Hash> born_; /* by term and index */
    std::vector<Committed> committed_;         /* from index base_ + 1 on */
    raft_index base_ = 0;
    std::map<raft_term, raft_id> leaders_;
    std::unordered_map<Key, raft_id, Hash> votes_;    /* by term and voter */
    std::unordered_map<Key, raft_index, Hash> acked_; /* by term and server */
    std::unordered_map<Key, raft_index, Hash> acked_before_loss_;
    std::map<raft_id, raft_term> spoken_;
    std::map<raft_index, Configuration> configurations_; /* committed ones */
};

} // namespace driver
