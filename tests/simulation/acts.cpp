/* SPDX-License-Identifier: MIT */
/* What operators and programs do by plan.callers: floods of events, changed timeouts and features,
 * older versions, moves, campaigns, preferences, and requests that are given up. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {

void Simulation::act() {
    if (calm) {
        return;
    }
    schedule(now + extra.between(1, 2 * plan.callers.interval), Scheduled::ACT, 0, 0);
    if (recovery_under_way() || all_pause()) {
        return;
    }
    struct {
        Condition condition;
        void (Simulation::*act)();
    } const acts[] = {
        {C_FLOODS, &Simulation::flood},
        {C_TIMEOUTS, &Simulation::begin_retiming},
        {C_FEATURES, &Simulation::change_features},
        {C_FEATURES, &Simulation::restart_as_other_version},
        {C_MOVES, &Simulation::move_servers},
        {C_CAMPAIGNS, &Simulation::ask_to_campaign},
        {C_PREFERENCES, &Simulation::change_preference},
        {C_EAGER_COMMIT, &Simulation::change_eager_commit},
        {C_GIVE_UP, &Simulation::give_up},
        {C_READ_BURSTS, &Simulation::burst_of_reads},
        {C_DATA_LOSS, &Simulation::lose_data},
        {C_SLEEP, &Simulation::wake_someone},
        {C_SLEEP, &Simulation::change_sleep_setting},
    };
    size_t n = std::size(acts) - (plan.callers.has(C_SLEEP) ? 0 : 2); /* as without them */
    size_t begin = extra.below(n);
    for (size_t i = 0; i < n; i++) {
        const auto &a = acts[(begin + i) % n];
        if (plan.callers.has(a.condition)) {
            (this->*a.act)();
            return;
        }
    }
}

/* A server that is cut off gets an event each millisecond. */
void Simulation::flood() {
    Server *l = leader();
    Server &s = l != nullptr && extra.percent(70) ? *l : server(extra.between(1, plan.servers));
    if (!s.up || s.flooded()) {
        return;
    }
    stats.add(S_FLOOD);
    note(s.id, "is cut off and flooded with events");
    network.split(1U << s.id, true, true);
    Time end = now + 3 * s.election_timeout() * kMs;
    schedule(end, Scheduled::HEAL, 0, 0);
    s.flood(end);
}

/* ------------------------------------------------- election timeouts (§6.4.1, leases) -- */

/* Raise: the leader last. Lower: the leader first, the others an old timeout later. */
void Simulation::begin_retiming() {
    Server *l = leader();
    unsigned old = plan.server[1].election_timeout;
    for (raft_id id = 1; id <= plan.servers; id++) {
        if (plan.server[id].election_timeout != old) {
            return;
        }
    }
    bool raise = extra.percent(50);
    unsigned least = std::min(4 * plan.tuning.heartbeat, old);
    auto timeout = static_cast<unsigned>(raise ? extra.between(old, std::min(4 * old, 3000U))
                                               : extra.between(least, old));
    if (l == nullptr || retiming_.left != 0 || timeout == old) {
        return;
    }
    unsigned all = (1U << (plan.servers + 1)) - 2;
    retiming_ = {all, timeout, old, raise, false};
    stats.add(raise ? S_RAISED : S_LOWERED);
    note(0, "election timeouts change from %u to %u ms", old, timeout);
    Time first = 0;
    if (raise && extra.percent(50)) { /* leadership may move just then */
        network.split(1U << l->id, true, true);
        schedule(now + extra.between(0, 4 * timeout) * kMs, Scheduled::HEAL, 0, 0);
        first = extra.between(old / 2, 2 * old) * kMs;
    }
    schedule(now + first, Scheduled::RETIME, 0, 0);
}

void Simulation::continue_retiming() {
    Server *l = leader();
    raft_id leader_id = l != nullptr ? l->id : 0;
    for (raft_id id = 1; id <= plan.servers; id++) {
        bool other = retiming_.raise ? id == leader_id : id != leader_id;
        if ((retiming_.left >> id & 1) != 0 && (retiming_.halfway || !other)) {
            server(id).set_election_timeout(retiming_.timeout);
            retiming_.left &= ~(1U << id);
        }
    }
    retiming_.halfway = true;
    if (retiming_.left != 0) { /* clocks may be slow */
        Time later = retiming_.raise ? extra.between(0, 5) : 2 * retiming_.old + 10;
        schedule(now + later * kMs, Scheduled::RETIME, 0, 0);
        return;
    }
    for (auto &s : servers_) { /* an old leader may still answer by a lease */
        if (s->up && s->view.leads() && trusts_leases()) {
            clients.burst(s->id, 3, true);
        }
    }
}

/* --------------------------------------------------------------- features, versions -- */

void Simulation::change_features() {
    Server &s = server(extra.between(1, plan.servers));
    if (s.codec >= kOurs) {
        stats.add(S_FEATURES);
        unsigned features = extra.percent(50) ? 14U : static_cast<unsigned>(extra.below(8) << 1);
        bool sleep = plan.callers.has(C_SLEEP) && extra.percent(70);
        s.set_features(features | (sleep ? unsigned{RAFT_FEATURE_SLEEP} : 0U));
    }
}

/* The restart takes longer than an election timeout, in which its features are forgotten, and its
 * connections are closed. */
void Simulation::restart_as_other_version() {
    Server &s = server(extra.between(1, plan.servers));
    if (!s.up) {
        return;
    }
    bool older = s.codec >= kOurs;
    for (auto &other : servers_) { /* a leader that sleeps would not forget its features */
        if (older && plan.callers.has(C_SLEEP)) {
            other->set_idle_timeout(0);
        }
    }
    stats.add(older ? S_DOWNGRADE : S_UPGRADE);
    s.stop(older ? "to restart as an older version" : "to restart as a newer version");
    network.forget(s.id); /* what it sent before would announce its old features once more */
    s.next_codec = older ? unsigned{kPublished} : plan.newest_codec;
    /* Election timeouts may change meanwhile. */
    unsigned longest = std::max(plan.max_election_timeout(), 3000U);
    Time down = (2 * longest + extra.below(2000)) * kMs;
    down = broken == Broken::SUDDEN_DOWNGRADE ? kMs : down;
    schedule(now + down, Scheduled::RESTART, s.id, s.epoch);
}

/* ----------------------------------------------------------------------------- moves -- */

bool Simulation::has_moved_servers() {
    Server *l = leader();
    if (!plan.callers.has(C_MOVES) || l == nullptr) {
        return plan.callers.has(C_MOVES);
    }
    return std::any_of(l->view.conf.members.begin(), l->view.conf.members.end(),
                       [&](const Member &m) { return server(m.id).next_address != m.address; });
}

/* A minority of the voters restarts at other addresses. */
void Simulation::move_servers() {
    Server *l = leader();
    if (l == nullptr || has_moved_servers() || l->view.conf.joint() ||
        l->view.conf_index > l->view.commit) {
        return;
    }
    const Configuration conf = l->view.conf;
    unsigned voters = conf.voters(), moved = 0;
    unsigned most = (voters - 1) / 2;
    for (const Member &m : conf.members) {
        Server &s = server(m.id);
        bool may = m.role != RAFT_VOTER || moved < most;
        if (voters > 1 && s.up && may && extra.percent(60)) {
            moved += m.role == RAFT_VOTER;
            stats.add(S_MOVED_OFF);
            s.next_address = other_address(s.id, s.address);
            s.crash("to move");
        }
    }
}

/* After the faults: so many voters restart at other addresses that the others are a majority but
 * one. The leader is one of them. It can ask the others for votes, and the answers must reach
 * it. */
void Simulation::move_majority() {
    Server *l = leader();
    auto settled = [&] {
        l = leader();
        return l != nullptr && !l->view.conf.joint() && l->view.conf_index <= l->view.commit &&
               !has_moved_servers() && l->disk.queue.empty() && l->disk.log.last() == l->log.last();
    };
    if (!plan.callers.has(C_MOVES) || !run_until(now + 10 * kSecond, settled)) {
        return;
    }
    const Configuration conf = l->view.conf;
    unsigned moved = 0, most = conf.voters() - conf.voters() / 2;
    auto move = [&](Server &s) {
        s.next_address = other_address(s.id, s.address);
        s.crash("to move");
        moved++;
    };
    /* Without pre-votes, candidates that cannot reach each other raise the term again and again. */
    bool knows_pre_votes =
        std::all_of(conf.members.begin(), conf.members.end(),
                    [&](const Member &m) { return server(m.id).codec > kFirst; });
    if (conf.voters() < 2 || conf.role_of(l->id) != RAFT_VOTER || !knows_pre_votes) {
        return;
    }
    plan.tuning.pre_vote = true;
    for (auto &s : servers_) {
        s->set_pre_vote();
    }
    stats.add(S_MOVED_MAJORITY);
    move(*l);
    for (const Member &m : conf.members) {
        if (m.role == RAFT_VOTER && m.id != l->id && moved < most && server(m.id).up) {
            move(server(m.id));
        }
    }
    run_until(now + 100 * kMs);
    expect_leader();
    expect_write();
}

/* The operator puts the addresses right. */
void Simulation::redirect() {
    schedule(now + extra.between(100, 500) * kMs, Scheduled::REDIRECT, 0, 0);
    Server *l = leader();
    if (l == nullptr || l->view.conf.joint() || !has_moved_servers()) {
        return;
    }
    Configuration next = l->view.conf;
    for (Member &m : next.members) {
        m.address = server(m.id).next_address;
    }
    int rc = l->reconfigure(next, true);
    if (rc != 0 && rc != RAFT_CANTCHANGE && rc != RAFT_NOTLEADER) {
        throw Violation("membership", format("%s refuses new addresses with %d", l->name(), rc));
    }
    stats.add(S_CHANGE_ADDRESS, rc == 0);
}

/* ------------------------------------------------------------------------ leadership -- */

void Simulation::ask_to_campaign() {
    Server &s = server(extra.between(1, plan.servers));
    if (!s.up) {
        return;
    }
    stats.add(S_CAMPAIGN_ASKED);
    int rc = s.campaign(); /* judged in check_asked_campaign() */
    if (rc != 0 && rc != RAFT_INVALID && rc != RAFT_BUSY) {
        throw Violation("campaign", format("%s, asked to, gets %d", s.name(), rc));
    }
}

/* Does each majority have a voter that may lead? */
bool Simulation::keeps_leaders(const Configuration &next) const {
    unsigned voters = 0, never = 0;
    for (const Member &m : next.members) {
        voters += votes(m.role);
        never += votes(m.role) && plan.callers.never_leads(m.id);
    }
    return !plan.callers.has(C_PREFERENCES) || voters == 0 || never <= (voters - 1) / 2;
}

void Simulation::change_preference() {
    Server *l = leader();
    raft_id id = extra.between(2, plan.servers);
    if (l == nullptr || l->view.conf.joint() || l->view.conf_index > l->view.commit) {
        return;
    }
    unsigned old = plan.callers.delay[id];
    bool never = extra.percent(30) && !plan.callers.has(C_MOVES);
    plan.callers.delay[id] =
        never ? UINT32_MAX : static_cast<unsigned>(extra.below(plan.max_election_timeout() + 1));
    if (!keeps_leaders(l->view.conf)) {
        plan.callers.delay[id] = old;
        return;
    }
    stats.add(never ? S_NEVER_LEADS : S_DELAYED);
    server(id).set_election_delay(plan.callers.delay[id]);
}

void Simulation::change_eager_commit() {
    stats.add(S_EAGER_COMMIT);
    server(extra.between(1, plan.servers)).set_eager_commit(extra.percent(70));
}

/* Often the transfer or the catch-up has just begun. */
void Simulation::give_up() {
    Server *l = leader();
    if (l == nullptr) {
        return;
    }
    bool transfer = extra.percent(50);
    if (transfer) {
        (void)l->transfer(extra.percent(50) ? extra.between(1, plan.servers) : 0);
    } else {
        (void)l->catch_up(extra.between(1, plan.servers));
    }
    if (!l->up || !l->view.leads()) {
        return;
    }
    stats.add(S_GIVE_UP);
    int rc = transfer ? l->transfer(l->id) : l->catch_up(0);
    bool running = transfer && l->view.transferee != 0;
    for (const observe::Peer &p : l->view.peers) {
        running = running || (!transfer && p.catch_up == RAFT_CATCH_UP_RUNNING);
    }
    if (l->up && (rc != 0 || (running && l->view.leads()))) {
        throw Violation("give up", format("%s, asked to give up a %s, gets %d%s", l->name(),
                                          transfer ? "transfer" : "catch-up", rc,
                                          running ? ", and goes on with it" : ""));
    }
}

void Simulation::burst_of_reads() {
    if (Server *l = leader()) {
        stats.add(S_READ_BURST);
        clients.burst(l->id, static_cast<unsigned>(extra.between(20, 100)));
    }
}

} // namespace sim
