/* SPDX-License-Identifier: MIT */
/* Runs many seeds, in one or several processes. */
#pragma once

#include "plan.hpp"

namespace sim {

struct Options {
    uint64_t from = 1, runs = 100, jobs = 1, seconds = 60, steps = 5000, failures = 1, rare = 0;
    uint64_t svg_seconds = 10;
    bool single = false, trace = false, quiet = false, digest = false;
    const char *svg = nullptr;
    const char *trace_file = nullptr;
    const char *expect = nullptr;
    Broken broken = Broken::NONE;
    bool conditions_given = false;
    unsigned conditions = 0;
};

/* Returns the exit status. */
int run(const Options &options);

} // namespace sim
