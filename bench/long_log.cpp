/* SPDX-License-Identifier: MIT */
#include "long_log.hpp"

#include "encode.hpp"
#include "library.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

char payload[64];

} // namespace

LongLog::LongLog(unsigned entries, unsigned terms)
    : terms_(terms), configuration_(encode_voters(3)), log_(entries) {
    for (unsigned i = 0; i < entries; i++) {
        const raft_term term = 1 + static_cast<raft_term>(i) * terms / entries;
        log_[i] = {term, RAFT_COMMAND, {payload, sizeof payload}, {payload}};
    }
    log_[0].type = RAFT_CHANGE;
    log_[0].buf = {configuration_.data(), configuration_.size()};
    Inside inside(0);
    if (raft_init(&r_, 1, "127.0.0.1:9001") != 0) {
        abort();
    }
}

LongLog::~LongLog() {
    Inside inside(0);
    raft_close(&r_);
}

void LongLog::step(raft_event *event) {
    raft_update update;
    event->time = now_;
    Inside inside(0);
    if (raft_step(&r_, event, &update) != 0) {
        fprintf(stderr, "bench: long log: %s\n", raft_errmsg(&r_));
        abort();
    }
    if (update.flags & RAFT_UPDATE_TIMEOUT) {
        (void)raft_timeout(&r_);
    }
    if (update.flags & RAFT_UPDATE_COMMIT_INDEX) {
        (void)raft_commit_index(&r_);
    }
    if (event->type == RAFT_RECEIVE &&
        ((update.flags & RAFT_UPDATE_MESSAGES) == 0 || update.messages.n != 1 ||
         update.messages.batch[0].append_entries_result.rejected != 0)) {
        fprintf(stderr, "bench: long log: the message was not accepted\n");
        abort();
    }
}

void LongLog::start() {
    raft_event event;
    memset(&event, 0, sizeof event);
    event.type = RAFT_START;
    event.start.term = terms_;
    event.start.start_index = 1;
    event.start.entries = log_.data();
    event.start.n_entries = static_cast<unsigned>(log_.size());
    step(&event);
    Inside inside(0);
    if (raft_last_index(&r_) != log_.size()) {
        abort();
    }
}

void LongLog::receive_empty(raft_index prev) {
    raft_message message;
    memset(&message, 0, sizeof message);
    message.type = RAFT_APPEND_ENTRIES;
    message.server_id = 2;
    message.server_address = "127.0.0.1:9002";
    message.append_entries.term = terms_ + 1;
    message.append_entries.prev_log_index = prev;
    message.append_entries.prev_log_term = term_of(prev);
    message.append_entries.leader_commit = 1;
    raft_event event;
    memset(&event, 0, sizeof event);
    event.type = RAFT_RECEIVE;
    event.receive.message = &message;
    now_++;
    step(&event);
}

} // namespace bench
