/* SPDX-License-Identifier: MIT */
#include "fair.hpp"

#include <algorithm>

namespace model {
namespace {

/* How long a run may take. A leader leaves members out that were silent for ten election timeouts;
 * before that, a leader is elected, and perhaps another. */
constexpr uint64_t kPatience = 40 * kElectionTimeout;

} // namespace

/* One step of a server. False: it was not accepted. */
bool FairRuns::take(Cluster *c, unsigned server, Kind kind, uint32_t argument) {
    const Outcome &outcome = nodes_.step(c->nodes[server], kind, argument);
    if (outcome.code == Outcome::Code::kWrong) {
        wrong_ = outcome.wrong;
    }
    /* The bounds of the search do not count here. */
    if (outcome.code != Outcome::Code::kDone && outcome.code != Outcome::Code::kBeyond) {
        return false;
    }
    c->nodes[server] = outcome.node;
    flying_.insert(flying_.end(), outcome.packets.begin(), outcome.packets.end());
    return true;
}

/* All writes and messages arrive, and what they cause, without time passing. */
void FairRuns::settle(Cluster *c) {
    for (unsigned steps = 0; wrong_.empty(); steps++) {
        if (steps > 1000) {
            wrong_ = "messages without end while no time passes";
            return;
        }
        unsigned writer = 0;
        while (writer < bounds_.servers &&
               (!lives(*c, writer + 1) || node(*c, writer).writes.empty())) {
            writer++;
        }
        if (writer < bounds_.servers) {
            (void)take(c, writer, Kind::kPersist, 0);
            continue;
        }
        if (flying_.empty()) {
            return;
        }
        const PacketId packet = flying_.front();
        flying_.erase(flying_.begin());
        const raft_id to = nodes_.packet(packet).to;
        if (lives(*c, to)) {
            (void)take(c, static_cast<unsigned>(to - 1), Kind::kDeliver, packet);
        }
    }
}

/* Until the next timer is due. False: there is none. */
bool FairRuns::pass_time(Cluster *c) {
    uint64_t wait = UINT64_MAX;
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &n = node(*c, i);
        if (lives(*c, i + 1) && n.has_deadline) {
            wait = std::min(wait, n.remaining);
        }
    }
    if (wait == UINT64_MAX) {
        return false;
    }
    for (unsigned i = 0; i < bounds_.servers && wait > 0; i++) {
        if (lives(*c, i + 1)) {
            (void)take(c, i, Kind::kAdvance, static_cast<uint32_t>(wait));
        }
    }
    return true;
}

/* Timers that are due fire one after the other. */
void FairRuns::fire(Cluster *c) {
    for (unsigned i = 0; i < bounds_.servers && wrong_.empty(); i++) {
        const Node &n = node(*c, i);
        if (lives(*c, i + 1) && n.has_deadline && n.remaining == 0) {
            (void)take(c, i, Kind::kTimeout, 0);
            settle(c);
        }
    }
}

/* Those in force on living servers, and those that are known to be committed. */
std::vector<const driver::Configuration *> FairRuns::configurations(const Cluster &c) const {
    std::vector<const driver::Configuration *> all;
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &n = node(c, i);
        for (Chain log : {n.log, n.disk, n.committed}) {
            if (lives(c, i + 1) && log != 0) {
                const driver::Configuration *conf = &nodes_.configuration_of(log);
                if (std::find(all.begin(), all.end(), conf) == all.end()) {
                    all.push_back(conf);
                }
            }
        }
    }
    return all;
}

/* Are the living voters a quorum, whichever configuration counts, and is there one that may lead
 * and whose log is as up-to-date as any (§3.6.1)? */
bool FairRuns::can_decide(const Cluster &c) const {
    const auto all = configurations(c);
    const unsigned may_campaign = campaigners(c);
    std::pair<raft_term, raft_index> best, best_leader;
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Link &last = nodes_.chains().link(node(c, i).log);
        const std::pair rank(last.term, last.index);
        const bool votes = std::any_of(all.begin(), all.end(), [&](const auto *conf) {
            return driver::votes(conf->role_of(i + 1));
        });
        if (votes && lives(c, i + 1)) {
            best = std::max(best, rank);
        }
        if (may_campaign >> i & 1) {
            best_leader = std::max(best_leader, rank);
        }
    }
    return best_leader == best &&
           std::all_of(all.begin(), all.end(), [&](const driver::Configuration *conf) {
               return driver::quorum(*conf, [&](raft_id id) { return lives(c, id); });
           });
}

/* The living servers that may start an election, whichever configuration counts. */
unsigned FairRuns::campaigners(const Cluster &c) const {
    const auto all = configurations(c);
    unsigned found = 0;
    for (raft_id id = 1; id <= bounds_.servers; id++) {
        const bool votes = std::all_of(
            all.begin(), all.end(),
            [&](const driver::Configuration *conf) { return driver::votes(conf->role_of(id)); });
        if (votes && lives(c, id) && node(c, static_cast<unsigned>(id - 1)).may_campaign) {
            found |= 1U << (id - 1);
        }
    }
    return found;
}

/* The living leader, if no living member is in a later term. (A server that was removed may be.) */
std::optional<FairRuns::End> FairRuns::leader_of(const Cluster &c) const {
    std::optional<End> leader;
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &n = node(c, i);
        if (lives(c, i + 1) && n.leads && (!leader || n.term > leader->term)) {
            leader = End{i + 1, n.term};
        }
    }
    if (!leader) {
        return leader;
    }
    const auto &members =
        nodes_.configuration_of(node(c, static_cast<unsigned>(leader->leader - 1)).log).members;
    const bool latest = std::all_of(members.begin(), members.end(), [&](const driver::Member &m) {
        return !lives(c, m.id) || node(c, static_cast<unsigned>(m.id - 1)).term <= leader->term;
    });
    return latest ? leader : std::nullopt;
}

/* Do all living members know this leader, and sleep if they should? */
bool FairRuns::follow(const Cluster &c, const End &leader, bool asleep) const {
    const Node &l = node(c, static_cast<unsigned>(leader.leader - 1));
    for (const driver::Member &m : nodes_.configuration_of(l.log).members) {
        const Node &n = node(c, static_cast<unsigned>(m.id - 1));
        if (lives(c, m.id) && m.role != RAFT_SPARE &&
            (n.leader != leader.leader || n.term != leader.term || (asleep && !n.asleep))) {
            return false;
        }
    }
    return true;
}

/* All clusters that a run has passed lead to its end. */
std::optional<FairRuns::End> FairRuns::note(Known *known, const std::vector<Cluster> &passed,
                                            std::optional<End> end) {
    for (const Cluster &each : passed) {
        if (end) {
            known->emplace(each, *end);
        }
    }
    return end;
}

/* Until all members sleep under a leader; if they may not sleep, until they know it. */
std::optional<FairRuns::End> FairRuns::run_until_rest(Cluster *c, bool may_sleep) {
    Known &known = rest_[may_sleep];
    std::vector<Cluster> passed;
    std::optional<End> end;
    for (unsigned turns = 0; turns < kPatience && wrong_.empty(); turns++) {
        const auto found = known.find(*c);
        if (found != known.end()) {
            end = found->second;
            break;
        }
        passed.push_back(*c);
        const std::optional<End> leader = leader_of(*c);
        if (leader && follow(*c, *leader, may_sleep)) {
            end = leader;
            break;
        }
        if (!pass_time(c)) {
            break;
        }
        fire(c);
    }
    return note(&known, passed, end);
}

/* Have all living members applied a log? */
bool FairRuns::has_all(const Cluster &c, const End &leader, Chain log) const {
    const Node &l = node(c, static_cast<unsigned>(leader.leader - 1));
    const auto &members = nodes_.configuration_of(l.log).members;
    return std::all_of(members.begin(), members.end(), [&](const driver::Member &m) {
        return !lives(c, m.id) || m.role == RAFT_SPARE ||
               nodes_.chains().is_prefix(log, node(c, static_cast<unsigned>(m.id - 1)).committed);
    });
}

/* Until an entry that is submitted as soon as all members know a leader is applied by all of them;
 * then until all sleep. A leader that is replaced may have lost it. */
std::optional<FairRuns::End> FairRuns::run_with_entry(Cluster *c, bool may_sleep) {
    Known &known = entry_[may_sleep];
    std::vector<Cluster> passed;
    std::optional<End> end;
    Chain log = 0; /* ends with the entry */
    for (unsigned turns = 0; turns < kPatience && wrong_.empty(); turns++) {
        const std::optional<End> leader = leader_of(*c);
        const auto server = static_cast<unsigned>(leader ? leader->leader - 1 : 0);
        if (log != 0 && leader && !nodes_.chains().is_prefix(log, node(*c, server).log)) {
            log = 0;
        }
        if (log == 0) {
            const auto found = known.find(*c);
            if (found != known.end()) {
                end = found->second;
                break;
            }
            passed.push_back(*c);
            /* A leader that never leads any more steps down, perhaps with an entry that no other
             * server has. Then none can be elected. */
            if (leader && node(*c, server).may_campaign && follow(*c, *leader, false) &&
                take(c, server, Kind::kSubmit, 0)) {
                log = node(*c, server).log;
                settle(c);
            }
        }
        if (log != 0 && leader && has_all(*c, *leader, log)) {
            end = run_until_rest(c, may_sleep);
            break;
        }
        if (!pass_time(c)) {
            break;
        }
        fire(c);
    }
    return note(&known, passed, end);
}

} // namespace model
