/* SPDX-License-Identifier: MIT */
#include "plan.hpp"

#include <algorithm>
#include <cstring>

namespace sim {
namespace {

#define X(name, text) text,
const char *const kBroken[] = {SIM_BROKEN(X)};
#undef X

void choose_members(Plan &p, Random &r) {
    p.servers = static_cast<unsigned>(r.between(1, kMaxServers));
    unsigned voters = static_cast<unsigned>(r.between(1, std::min(p.servers, 5U)));
    if (p.servers >= 3 && r.percent(70)) {
        voters = std::max(voters, p.servers >= 5 && r.percent(30) ? 5U : 3U);
    }
    for (raft_id id = 1; id <= p.servers; id++) {
        if (id <= voters) {
            p.initial.add(id, RAFT_VOTER);
        } else if (r.percent(30)) {
            p.initial.add(id, r.percent(50) ? RAFT_STANDBY : RAFT_SPARE);
        }
    }
    p.bootstrapped = r.percent(60) ? 1 : static_cast<unsigned>(r.between(1, voters));
}

void choose_settings(Plan &p, Random &r) {
    unsigned election = static_cast<unsigned>(r.between(150, 1500));
    bool equal = p.bounded_clocks || r.percent(70);
    bool mixed = r.percent(35);
    unsigned all_features = r.percent(80) ? 14U : static_cast<unsigned>(r.below(8) << 1);
    bool held = r.percent(30);
    unsigned tickets = r.percent(50) ? 100 : static_cast<unsigned>(r.below(101));
    for (raft_id id = 1; id <= kMaxServers; id++) {
        ServerPlan &s = p.server[id];
        s.codec = mixed ? static_cast<unsigned>(r.below(4)) : unsigned{kOurs};
        s.features = mixed && r.percent(30) ? static_cast<unsigned>(r.below(8) << 1) : all_features;
        s.held_messages = held && r.percent(60);
        s.tickets = r.percent(tickets);
        s.election_timeout =
            equal ? election : static_cast<unsigned>(r.between(election, election * 2));
    }
    p.upgrades = mixed && r.percent(70);
    p.tuning.heartbeat = std::max(10U, election / static_cast<unsigned>(r.between(4, 10)));
    p.tuning.snapshot_timeout = static_cast<unsigned>(r.between(200, 4000));
    p.tuning.catch_up_rounds = static_cast<unsigned>(r.between(1, 12));
    p.tuning.catch_up_duration = static_cast<unsigned>(r.between(50, 5000));
    p.tuning.inflight = static_cast<unsigned>(r.percent(50) ? 1024 : r.between(1, 64));
    p.tuning.message_entries = static_cast<unsigned>(r.percent(50) ? 0 : r.between(1, 16));
    p.tuning.uncommitted = static_cast<unsigned>(r.percent(60) ? 0 : r.between(1, 64));
    p.tuning.pre_vote = r.percent(75);
}

void choose_environment(Plan &p, Random &r) {
    p.delay_min = r.between(100, 5000);
    p.delay_max = p.delay_min + r.between(500, 30000);
    p.long_delay = r.between(1, 10) * kSecond;
    p.loss_ppm = r.percent(50) ? static_cast<unsigned>(r.skewed(500, 150000)) : 0;
    p.duplicate_ppm = r.percent(45) ? static_cast<unsigned>(r.skewed(500, 100000)) : 0;
    p.long_delay_ppm = r.percent(45) ? static_cast<unsigned>(r.skewed(200, 30000)) : 0;
    p.unreachable_percent = r.percent(40) ? static_cast<unsigned>(r.between(5, 80)) : 0;
    p.disk_min = r.between(50, 2000);
    p.disk_max = p.disk_min + r.between(100, 20000);
    p.nomem_ppm = r.percent(50) ? static_cast<unsigned>(r.skewed(2000, 100000)) : 0;
    p.chunk_fail_percent = r.percent(40) ? static_cast<unsigned>(r.between(2, 30)) : 0;
    p.late_ack_percent = r.percent(50) ? static_cast<unsigned>(r.between(2, 50)) : 0;
    p.late_ack_max = r.between(10, 5000) * kMs;
    p.partial_ack_percent = r.percent(40) ? static_cast<unsigned>(r.between(2, 40)) : 0;
    p.setting_ppm = r.percent(40) ? static_cast<unsigned>(r.between(200, 5000)) : 0;
    p.timer_late_percent = r.percent(40) ? static_cast<unsigned>(r.between(2, 50)) : 0;
    p.timer_early_ppm = r.percent(40) ? static_cast<unsigned>(r.between(500, 20000)) : 0;
    p.crash_midway_ppm = r.percent(40) ? static_cast<unsigned>(r.skewed(50, 1500)) : 0;
}

void choose_faults(Plan &p, Random &r) {
    p.faults = 0;
    if (!r.percent(8)) { /* else no faults */
        for (unsigned i = 0; i < F_KINDS; i++) {
            p.faults |= r.percent(i == 10 ? 25 : i == 12 ? 80 : 50) ? 1U << i : 0;
        }
    }
    if (p.bounded_clocks) {
        p.faults &= ~static_cast<unsigned>(F_CLOCK_JUMP | F_CLOCK_BACK | F_CLOCK_STALL);
    }
    p.fault_interval = r.between(200, 5000) * kMs;
    if (p.upgrades || r.percent(20)) { /* more elections among servers with different codecs */
        p.faults |= F_ISOLATE_LEADER;
        p.fault_interval /= 2;
    }
    p.disturb_percent = r.percent(60) ? static_cast<unsigned>(r.between(20, 80)) : 0;
    p.disaster = p.servers > 1 && r.percent(30) ? r.between(5, 40) * kSecond : 0;
    for (raft_id id = 2; id <= kMaxServers && p.disaster != 0; id++) {
        /* A survivor with an old configuration of the lost servers campaigns again and again, and
         * without pre-votes raises the term each time: a slower one would never be elected. */
        p.server[id].election_timeout = p.server[1].election_timeout;
    }
    p.admin_interval = p.servers > 1 && r.percent(70) ? r.between(300, 6000) * kMs : 0;
    p.tuning.capacity_threshold = r.percent(60) ? 1000 : 0;
    int limit = p.bounded_clocks ? 30000 : 100000; /* parts in a million */
    for (raft_id id = 1; id <= kMaxServers; id++) {
        bool drifts = (p.faults & F_CLOCK_DRIFT) != 0;
        p.server[id].drift_ppm =
            drifts ? static_cast<int>(r.below(static_cast<uint64_t>(2 * limit))) - limit : 0;
    }
}

void choose_load(Plan &p, Random &r) {
    p.snapshot_every = r.percent(80) ? r.skewed(5, 500) : 0;
    p.trailing = static_cast<unsigned>(r.percent(30) ? 0 : r.skewed(1, 200));
    p.padding = static_cast<unsigned>(r.skewed(0, 4000));
    p.chunk_max = static_cast<unsigned>(r.between(32, 1500));
    p.clients = static_cast<unsigned>(r.between(1, 6));
    p.think = r.between(20, 300) * kMs;
    if (p.servers <= 2) {
        p.clients += 3; /* to reach the number of steps */
        p.think = r.between(10, 80) * kMs;
    }
}

/* Parameters with which the negative test has something to break. */
void arrange(Plan &p, Broken broken) {
    switch (broken) {
        case Broken::DRIFTING_LEASE:
            p.faults |= F_CLOCK_STALL | F_ISOLATE_LEADER | F_PARTITION;
            p.fault_interval = 500 * kMs;
            break;
        case Broken::STALE_ACK:
        case Broken::KEEP_TRUNCATED:
            p.late_ack_percent = 50;
            p.faults |= F_ISOLATE_LEADER | F_PARTITION;
            p.fault_interval = 800 * kMs;
            break;
        case Broken::FORGOTTEN_TERM:
        case Broken::FORGOTTEN_ENTRY:
        case Broken::LATE_VOTE:
            p.faults |= F_CRASH | F_CRASH_ALL | F_ISOLATE_LEADER;
            p.fault_interval = 300 * kMs;
            p.disk_max += 100 * kMs;
            break;
        case Broken::RECOVER_STALE:
        case Broken::RECOVER_TWO:
        case Broken::RETURNING_MAJORITY:
            p.disaster = 20 * kSecond;
            break;
        default:
            break;
    }
}

} // namespace

const char *name_of(Broken s) { return kBroken[static_cast<unsigned>(s)]; }

bool parse(const char *text, Broken *s) {
    for (unsigned i = 0; i < std::size(kBroken); i++) {
        if (strcmp(text, kBroken[i]) == 0) {
            *s = static_cast<Broken>(i);
            return true;
        }
    }
    return false;
}

Plan::Plan(uint64_t seed, Broken broken, const unsigned *conditions) {
    Random r(seed ^ 0x706c616eU);
    choose_members(*this, r);
    bounded_clocks = r.percent(50);
    choose_settings(*this, r);
    choose_environment(*this, r);
    choose_faults(*this, r);
    choose_load(*this, r);
    Random last(seed ^ 0x62657265U);
    loses_minority = last.percent(75);
    if (conditions == nullptr) {
        choose_callers(*this, seed);
    } else {
        choose_callers(*this, seed, *conditions);
    }
    arrange(*this, broken);
}

unsigned Plan::max_election_timeout() const {
    unsigned most = 0;
    for (raft_id id = 1; id <= servers; id++) {
        most = std::max(most, server[id].election_timeout);
    }
    return most;
}

std::string Plan::describe() const {
    std::string text = format(
        "%u servers, %s, clocks %s, pre-vote %s, heartbeat %u, loss %u ppm, faults %03x, "
        "snapshot every %llu, trailing %u, inflight %u, message entries %u\n",
        servers, initial.str().c_str(), bounded_clocks ? "bounded" : "wild",
        tuning.pre_vote ? "on" : "off", tuning.heartbeat, loss_ppm, faults, snapshot_every,
        trailing, tuning.inflight, tuning.message_entries);
    if (callers.conditions != 0) {
        text += format("  conditions: %s\n", names_of_conditions(callers.conditions).c_str());
    }
    for (raft_id id = 1; id <= servers; id++) {
        const ServerPlan &s = server[id];
        text += format(
            "  %s: election timeout %u, idle timeout %u, codec %u, features %u, drift %d "
            "ppm%s%s\n",
            name_of(id), s.election_timeout, callers.idle[id], s.codec, s.features, s.drift_ppm,
            s.held_messages ? ", holds messages" : "", s.tickets ? ", tickets" : "");
    }
    return text;
}

} // namespace sim
