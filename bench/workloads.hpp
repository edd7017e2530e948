/* SPDX-License-Identifier: MIT */
#pragma once

#include "marks.hpp"

#include <functional>
#include <vector>

namespace bench {

struct Workload {
    std::string name; /* "W1/N=3": what it does, and the variable that a plot is drawn over */
    bool judged;      /* a budget depends on it */
    std::function<void(Count &)> run;
};

/* What a cluster does: replicates, keeps quiet. */
void add_cluster_workloads(std::vector<Workload> *workloads);
/* What a long log costs one server. */
void add_log_workloads(std::vector<Workload> *workloads);
/* What nothing can be cheaper than. */
void add_limits(std::vector<Workload> *workloads);

} // namespace bench
