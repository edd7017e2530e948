/* SPDX-License-Identifier: MIT */
#include "trial.hpp"

#include "../model/clone.hpp"
#include "../model/digest.hpp"
#include "../model/observe.hpp"
#include "failing.hpp"

namespace trial {

using proof::digest;
using proof::Digest;
using proof::Frame;
using proof::server_of;

namespace {

/* A copy that is destroyed with the scope. */
struct Copy {
    explicit Copy(const struct raft &of) : r(proof::handle(proof::clone(server_of(of)))) {}
    ~Copy() { raft_close(&r); }
    Copy(const Copy &) = delete;
    Copy &operator=(const Copy &) = delete;
    struct raft r;
};

Digest state(const struct raft &r) { return digest(server_of(r), Frame::kExact); }

/* What one step did, whole. */
struct Outcome {
    int code;
    std::string update;
    std::string answers;
    Digest state;
    bool operator==(const Outcome &) const = default;
};

Outcome take_step(struct raft *r, raft_event event) {
    raft_update update = {};
    update.flags = ~0U;
    const int code = raft_step(r, &event, &update);
    return {code, proof::observe(update), proof::answers(r), state(*r)};
}

/* A step that failed is as if it had never been called. */
void require_untouched(const Outcome &outcome, const struct raft &before, struct raft *after) {
    const raft_update none = {};
    REQUIRE(outcome.update == proof::observe(none));
    REQUIRE(outcome.state == state(before));
    struct raft copy = before;
    REQUIRE(outcome.answers == proof::answers(&copy));
    REQUIRE(raft_errmsg(after) != nullptr && raft_errmsg(after)[0] != '\0');
}

void fail_allocation(const struct raft &r, const raft_event &event, const Outcome &expected,
                     unsigned k, bool lasting) {
    Copy copy(r);
    failing::arm(k, lasting);
    raft_event tried = event;
    raft_update update = {};
    update.flags = ~0U;
    const int code = raft_step(&copy.r, &tried, &update);
    const bool failed = failing::disarm();
    REQUIRE(failed);
    REQUIRE(code == RAFT_NOMEM);
    REQUIRE(strcmp(raft_errmsg(&copy.r), "out of memory") == 0);
    require_untouched({code, proof::observe(update), proof::answers(&copy.r), state(copy.r)}, r,
                      &copy.r);
    tally().failures++;
    tally().outcomes[{event.type, RAFT_NOMEM}]++;
    /* The same step then succeeds, as if nothing had happened. */
    REQUIRE(take_step(&copy.r, event) == expected);
}

} // namespace

void broken(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: broken: %s (after %u steps)\n", file, line, what, tally().steps);
    abort();
}

Tally &tally() {
    static Tally the_tally;
    return the_tally;
}

void try_call(struct raft *r, int (*call)(struct raft *, void *), void *context, int expected) {
    for (unsigned k = 1;; k++) {
        Copy copy(*r);
        failing::arm(k);
        const int code = call(&copy.r, context);
        if (!failing::disarm()) {
            REQUIRE(code == expected);
            break;
        }
        REQUIRE(code == RAFT_NOMEM);
        REQUIRE(state(copy.r) == state(*r));
        tally().failures++;
    }
    const Digest before = state(*r);
    REQUIRE(call(r, context) == expected);
    REQUIRE(expected == 0 || state(*r) == before);
}

Subject::Subject(raft_id id, const char *address) {
    failing::arm(1);
    const int code = raft_init(&r, id, address);
    REQUIRE(failing::disarm());
    REQUIRE(code == RAFT_NOMEM);
    REQUIRE(raft_current_term(&r) == 0 && raft_close(&r) == 0);
    REQUIRE(raft_init(&r, id, address) == 0);
}

Subject::~Subject() { raft_close(&r); }

const raft_update &Subject::step(raft_event event, int expected) {
    const long blocks = failing::live();
    tally().steps++;
    tally().outcomes[{event.type, expected}]++;
    Outcome outcome;
    unsigned allocations;
    {
        Copy copy(r);
        failing::arm(0);
        raft_event tried = event;
        raft_update update = {};
        update.flags = ~0U;
        outcome.code = raft_step(&copy.r, &tried, &update);
        allocations = failing::count();
        failing::disarm();
        outcome.update = proof::observe(update);
        outcome.answers = proof::answers(&copy.r);
        outcome.state = state(copy.r);
        if (outcome.code != expected) {
            fprintf(stderr, "event %d: %d instead of %d: %s\n", static_cast<int>(event.type),
                    outcome.code, expected, raft_errmsg(&copy.r));
        }
        REQUIRE(outcome.code == expected);
        if (expected != 0) {
            require_untouched(outcome, r, &copy.r);
        }
    }
    for (unsigned k = 1; k <= allocations; k++) {
        fail_allocation(r, event, outcome, k, false);
        fail_allocation(r, event, outcome, k, true);
    }
    if (allocations > tally().deepest) {
        tally().deepest = allocations;
    }
    REQUIRE(failing::live() == blocks); /* nothing leaked */
    update_.flags = ~0U;
    REQUIRE(raft_step(&r, &event, &update_) == expected);
    REQUIRE(proof::observe(update_) == outcome.update);
    REQUIRE(proof::answers(&r) == outcome.answers);
    REQUIRE(state(r) == outcome.state);
    return update_;
}

const raft_update &Subject::walk(raft_event event) {
    const int code = raft_step(&r, &event, &update_);
    if (code != 0) {
        fprintf(stderr, "event %d: %s\n", static_cast<int>(event.type), raft_errmsg(&r));
    }
    REQUIRE(code == 0);
    return update_;
}

} // namespace trial
