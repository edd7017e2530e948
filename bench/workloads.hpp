/* SPDX-License-Identifier: MIT */
#pragma once

#include "marks.hpp"

#include <functional>
#include <vector>

namespace bench {

struct Workload {
    std::string name; /* "W1/N=3": the work, and the variable of a plot */
    bool judged;      /* a budget depends on it */
    std::function<void(Count &)> run;
};

/* A cluster that replicates, and one that is idle. */
void add_cluster_workloads(std::vector<Workload> *workloads);
/* A cluster that falls asleep and is woken. */
void add_sleep_workloads(std::vector<Workload> *workloads);
/* What a long log costs one server. */
void add_log_workloads(std::vector<Workload> *workloads);
/* Lower bounds. */
void add_limits(std::vector<Workload> *workloads);

} // namespace bench
