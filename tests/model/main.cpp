/* SPDX-License-Identifier: MIT */
/* Exhausts small worlds: `model WORLD` or, to show that a broken rule is seen,
 * `model WORLD DEFECT PROPERTY`, which fails unless that property is broken first. */
#include "short_way.hpp"
#include "world.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using model::Bounds;
using model::Defect;

constexpr uint64_t kMostStates = 20'000'000;

constexpr unsigned kChunked = RAFT_FEATURE_JOINT | RAFT_FEATURE_CHUNKS;
constexpr unsigned kRounds = RAFT_FEATURE_JOINT | RAFT_FEATURE_ROUNDS;

/* Sets of servers are bit sets: 7 is servers 1, 2 and 3. */
constexpr Bounds kWorlds[] = {
    {.name = "pair",
     .servers = 2,
     .voters = 3,
     .standbys = 0,
     .term = 3,
     .entries = 4,
     .messages = 2,
     .crashes = 1,
     .submissions = 1,
     .duplicates = 1,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 1,
     .pre_vote = false,
     .losses = 7,
     .commits = 4},
    {.name = "polite",
     .servers = 2,
     .voters = 3,
     .standbys = 0,
     .term = 3,
     .entries = 3,
     .messages = 2,
     .crashes = 1,
     .submissions = 0,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 5,
     .pre_vote = true,
     .losses = 7,
     .commits = 2},
    {.name = "three",
     .servers = 3,
     .voters = 7,
     .standbys = 0,
     .term = 3,
     .entries = 3,
     .messages = 2,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 0,
     .pre_vote = false,
     .losses = 7,
     .commits = 3},
    {.name = "crashing",
     .servers = 3,
     .voters = 7,
     .standbys = 0,
     .term = 2,
     .entries = 3,
     .messages = 2,
     .crashes = 1,
     .submissions = 1,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 0,
     .pre_vote = false,
     .losses = 7,
     .commits = 3},
    {.name = "growing",
     .servers = 3,
     .voters = 3,
     .standbys = 0,
     .term = 2,
     .entries = 4,
     .messages = 3,
     .crashes = 1,
     .submissions = 0,
     .duplicates = 0,
     .changes = 1,
     .next_voters = 7,
     .transfers = 0,
     .timeouts = 1,
     .pre_vote = false,
     .losses = 7,
     .commits = 3},
    {.name = "shrinking",
     .servers = 3,
     .voters = 7,
     .standbys = 0,
     .term = 2,
     .entries = 4,
     .messages = 2,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 1,
     .next_voters = 6,
     .transfers = 0,
     .timeouts = 1,
     .pre_vote = false,
     .losses = 7,
     .commits = 3},
    {.name = "replacing",
     .servers = 3,
     .voters = 3,
     .standbys = 4,
     .term = 2,
     .entries = 5,
     .messages = 3,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 1,
     .next_voters = 5,
     .transfers = 0,
     .timeouts = 1,
     .pre_vote = false,
     .losses = 7,
     .commits = 4},
    {.name = "rolling back",
     .servers = 3,
     .voters = 7,
     .standbys = 0,
     .term = 3,
     .entries = 3,
     .messages = 2,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 1,
     .next_voters = 3,
     .transfers = 0,
     .timeouts = 0,
     .pre_vote = false,
     .losses = 1,
     .commits = 3},
    {.name = "copying",
     .servers = 2,
     .voters = 1,
     .standbys = 2,
     .term = 3,
     .entries = 5,
     .messages = 2,
     .crashes = 1,
     .submissions = 0,
     .duplicates = 1,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 2,
     .pre_vote = false,
     .losses = 7,
     .commits = 3,
     .snapshots = 1,
     .features = kChunked},
    {.name = "installing",
     .servers = 3,
     .voters = 7,
     .standbys = 0,
     .term = 2,
     .entries = 2,
     .messages = 2,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 1,
     .pre_vote = false,
     .losses = 7,
     .commits = 2,
     .snapshots = 1,
     .features = kChunked},
    {.name = "reading",
     .servers = 2,
     .voters = 3,
     .standbys = 0,
     .term = 3,
     .entries = 3,
     .messages = 2,
     .crashes = 1,
     .submissions = 0,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 1,
     .pre_vote = false,
     .losses = 7,
     .commits = 3,
     .reads = 1,
     .features = kRounds},
    {.name = "reading three",
     .servers = 3,
     .voters = 7,
     .standbys = 0,
     .term = 3,
     .entries = 3,
     .messages = 2,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 0,
     .pre_vote = false,
     .losses = 1,
     .commits = 3,
     .reads = 1,
     .features = kRounds},
    {.name = "handing over",
     .servers = 3,
     .voters = 7,
     .standbys = 0,
     .term = 3,
     .entries = 3,
     .messages = 2,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 1,
     .timeouts = 0,
     .pre_vote = false,
     .losses = 7,
     .commits = 3},
    {.name = "recovering",
     .servers = 3,
     .voters = 3,
     .standbys = 4,
     .term = 4,
     .entries = 4,
     .messages = 2,
     .crashes = 0,
     .submissions = 0,
     .duplicates = 0,
     .changes = 0,
     .next_voters = 0,
     .transfers = 0,
     .timeouts = 0,
     .pre_vote = false,
     .losses = 7,
     .commits = 4,
     .lost = 1},
};

constexpr struct {
    const char *name;
    Defect defect;
} kDefects[] = {
    {"forget-vote", Defect::kForgetVote},
    {"forget-term", Defect::kForgetTerm},
    {"lose-acknowledged", Defect::kLoseAcknowledged},
    {"read-at-once", Defect::kReadAtOnce},
    {"recover-stale", Defect::kRecoverStale},
    {"strange-short-way", Defect::kStrangeShortWay},
    {"mutant", Defect::kNone}, /* the library itself was broken when it was built */
};

/* What each world is there for must have happened in it. */
bool has_reached(const Bounds &bounds, const model::Search &search) {
    const struct {
        bool wanted;
        uint64_t times;
        const char *name;
    } kinds[] = {
        {bounds.snapshots > 0, search.installed(), "snapshots installed"},
        {bounds.reads > 0, search.answered(), "reads answered"},
        {bounds.transfers > 0, search.handed_over(), "leaderships handed over"},
        {bounds.lost != 0, search.recoveries(), "recoveries"},
    };
    printf("%llu real steps took the short way, and ended where the long way does\n",
           static_cast<unsigned long long>(proof::short_steps()));
    bool all = proof::short_steps() > 0;
    for (const auto &kind : kinds) {
        if (kind.wanted) {
            printf("%s in %llu transitions\n", kind.name,
                   static_cast<unsigned long long>(kind.times));
            all = all && kind.times > 0;
        }
    }
    return all;
}

int explore(const Bounds &bounds, const char *defect_name, const char *property) {
    Defect defect = Defect::kNone;
    bool known = defect_name == nullptr;
    for (const auto &d : kDefects) {
        if (defect_name != nullptr && strcmp(d.name, defect_name) == 0) {
            defect = d.defect;
            known = true;
        }
    }
    if (!known) {
        fprintf(stderr, "no such defect: %s\n", defect_name);
        return 2;
    }
    model::Search search(bounds, defect);
    search.run(kMostStates);
    printf(
        "%s: %llu states, %llu transitions, depth %u; %llu beyond the bounds; "
        "%zu states of a server, %llu real steps; up to %u entries committed\n",
        bounds.name, static_cast<unsigned long long>(search.states()),
        static_cast<unsigned long long>(search.transitions()), search.depth(),
        static_cast<unsigned long long>(search.beyond()), search.nodes().size(),
        static_cast<unsigned long long>(search.nodes().steps()), search.committed());
    if (!search.broken().empty()) {
        printf("BROKEN: %s, after:\n%s", search.broken().c_str(), search.story().c_str());
        if (defect_name == nullptr) {
            return 1;
        }
        const bool named = search.broken().starts_with(property);
        printf("%s\n", named ? "as it should be" : "but another property should be");
        return named ? 0 : 1;
    }
    puts(search.exhausted() ? "the frontier is empty" : "NOT exhausted");
    if (defect_name != nullptr) {
        puts("the defect was not noticed");
        return 1;
    }
    if (!has_reached(bounds, search)) {
        puts("it does not do what it is there for");
        return 1;
    }
    if (search.committed() < bounds.commits) {
        printf("only %u entries were ever committed, not %u: the world is too small\n",
               search.committed(), bounds.commits);
        return 1;
    }
    return search.exhausted() ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    for (const Bounds &bounds : kWorlds) {
        if (argc >= 2 && strcmp(argv[1], bounds.name) == 0) {
            return explore(bounds, argc >= 4 ? argv[2] : nullptr, argc >= 4 ? argv[3] : "");
        }
    }
    fprintf(stderr, "usage: %s WORLD [DEFECT PROPERTY]\nworlds:", argv[0]);
    for (const Bounds &bounds : kWorlds) {
        fprintf(stderr, " %s", bounds.name);
    }
    fprintf(stderr, "\n");
    return 2;
}
