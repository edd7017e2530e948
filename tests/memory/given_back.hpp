/* SPDX-License-Identifier: MIT */
/* A server whose memory is counted; the test plays the other members. */
#pragma once

#include "../catch.hpp"
#include "../observe/failing_memory.hpp"

#include <raft.h>

#include <string>
#include <vector>

namespace given_back {

inline constexpr unsigned kMillion = 1000000;
inline constexpr long long kLittle = 1024; /* bytes by which what is held may differ */
inline constexpr unsigned short kFeatures =
    RAFT_FEATURE_ROUNDS | RAFT_FEATURE_JOINT | RAFT_FEATURE_SLEEP;

/* Server 1 of a configuration; the test plays the others. */
class Server {
public:
    explicit Server(unsigned members = 3) {
        REQUIRE(raft_init(&r, 1, "s1") == 0);
        REQUIRE(raft_set_features(&r, kFeatures) == 0);
        REQUIRE(raft_set_max_inflight_entries(&r, 4 * kMillion) == 0);
        payload_ = encode(members);
        raft_entry entry = {1, RAFT_CHANGE, {payload_.data(), payload_.size()}, {nullptr}};
        raft_event e = event(RAFT_START);
        e.start = {1, 0, nullptr, 1, &entry, 1};
        step(e);
    }
    ~Server() { raft_close(&r); }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    /* Voters 1 to 3; all others are spares. */
    static std::string encode(unsigned members) {
        std::string out(1, '\1');
        const auto number = [&out](unsigned long long n) {
            for (int i = 0; i < 8; i++) {
                out.push_back(static_cast<char>(n >> (8 * i)));
            }
        };
        number(members);
        for (unsigned id = 1; id <= members; id++) {
            number(id);
            out += "s" + std::to_string(id);
            out.push_back('\0');
            out.push_back(static_cast<char>(id <= 3 ? RAFT_VOTER : RAFT_SPARE));
        }
        out.resize((out.size() + 7) / 8 * 8, '\0');
        return out;
    }
    raft_event event(raft_event_type type) {
        raft_event e = {};
        e.type = type;
        e.time = now;
        return e;
    }
    void step(raft_event e) {
        REQUIRE(raft_step(&r, &e, &update) == 0);
        if ((update.flags & RAFT_UPDATE_ENTRIES) != 0) {
            write_ = update.entries.write;
        }
        steps++;
    }
    void receive(raft_id from, raft_message m) {
        const std::string address = "s" + std::to_string(from);
        m.server_id = from;
        m.server_address = address.c_str();
        raft_event e = event(RAFT_RECEIVE);
        e.receive.message = &m;
        step(e);
    }
    void store() {
        raft_event e = event(RAFT_STORED);
        e.stored = {raft_last_index(&r), write_};
        step(e);
    }
    void submit(unsigned n) {
        std::vector<raft_entry> entries(n, raft_entry{0, RAFT_COMMAND, {}, {this}});
        raft_event e = event(RAFT_SUBMIT);
        e.submit = {entries.data(), n};
        step(e);
    }
    /* Both followers have everything, and answer the last round. */
    void acknowledge() {
        for (raft_id id : {2, 3}) {
            raft_message m = {};
            m.type = RAFT_APPEND_ENTRIES_RESULT;
            m.append_entries_result.version = 3;
            m.append_entries_result.term = raft_current_term(&r);
            m.append_entries_result.last_log_index = raft_last_index(&r);
            m.append_entries_result.features = kFeatures;
            m.append_entries_result.round = round_;
            receive(id, m);
        }
    }
    void heartbeat() {
        now = raft_timeout(&r);
        step(event(RAFT_TIMEOUT));
        REQUIRE(update.messages.n >= 2);
        note_round();
        acknowledge();
    }
    void note_round() { round_ = update.messages.batch[0].append_entries.round; }
    void lead() {
        const raft_term term = raft_current_term(&r) + 1;
        now = raft_timeout(&r);
        step(event(RAFT_TIMEOUT));
        for (bool pre_vote : {true, false}) {
            raft_message m = {};
            m.type = RAFT_REQUEST_VOTE_RESULT;
            m.request_vote_result.version = 2;
            m.request_vote_result.term = term;
            m.request_vote_result.vote_granted = true;
            m.request_vote_result.pre_vote = pre_vote;
            receive(2, m);
        }
        REQUIRE(raft_state(&r) == RAFT_LEADER);
        round_ = 0;
        store();
        acknowledge();
        heartbeat();
    }
    /* The leader's message: entries of its term after the last. */
    void append(unsigned n, raft_term term = 2) {
        std::vector<raft_entry> entries(n, raft_entry{term, RAFT_COMMAND, {}, {this}});
        raft_message m = {};
        m.type = RAFT_APPEND_ENTRIES;
        m.append_entries.term = term;
        m.append_entries.prev_log_index = raft_last_index(&r);
        m.append_entries.prev_log_term = raft_term_of(&r, raft_last_index(&r));
        m.append_entries.leader_commit = raft_last_index(&r);
        m.append_entries.entries = entries.data();
        m.append_entries.n_entries = n;
        receive(2, m);
    }

    struct raft r {};
    raft_time now = 1;
    raft_update update = {};
    unsigned steps = 0;

private:
    std::string payload_;
    unsigned long long write_ = 0;
    unsigned long long round_ = 0;
};

/* What a leader's or a follower's ordinary steps are. */
struct Leader : Server {
    Leader() { lead(); }
    /* It has followed another one before. */
    explicit Leader(raft_term earlier) {
        append(0, earlier);
        lead();
    }
    void large(unsigned n) {
        submit(n);
        store();
        acknowledge();
    }
    void entry() { large(1); }
    void heartbeat() { Server::heartbeat(); }
};
struct Follower : Server {
    Follower() { entry(); }
    void large(unsigned n) {
        append(n);
        store();
    }
    void entry() { large(1); }
    void heartbeat() { append(0); }
};

template <class Some>
void ordinary(Some &s, unsigned steps) {
    for (const unsigned end = s.steps + steps; s.steps < end;) {
        s.entry();
        if (s.steps % 10 < 2) {
            s.heartbeat();
        }
    }
}

inline long long held() { return failing_memory::bytes(); }

} // namespace given_back
