/* SPDX-License-Identifier: MIT */
/* The bounded model check: explores every state that a small cluster can reach within bounds.
 *
 *     model CONFIGURATION
 *     model CONFIGURATION FAULT PROPERTY    fails unless that property is broken first */
#include "../observe/paths.hpp"
#include "configurations.hpp"
#include "search.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using model::Bounds;
using model::Fault;
using model::kConfigurations;

constexpr uint64_t kMostStates = 20'000'000;

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
