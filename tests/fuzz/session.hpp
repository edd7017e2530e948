/* SPDX-License-Identifier: MIT */
/* Two rafts that get the same events. The second is moved in memory before each. */
#pragma once

#include "../driver/view.hpp"
#include "../observe/answers.hpp"
#include "borrowed.hpp"

#include <string>
#include <vector>

namespace fuzz {

inline constexpr unsigned kAllFeatures = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS |
                                         RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT |
                                         RAFT_FEATURE_SLEEP;

#define EXPECT(condition) ((condition) ? static_cast<void>(0) : fuzz::broken(__LINE__, #condition))

[[noreturn]] void broken(int line, const char *what);

class Session {
public:
    explicit Session(raft_id id);
    ~Session();
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    /* One event of any kind, after START. */
    void any_event(Input &in);
    /* A START from a disk that the input describes. */
    void start(Input &in);
    /* A legal START: `servers` voters, some entries. */
    void start_plainly(unsigned servers, unsigned entries);
    void receive(Input &in);
    void receive(raft_message *message);
    /* What a correct server sends: the answer to the latest heartbeat; a heartbeat of a leader in
     * the present term, which tells this server to sleep. */
    raft_message *correct_answer(raft_id from);
    raft_message *correct_sleep(raft_id from);
    /* A write or a timeout. */
    void acknowledge(Input &in);
    void time_out();
    void change_setting(Input &in);
    void set_all_features();
    void set_idle_timeout(unsigned msecs);
    const driver::View &view() const { return view_; }
    /* Steps both and checks all promises that the public interface can show. Returns the code. */
    int step(raft_event event);

    struct raft *raft() {
        return &first_;
    }
    raft_event event(raft_event_type type, Input &in);
    Borrowed borrowed;

private:
    struct Chunk {
        raft_index index;
        raft_term term;
        unsigned long long offset;
        bool last;
    };
    void follow(const raft_event &event, int code, const raft_update &update);
    void judge(const raft_event &event, const raft_update &update);
    void note(const raft_update &update);
    raft_index sent(Input &in, raft_id server);
    raft_message *correct_message(raft_message_type type, raft_id from);
    void make_callers();

    struct raft first_ = {};
    struct raft second_[2] = {}; /* used alternately */
    unsigned place_ = 0;
    unsigned fail_at_ = 0; /* the step's allocation that fails, 0: none */
    raft_time now_ = 0;
    raft_time latest_ = 0;        /* highest time of an event that succeeded */
    raft_tracer callers_[2] = {}; /* tracers that call the raft which is being stepped */
    driver::View view_;
    unsigned long long write_ = 0;
    Chunk chunk_ = {};
    unsigned long long round_ = 0; /* the latest one that it has sent */
};

} // namespace fuzz
