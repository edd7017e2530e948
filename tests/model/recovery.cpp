/* SPDX-License-Identifier: MIT */
/* Servers are lost for good, and the operator recovers one of the others. */
#include "search.hpp"

namespace model {

void Search::expand_operator(const Waiting &from) {
    if (!broken_.empty() || bounds_.lost == 0 || from.state.recovered) {
        return;
    }
    if (from.state.lost == 0) {
        State state = from.state;
        state.lost = static_cast<uint8_t>(bounds_.lost);
        transitions_++;
        arrive(state, from, {Kind::kLose, 0, 0, 0, bounds_.lost});
    } else {
        recover(from, false);
        recover(from, true);
    }
}

/* All survivors are stopped, with or without the writes under way, and no message is left. The
 * one whose last entry has the highest term and, among those, the highest index is recovered;
 * all survivors are its voters. */
void Search::recover(const Waiting &from, bool kept) {
    State state = from.state;
    state.packets.fill(kNone);
    state.recovered = 1;
    unsigned best = kServers;
    unsigned voters = 0;
    std::vector<Chain> applied;
    const Action action = {Kind::kRecover, 0, 0, kept, 0};
    for (uint8_t i = 0; i < bounds_.servers; i++) {
        if (state.lost >> i & 1) {
            continue;
        }
        voters |= 1U << i;
        applied.push_back(nodes_[state.nodes[i]].committed);
        const auto writes = static_cast<uint32_t>(nodes_[state.nodes[i]].writes.size());
        const Outcome &outcome = nodes_.step(state.nodes[i], Kind::kCrash, kept ? writes : 0);
        state.nodes[i] = outcome.node;
        const auto rank = [&](unsigned server) {
            const Link &last = nodes_.chains().link(nodes_[state.nodes[server]].disk);
            return std::pair(last.term, last.index);
        };
        const bool stale = fault_ == Fault::kRecoverStale;
        if (best == kServers || (stale ? rank(i) < rank(best) : rank(best) < rank(i))) {
            best = i;
        }
    }
    broken_ = judge_recovery(&state, nodes_[state.nodes[best]], applied);
    const NodeId before = state.nodes[best];
    const Outcome &outcome = nodes_.step(before, Kind::kRecover, voters);
    const Action recovery = {Kind::kRecover, static_cast<uint8_t>(best), 0, kept, voters};
    if (!broken_.empty() || !take(&state, recovery, outcome)) {
        if (!broken_.empty()) {
            arrive(state, from, action);
        }
        return;
    }
    recoveries_++;
    if (broken_.empty()) {
        broken_ = judge(&state, recovery, before);
    }
    transitions_++;
    arrive(state, from, recovery);
}

} // namespace model
