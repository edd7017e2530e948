/* SPDX-License-Identifier: MIT */
#include "tested_raft.hpp"

#include "../observe/answers.hpp"
#include "../observe/failing_memory.hpp"
#include "../observe/fields.hpp"
#include "../observe/state.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace memory {

using observe::Answers;
using observe::state;

namespace {

/* A clone that is closed at the end of the scope. */
struct Clone {
    explicit Clone(const struct raft &of) : r(observe::clone(of)) {}
    ~Clone() { raft_close(&r); }
    Clone(const Clone &) = delete;
    Clone &operator=(const Clone &) = delete;
    struct raft r;
};

/* All that one step did. */
struct Outcome {
    int code;
    observe::Record update;
    Answers answers;
    observe::Digest state;
};

Outcome take_step(struct raft *r, raft_event event, raft_update *update) {
    update->flags = ~0U;
    const int code = raft_step(r, &event, update);
    return {code, observe::recorded(*update, observe::Payloads::kPlaces), Answers(r), state(*r)};
}

std::string difference(const Outcome &a, const Outcome &b) {
    if (a.code != b.code) {
        return "code " + std::to_string(a.code) + " and code " + std::to_string(b.code);
    }
    std::string words = a.update.difference(b.update);
    words = words.empty() ? observe::difference(a.answers, b.answers) : words;
    return words.empty() && a.state != b.state ? "a state that no accessor tells of" : words;
}

void require_equal(const Outcome &a, const Outcome &b, const char *what) {
    const std::string words = difference(a, b);
    if (!words.empty()) {
        fail(__FILE__, __LINE__, (what + (": " + words)).c_str());
    }
}

/* A step that failed is as if it had never been called. */
void require_unchanged(const Outcome &outcome, const struct raft &before, struct raft *after) {
    struct raft handle = before;
    const raft_update none = {};
    require_equal({outcome.code, observe::recorded(none), Answers(&handle), state(before)}, outcome,
                  "a failed step changed something");
    REQUIRE(raft_errmsg(after) != nullptr && raft_errmsg(after)[0] != '\0');
}

void fail_allocation(const struct raft &r, const raft_event &event, const Outcome &expected,
                     unsigned k, bool lasting) {
    Clone clone(r);
    raft_event tried = event;
    raft_update update = {};
    update.flags = ~0U;
    failing_memory::arm(k, lasting);
    const int code = raft_step(&clone.r, &tried, &update);
    REQUIRE(failing_memory::disarm());
    REQUIRE(code == RAFT_NOMEM);
    REQUIRE(strcmp(raft_errmsg(&clone.r), "out of memory") == 0);
    require_unchanged({code, observe::recorded(update), Answers(&clone.r), state(clone.r)}, r,
                      &clone.r);
    tally().failures++;
    tally().outcomes[{event.type, RAFT_NOMEM}]++;
    require_equal(expected, take_step(&clone.r, event, &update),
                  "a step that is repeated after a failure does something else");
}

} // namespace

void fail(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: failed: %s (after %u steps)\n", file, line, what, tally().steps);
    abort();
}

Tally &tally() {
    static Tally the_tally;
    return the_tally;
}

TestedRaft::TestedRaft(raft_id id) {
    const std::string address = "server-" + std::to_string(id) + ".example.org:7000";
    failing_memory::arm(1);
    const int code = raft_init(&r, id, address.c_str());
    REQUIRE(failing_memory::disarm());
    REQUIRE(code == RAFT_NOMEM);
    REQUIRE(raft_current_term(&r) == 0 && raft_close(&r) == 0);
    REQUIRE(raft_init(&r, id, address.c_str()) == 0);
}

void TestedRaft::try_call(int (*call)(struct raft *, void *), void *context, int expected) {
    const observe::Digest before = state(r);
    failing_memory::arm(1);
    const int code = call(&r, context);
    REQUIRE(!failing_memory::disarm()); /* setters allocate nothing */
    REQUIRE(code == expected);
    REQUIRE(expected == 0 || state(r) == before);
}

const raft_update &TestedRaft::step(raft_event event, int expected) {
    const long blocks = failing_memory::live();
    tally().steps++;
    tally().outcomes[{event.type, expected}]++;
    unsigned allocations;
    Outcome outcome;
    {
        Clone clone(r);
        raft_event tried = event;
        raft_update update = {};
        update.flags = ~0U;
        failing_memory::arm(0);
        const int code = raft_step(&clone.r, &tried, &update);
        allocations = failing_memory::count();
        failing_memory::disarm();
        outcome = {code, observe::recorded(update, observe::Payloads::kPlaces), Answers(&clone.r),
                   state(clone.r)};
        if (code != expected) {
            fprintf(stderr, "event %s: %d instead of %d: %s\n", observe::name_of_event(event.type),
                    code, expected, raft_errmsg(&clone.r));
        }
        REQUIRE(code == expected);
        if (expected != 0) {
            require_unchanged(outcome, r, &clone.r);
        }
    }
    for (unsigned k = 1; k <= allocations; k++) {
        fail_allocation(r, event, outcome, k, false);
        fail_allocation(r, event, outcome, k, true);
    }
    tally().deepest = std::max(tally().deepest, allocations);
    REQUIRE(failing_memory::live() == blocks); /* nothing leaked */
    require_equal(outcome, take_step(&r, event, &update_), "a clone does something else");
    return update_;
}

const raft_update &TestedRaft::prepare(raft_event event) {
    const int code = raft_step(&r, &event, &update_);
    if (code != 0) {
        fprintf(stderr, "event %s: %s\n", observe::name_of_event(event.type), raft_errmsg(&r));
    }
    REQUIRE(code == 0);
    return update_;
}

} // namespace memory
