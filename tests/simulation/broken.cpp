/* SPDX-License-Identifier: MIT */
/* Negative tests: falsify what a correct library, disk or caller would do. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {

void Simulation::break_flags(unsigned &flags) {
    if (broken == Broken::LOST_FLAG && random.ppm(5000)) {
        flags &= ~static_cast<unsigned>(RAFT_UPDATE_TIMEOUT | RAFT_UPDATE_COMMIT_INDEX);
    } else if (broken == Broken::EXTRA_FLAG && random.ppm(2000)) {
        flags |= RAFT_UPDATE_LEADER;
    }
}

void Simulation::break_view(View &view, const View &before, unsigned &flags) {
    if (broken == Broken::IDLE_FOLLOWER && view.state == RAFT_CANDIDATE &&
        before.state == RAFT_FOLLOWER) {
        view.state = RAFT_FOLLOWER;
        flags &= ~static_cast<unsigned>(RAFT_UPDATE_STATE);
    } else if (broken == Broken::EARLY_STEP_DOWN && before.leads() && view.leads() &&
               view.timeout > before.timeout && random.percent(5)) {
        view.state = RAFT_FOLLOWER; /* its heartbeat was due */
        flags |= RAFT_UPDATE_STATE;
    }
    if (broken == Broken::FALSE_LOSS && before.leads() && view.leads() && random.ppm(2000)) {
        view.peers[random.below(view.peers.size())].losses++;
    }
    if (!view.leads() || view.commit >= view.last) {
        return;
    }
    raft_index index = 0;
    if (broken == Broken::EARLY_COMMIT) {
        index = view.last;
    } else if (broken == Broken::OLD_TERM_COMMIT && !before.leads()) {
        index = before.last; /* the barrier of its term comes after it */
    }
    if (index > view.commit && index > judge.top()) {
        view.commit = index;
        flags |= RAFT_UPDATE_COMMIT_INDEX;
    }
}

/* Messages that a leader should not send. */
void Simulation::break_messages(raft_update &u, const Server &s) {
    forged_.clear();
    for (const raft_message &m : messages_of(u)) {
        forged_.push_back(m);
        bool heartbeat = m.type == RAFT_APPEND_ENTRIES && m.append_entries.n_entries == 0;
        unsigned copies = broken == Broken::REPEATED_CHUNK && m.type == RAFT_INSTALL_SNAPSHOT ? 1
                          : broken == Broken::REPEATED_HEARTBEAT && heartbeat                 ? 8
                                                                                              : 0;
        for (unsigned i = 0; i < copies; i++) {
            forged_.push_back(m);
        }
        raft_append_entries &a = forged_.back().append_entries;
        raft_index from = std::max<raft_index>(s.view.first + 1, 8) - 1;
        if (broken == Broken::RESENT_ENTRIES && heartbeat && a.prev_log_index > from + 8) {
            a.prev_log_index -= 8;
            a.prev_log_term = s.term_at(a.prev_log_index);
            a.n_entries = 8;
        }
    }
    if (u.flags & RAFT_UPDATE_MESSAGES) {
        u.messages = {forged_.data(), static_cast<unsigned>(forged_.size())};
    }
}

/* What servers that sleep should not do, nor those that wake up. */
void Simulation::break_sleep(raft_update &u, const Server &s, View &view) {
    bool wakes = s.was_asleep() && !s.asleep();
    if (broken == Broken::LIGHT_SLEEP && s.asleep() && !view.leads()) {
        view.timeout = s.latest + 1000;
        u.flags |= s.before.timeout != view.timeout ? unsigned{RAFT_UPDATE_TIMEOUT} : 0U;
    }
    if ((u.flags & RAFT_UPDATE_MESSAGES) == 0) {
        return;
    }
    if (broken == Broken::RESTLESS && s.asleep() && s.was_asleep()) {
        forged_.assign(2, messages_of(u).front());
        forged_[1].server_id = s.id % plan.servers + 1;
        u.messages = {forged_.data(), 2};
    }
    if (broken == Broken::SILENT_LEADER && wakes && view.leads() && u.messages.n > 1) {
        u.messages.n--;
    }
    for (raft_message &m : messages_of(u)) {
        if (broken == Broken::WAKING_ECHO && wakes && m.type == RAFT_APPEND_ENTRIES_RESULT) {
            m.append_entries_result.round = std::max(m.append_entries_result.round, 1ULL);
        } else if (broken == Broken::WAKING_VOTE && wakes && m.type == RAFT_REQUEST_VOTE_RESULT) {
            m.request_vote_result.vote_granted |= m.request_vote_result.pre_vote;
        }
    }
}

void Simulation::break_update(raft_update &u, const Server &s, View &view) {
    const View &before = s.before;
    bool leads = before.leads() && view.leads();
    if (broken == Broken::REWRITTEN_LOG && leads && u.flags & RAFT_UPDATE_ENTRIES &&
        u.entries.index > before.commit + 1) {
        u.entries.index--;
    } else if (broken == Broken::FALLING_COMMIT && before.commit > 1 &&
               view.commit == before.commit && random.ppm(2000)) {
        view.commit--;
        u.flags |= RAFT_UPDATE_COMMIT_INDEX;
    } else if (broken == Broken::UNANNOUNCED && (u.flags & RAFT_UPDATE_SNAPSHOT) == 0 &&
               random.ppm(2000)) {
        u.snapshot.last = false;
    } else if (broken == Broken::TIMEOUT_DUE && before.timeout != 0 && random.ppm(2000)) {
        view.timeout = 0;
        u.flags |= RAFT_UPDATE_TIMEOUT;
    }
    if (broken == Broken::REPEATED_CHUNK || broken == Broken::REPEATED_HEARTBEAT ||
        broken == Broken::RESENT_ENTRIES) {
        break_messages(u, s);
    }
    break_sleep(u, s, view);
    for (raft_message &m : messages_of(u)) {
        if (broken == Broken::WRONG_SENT && s.event_type == RAFT_SENT &&
            m.type == RAFT_APPEND_ENTRIES) {
            m.append_entries.prev_log_index++;
        }
        if (broken == Broken::ABSENT_ENTRIES && m.type == RAFT_APPEND_ENTRIES &&
            m.append_entries.prev_log_index + m.append_entries.n_entries == view.last) {
            m.append_entries.n_entries++;
        } else if (broken == Broken::ABSENT_SNAPSHOT && m.type == RAFT_INSTALL_SNAPSHOT &&
                   m.install_snapshot.offset == 0) {
            m.install_snapshot.last_index++;
        }
    }
}

void Simulation::break_entries(std::vector<Entry> &entries) {
    if (broken == Broken::WRONG_ENTRIES && !entries.empty() && random.percent(5)) {
        entries[0].payload = payloads.make(RAFT_BARRIER, std::string("\1\0\0\0\0\0\0", 8));
    }
}

void Simulation::break_disk(Disk &disk) {
    if (broken == Broken::FORGOTTEN_ENTRY && disk.log.entries.size() > 1) {
        disk.log.entries.pop_back();
    } else if (broken == Broken::FORGOTTEN_TERM && disk.term > 1) {
        disk.term = disk.log.entries.empty() ? disk.snapshot ? disk.snapshot->term : disk.term
                                             : disk.log.entries.back().term;
        disk.vote = 0;
    } else if (broken == Broken::CORRUPT_LOG && !disk.log.entries.empty()) {
        disk.log.entries.back().term = disk.term + 1;
    }
}

} // namespace sim
