/* SPDX-License-Identifier: MIT */
/* The caller's settings. They are stored in the handle (struct raft), so that a server with
 * settings of its own takes no more memory than one with the defaults. */
#pragma once

#include <raft.h>

#include <cstdint>

namespace libraft {

/* An election delay that never ends. */
inline constexpr uint32_t kNeverLeads = UINT32_MAX;

/* The caller moves the handle as an array of integers: hence the attribute. */
struct [[gnu::may_alias]] Settings {
    uint32_t election_timeout = 1000;  /* ms */
    uint32_t election_delay = 0;       /* ms; see never_leads() */
    uint32_t heartbeat_timeout = 100;  /* ms */
    uint32_t snapshot_timeout = 30000; /* ms */
    uint32_t max_catch_up_rounds = 10;
    uint32_t max_catch_up_round_duration = 5000; /* ms */
    uint32_t max_inflight_entries = 1024;
    uint32_t max_message_entries = 0;
    uint32_t max_uncommitted_entries = 0;
    uint32_t idle_timeout = 0; /* ms; 0: the server does not sleep */
    uint16_t capacity_threshold = 0;
    uint16_t transmitted = 0;                  /* features whose fields the codec transmits */
    uint16_t features = RAFT_FEATURE_CAPACITY; /* those announced: see derive_features() */
    bool pre_vote = true;
    bool eager_commit = false;

    bool never_leads() const { return election_delay == kNeverLeads; }
    /* What is added to each election timeout. */
    uint32_t delay() const { return never_leads() ? 0 : election_delay; }
    /* The features to announce follow from other settings. */
    void derive_features() {
        constexpr unsigned kNeeded = RAFT_FEATURE_SLEEP | RAFT_FEATURE_ROUNDS;
        unsigned announced = transmitted | unsigned{RAFT_FEATURE_CAPACITY};
        if ((transmitted & kNeeded) != kNeeded || idle_timeout == 0 || !pre_vote) {
            announced &= ~unsigned{RAFT_FEATURE_SLEEP};
        }
        if (never_leads()) {
            announced |= RAFT_FEATURE_NEVER_LEADS;
        }
        features = static_cast<uint16_t>(announced);
    }

    uint32_t message_limit() const {
        return max_message_entries != 0 ? max_message_entries : UINT32_MAX;
    }
    /* Why a server cannot run with these settings. NULL: it can. */
    const char *contradiction() const {
        if (heartbeat_timeout == 0) {
            return "settings: the heartbeat timeout is 0";
        }
        if (heartbeat_timeout >= election_timeout) {
            return "settings: the heartbeat timeout is not less than the election timeout";
        }
        if (snapshot_timeout == 0) {
            return "settings: the timeout for a snapshot is 0";
        }
        if (max_catch_up_rounds == 0) {
            return "settings: the number of catch-up rounds is 0";
        }
        if (max_catch_up_round_duration == 0) {
            return "settings: the duration of a catch-up round is 0";
        }
        return max_inflight_entries == 0 ? "settings: the number of entries in flight is 0"
                                         : nullptr;
    }
};

static_assert(sizeof(Settings) == sizeof(raft::reserved));

/* Those of a handle that is initialised. */
inline Settings &settings_of(struct raft &r) { return *reinterpret_cast<Settings *>(r.reserved); }
inline const Settings &settings_of(const struct raft &r) {
    return *reinterpret_cast<const Settings *>(r.reserved);
}

/* Where a server finds its settings during one call of raft_step() or of a setter. The caller may
 * move the handle between calls. (It holds the address of the handle instead of that of the
 * settings: that saves an instruction in each step.) */
class SettingsPointer {
public:
    SettingsPointer() = default;
    explicit SettingsPointer(const struct raft &r) : handle_(&r) {}
    explicit operator bool() const { return handle_ != nullptr; }
    const Settings &operator*() const { return settings_of(*handle_); }
    const Settings *operator->() const { return &**this; }

private:
    const struct raft *handle_ = nullptr;
};

} // namespace libraft
