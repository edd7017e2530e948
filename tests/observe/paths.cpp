/* SPDX-License-Identifier: MIT */
#include "paths.hpp"

#include "answers.hpp"
#include "fields.hpp"
#include "state.hpp"

namespace observe {
namespace {

constexpr size_t kMemory = 4096; /* more than any update of the bounded model check needs */

uint64_t compared = 0;

std::string compare(struct raft *fast, const raft_update &fast_update, int fast_code,
                    struct raft *general, const raft_update &general_update, int general_code) {
    if (fast_code != general_code) {
        return "the code is " + std::to_string(fast_code) + " instead of " +
               std::to_string(general_code);
    }
    std::string difference = recorded(fast_update, Payloads::kPlaces)
                                 .difference(recorded(general_update, Payloads::kPlaces));
    if (difference.empty() && state(*fast) != state(*general)) {
        difference = observe::difference(Answers(fast), Answers(general));
        difference = difference.empty() ? "the states differ" : difference;
    }
    return difference;
}

} // namespace

int step_on_both_paths(struct raft *r, raft_event *event, raft_update *update,
                       std::string *difference, bool memory, Error error) {
    difference->clear();
    if (!may_take_fast_path(r, memory ? kMemory : 0)) {
        return raft_step(r, event, update);
    }
    struct raft other = clone(*r);
    raft_event other_event = *event;
    const uint64_t before = general_steps(*r);
    const int code = raft_step(r, event, update);
    if (general_steps(*r) == before) {
        raft_update other_update = {};
        const int other_code = step_on_general_path(&other, &other_event, &other_update);
        if (error == Error::kLateDeadline) {
            delay_deadline(r);
        } else if (error == Error::kLostMessage && (update->flags & RAFT_UPDATE_MESSAGES) != 0) {
            update->messages.n--;
        }
        *difference = compare(r, *update, code, &other, other_update, other_code);
        compared++;
        if (!difference->empty()) {
            *difference = std::string("event ") + name_of_event(event->type) +
                          ": fast path (first) and general path (second) differ: " + *difference;
        }
    }
    raft_close(&other);
    return code;
}

uint64_t fast_steps() { return compared; }

} // namespace observe
