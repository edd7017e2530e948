/* SPDX-License-Identifier: MIT */
#include "hosts.hpp"

#include "encode.hpp"
#include "library.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

constexpr const char *kAddresses[] = {"127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"};
constexpr raft_time kNever = INT64_MAX;
/* Milliseconds: more than the longest deadline, which is that of a leader that sleeps and looks for
 * a silent member every 100 heartbeat timeouts. */
constexpr size_t kSlots = 16384;

char payload[8];

[[noreturn]] void die(const char *what, const char *why) {
    fprintf(stderr, "bench: groups: %s: %s\n", what, why);
    abort();
}

} // namespace

Hosts::Hosts(const HostsOptions &options)
    : options_(options),
      servers_(size_t{options.groups} * kHosts),
      wheel_(kSlots),
      configuration_(encode_voters(kHosts)) {
    const raft_entry first = {
        1, RAFT_CHANGE, {configuration_.data(), configuration_.size()}, {payload}};
    const Disk founded = {1, 0, {first}};
    for (uint32_t i = 0; i < servers_.size(); i++) {
        start(i, founded);
    }
}

Hosts::~Hosts() {
    for (uint32_t i = 0; i < servers_.size(); i++) {
        Inside inside(host_of(i));
        raft_close(&servers_[i].r);
    }
}

raft_event Hosts::event(enum raft_event_type type) const {
    raft_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    event.time = now_;
    return event;
}

void Hosts::start(uint32_t i, const Disk &disk) {
    struct raft *r = &servers_[i].r;
    {
        Inside inside(host_of(i));
        int rv = raft_init(r, host_of(i) + 1, kAddresses[host_of(i)]);
        rv = rv != 0 ? rv : raft_seed(r, group_of(i));
        if (rv == 0 && options_.max_inflight != 0) {
            rv = raft_set_max_inflight_entries(r, options_.max_inflight);
        }
        if (rv == 0 && options_.idle_timeout != 0) {
            rv = raft_set_features(r, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS |
                                          RAFT_FEATURE_JOINT | RAFT_FEATURE_SLEEP);
            rv = rv != 0 ? rv : raft_set_idle_timeout(r, options_.idle_timeout);
        }
        if (rv != 0) {
            die("start", raft_errmsg(r));
        }
    }
    raft_event e = event(RAFT_START);
    e.start.term = disk.term;
    e.start.voted_for = disk.vote;
    e.start.start_index = 1;
    e.start.entries = const_cast<raft_entry *>(disk.log.data());
    e.start.n_entries = static_cast<unsigned>(disk.log.size());
    step(i, e);
}

/* Calls the accessors that the flags oblige a caller to call. Writes are durable at once. */
void Hosts::step(uint32_t i, raft_event &e) {
    Server &server = servers_[i];
    Work &work = work_[host_of(i)];
    raft_update update;
    int rv;
    if (e.type == RAFT_TIMEOUT) {
        work.timeouts++;
        early_timeouts_ += raft_timeout(&server.r) > now_;
    }
    {
        Inside inside(host_of(i));
        rv = raft_step(&server.r, &e, &update);
    }
    work.steps++;
    if (rv != 0) {
        die("step", raft_errmsg(&server.r));
    }
    if (update.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        (void)raft_current_term(&server.r);
        (void)raft_voted_for(&server.r);
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        work.messages += update.messages.n;
        for (unsigned m = 0; m < update.messages.n; m++) {
            sent_.push_back({i, update.messages.batch[m]});
        }
    }
    if (update.flags & RAFT_UPDATE_STATE) {
        note_state(server, raft_state(&server.r) == RAFT_LEADER);
    }
    if (update.flags & RAFT_UPDATE_COMMIT_INDEX) {
        (void)raft_commit_index(&server.r);
    }
    if (update.flags & RAFT_UPDATE_TIMEOUT) {
        server.timeout = raft_timeout(&server.r);
        schedule(i);
    }
    idle_timeouts_ += e.type == RAFT_TIMEOUT && update.flags == 0;
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n > 0) {
        raft_event stored = event(RAFT_STORED);
        stored.stored.index = update.entries.index + update.entries.n - 1;
        stored.stored.write = update.entries.write;
        step(i, stored);
    }
}

void Hosts::note_state(Server &server, bool leads) {
    leaders_ -= server.leads;
    server.leads = leads;
    leaders_ += server.leads;
}

/* Entry 1 is the configuration, the first of each other term the leader's barrier. */
void Hosts::copy_entries(const struct raft *r, raft_index first, raft_index end) {
    entries_.clear();
    raft_term before = first > 1 ? raft_term_of(r, first - 1) : 1;
    const raft_term last = raft_term_of(r, end - 1);
    for (raft_index k = first; k < end; k++) {
        const raft_term term = before == last ? last : raft_term_of(r, k);
        entries_.push_back({term,
                            term == before ? RAFT_COMMAND : RAFT_BARRIER,
                            {payload, sizeof payload},
                            {payload}});
        before = term;
    }
    if (first == 1) {
        entries_[0].type = RAFT_CHANGE;
        entries_[0].buf = {configuration_.data(), configuration_.size()};
    }
}

void Hosts::receive(Envelope &envelope) {
    raft_message &m = envelope.message;
    const struct raft *sender = &servers_[envelope.from].r;
    const auto to = static_cast<unsigned>(m.server_id - 1);
    if (host_of(envelope.from) == down_ || to == down_) {
        return;
    }
    if (m.type == RAFT_APPEND_ENTRIES && m.append_entries.n_entries > 0) {
        if (raft_current_term(sender) != m.append_entries.term) {
            return; /* the log may have been rewritten */
        }
        const raft_index first = m.append_entries.prev_log_index + 1;
        copy_entries(sender, first, first + m.append_entries.n_entries);
        m.append_entries.entries = entries_.data();
    }
    m.server_id = host_of(envelope.from) + 1;
    m.server_address = kAddresses[host_of(envelope.from)];
    raft_event e = event(RAFT_RECEIVE);
    e.receive.message = &m;
    step(server_of(to, group_of(envelope.from)), e);
}

void Hosts::schedule(uint32_t i) {
    Server &server = servers_[i];
    if (server.timeout != kNever && (server.scheduled == 0 || server.scheduled > server.timeout)) {
        put(i, std::max(server.timeout, now_ + 1));
    }
}

void Hosts::put(uint32_t i, raft_time when) {
    if (when >= now_ + kSlots) {
        die("schedule", "a deadline is too far away");
    }
    servers_[i].scheduled = when;
    wheel_[when % kSlots].push_back(i);
}

void Hosts::fire_due() {
    std::vector<uint32_t> due;
    due.swap(wheel_[now_ % kSlots]);
    for (uint32_t i : due) {
        Server &server = servers_[i];
        if (server.scheduled != now_ || host_of(i) == down_) {
            continue; /* it was fired earlier */
        }
        server.scheduled = 0;
        if (server.timeout > now_) {
            schedule(i); /* nothing is due: no step */
        } else if (electing_ && host_of(i) != group_of(i) % kHosts) {
            put(i, now_ + kHeartbeat); /* a timer may fire late: the other server shall lead */
        } else {
            raft_event e = event(RAFT_TIMEOUT);
            step(i, e);
        }
    }
}

void Hosts::advance() {
    now_ += kLatency;
    arriving_.swap(sent_);
    for (Envelope &envelope : arriving_) {
        receive(envelope);
    }
    arriving_.clear();
    fire_due();
    if (options_.eager && !electing_) {
        for (size_t i = now_ % kHeartbeat; i < servers_.size(); i += kHeartbeat) {
            raft_event e = event(RAFT_TIMEOUT);
            step(static_cast<uint32_t>(i), e);
        }
    }
    if (now_ % 1000 == 0) {
        most_messages_ = most_messages();
        for (unsigned h = 0; h < kHosts; h++) {
            second_begins_[h] = work_[h].messages;
        }
    }
}

/* The second that has begun is included. */
uint64_t Hosts::most_messages() const {
    uint64_t most = most_messages_;
    for (unsigned h = 0; h < kHosts; h++) {
        most = std::max(most, work_[h].messages - second_begins_[h]);
    }
    return most;
}

void Hosts::begin_rates() {
    most_messages_ = 0;
    for (unsigned h = 0; h < kHosts; h++) {
        second_begins_[h] = work_[h].messages;
    }
}

void Hosts::run_until(raft_time end) {
    while (now_ < end) {
        advance();
    }
}

void Hosts::elect() {
    while (leaders_ < options_.groups) {
        if (now_ > 10 * kElection) {
            die("elect", "a group has no leader");
        }
        advance();
    }
    electing_ = false;
    for (unsigned h = 0; h < kHosts; h++) {
        if (led_by(h) != (options_.groups + kHosts - 1 - h) / kHosts) {
            die("elect", "a host does not lead a third of the groups");
        }
    }
}

unsigned Hosts::scheduled() const {
    unsigned n = 0;
    for (uint32_t i = 0; i < servers_.size(); i++) {
        n += host_of(i) != down_ && servers_[i].timeout != kNever;
    }
    return n;
}

/* A leader that sleeps has a deadline only to look for a member that is down. */
bool Hosts::at_rest() const {
    for (uint32_t i = 0; i < servers_.size(); i++) {
        const Server &s = servers_[i];
        const bool looks = down_ < kHosts && s.leads && s.timeout > now_ + kElection;
        if (host_of(i) != down_ && s.timeout != kNever && !looks) {
            return false;
        }
    }
    return sent_.empty();
}

raft_time Hosts::run_until_rest() {
    const raft_time began = now_;
    while (!at_rest()) {
        if (now_ > began + 30 * kElection) {
            die("rest", "a server does not fall asleep");
        }
        run_until(now_ + kHeartbeat / 10);
    }
    return now_ - began;
}

void Hosts::kill(unsigned host) {
    disks_.resize(options_.groups);
    for (unsigned g = 0; g < options_.groups; g++) {
        Server &server = servers_[server_of(host, g)];
        note_state(server, false);
        copy_entries(&server.r, 1, raft_last_stored(&server.r) + 1);
        disks_[g] = {raft_current_term(&server.r), raft_voted_for(&server.r), entries_};
        Inside inside(host);
        raft_close(&server.r);
        server = Server();
    }
    down_ = host;
}

void Hosts::restart(unsigned host) {
    down_ = kHosts;
    for (unsigned g = 0; g < options_.groups; g++) {
        start(server_of(host, g), disks_[g]);
    }
    disks_.clear();
    disks_.shrink_to_fit();
}

void Hosts::report_gone(unsigned host, unsigned gone) {
    for (unsigned g = 0; g < options_.groups; g++) {
        raft_id leader;
        raft_leader(&servers_[server_of(host, g)].r, &leader, nullptr);
        if (leader == gone + 1) {
            wake(host, g);
        }
    }
}

void Hosts::wake(unsigned host, unsigned group) {
    raft_event e = event(RAFT_WAKE);
    step(server_of(host, group), e);
}

uint32_t Hosts::leader_of(unsigned group) const {
    for (unsigned h = 0; h < kHosts; h++) {
        if (servers_[server_of(h, group)].leads) {
            return server_of(h, group);
        }
    }
    die("submit", "a group has no leader");
}

void Hosts::submit(unsigned group, unsigned n) {
    std::vector<raft_entry> batch(n, {0, RAFT_COMMAND, {payload, sizeof payload}, {payload}});
    raft_event e = event(RAFT_SUBMIT);
    e.submit.entries = batch.data();
    e.submit.n = n;
    step(leader_of(group), e);
}

void Hosts::transfer(unsigned group) {
    raft_event e = event(RAFT_TRANSFER);
    step(leader_of(group), e);
}

unsigned Hosts::led_by(unsigned host) const {
    unsigned n = 0;
    for (unsigned g = 0; g < options_.groups; g++) {
        n += leads(host, g);
    }
    return n;
}

bool Hosts::committed_everywhere(unsigned group) const {
    const raft_index last = raft_last_index(&servers_[leader_of(group)].r);
    for (unsigned h = 0; h < kHosts; h++) {
        const struct raft *r = &servers_[server_of(h, group)].r;
        if (h != down_ && (raft_last_index(r) != last || raft_commit_index(r) != last)) {
            return false;
        }
    }
    return true;
}

Work Hosts::work() const {
    Work all;
    for (const Work &work : work_) {
        all.steps += work.steps;
        all.timeouts += work.timeouts;
        all.messages += work.messages;
    }
    return all;
}

} // namespace bench
