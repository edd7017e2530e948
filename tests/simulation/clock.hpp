/* SPDX-License-Identifier: MIT */
/* A server's clock: it runs at its own pace, and may jump, stall or go backwards. */
#pragma once

#include "types.hpp"

namespace sim {

class Clock {
public:
    /* After a boot the clock has another origin. */
    void start(Time now, raft_time origin_ms, int drift_ppm) {
        base_ = now;
        local_ = origin_ms * kMs;
        drift_ = drift_ppm;
        stalled_ = false;
    }

    raft_time read(Time now) const { return micros(now) / kMs; }

    /* When the clock will show that time; UINT64_MAX if it stalls. */
    Time when(raft_time local_ms, Time now) const {
        if (stalled_ || local_ms > (UINT64_MAX >> 12)) {
            return UINT64_MAX;
        }
        uint64_t target = local_ms * kMs;
        uint64_t current = micros(now);
        if (target <= current) {
            return now;
        }
        auto rate = static_cast<uint64_t>(1000000 + drift_);
        return now + (target - current) * 1000000 / rate + 1;
    }

    void jump(Time now, int64_t micros_by) {
        settle(now);
        local_ = static_cast<uint64_t>(static_cast<int64_t>(local_) + micros_by);
    }
    void stall(Time now) {
        settle(now);
        stalled_ = true;
    }
    void set_drift(Time now, int drift_ppm) {
        settle(now);
        drift_ = drift_ppm;
        stalled_ = false;
    }
    bool stalled() const { return stalled_; }

private:
    uint64_t micros(Time now) const {
        if (stalled_) {
            return local_;
        }
        auto rate = static_cast<uint64_t>(1000000 + drift_);
        uint64_t passed = now - base_;
        return local_ + passed / 1000000 * rate + passed % 1000000 * rate / 1000000;
    }
    void settle(Time now) {
        local_ = micros(now);
        base_ = now;
    }

    Time base_ = 0;
    uint64_t local_ = 0; /* microseconds */
    int drift_ = 0;      /* parts in a million */
    bool stalled_ = false;
};

} // namespace sim
