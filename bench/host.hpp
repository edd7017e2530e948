/* SPDX-License-Identifier: MIT */
/* One host of three, which runs one server of each of many groups. It leads a third of them. The
 * messages of the other two hosts are made here, as correct servers would send them. Time is
 * simulated. A group takes little more memory than its raft, so that 100,000 of them fit. So it is
 * not made of tests/driver. */
#pragma once

#include "marks.hpp"

#include <raft.h>

#include <cstdint>
#include <vector>

namespace bench {

class Host {
public:
    /* For a negative test: an eager host fires every timer with each heartbeat, due or not. */
    explicit Host(unsigned groups, bool eager = false);
    ~Host();
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;

    void run_until(raft_time end);
    unsigned leaders() const { return leaders_; }
    uint64_t steps() const { return steps_; }
    uint64_t timeouts() const { return timeouts_; }
    uint64_t idle_timeouts() const { return idle_timeouts_; }
    uint64_t early_timeouts() const { return early_timeouts_; }
    raft_time now() const { return now_; }

private:
    struct Group {
        struct raft r {};
        raft_time timeout = 0;   /* last answer of raft_timeout() */
        raft_time scheduled = 0; /* when the wheel fires it; 0: not scheduled */
        bool leads = false;
    };

    bool led_here(unsigned group) const { return group % 3 == 0; }
    raft_event event(enum raft_event_type type) const;
    void start(unsigned group);
    void step(unsigned group, raft_event &event);
    void answer(unsigned group, const raft_message &message);
    void receive(unsigned group, raft_message &message);
    void hear_from_leader(unsigned group, bool first);
    void schedule(unsigned group);
    void fire_due();

    std::vector<Group> groups_;
    /* Which groups may be due in which millisecond. A deadline that moves away is not looked
     * for: when the old one comes, the group is put where it belongs. */
    std::vector<std::vector<unsigned>> wheel_;
    std::vector<char> configuration_;
    raft_time now_ = 1;
    unsigned leaders_ = 0;
    uint64_t steps_ = 0;
    uint64_t timeouts_ = 0;
    uint64_t idle_timeouts_ = 0;  /* that changed nothing */
    uint64_t early_timeouts_ = 0; /* before raft_timeout() */
    bool eager_;
};

} // namespace bench
