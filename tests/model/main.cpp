/* SPDX-License-Identifier: MIT */
/* The bounded model check: explores every state that a small cluster can reach within bounds.
 *
 *     model CONFIGURATION
 *     model CONFIGURATION FAULT PROPERTY    fails unless that property is broken first */
#include "../observe/paths.hpp"
#include "search.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using model::Bounds;
using model::Fault;

constexpr uint64_t kMostStates = 20'000'000;

constexpr unsigned kChunked = RAFT_FEATURE_JOINT | RAFT_FEATURE_CHUNKS;
constexpr unsigned kRounds = RAFT_FEATURE_JOINT | RAFT_FEATURE_ROUNDS;
constexpr unsigned kSleep = kRounds | RAFT_FEATURE_SLEEP;

constexpr Bounds kConfigurations[] = {
    {.name = "two",
     .servers = 2,
     .voters = 3,
     .term = 3,
     .entries = 4,
     .crashes = 1,
     .submissions = 1,
     .duplicates = 1,
     .timeouts = 1,
     .commits = 4},
    {.name = "two with pre-votes",
     .servers = 2,
     .voters = 3,
     .term = 3,
     .entries = 3,
     .crashes = 1,
     .timeouts = 5,
     .pre_vote = true,
     .commits = 2},
    {.name = "three", .term = 3, .entries = 3, .commits = 3},
    {.name = "three that crash",
     .term = 2,
     .entries = 3,
     .crashes = 1,
     .submissions = 1,
     .commits = 3},
    {.name = "voter added",
     .voters = 3,
     .term = 2,
     .entries = 4,
     .messages = 3,
     .crashes = 1,
     .changes = 1,
     .next_voters = 7,
     .timeouts = 1,
     .commits = 3},
    {.name = "leader removed",
     .term = 2,
     .entries = 4,
     .changes = 1,
     .next_voters = 6,
     .timeouts = 1,
     .commits = 3},
    {.name = "voter replaced",
     .voters = 3,
     .standbys = 4,
     .term = 2,
     .entries = 5,
     .messages = 3,
     .changes = 1,
     .next_voters = 5,
     .timeouts = 1,
     .commits = 4},
    {.name = "change rolled back",
     .term = 3,
     .entries = 3,
     .changes = 1,
     .next_voters = 3,
     .losses = 1,
     .commits = 3},
    {.name = "snapshot to a standby",
     .servers = 2,
     .voters = 1,
     .standbys = 2,
     .term = 3,
     .entries = 5,
     .crashes = 1,
     .duplicates = 1,
     .timeouts = 2,
     .commits = 3,
     .snapshots = 1,
     .features = kChunked},
    {.name = "snapshot to a voter",
     .term = 2,
     .entries = 2,
     .timeouts = 1,
     .commits = 2,
     .snapshots = 1,
     .features = kChunked},
    {.name = "reads of two",
     .servers = 2,
     .voters = 3,
     .term = 3,
     .entries = 3,
     .crashes = 1,
     .timeouts = 1,
     .commits = 3,
     .reads = 1,
     .features = kRounds},
    {.name = "reads of three",
     .term = 3,
     .entries = 3,
     .losses = 1,
     .commits = 3,
     .reads = 1,
     .features = kRounds},
    {.name = "transfer", .term = 3, .entries = 3, .transfers = 1, .commits = 3},
    {.name = "messages cut",
     .servers = 2,
     .voters = 3,
     .term = 2,
     .entries = 5,
     .submissions = 2,
     .timeouts = 1,
     .commits = 4,
     .cuts = 2,
     .unreachables = 1},
    {.name = "campaigns",
     .servers = 2,
     .voters = 3,
     .term = 3,
     .entries = 3,
     .crashes = 1,
     .timeouts = 1,
     .pre_vote = true,
     .commits = 2,
     .campaigns = 2},
    {.name = "settings",
     .servers = 2,
     .voters = 3,
     .term = 3,
     .entries = 3,
     .submissions = 1,
     .timeouts = 4,
     .pre_vote = true, /* turned off on one server */
     .commits = 3,
     .settings = 1},
    {.name = "lost data",
     .term = 2,
     .entries = 3,
     .submissions = 1,
     .timeouts = 1,
     .losses = 1,
     .commits = 3,
     .wipes = 1,
     .features = kRounds},
    {.name = "recovery",
     .voters = 3,
     .standbys = 4,
     .term = 4,
     .entries = 5,
     .submissions = 1,
     .commits = 4,
     .lost = 1},
    {.name = "sleep of two",
     .servers = 2,
     .voters = 3,
     .term = 3,
     .entries = 4,
     .crashes = 1,
     .submissions = 1,
     .duplicates = 1,
     .timeouts = 3,
     .pre_vote = true,
     .commits = 3,
     .wakes = 1,
     .sleep = 50,
     .features = kSleep},
    {.name = "sleep of three",
     .term = 2,
     .entries = 2,
     .timeouts = 3,
     .pre_vote = true,
     .commits = 2,
     .wakes = 1,
     .sleep = 400,
     .features = kSleep},
    {.name = "restart asleep",
     .term = 2,
     .entries = 2,
     .crashes = 1,
     .timeouts = 3,
     .pre_vote = true,
     .losses = 1,
     .commits = 2,
     .sleep = 400,
     .features = kSleep},
    {.name = "reads of sleepers",
     .servers = 2,
     .voters = 3,
     .term = 3,
     .entries = 3,
     .crashes = 1,
     .timeouts = 3,
     .pre_vote = true,
     .commits = 3,
     .reads = 1,
     .sleep = 50,
     .features = kSleep},
    {.name = "sleep with a standby",
     .voters = 3,
     .standbys = 4,
     .term = 2,
     .entries = 2,
     .crashes = 1,
     .timeouts = 3,
     .pre_vote = true,
     .losses = 4,
     .commits = 2,
     .unreachables = 1,
     .sleep = 400,
     .features = kSleep},
    /* For a library in which a member is left out after two election timeouts. */
    {.name = "sleep without a standby",
     .servers = 2,
     .voters = 1,
     .standbys = 2,
     .term = 2,
     .entries = 2,
     .crashes = 1,
     .timeouts = 6,
     .pre_vote = true,
     .commits = 2,
     .sleep = 50,
     .features = kSleep},
    {.name = "sleep without a voter",
     .term = 2,
     .entries = 2,
     .timeouts = 5,
     .pre_vote = true,
     .losses = 4,
     .commits = 2,
     .wakes = 1,
     .sleep = 400,
     .features = kSleep},
    {.name = "sleep with a voter that never leads",
     .term = 2,
     .entries = 2,
     .timeouts = 3,
     .pre_vote = true,
     .losses = 4,
     .commits = 2,
     .wakes = 1,
     .sleep = 400,
     .never_lead = 4,
     .features = kSleep},
    {.name = "snapshot before sleep",
     .servers = 2,
     .voters = 1,
     .standbys = 2,
     .term = 3,
     .entries = 5,
     .crashes = 1,
     .timeouts = 3,
     .pre_vote = true,
     .commits = 3,
     .snapshots = 1,
     .wakes = 1,
     .sleep = 50,
     .features = kSleep | RAFT_FEATURE_CHUNKS},
    {.name = "change before sleep",
     .voters = 3,
     .term = 2,
     .entries = 4,
     .messages = 3,
     .changes = 1,
     .next_voters = 7,
     .timeouts = 3,
     .pre_vote = true,
     .losses = 4,
     .commits = 3,
     .sleep = 400,
     .features = kSleep},
    {.name = "removal before sleep",
     .term = 2,
     .entries = 4,
     .changes = 1,
     .next_voters = 6,
     .timeouts = 3,
     .pre_vote = true,
     .losses = 1,
     .commits = 3,
     .sleep = 400,
     .features = kSleep},
    {.name = "settings of sleepers",
     .servers = 2,
     .voters = 3,
     .term = 2,
     .entries = 2,
     .timeouts = 4,
     .pre_vote = true,
     .commits = 2,
     .settings = 1,
     .wakes = 1,
     .sleep = 50,
     .features = kSleep},
};

constexpr struct {
    const char *name;
    Fault fault;
} kFaults[] = {
    {"forget-vote", Fault::kForgetVote},
    {"forget-term", Fault::kForgetTerm},
    {"lose-acknowledged", Fault::kLoseAcknowledged},
    {"read-at-once", Fault::kReadAtOnce},
    {"recover-stale", Fault::kRecoverStale},
    {"wrong-fast-path", Fault::kWrongFastPath},
    {"lose-only-copy", Fault::kLoseOnlyCopy},
    {"mutant", Fault::kNone}, /* the library itself was broken when it was built */
};

/* What the configuration was written for must have happened, and the fast path must have been
 * compared with the general one. */
bool has_reached(const Bounds &bounds, const model::Search &search) {
    const struct {
        bool wanted;
        uint64_t times;
        const char *name;
    } kinds[] = {
        {true, observe::fast_steps(), "steps on the fast path, as on the general path"},
        {bounds.snapshots > 0, search.installed(), "transitions that install a snapshot"},
        {bounds.reads > 0, search.answered(), "transitions that answer a read"},
        {bounds.transfers > 0, search.handed_over(), "transitions that transfer leadership"},
        {bounds.lost != 0, search.recoveries(), "transitions that recover"},
        {bounds.cuts > 0, search.happened(model::Kind::kSent), "messages cut"},
        {bounds.unreachables > 0, search.happened(model::Kind::kUnreachable),
         "reports that a server cannot be reached"},
        {bounds.campaigns > 0, search.happened(model::Kind::kCampaign), "campaigns asked for"},
        {bounds.settings > 0, search.happened(model::Kind::kSetting), "settings changed"},
        {bounds.wipes > 0, search.happened(model::Kind::kWipe), "servers that lost data"},
        {bounds.sleep > 0, search.fair_runs(), "fair runs"},
        {bounds.sleep > 0, search.slept(), "leaders that fell asleep"},
        {bounds.sleep > 0, search.woken(), "servers that woke up"},
        {bounds.wipes > 0, search.noticed(), "losses that a leader has noticed"},
    };
    bool all = search.committed() >= bounds.commits;
    if (!all) {
        printf("only %u entries are committed in any state, not %u\n", search.committed(),
               bounds.commits);
    }
    for (const auto &kind : kinds) {
        if (kind.wanted) {
            printf("%llu %s\n", static_cast<unsigned long long>(kind.times), kind.name);
            all = all && kind.times > 0;
        }
    }
    return all;
}

bool find_fault(const char *name, Fault *fault) {
    for (const auto &known : kFaults) {
        if (strcmp(known.name, name) == 0) {
            *fault = known.fault;
            return true;
        }
    }
    return false;
}

void print(const Bounds &bounds, const model::Search &search) {
    printf(
        "%s: %llu states, %llu transitions, depth %u; %llu beyond the bounds; "
        "%zu states of a server, %llu real steps; up to %u entries committed\n",
        bounds.name, static_cast<unsigned long long>(search.states()),
        static_cast<unsigned long long>(search.transitions()), search.depth(),
        static_cast<unsigned long long>(search.beyond()), search.nodes().size(),
        static_cast<unsigned long long>(search.nodes().steps()), search.committed());
    if (!search.broken().empty()) {
        printf("BROKEN: %s, after:\n%s", search.broken().c_str(), search.path().c_str());
    }
}

/* `property`: the one that must be broken, NULL: none. */
int explore(const Bounds &bounds, Fault fault, const char *property) {
    model::Search search(bounds, fault);
    search.run(kMostStates);
    print(bounds, search);
    if (property != nullptr) {
        const bool found = !search.broken().empty() && search.broken().starts_with(property);
        printf("expected: %s%s\n", property, found ? "" : ", which was not broken");
        return found ? 0 : 1;
    }
    if (!search.broken().empty()) {
        return 1;
    }
    if (!search.exhausted()) {
        puts("there are too many states");
        return 1;
    }
    return has_reached(bounds, search) ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    Fault fault = Fault::kNone;
    if (argc == 2 || (argc == 4 && find_fault(argv[2], &fault))) {
        for (const Bounds &bounds : kConfigurations) {
            if (strcmp(argv[1], bounds.name) == 0) {
                return explore(bounds, fault, argc == 4 ? argv[3] : nullptr);
            }
        }
    }
    fprintf(stderr, "usage: %s CONFIGURATION [FAULT PROPERTY]\nconfigurations:\n", argv[0]);
    for (const Bounds &bounds : kConfigurations) {
        fprintf(stderr, "    %s\n", bounds.name);
    }
    return 2;
}
