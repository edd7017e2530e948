/* SPDX-License-Identifier: MIT */
/* Exhausts small worlds: `model WORLD` or, to show that a broken rule is seen,
 * `model WORLD DEFECT`, which fails unless some rule is broken. */
#include "world.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using model::Bounds;
using model::Defect;

constexpr uint64_t kMostStates = 20'000'000;

/* Sets of servers are bit sets: 7 is servers 1, 2 and 3. */
constexpr Bounds kWorlds[] = {
    {.name = "pair", .servers = 2, .voters = 3, .standbys = 0, .term = 3, .entries = 4,
     .messages = 2, .crashes = 1, .submissions = 1, .duplicates = 1, .changes = 0,
     .next_voters = 0, .transfers = 0, .timeouts = 1, .pre_vote = false, .losses = true,
     .commits = 4},
    {.name = "polite", .servers = 2, .voters = 3, .standbys = 0, .term = 3, .entries = 3,
     .messages = 2, .crashes = 1, .submissions = 0, .duplicates = 0, .changes = 0,
     .next_voters = 0, .transfers = 0, .timeouts = 5, .pre_vote = true, .losses = true,
     .commits = 2},
    {.name = "three", .servers = 3, .voters = 7, .standbys = 0, .term = 3, .entries = 3,
     .messages = 2, .crashes = 0, .submissions = 0, .duplicates = 0, .changes = 0,
     .next_voters = 0, .transfers = 0, .timeouts = 0, .pre_vote = false, .losses = true,
     .commits = 3},
    {.name = "crashing", .servers = 3, .voters = 7, .standbys = 0, .term = 2, .entries = 3,
     .messages = 2, .crashes = 1, .submissions = 1, .duplicates = 0, .changes = 0,
     .next_voters = 0, .transfers = 0, .timeouts = 0, .pre_vote = false, .losses = true,
     .commits = 3},
    {.name = "growing", .servers = 3, .voters = 3, .standbys = 0, .term = 2, .entries = 4,
     .messages = 3, .crashes = 1, .submissions = 0, .duplicates = 0, .changes = 1,
     .next_voters = 7, .transfers = 0, .timeouts = 1, .pre_vote = false, .losses = true,
     .commits = 3},
    {.name = "shrinking", .servers = 3, .voters = 7, .standbys = 0, .term = 2, .entries = 4,
     .messages = 2, .crashes = 0, .submissions = 0, .duplicates = 0, .changes = 1,
     .next_voters = 6, .transfers = 0, .timeouts = 1, .pre_vote = false, .losses = true,
     .commits = 3},
    {.name = "replacing", .servers = 3, .voters = 3, .standbys = 4, .term = 2, .entries = 5,
     .messages = 3, .crashes = 0, .submissions = 0, .duplicates = 0, .changes = 1,
     .next_voters = 5, .transfers = 0, .timeouts = 1, .pre_vote = false, .losses = true,
     .commits = 4},
};

constexpr struct {
    const char *name;
    Defect defect;
} kDefects[] = {
    {"forget-vote", Defect::kForgetVote},
    {"forget-term", Defect::kForgetTerm},
    {"lose-acknowledged", Defect::kLoseAcknowledged},
    {"mutant", Defect::kNone}, /* the library itself was broken when it was built */
};

int explore(const Bounds &bounds, const char *defect_name) {
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
    printf("%s: %llu states, %llu transitions, depth %u; %llu beyond the bounds; "
           "%zu states of a server, %llu real steps; up to %u entries committed\n",
           bounds.name, static_cast<unsigned long long>(search.states()),
           static_cast<unsigned long long>(search.transitions()), search.depth(),
           static_cast<unsigned long long>(search.beyond()), search.nodes().size(),
           static_cast<unsigned long long>(search.nodes().steps()), search.committed());
    if (!search.broken().empty()) {
        printf("BROKEN: %s, after:\n%s", search.broken().c_str(), search.story().c_str());
        return defect_name != nullptr ? 0 : 1;
    }
    puts(search.exhausted() ? "the frontier is empty" : "NOT exhausted");
    if (defect_name != nullptr) {
        puts("the defect was not noticed");
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
            return explore(bounds, argc >= 3 ? argv[2] : nullptr);
        }
    }
    fprintf(stderr, "usage: %s WORLD [DEFECT]\nworlds:", argv[0]);
    for (const Bounds &bounds : kWorlds) {
        fprintf(stderr, " %s", bounds.name);
    }
    fprintf(stderr, "\n");
    return 2;
}
