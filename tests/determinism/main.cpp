/* SPDX-License-Identifier: MIT */
/* Drives seeded clusters and prints the digest of each.
 *
 *     stream [--clusters N] [--actions N]     all; fails unless everything was reached
 *     stream --cluster SEED [--actions N]     the digest after every step of one */
#include "cluster.hpp"
#include "large_addresses.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace determinism;

namespace {

int missing = 0;

void demand(const char *what, unsigned long kind, uint64_t times) {
    if (times < 20) {
        printf("only %llu times: %s %lu\n", static_cast<unsigned long long>(times), what, kind);
        missing++;
    }
}

/* A stream can only show that builds agree on what it reaches. */
void demand_everything(const Reached &r) {
    for (unsigned type = 1; type < r.done.size(); type++) {
        if (type != kUnknownEvent) {
            demand("done, event", type, r.done[type]);
        }
        demand("failed, event", type, r.failed[type]);
    }
    for (unsigned type = RAFT_START + 1; type < kUnknownEvent; type++) {
        if (type != RAFT_PERSISTED_SNAPSHOT && type != RAFT_BOOTSTRAP) { /* nobody steps those */
            demand("of a sleeping server, event", type, r.asleep[type]);
        }
    }
    for (unsigned bit = 0; bit < r.flags.size(); bit++) {
        demand("flag", bit, r.flags[bit]);
    }
    for (unsigned type = 1; type < r.sent.size(); type++) {
        demand("message", type, r.sent[type]);
    }
    for (unsigned type = 1; type < r.facts.size(); type++) {
        demand("trace fact", type, r.facts[type]);
    }
    for (unsigned code :
         {RAFT_BADID, RAFT_DUPLICATEID, RAFT_DUPLICATEADDRESS, RAFT_BADROLE, RAFT_MALFORMED,
          RAFT_NOTLEADER, RAFT_CANTBOOTSTRAP, RAFT_CANTCHANGE, RAFT_CORRUPT, RAFT_TOOBIG, RAFT_BUSY,
          RAFT_NOCONNECTION, RAFT_NOTFOUND, RAFT_INVALID, RAFT_NOSPACE}) {
        demand("code", code, r.codes[code]);
    }
    demand("installed snapshot", 0, r.installed);
    demand("joint configuration", 0, r.joint);
    demand("read of a lost leader", 0, r.reads_lost);
    demand("older snapshot that is kept", 0, r.older_snapshots);
    if (r.codes[RAFT_NOMEM] > 0) {
        printf("out of memory\n");
        missing++;
    }
}

} // namespace

int main(int argc, char **argv) {
    constexpr unsigned long kAll = 1000;
    unsigned long clusters = kAll;
    unsigned long actions = 1500;
    const char *one = nullptr;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--clusters") == 0) {
            clusters = strtoul(argv[i + 1], nullptr, 10);
        } else if (strcmp(argv[i], "--actions") == 0) {
            actions = strtoul(argv[i + 1], nullptr, 10);
        } else if (strcmp(argv[i], "--cluster") == 0) {
            one = argv[i + 1];
        }
    }
    if (one != nullptr) {
        Cluster cluster(strtoull(one, nullptr, 10));
        cluster.print = true;
        cluster.run(static_cast<unsigned>(actions));
        return 0;
    }
    Reached reached;
    for (unsigned long seed = 0; seed < clusters; seed++) {
        Cluster cluster(seed);
        cluster.run(static_cast<unsigned>(actions));
        reached.add(cluster.reached());
        printf("cluster %lu: %016llx\n", seed, static_cast<unsigned long long>(cluster.digest()));
    }
    printf("%llu steps\n", static_cast<unsigned long long>(reached.steps));
    if (clusters >= kAll) {
        demand_everything(reached); /* fewer clusters do not reach all of it */
    }
    if (const std::string failed = refuse_large_addresses(); !failed.empty()) {
        printf("addresses of more than 4 GB: %s\n", failed.c_str());
        missing++;
    }
    return missing > 0 ? 1 : 0;
}
