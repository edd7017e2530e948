/* SPDX-License-Identifier: MIT */
#include "runner.hpp"

#include "simulation.hpp"

#include <chrono>
#include <csignal>
#include <cstring>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sim {
namespace {

constexpr unsigned kLongestRun = 300; /* seconds; most runs take a fraction of one */

/* The results of one process, in memory that it shares with its parent. */
struct Account {
    Stats stats;
    uint64_t next;    /* seed of the current run */
    uint64_t failed;  /* runs with a violation */
    uint64_t matched; /* of these, violations of the property that --expect names */
    bool done;
};

std::string replay(const Options &o, uint64_t seed) {
    std::string text = format("raft-sim --seed %llu", static_cast<unsigned long long>(seed));
    if (o.seconds != 60 || o.steps != 5000) {
        text += format(" --seconds %llu --steps %llu", static_cast<unsigned long long>(o.seconds),
                       static_cast<unsigned long long>(o.steps));
    }
    if (o.broken != Broken::NONE) {
        text += format(" --break %s", name_of(o.broken));
    }
    if (o.conditions_given) {
        text += format(" --conditions %s", names_of_conditions(o.conditions).c_str());
    }
    return text;
}

bool matches(const Options &o, const std::string &property) {
    return o.expect != nullptr && property == o.expect;
}

/* Returns whether there was no violation. */
bool run_seed(const Options &o, uint64_t seed, Account &account) {
    Trace trace(o.trace);
    bool tell = o.single && (o.trace || o.svg != nullptr || o.trace_file != nullptr);
    bool held = true;
    std::string title = format("seed %llu", static_cast<unsigned long long>(seed));
    Plan plan(seed, o.broken, o.conditions_given ? &o.conditions : nullptr);
    Simulation simulation(seed, o.broken, plan, tell ? &trace : nullptr, o.seconds * kSecond,
                          o.steps);
    try {
        simulation.run();
        account.stats.absorb(simulation.stats);
        if (o.digest) {
            printf("seed %llu history %016llx\n", static_cast<unsigned long long>(seed),
                   static_cast<unsigned long long>(simulation.history()));
        }
    } catch (const Violation &v) {
        held = false;
        account.failed++;
        account.matched += matches(o, v.property);
        title += std::string(": ") + v.what();
        trace.violation(simulation.now, v.what());
        printf("seed %llu at %.3f ms violates %s\n  replay: %s --trace\n",
               static_cast<unsigned long long>(seed), static_cast<double>(simulation.now) / 1000.0,
               v.what(), replay(o, seed).c_str());
    }
    if (tell && o.svg != nullptr &&
        !trace.draw(o.svg, simulation.plan.servers, o.svg_seconds, title)) {
        perror(o.svg);
        held = false;
    }
    if (tell && o.trace_file != nullptr &&
        !trace.write(o.trace_file, seed, simulation.plan.servers)) {
        perror(o.trace_file);
        held = false;
    }
    return held;
}

bool satisfied(const Options &o, const Account &a) {
    return o.expect != nullptr ? a.matched > 0 : a.failed >= o.failures;
}

void work(const Options &o, Account &a, uint64_t end) {
    while (a.next < end && !satisfied(o, a)) {
        /* A run that never ends is a failure, too. */
        alarm(o.single ? 0 : kLongestRun);
        run_seed(o, a.next, a);
        a.next += o.jobs;
    }
    a.done = true;
}

/* One process per job. If one is killed, that is reported, and it is started again after the seed
 * that killed it. */
void work_in_processes(const Options &o, Account *accounts, uint64_t end) {
    std::vector<pid_t> pids(o.jobs, 0);
    auto spawn = [&](uint64_t job) {
        fflush(stdout);
        pids[job] = fork();
        if (pids[job] == 0) {
            work(o, accounts[job], end);
            fflush(stdout);
            _exit(0);
        }
    };
    for (uint64_t job = 0; job < o.jobs; job++) {
        spawn(job);
    }
    uint64_t running = o.jobs;
    while (running > 0) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, 0);
        for (uint64_t job = 0; job < o.jobs; job++) {
            if (pids[job] != pid) {
                continue;
            }
            Account &a = accounts[job];
            running--;
            if (a.done) {
                break;
            }
            printf(
                "seed %llu violates %s: killed by signal %d\n"
                "  replay: %s --trace\n",
                static_cast<unsigned long long>(a.next),
                WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                    ? "bounded work"
                    : "invariants inside the library",
                WIFSIGNALED(status) ? WTERMSIG(status) : 0, replay(o, a.next).c_str());
            a.failed++;
            a.next += o.jobs;
            if (!satisfied(o, a) && a.next < end) {
                spawn(job);
                running++;
            }
        }
    }
}

} // namespace

int run(const Options &given) {
    Options o = given;
    o.jobs = o.jobs == 0 ? 1 : o.jobs;
    size_t size = sizeof(Account) * o.jobs;
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    auto *accounts = static_cast<Account *>(memory);
    for (uint64_t job = 0; job < o.jobs; job++) {
        accounts[job].next = o.from + job;
    }
    auto begin = std::chrono::steady_clock::now();
    if (o.single) {
        work(o, accounts[0], o.from + 1);
    } else {
        work_in_processes(o, accounts, o.from + o.runs);
    }
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    Account total = {};
    for (uint64_t job = 0; job < o.jobs; job++) {
        total.stats.merge(accounts[job].stats);
        total.failed += accounts[job].failed;
        total.matched += accounts[job].matched;
    }
    if (!o.quiet) {
        total.stats.print();
    }
    uint64_t runs = total.stats.total_runs + total.failed;
    printf("%llu runs, %llu failed, %.1f s, %.0f runs a minute\n",
           static_cast<unsigned long long>(runs), static_cast<unsigned long long>(total.failed),
           seconds, static_cast<double>(runs) / seconds * 60);
    munmap(memory, size);
    if (o.expect != nullptr) {
        return total.matched > 0 ? 0 : 1;
    }
    bool rare = o.rare != 0 && total.stats.rare(static_cast<unsigned>(o.rare)) > 0;
    return total.failed == 0 && !rare ? 0 : 1;
}

} // namespace sim
