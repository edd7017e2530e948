/* SPDX-License-Identifier: MIT */
#include "search.hpp"

#include <algorithm>
#include <cstring>

namespace model {
namespace {

observe::Digest digest_of(const State &state) {
    uint32_t words[sizeof(State) / 4];
    static_assert(sizeof words == sizeof state);
    memcpy(words, &state, sizeof words);
    observe::Hasher h;
    for (uint32_t word : words) {
        h.add(word);
    }
    return h.finish();
}

void remove(State *state, PacketId packet) {
    auto *end = std::remove(state->packets.begin(), state->packets.end(), packet);
    std::fill(end, state->packets.end(), kNone);
}

/* Insert into a table that is at most half full. False: it was there already. */
bool insert(std::vector<observe::Digest> *table, const observe::Digest &d) {
    const size_t mask = table->size() - 1;
    size_t place = d.low & mask;
    while ((*table)[place] != observe::Digest()) {
        if ((*table)[place] == d) {
            return false;
        }
        place = (place + 1) & mask;
    }
    (*table)[place] = d;
    return true;
}

} // namespace

Search::Search(const Bounds &bounds, Fault fault)
    : bounds_(bounds),
      fault_(fault),
      nodes_(bounds, fault),
      fair_(bounds, &nodes_),
      seen_(1 << 16) {
    State state = {};
    state.packets.fill(kNone);
    for (unsigned i = 0; i < bounds.servers; i++) {
        state.nodes[i] = nodes_.first(i + 1);
    }
    state.committed = nodes_[state.nodes[0]].committed;
    state.committed_in[1] = 1;
    state.crashes = static_cast<uint8_t>(bounds.crashes);
    state.submissions = static_cast<uint8_t>(bounds.submissions);
    state.duplicates = static_cast<uint8_t>(bounds.duplicates);
    state.changes = static_cast<uint8_t>(bounds.changes);
    state.transfers = static_cast<uint8_t>(bounds.transfers);
    state.timeouts = static_cast<uint8_t>(bounds.timeouts);
    state.snapshots = static_cast<uint8_t>(bounds.snapshots);
    state.reads = static_cast<uint8_t>(bounds.reads);
    state.cuts = static_cast<uint8_t>(bounds.cuts);
    state.unreachables = static_cast<uint8_t>(bounds.unreachables);
    state.campaigns = static_cast<uint8_t>(bounds.campaigns);
    state.settings = static_cast<uint8_t>(bounds.settings);
    state.wipes = static_cast<uint8_t>(bounds.wipes);
    state.wakes = static_cast<uint8_t>(bounds.wakes);
    reached_.push_back({0, {}});
    insert(&seen_, digest_of(state));
    frontier_.push_back({state, 0, 0});
}

void Search::run(uint64_t most_states) {
    while (!frontier_.empty() && broken_.empty() && states() < most_states) {
        const Waiting from = frontier_.front();
        frontier_.pop_front();
        depth_ = from.depth;
        expand(from);
    }
}

void Search::expand(const Waiting &from) {
    for (uint8_t i = 0; i < bounds_.servers && broken_.empty(); i++) {
        if ((from.state.lost >> i & 1) == 0) {
            expand_server(from, i);
        }
    }
    if (broken_.empty()) {
        expand_packets(from);
        expand_operator(from);
    }
}

void Search::expand_server(const Waiting &from, uint8_t i) {
    const Node &node = nodes_[from.state.nodes[i]];
    const bool deadline = node.has_deadline;
    const bool can_wait = node.can_wait;
    const bool leads = node.leads;
    const bool asleep = node.asleep;
    const bool new_snapshot =
        node.committed != node.snapshot && nodes_.chains().is_prefix(node.committed, node.disk);
    const auto writes = static_cast<uint32_t>(node.writes.size());
    if (deadline && (!(leads || bounds_.pre_vote) || from.state.timeouts > 0)) {
        act(from, {Kind::kTimeout, i, 0, 0, 0});
    }
    if (can_wait) {
        act(from, {Kind::kPatience, i, 0, 0, 0});
    }
    if (writes > 0) {
        act(from, {Kind::kPersist, i, 0, 0, 0});
    }
    if (leads) {
        expand_leader(from, i);
    }
    if (from.state.snapshots > 0 && new_snapshot) {
        act(from, {Kind::kSnapshot, i, 0, 0, 0});
    }
    for (uint32_t kept = 0; from.state.crashes > 0 && kept <= writes; kept++) {
        act(from, {Kind::kCrash, i, 0, 0, kept});
    }
    if (from.state.campaigns > 0 && !leads) {
        act(from, {Kind::kCampaign, i, 0, 0, 0});
    }
    for (uint32_t which = 0; from.state.settings > 0 && which <= (bounds_.sleep > 0 ? 2U : 0U);
         which++) {
        act(from, {Kind::kSetting, i, 0, 0, which});
    }
    if (from.state.wakes > 0 && asleep) {
        act(from, {Kind::kWake, i, 0, 0, 0});
    }
    for (uint32_t all = 0; from.state.wipes > 0 && all <= 1 && can_be_wiped(from.state, i); all++) {
        act(from, {Kind::kWipe, i, 0, 0, all});
    }
}

/* A server that loses what a majority needs breaks the promise on which Raft rests. So all that it
 * has on its disk must be on the disks of all others, too: then no property may be broken. */
bool Search::can_be_wiped(const State &state, uint8_t server) const {
    const Chain disk = nodes_[state.nodes[server]].disk;
    if (nodes_.chains().last(disk) <= 1) {
        return false;
    }
    for (unsigned i = 0; i < bounds_.servers; i++) {
        if (fault_ != Fault::kLoseOnlyCopy &&
            !nodes_.chains().is_prefix(disk, nodes_[state.nodes[i]].disk)) {
            return false;
        }
    }
    return true;
}

void Search::expand_leader(const Waiting &from, uint8_t i) {
    if (from.state.submissions > 0) {
        act(from, {Kind::kSubmit, i, 0, 0, 0});
    }
    if (from.state.changes > 0) {
        act(from, {Kind::kChange, i, 0, 0, 0});
    }
    const unsigned unsent = nodes_[from.state.nodes[i]].unsent;
    for (uint32_t to = 1; to <= bounds_.servers; to++) {
        if (from.state.cuts > 0 && (unsent >> (to - 1) & 1) != 0) {
            act(from, {Kind::kSent, i, 0, 0, to});
        }
        if (from.state.unreachables > 0 && to != i + 1U) {
            act(from, {Kind::kUnreachable, i, 0, 0, to});
        }
    }
    for (uint32_t to = 1; from.state.transfers > 0 && to <= bounds_.servers; to++) {
        act(from, {Kind::kTransfer, i, 0, 0, to});
    }
    if (from.state.reads > 0) {
        act(from, {Kind::kRead, i, 0, 0, bounds_.reads - from.state.reads + 1});
    }
}

void Search::expand_packets(const Waiting &from) {
    for (PacketId packet : from.state.packets) {
        if (packet == kNone || !broken_.empty()) {
            break;
        }
        const auto to = static_cast<uint8_t>(nodes_.packet(packet).to - 1);
        if (from.state.lost >> to & 1) {
            act(from, {Kind::kDeliver, to, 1, 0, packet});
            continue;
        }
        act(from, {Kind::kDeliver, to, 0, 0, packet});
        if (bounds_.losses >> to & 1) {
            act(from, {Kind::kDeliver, to, 1, 0, packet});
        }
        if (from.state.duplicates > 0) {
            act(from, {Kind::kDeliver, to, 0, 1, packet});
        }
    }
}

/* Subtract the action from what is left within the bounds. False: nothing but a loss. */
bool Search::spend(State *state, const Action &action) const {
    switch (action.kind) {
        case Kind::kTimeout:
            state->timeouts -= bounds_.pre_vote || nodes_[state->nodes[action.server]].leads;
            break;
        case Kind::kCrash:
            state->crashes--;
            break;
        case Kind::kSubmit:
            state->submissions--;
            break;
        case Kind::kChange:
            state->changes--;
            break;
        case Kind::kTransfer:
            state->transfers--;
            break;
        case Kind::kSnapshot:
            state->snapshots--;
            break;
        case Kind::kSent:
            state->cuts--;
            break;
        case Kind::kUnreachable:
            state->unreachables--;
            break;
        case Kind::kCampaign:
            state->campaigns--;
            break;
        case Kind::kSetting:
            state->settings--;
            break;
        case Kind::kWipe:
            state->wipes--;
            break;
        case Kind::kWake:
            state->wakes--;
            break;
        case Kind::kRead:
            state->reads--;
            state->read_floor[action.argument - 1] =
                static_cast<uint8_t>(nodes_.chains().last(state->committed) + 1);
            break;
        case Kind::kDeliver:
            if (action.keep) {
                state->duplicates--;
            } else {
                remove(state, action.argument);
            }
            break;
        default:
            break;
    }
    return !action.loss;
}

/* Equal messages in flight count as one. False: there are more than the bound allows. */
bool Search::send(State *state, const std::vector<PacketId> &packets) const {
    for (PacketId packet : packets) {
        auto *end = std::find(state->packets.begin(), state->packets.end(), kNone);
        auto *place = std::lower_bound(state->packets.begin(), end, packet);
        if (place != end && *place == packet) {
            continue;
        }
        if (end - state->packets.begin() >= static_cast<ptrdiff_t>(bounds_.messages)) {
            return false;
        }
        std::copy_backward(place, end, end + 1);
        *place = packet;
    }
    return true;
}

void Search::act(const Waiting &from, const Action &action) {
    if (!broken_.empty()) {
        return;
    }
    State state = from.state;
    const NodeId before = state.nodes[action.server];
    if (spend(&state, action)) {
        const Outcome &outcome = nodes_.step(before, action.kind, action.argument);
        if (!take(&state, action, outcome)) {
            return;
        }
        if (broken_.empty()) {
            broken_ = judge(&state, action, before);
        }
        if (broken_.empty()) {
            broken_ = judge_reads(&state, outcome, nodes_[outcome.node]);
        }
    }
    transitions_++;
    arrive(state, from, action);
}

/* False: the action is impossible, or leaves the bounds. */
bool Search::take(State *state, const Action &action, const Outcome &outcome) {
    switch (outcome.code) {
        case Outcome::Code::kImpossible:
            return false;
        case Outcome::Code::kBeyond:
            beyond_++;
            return false;
        case Outcome::Code::kWrong:
            broken_ = outcome.wrong;
            return true;
        case Outcome::Code::kDone:
            break;
    }
    const Node &before = nodes_[state->nodes[action.server]];
    const Node &after = nodes_[outcome.node];
    happened_[static_cast<size_t>(action.kind)]++;
    noticed_ += after.noticed_loss && !before.noticed_loss;
    slept_ += after.asleep && after.leads && !before.asleep;
    woken_ += before.asleep && !after.asleep;
    answered_ += outcome.reads.size();
    installed_ += action.kind == Kind::kPersist && before.snapshot != after.snapshot;
    handed_over_ += action.kind == Kind::kDeliver && after.term > before.term &&
                    nodes_.packet(action.argument).message.type == RAFT_TIMEOUT_NOW;
    state->nodes[action.server] = outcome.node;
    if (!send(state, outcome.packets)) {
        beyond_++;
        return false;
    }
    return true;
}

void Search::arrive(const State &state, const Waiting &from, const Action &action) {
    if (!insert(&seen_, digest_of(state)) && broken_.empty()) {
        return;
    }
    const auto number = static_cast<uint32_t>(reached_.size());
    reached_.push_back({from.number, action});
    frontier_.push_back({state, number, from.depth + 1});
    if (broken_.empty() && bounds_.sleep > 0) {
        broken_ = judge_future(state, number);
    }
    committed_ = std::max(committed_, static_cast<unsigned>(nodes_.chains().last(state.committed)));
    if (reached_.size() * 2 > seen_.size()) {
        std::vector<observe::Digest> larger(seen_.size() * 4);
        for (const observe::Digest &d : seen_) {
            if (d != observe::Digest()) {
                insert(&larger, d);
            }
        }
        seen_.swap(larger);
    }
}

} // namespace model
