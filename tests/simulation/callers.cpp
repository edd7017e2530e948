/* SPDX-License-Identifier: MIT */
#include "callers.hpp"

#include "plan.hpp"

#include <algorithm>
#include <cstring>

namespace sim {
namespace {

#define X(name, text) text,
const char *const kNames[] = {SIM_CONDITIONS(X)};
#undef X

constexpr uint64_t kOwnDraws = 0x63616c6c65727355U;
constexpr uint64_t kSleepDraws = 0x736c656570U;

/* In some runs there are none of them, in some only what data loss allows. */
unsigned choose_conditions(Random &r) {
    uint64_t kind = r.below(100);
    if (kind < 38) {
        return 0;
    }
    unsigned share = kind < 65 ? 25 : 50;
    unsigned chosen = 0;
    for (unsigned i = 0; i < CB_COUNT; i++) {
        chosen |= r.percent(share) ? 1U << i : 0;
    }
    return kind < 77 ? chosen & ~static_cast<unsigned>(C_DATA_LOSS) : C_DATA_LOSS | chosen;
}

/* Bytes of entries that the clients can cause in a second, at most. */
uint64_t load_of(const Plan &p) {
    uint64_t mean_wait = std::max<uint64_t>(p.think + p.delay_min + p.disk_min, 5 * kMs);
    return p.clients * kSecond / mean_wait * (48 + p.callers.entry_bytes / 2);
}

void choose_transport(Plan &p, Random &r) {
    Callers &c = p.callers;
    c.entry_bytes = static_cast<unsigned>(r.skewed(50, 2000));
    if (c.has(C_REPORTED_LOSS)) {
        p.unreachable_percent = 100;
        p.loss_ppm = std::max(p.loss_ppm, static_cast<unsigned>(r.between(5000, 80000)));
        p.tuning.message_entries = r.percent(50) ? 8 : p.tuning.message_entries;
    } else if (c.has(C_TWO_CONNECTIONS)) {
        p.unreachable_percent = 0; /* it loses without a report */
    }
    if (c.has(C_TWO_CONNECTIONS)) {
        c.bandwidth = load_of(p) * r.between(4, 30);
    }
    if (c.has(C_TRIMMED)) {
        c.message_bytes = c.entry_bytes * static_cast<unsigned>(r.between(1, 10));
        c.flight_bytes = c.message_bytes * static_cast<unsigned>(r.between(1, 20));
    }
    if (c.has(C_LATE_ENTRIES)) {
        c.late_entries_max = r.between(1, p.max_election_timeout() / 2) * kMs;
    }
}

/* Few chunks a snapshot, because each takes long. */
void choose_snapshots(Plan &p, Random &r) {
    Callers &c = p.callers;
    Time timeout = p.max_election_timeout() * kMs;
    if (c.has(C_SLOW_CHUNKS)) {
        c.chunk_write_max = timeout * r.between(2, 5);
        p.chunk_max = std::max(p.chunk_max, p.padding / 3 + 100);
        p.tuning.snapshot_timeout = static_cast<unsigned>(2 * c.chunk_write_max / kMs) + 500;
        p.snapshot_every = p.snapshot_every == 0 ? 50 : p.snapshot_every;
    }
    if (c.has(C_LAG)) {
        p.snapshot_every = r.between(5, 20);
        p.trailing = static_cast<unsigned>(r.below(4));
        p.padding = std::max(p.padding, 2000U);
        unsigned least = p.padding / static_cast<unsigned>(r.between(5, 20));
        p.chunk_max = c.has(C_SLOW_CHUNKS) ? p.chunk_max : least;
    }
}

/* At most a minority of the voters never leads, and never server 1, which creates the cluster: each
 * majority has a server that may lead. */
void choose_preferences(Plan &p, Random &r) {
    Callers &c = p.callers;
    if (!c.has(C_PREFERENCES)) {
        return;
    }
    /* Servers that moved are out of reach, too. */
    unsigned never = c.has(C_MOVES) ? 0 : (p.initial.voters() - 1) / 2;
    for (raft_id id = 2; id <= p.servers; id++) {
        if (p.initial.role_of(id) == RAFT_VOTER && never > 0 && r.percent(50)) {
            c.delay[id] = UINT32_MAX;
            never--;
        } else if (r.percent(40)) {
            c.delay[id] = static_cast<unsigned>(r.between(1, p.max_election_timeout()));
        }
    }
    p.disaster = 0; /* the survivors might be those that never lead */
    p.loses_minority = false;
}

/* A server that lost data may break what Raft promises: nothing else that is unsafe happens. */
void choose_data_loss(Plan &p) {
    if (!p.callers.has(C_DATA_LOSS)) {
        return;
    }
    p.disaster = 0;
    p.loses_minority = false;
    p.bootstrapped = 1;
    p.callers.conditions &=
        ~static_cast<unsigned>(C_MOVES | C_FEATURES | C_PREFERENCES | C_CAMPAIGNS | C_LAG);
}

/* Most servers sleep after a few heartbeats; in some runs one or several do not. */
void choose_idle_timeouts(Plan &p, Random &r) {
    Callers &c = p.callers;
    unsigned heartbeat = p.tuning.heartbeat;
    bool all = r.percent(75), equal = r.percent(60);
    auto draw = [&] {
        return static_cast<unsigned>(r.percent(75) ? heartbeat * r.between(1, 12)
                                                   : r.skewed(1, 4000));
    };
    unsigned common = draw();
    for (raft_id id = 1; id <= kMaxServers; id++) {
        c.idle[id] = !all && r.percent(30) ? 0 : equal ? common : draw();
    }
}

/* From a generator of its own: what other conditions draw stays the same. */
void choose_sleep(Plan &p, uint64_t seed) {
    Callers &c = p.callers;
    if (!c.has(C_SLEEP)) {
        return;
    }
    Random r(seed ^ kSleepDraws);
    p.newest_codec = kSleeping;
    bool keeps_codecs = r.percent(35), keeps_features = r.percent(10);
    p.upgrades = p.upgrades && keeps_codecs;
    p.tuning.pre_vote = p.tuning.pre_vote || r.percent(70);
    for (raft_id id = 1; id <= kMaxServers; id++) {
        ServerPlan &s = p.server[id];
        bool newest = !keeps_codecs || (s.codec == kOurs && r.percent(80));
        s.codec = newest ? unsigned{kSleeping} : s.codec;
        unsigned rounds = keeps_features ? 0U : unsigned{RAFT_FEATURE_ROUNDS};
        s.features |= r.percent(keeps_features ? 70 : 100) ? RAFT_FEATURE_SLEEP | rounds : 0U;
    }
    choose_idle_timeouts(p, r);
    c.awake_max = r.between(1, 10) * kSecond;
    c.pause_max = r.between(2, 20) * kSecond;
    c.detection_max = r.percent(60) ? r.between(10, 5000) * kMs : 0;
}

} // namespace

std::string names_of_conditions(unsigned conditions) {
    std::string text;
    for (unsigned i = 0; i < CB_COUNT; i++) {
        if (conditions >> i & 1) {
            text += (text.empty() ? "" : ",") + std::string(kNames[i]);
        }
    }
    return text.empty() ? "none" : text;
}

bool parse_conditions(const char *text, unsigned *conditions) {
    *conditions = 0;
    std::string rest(text);
    while (!rest.empty() && rest != "none") {
        size_t comma = std::min(rest.find(','), rest.size());
        std::string name = rest.substr(0, comma);
        rest.erase(0, comma + 1);
        unsigned bit = 0;
        while (bit < CB_COUNT && name != kNames[bit]) {
            bit++;
        }
        if (bit == CB_COUNT) {
            return false;
        }
        *conditions |= 1U << bit;
    }
    return true;
}

void choose_callers(Plan &plan, uint64_t seed) {
    Random r(seed ^ kOwnDraws);
    choose_callers(plan, seed, choose_conditions(r));
}

void choose_callers(Plan &plan, uint64_t seed, unsigned conditions) {
    Random r(seed ^ (kOwnDraws << 1));
    Callers &c = plan.callers;
    c.conditions = plan.servers > 1 ? conditions : conditions & (C_UNREAD_START | C_SLEEP);
    if (c.conditions == 0) {
        return;
    }
    choose_data_loss(plan);
    choose_transport(plan, r);
    choose_snapshots(plan, r);
    choose_preferences(plan, r);
    choose_sleep(plan, seed);
    if (c.has(C_MOVES)) {
        plan.disaster = 0; /* the operator would have to know where the survivors are */
        plan.loses_minority = false;
    }
    if (c.has(C_FEATURES)) { /* features are forgotten by the clock */
        plan.faults &= ~static_cast<unsigned>(F_CLOCK_JUMP | F_CLOCK_BACK | F_CLOCK_STALL);
    }
    c.interval = r.between(500, c.has(C_DATA_LOSS) ? 1000 : 4000) * kMs;
}

} // namespace sim
