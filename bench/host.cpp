/* SPDX-License-Identifier: MIT */
#include "host.hpp"

#include "encode.hpp"
#include "library.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

constexpr raft_id kOwnId = 1;
constexpr const char *kAddresses[] = {"127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"};
constexpr raft_time kHeartbeat = 100;
constexpr size_t kSlots = 4096; /* milliseconds: more than the longest election timeout */

char barrier[8];

} // namespace

Host::Host(unsigned groups, bool eager)
    : groups_(groups), wheel_(kSlots), configuration_(encode_voters(3)), eager_(eager) {
    for (unsigned i = 0; i < groups; i++) {
        start(i);
    }
}

Host::~Host() {
    for (Group &group : groups_) {
        Inside inside(0);
        raft_close(&group.r);
    }
}

raft_event Host::event(enum raft_event_type type) const {
    raft_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    event.time = now_;
    return event;
}

/* As after a restart: entry 1, the configuration, is on disk. */
void Host::start(unsigned i) {
    Group &group = groups_[i];
    {
        Inside inside(0);
        if (raft_init(&group.r, kOwnId, kAddresses[0]) != 0 || raft_seed(&group.r, i) != 0) {
            abort();
        }
    }
    raft_entry entry = {1, RAFT_CHANGE, {configuration_.data(), configuration_.size()}, {barrier}};
    raft_event e = event(RAFT_START);
    e.start.term = 1;
    e.start.start_index = 1;
    e.start.entries = &entry;
    e.start.n_entries = 1;
    step(i, e);
    if (!led_here(i)) {
        hear_from_leader(i, true);
    }
}

/* Calls the accessors that the flags oblige a caller to call. Writes are durable at once, messages
 * are answered at once. */
void Host::step(unsigned i, raft_event &e) {
    Group &group = groups_[i];
    raft_update update;
    int rv;
    if (e.type == RAFT_TIMEOUT && raft_timeout(&group.r) > now_) {
        early_timeouts_++;
    }
    {
        Inside inside(0);
        rv = raft_step(&group.r, &e, &update);
    }
    steps_++;
    if (rv != 0) {
        fprintf(stderr, "bench: groups: %s\n", raft_errmsg(&group.r));
        abort();
    }
    if (update.flags & RAFT_UPDATE_STATE) {
        leaders_ -= group.leads;
        group.leads = raft_state(&group.r) == RAFT_LEADER;
        leaders_ += group.leads;
    }
    if (update.flags & RAFT_UPDATE_TIMEOUT) {
        group.timeout = raft_timeout(&group.r);
        schedule(i);
    }
    if (e.type == RAFT_TIMEOUT && update.flags == 0) {
        idle_timeouts_++;
    }
    std::vector<raft_message> messages;
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        messages.assign(update.messages.batch, update.messages.batch + update.messages.n);
    }
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        raft_event done = event(RAFT_PERSISTED_ENTRIES);
        done.persisted_entries.index = update.entries.index + update.entries.n - 1;
        step(i, done);
    }
    for (const raft_message &message : messages) {
        answer(i, message);
    }
}

/* The other two servers grant every vote and store every entry. */
void Host::answer(unsigned i, const raft_message &message) {
    raft_message reply;
    memset(&reply, 0, sizeof reply);
    reply.server_id = message.server_id;
    if (message.type == RAFT_REQUEST_VOTE) {
        reply.type = RAFT_REQUEST_VOTE_RESULT;
        reply.request_vote_result.version = 2;
        reply.request_vote_result.term = message.request_vote.term;
        reply.request_vote_result.vote_granted = true;
        reply.request_vote_result.pre_vote = message.request_vote.pre_vote;
        reply.request_vote_result.features = RAFT_FEATURE_CAPACITY;
    } else if (message.type == RAFT_APPEND_ENTRIES) {
        reply.type = RAFT_APPEND_ENTRIES_RESULT;
        reply.append_entries_result.version = 2;
        reply.append_entries_result.term = message.append_entries.term;
        reply.append_entries_result.last_log_index =
            message.append_entries.prev_log_index + message.append_entries.n_entries;
        reply.append_entries_result.features = RAFT_FEATURE_CAPACITY;
    } else {
        return; /* an answer to a message that hear_from_leader() made */
    }
    receive(i, reply);
}

void Host::receive(unsigned i, raft_message &message) {
    message.server_address = kAddresses[message.server_id - 1];
    raft_event e = event(RAFT_RECEIVE);
    e.receive.message = &message;
    step(i, e);
}

void Host::hear_from_leader(unsigned i, bool first) {
    raft_entry entry = {2, RAFT_BARRIER, {barrier, sizeof barrier}, {barrier}};
    raft_message message;
    memset(&message, 0, sizeof message);
    message.type = RAFT_APPEND_ENTRIES;
    message.server_id = kOwnId + i % 3;
    message.append_entries.term = 2;
    message.append_entries.prev_log_index = first ? 1 : 2;
    message.append_entries.prev_log_term = first ? 1 : 2;
    message.append_entries.leader_commit = first ? 1 : 2;
    message.append_entries.entries = &entry;
    message.append_entries.n_entries = first ? 1 : 0;
    receive(i, message);
}

void Host::schedule(unsigned i) {
    Group &group = groups_[i];
    if (group.timeout >= now_ + kSlots ||
        (group.scheduled != 0 && group.scheduled <= group.timeout)) {
        return;
    }
    group.scheduled = group.timeout;
    wheel_[group.timeout % kSlots].push_back(i);
}

void Host::fire_due() {
    std::vector<unsigned> due;
    due.swap(wheel_[now_ % kSlots]);
    for (unsigned i : due) {
        if (groups_[i].scheduled != now_) {
            continue; /* it was fired earlier */
        }
        groups_[i].scheduled = 0;
        if (groups_[i].timeout > now_) {
            schedule(i); /* nothing is due: no step */
            continue;
        }
        timeouts_++;
        raft_event e = event(RAFT_TIMEOUT);
        step(i, e);
    }
}

void Host::run_until(raft_time end) {
    while (now_ < end) {
        now_++;
        fire_due();
        /* The groups with leaders on other hosts hear from them, spread over the interval. */
        for (size_t i = now_ % kHeartbeat; i < groups_.size(); i += kHeartbeat) {
            if (!led_here(static_cast<unsigned>(i))) {
                hear_from_leader(static_cast<unsigned>(i), false);
            }
            if (eager_) {
                raft_event e = event(RAFT_TIMEOUT);
                step(static_cast<unsigned>(i), e);
            }
        }
    }
}

} // namespace bench
