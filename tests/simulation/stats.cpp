/* SPDX-License-Identifier: MIT */
#include "stats.hpp"

#include <cstdio>

namespace sim {
namespace {
#define X(name, text) text,
const char *const kNames[] = {SIM_FAULTS(X) "", SIM_REACHED(X)};
#undef X
const char *name_of(unsigned s) { return s < S_FAULTS_END ? kNames[s] : kNames[s + 1]; }
} // namespace

void Stats::absorb(const Stats &simulation) {
    for (unsigned s = 0; s < S_COUNT; s++) {
        n[s] += simulation.n[s];
        runs[s] += simulation.n[s] != 0;
    }
    total_runs++;
}

void Stats::merge(const Stats &total) {
    for (unsigned s = 0; s < S_COUNT; s++) {
        n[s] += total.n[s];
        runs[s] += total.runs[s];
    }
    total_runs += total.total_runs;
}

void Stats::print() const {
    if (total_runs == 0) {
        return;
    }
    auto line = [this](unsigned s) {
        printf("  %-58s %12llu %6.1f %%\n", name_of(s), static_cast<unsigned long long>(n[s]),
               100.0 * static_cast<double>(runs[s]) / static_cast<double>(total_runs));
    };
    printf("  %-58s %12s %8s\n", "faults", "times", "runs");
    for (unsigned s = 0; s < S_FAULTS_END; s++) {
        line(s);
    }
    printf("  %-58s %12s %8s\n", "reached", "times", "runs");
    for (unsigned s = S_FAULTS_END; s < S_COUNT; s++) {
        line(s);
    }
}

unsigned Stats::rare(unsigned percent) const {
    unsigned rare = 0;
    for (unsigned s = 0; s < S_COUNT; s++) {
        unsigned share = s < S_FAULTS_END ? 1 : 5;
        if (runs[s] * 100 * share < total_runs * percent) {
            printf("too rare: \"%s\" in %llu of %llu runs\n", name_of(s),
                   static_cast<unsigned long long>(runs[s]),
                   static_cast<unsigned long long>(total_runs));
            rare++;
        }
    }
    return rare;
}

} // namespace sim
