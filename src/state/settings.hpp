/* SPDX-License-Identifier: MIT */
/* The caller's settings. Servers that use the defaults share one copy. */
#pragma once

#include <raft.h>

#include <cstdint>

namespace libraft {

/* An election delay that never ends. */
inline constexpr uint32_t kNeverLeads = UINT32_MAX;

struct Settings {
    raft_tracer *tracer = nullptr;
    uint32_t election_timeout = 1000;  /* ms */
    uint32_t election_delay = 0;       /* ms; kNeverLeads: no campaign */
    uint32_t heartbeat_timeout = 100;  /* ms */
    uint32_t snapshot_timeout = 30000; /* ms */
    uint32_t max_catch_up_rounds = 10;
    uint32_t max_catch_up_round_duration = 5000; /* ms */
    uint32_t max_inflight_entries = 1024;
    uint32_t max_message_entries = 0;
    uint32_t max_uncommitted_entries = 0;
    uint16_t capacity_threshold = 0;
    uint16_t features = RAFT_FEATURE_CAPACITY;
    bool pre_vote = true;
    bool eager_commit = false;

    uint32_t message_limit() const {
        return max_message_entries != 0 ? max_message_entries : UINT32_MAX;
    }
    bool legal() const {
        return heartbeat_timeout > 0 && heartbeat_timeout < election_timeout &&
               snapshot_timeout > 0 && max_catch_up_rounds > 0 && max_catch_up_round_duration > 0 &&
               max_inflight_entries > 0;
    }
};

inline constexpr Settings kDefaultSettings;

} // namespace libraft
