/* SPDX-License-Identifier: MIT */
#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace model {
namespace {

proof::Digest digest_of(const World &world) {
    uint32_t words[sizeof(World) / 4];
    static_assert(sizeof words == sizeof world);
    memcpy(words, &world, sizeof words);
    proof::Hasher h;
    for (uint32_t word : words) {
        h.u64(word);
    }
    return h.finish();
}

void remove(World *world, PacketId packet) {
    auto *end = std::remove(world->packets.begin(), world->packets.end(), packet);
    std::fill(end, world->packets.end(), kNone);
}

/* Into a table that is never more than half full. True: it was not there. */
bool insert(std::vector<proof::Digest> *table, const proof::Digest &d) {
    const size_t mask = table->size() - 1;
    size_t place = d.low & mask;
    while ((*table)[place] != proof::Digest()) {
        if ((*table)[place] == d) {
            return false;
        }
        place = (place + 1) & mask;
    }
    (*table)[place] = d;
    return true;
}

} // namespace

Search::Search(const Bounds &bounds, Defect defect)
    : bounds_(bounds), defect_(defect), nodes_(bounds, defect), seen_(1 << 16) {
    World world = {};
    world.packets.fill(kNone);
    for (unsigned i = 0; i < bounds.servers; i++) {
        world.nodes[i] = nodes_.first(i + 1);
    }
    world.committed = nodes_[world.nodes[0]].committed;
    world.committed_in[1] = 1;
    world.crashes = static_cast<uint8_t>(bounds.crashes);
    world.submissions = static_cast<uint8_t>(bounds.submissions);
    world.duplicates = static_cast<uint8_t>(bounds.duplicates);
    world.changes = static_cast<uint8_t>(bounds.changes);
    world.transfers = static_cast<uint8_t>(bounds.transfers);
    world.timeouts = static_cast<uint8_t>(bounds.timeouts);
    world.snapshots = static_cast<uint8_t>(bounds.snapshots);
    world.reads = static_cast<uint8_t>(bounds.reads);
    trail_.push_back({0, {}});
    insert(&seen_, digest_of(world));
    frontier_.push_back({world, 0, 0});
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
        if ((from.world.lost >> i & 1) == 0) {
            expand_server(from, i);
        }
    }
    if (broken_.empty()) {
        expand_packets(from);
        expand_operator(from);
    }
}

void Search::expand_server(const Waiting &from, uint8_t i) {
    const Node &node = nodes_[from.world.nodes[i]];
    const bool deadline = node.has_deadline;
    const bool can_wait = node.can_wait;
    const bool leads = node.leads;
    const bool new_snapshot =
        node.committed != node.snapshot && nodes_.chains().is_prefix(node.committed, node.disk);
    const auto writes = static_cast<uint32_t>(node.writes.size());
    if (deadline && (!(leads || bounds_.pre_vote) || from.world.timeouts > 0)) {
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
    if (from.world.snapshots > 0 && new_snapshot) {
        act(from, {Kind::kSnapshot, i, 0, 0, 0});
    }
    for (uint32_t kept = 0; from.world.crashes > 0 && kept <= writes; kept++) {
        act(from, {Kind::kCrash, i, 0, 0, kept});
    }
}

void Search::expand_leader(const Waiting &from, uint8_t i) {
    if (from.world.submissions > 0) {
        act(from, {Kind::kSubmit, i, 0, 0, 0});
    }
    if (from.world.changes > 0) {
        act(from, {Kind::kChange, i, 0, 0, 0});
    }
    for (uint32_t to = 1; from.world.transfers > 0 && to <= bounds_.servers; to++) {
        act(from, {Kind::kTransfer, i, 0, 0, to});
    }
    if (from.world.reads > 0) {
        act(from, {Kind::kRead, i, 0, 0, bounds_.reads - from.world.reads + 1});
    }
}

void Search::expand_packets(const Waiting &from) {
    for (PacketId packet : from.world.packets) {
        if (packet == kNone || !broken_.empty()) {
            break;
        }
        const auto to = static_cast<uint8_t>(nodes_.packet(packet).to - 1);
        if (from.world.lost >> to & 1) {
            act(from, {Kind::kDeliver, to, 1, 0, packet});
            continue;
        }
        act(from, {Kind::kDeliver, to, 0, 0, packet});
        if (bounds_.losses >> to & 1) {
            act(from, {Kind::kDeliver, to, 1, 0, packet});
        }
        if (from.world.duplicates > 0) {
            act(from, {Kind::kDeliver, to, 0, 1, packet});
        }
    }
}

/* What the action uses up. */
bool Search::spend(World *world, const Action &action) const {
    switch (action.kind) {
        case Kind::kTimeout:
            world->timeouts -= bounds_.pre_vote || nodes_[world->nodes[action.server]].leads;
            break;
        case Kind::kCrash:
            world->crashes--;
            break;
        case Kind::kSubmit:
            world->submissions--;
            break;
        case Kind::kChange:
            world->changes--;
            break;
        case Kind::kTransfer:
            world->transfers--;
            break;
        case Kind::kSnapshot:
            world->snapshots--;
            break;
        case Kind::kRead:
            world->reads--;
            world->read_floor[action.argument - 1] =
                static_cast<uint8_t>(nodes_.chains().last(world->committed) + 1);
            break;
        case Kind::kDeliver:
            if (action.keep) {
                world->duplicates--;
            } else {
                remove(world, action.argument);
            }
            break;
        default:
            break;
    }
    return !action.loss;
}

/* Equal messages in flight are one. False: more than the bound allows. */
bool Search::send(World *world, const std::vector<PacketId> &packets) const {
    for (PacketId packet : packets) {
        auto *end = std::find(world->packets.begin(), world->packets.end(), kNone);
        auto *place = std::lower_bound(world->packets.begin(), end, packet);
        if (place != end && *place == packet) {
            continue;
        }
        if (end - world->packets.begin() >= static_cast<ptrdiff_t>(bounds_.messages)) {
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
    World world = from.world;
    const NodeId before = world.nodes[action.server];
    if (spend(&world, action)) {
        const Outcome &outcome = nodes_.step(before, action.kind, action.argument);
        if (!take(&world, action, outcome)) {
            return;
        }
        if (broken_.empty()) {
            broken_ = judge(&world, action, before);
        }
        if (broken_.empty()) {
            broken_ = judge_reads(&world, outcome, nodes_[outcome.node]);
        }
    }
    transitions_++;
    arrive(world, from, action);
}

/* False: it cannot happen, or not within the bounds. */
bool Search::take(World *world, const Action &action, const Outcome &outcome) {
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
    const Node &before = nodes_[world->nodes[action.server]];
    const Node &after = nodes_[outcome.node];
    answered_ += outcome.reads.size();
    installed_ += action.kind == Kind::kPersist && before.snapshot != after.snapshot;
    handed_over_ += action.kind == Kind::kDeliver && after.term > before.term &&
                    nodes_.packet(action.argument).message.type == RAFT_TIMEOUT_NOW;
    world->nodes[action.server] = outcome.node;
    if (!send(world, outcome.packets)) {
        beyond_++;
        return false;
    }
    return true;
}

void Search::arrive(const World &world, const Waiting &from, const Action &action) {
    if (!insert(&seen_, digest_of(world)) && broken_.empty()) {
        return;
    }
    const auto state = static_cast<uint32_t>(trail_.size());
    trail_.push_back({from.state, action});
    frontier_.push_back({world, state, from.depth + 1});
    committed_ = std::max(committed_, static_cast<unsigned>(nodes_.chains().last(world.committed)));
    if (trail_.size() * 2 > seen_.size()) {
        std::vector<proof::Digest> larger(seen_.size() * 4);
        for (const proof::Digest &d : seen_) {
            if (d != proof::Digest()) {
                insert(&larger, d);
            }
        }
        seen_.swap(larger);
    }
}

std::string Search::describe(const Action &action) const {
    const std::string server = "server " + std::to_string(action.server + 1);
    switch (action.kind) {
        case Kind::kTimeout:
            return server + ": timeout";
        case Kind::kPatience:
            return server + ": has waited for a leader";
        case Kind::kPersist:
            return server + ": a write is durable";
        case Kind::kCrash:
            return server + ": crash and restart, writes kept: " + std::to_string(action.argument);
        case Kind::kSubmit:
            return server + ": submit";
        case Kind::kChange:
            return server + ": change the membership";
        case Kind::kTransfer:
            return server + ": transfer to " + std::to_string(action.argument);
        case Kind::kRead:
            return server + ": read " + std::to_string(action.argument);
        case Kind::kSnapshot:
            return server + ": takes a snapshot";
        case Kind::kLose:
            return "servers are lost for good: set " + std::to_string(action.argument);
        case Kind::kRecover:
            return server + ": all survivors stopped, writes " + (action.keep ? "kept" : "lost") +
                   "; recovered with voters " + std::to_string(action.argument);
        default:
            break;
    }
    static const char *const kNames[] = {"",
                                         "AppendEntries",
                                         "AppendEntries result",
                                         "RequestVote",
                                         "RequestVote result",
                                         "InstallSnapshot",
                                         "TimeoutNow"};
    const Packet &packet = nodes_.packet(action.argument);
    const raft_message &m = packet.message;
    const char *fate = action.loss   ? ": loses "
                       : action.keep ? ": receives (to come again) "
                                     : ": receives ";
    std::string text = server + fate + kNames[m.type] + " from " + std::to_string(packet.from);
    if (m.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &a = m.append_entries;
        text += " term " + std::to_string(a.term) + " prev " + std::to_string(a.prev_log_index) +
                "/" + std::to_string(a.prev_log_term) + " n " + std::to_string(a.n_entries) +
                " commit " + std::to_string(a.leader_commit);
    } else if (m.type == RAFT_APPEND_ENTRIES_RESULT) {
        const raft_append_entries_result &a = m.append_entries_result;
        text += " term " + std::to_string(a.term) + " rejected " + std::to_string(a.rejected) +
                " last " + std::to_string(a.last_log_index);
    } else if (m.type == RAFT_REQUEST_VOTE) {
        text += (m.request_vote.pre_vote ? " pre-vote term " : " term ") +
                std::to_string(m.request_vote.term) + " last " +
                std::to_string(m.request_vote.last_log_index) + "/" +
                std::to_string(m.request_vote.last_log_term);
    } else if (m.type == RAFT_REQUEST_VOTE_RESULT) {
        text += (m.request_vote_result.pre_vote ? " pre-vote term " : " term ") +
                std::to_string(m.request_vote_result.term) +
                (m.request_vote_result.vote_granted ? " granted" : " refused");
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        text += " term " + std::to_string(m.install_snapshot.term) + " of " +
                std::to_string(m.install_snapshot.last_index) + " offset " +
                std::to_string(m.install_snapshot.offset);
    }
    return text;
}

std::string Search::story() const {
    std::vector<Action> actions;
    for (uint32_t state = static_cast<uint32_t>(trail_.size()) - 1; state != 0;
         state = trail_[state].parent) {
        actions.push_back(trail_[state].action);
    }
    std::string text;
    for (size_t i = actions.size(); i > 0; i--) {
        text += "  " + describe(actions[i - 1]) + "\n";
    }
    return text;
}

} // namespace model
