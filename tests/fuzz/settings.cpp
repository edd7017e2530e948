/* SPDX-License-Identifier: MIT */
/* Settings that change before and after START, and tracers: one that reads each fact, and one that
 * calls the raft which is being stepped. */
#include "../observe/fields.hpp"
#include "session.hpp"

namespace fuzz {
namespace {

/* Reads every field, so that the sanitizers check it. */
void read_fact(struct raft_tracer *, int type, const void *info) {
    const auto &fact = *static_cast<const raft_tracer_info *>(info);
    observe::Record fields;
    observe::record(&fields, fact, type);
    EXPECT(fields.beyond_int64().empty());
    for (uint64_t word : fact.reserved) {
        EXPECT(word == 0);
    }
}

raft_tracer the_tracer = {nullptr, 1, read_fact};
raft_tracer silent_tracer = {nullptr, 1, nullptr}; /* setting it must fail */

/* Steps, setters and closing are refused there, and change nothing; getters answer. */
void call_everything(struct raft *r) {
    raft_event event = {};
    event.type = RAFT_TIMEOUT;
    raft_update update;
    observe::fill(&update);
    const unsigned filling = update.flags;
    EXPECT(raft_step(r, &event, &update) == RAFT_BUSY && update.flags == filling);
    EXPECT(observe::written_unannounced(update) == nullptr);
    EXPECT(raft_close(r) == RAFT_BUSY);
    EXPECT(raft_seed(r, 1) == RAFT_BUSY && raft_set_heartbeat_timeout(r, 1) == RAFT_BUSY);
    EXPECT(raft_set_tracer(r, nullptr) == RAFT_BUSY);
    EXPECT(observe::Answers(r).contradiction.empty());
}

/* `impl` points to the raft that is being stepped. */
void call_back(raft_tracer *t, int type, const void *info) {
    read_fact(t, type, info);
    call_everything(static_cast<struct raft *>(t->impl));
}

} // namespace

void Session::make_callers() {
    for (raft_tracer &tracer : callers_) {
        tracer = {&first_, 1, call_back};
    }
}

void Session::set_all_features() {
    EXPECT(raft_set_features(&first_, kAllFeatures) == 0);
    EXPECT(raft_set_features(&second_[place_], kAllFeatures) == 0);
}

void Session::set_idle_timeout(unsigned msecs) {
    EXPECT(raft_set_idle_timeout(&first_, msecs) == 0);
    EXPECT(raft_set_idle_timeout(&second_[place_], msecs) == 0);
}

void Session::change_setting(Input &in) {
    const uint8_t choice = in.u8();
    const unsigned which = choice < 220 ? choice % 11U : choice < 250 ? 11U + choice % 6U : 17U;
    const uint32_t value = in.u8() < 200 ? in.u16() : in.u32();
    const auto set = [&](struct raft *r, raft_tracer *caller) {
        switch (which) {
            case 0:
                return raft_seed(r, value);
            case 1:
                return raft_set_election_timeout(r, value);
            case 2:
                return raft_set_heartbeat_timeout(r, value);
            case 3:
                return raft_set_install_snapshot_timeout(r, value);
            case 4:
                return raft_set_pre_vote(r, value % 2 != 0 ? 256 : 0);
            case 5:
                return raft_set_max_catch_up_rounds(r, value);
            case 6:
                return raft_set_max_catch_up_round_duration(r, value);
            case 7: /* higher limits only cost memory for messages */
                return raft_set_max_inflight_entries(r, value % 4096);
            case 8:
                return raft_set_max_message_entries(r, value);
            case 9:
                return raft_set_max_uncommitted_entries(r, value);
            case 10:
                return raft_set_features(r, value % 64);
            case 11:
                return raft_set_capacity_threshold(r, static_cast<unsigned short>(value));
            case 12:
                return raft_set_tracer(r, value % 4 != 0 ? &the_tracer : nullptr);
            case 13: /* this server never leads, or campaigns later */
                return raft_set_election_delay(r, value % 4 == 0 ? UINT32_MAX : value);
            case 14:
                return raft_set_eager_commit(r, value % 2);
            case 15:
                return raft_set_tracer(r, caller);
            case 16:
                return raft_set_tracer(r, &silent_tracer);
            default: /* short, so that the server sleeps */
                return raft_set_idle_timeout(r, value % 128);
        }
    };
    EXPECT(set(&first_, &callers_[0]) == set(&second_[place_], &callers_[1]));
    view_.capture(&first_); /* a setting may move the deadline */
}

} // namespace fuzz
