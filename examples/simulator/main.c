/* SPDX-License-Identifier: MIT */
/* Run the simulator on the counter.
 *
 * usage: simulator [SEEDS]            run the seeds 1 to SEEDS; print a seed that fails
 *        simulator --replay SEED      run one seed, and print what happens
 *        simulator --faults SEEDS     with each fault, a failure must be found within SEEDS
 *        simulator --fault N SEEDS    with fault N, as without one
 *        --outcomes-only, first       do not check what a disk has kept
 *        --servers N, first           so many servers, at most 5, instead of 3 */
#include <stdlib.h>
#include <string.h>

#include "counter.h"

static bool outcomes_only;
static unsigned n_servers = 3;

/* [run] */
static bool run(unsigned long long seed, FILE *log, struct sim_result *result) {
    struct sim_options options = {.seed = seed, .servers = n_servers, .log = log};
    options.outcomes_only = outcomes_only;
    return sim_run(&counter_driver, &options, result);
}

/* Returns the first seed that fails; 0: none. */
static unsigned run_all(unsigned seeds, struct sim_result *result) {
    struct sim_result sum = {.time = 0};
    for (unsigned seed = 1; seed <= seeds; seed++) {
        if (!run(seed, NULL, result)) {
            printf("seed %u, after %llu ms: %s\n", seed, result->time, result->failure);
            return seed;
        }
        sum.answers += result->answers;
        sum.crashes += result->crashes;
        sum.cuts += result->cuts;
        sum.leaders += result->leaders;
        sum.restored += result->restored;
    }
    printf("%u seeds passed: %u answers, %u crashes, %u cuts, %u leaders, %u snapshots restored\n",
           seeds, sum.answers, sum.crashes, sum.cuts, sum.leaders, sum.restored);
    return 0;
}
/* [run end] */

/* [faults] */
/* A simulator that finds nothing proves nothing: make mistakes, and see them found. */
static const char *const symptoms[N_FAULTS] = {
    [SENDS_BEFORE_VOTE] = "has sent messages, and forgotten its term or vote",
    [STORED_BEFORE_SYNC] = "told the library that it was durable, and has lost entry",
    [APPLIES_UNCOMMITTED] = "has applied, before it was committed, entry",
    [KEEPS_OLD_ENTRIES] = "does not start from its disk",
    [READS_LOCALLY] = "gave a client an old value",
    [IGNORES_TERMS] = "gave two clients the same value",
    [ATTACHES_WRONG] = "has a log that matches another one above, but not at entry",
    [STORES_WRONG_TERM] = "has committed another entry",
    [FORGETS_TO_SYNC] = "has not recovered",
    [STORES_FIRST_PAYLOAD] = "has applied another command",
    [INSTALLS_BEFORE_SYNC] = "told the library that it was durable, and has lost entry",
    [FORGETS_TO_RESTORE] = "has restored another value",
};

/* What the first two lead to, sooner or later, if the disks are not checked. */
static const char *const outcomes[N_FAULTS] = {
    [SENDS_BEFORE_VOTE] = "is the second leader of term",
    [STORED_BEFORE_SYNC] = "leads without the committed entry",
};

static int find_all(unsigned seeds) {
    int missed = 0;
    for (counter_fault = 1; counter_fault < N_FAULTS; counter_fault++) {
        const char *symptom = (outcomes_only ? outcomes : symptoms)[counter_fault];
        struct sim_result result, again;
        if (symptom == NULL) {
            continue;
        }
        printf("fault %u: ", (unsigned)counter_fault);
        unsigned seed = run_all(seeds, &result);
        if (seed == 0 || strstr(result.failure, symptom) == NULL) {
            printf("  expected: %s\n", symptom);
            missed++;
        } else if (run(seed, NULL, &again) || memcmp(&again, &result, sizeof result) != 0) {
            printf("  the seed does not repeat the failure\n");
            missed++;
        }
    }
    return missed;
}
/* [faults end] */

int main(int argc, char **argv) {
    struct sim_result result;
    if (argc > 1 && strcmp(argv[1], "--outcomes-only") == 0) {
        outcomes_only = true;
        argv++, argc--;
    }
    if (argc > 2 && strcmp(argv[1], "--servers") == 0) {
        n_servers = (unsigned)strtoul(argv[2], NULL, 10);
        n_servers = n_servers > SIM_SERVERS ? SIM_SERVERS : n_servers;
        argv += 2, argc -= 2;
    }
    if (argc == 3 && strcmp(argv[1], "--replay") == 0) {
        return run(strtoull(argv[2], NULL, 10), stdout, &result) ? 0 : 1;
    }
    if (argc == 3 && strcmp(argv[1], "--faults") == 0) {
        return find_all((unsigned)strtoul(argv[2], NULL, 10));
    }
    if (argc == 4 && strcmp(argv[1], "--fault") == 0) {
        counter_fault = (enum fault)strtoul(argv[2], NULL, 10);
        argv += 2, argc -= 2;
    }
    return run_all(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100, &result) != 0;
}
