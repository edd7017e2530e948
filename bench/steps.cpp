/* SPDX-License-Identifier: MIT */
/* Runs workloads and prints a line of JSON for each. Under callgrind each dumps its count.
 * Usage: steps [--judged] [name...] */
#include "library.hpp"
#include "workloads.hpp"

#include <algorithm>
#include <cstring>

namespace bench {
int inside_server = -1;
}

int main(int argc, char **argv) {
    bool judged = false;
    std::vector<std::string> names;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--judged") == 0) {
            judged = true;
        } else {
            names.emplace_back(argv[i]);
        }
    }
    std::vector<bench::Workload> workloads;
    bench::add_cluster_workloads(&workloads);
    bench::add_sleep_workloads(&workloads);
    bench::add_log_workloads(&workloads);
    bench::add_limits(&workloads);
    size_t done = 0;
    for (const bench::Workload &workload : workloads) {
        const bool named = std::count(names.begin(), names.end(), workload.name) > 0;
        if ((judged && !workload.judged) || (!names.empty() && !named)) {
            continue;
        }
        bench::Count count(workload.name);
        workload.run(count);
        count.print();
        done++;
    }
    return done > 0 && done >= names.size() ? 0 : 1;
}
