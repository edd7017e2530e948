/* SPDX-License-Identifier: MIT */
#include "../driver/linear.hpp"
#include "runner.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void usage() {
    puts(
        "usage: raft-sim [options]\n"
        "  --seed N          run this seed only\n"
        "  --runs N          number of runs, each with its own seed (default 100)\n"
        "  --from N          seed of the first run (default 1)\n"
        "  --jobs N          number of processes (default 1)\n"
        "  --seconds N       minimum simulated seconds of a run (default 60)\n"
        "  --steps N         minimum steps of a run (default 5000)\n"
        "  --trace           with --seed: print what happens\n"
        "  --trace-file FILE with --seed: write what happened, to be opened in the playground\n"
        "  --svg FILE        with --seed: draw what happened\n"
        "  --svg-seconds N   draw the last N simulated seconds (default 10)\n"
        "  --digest          print a digest of the steps of each run\n"
        "  --failures N      stop after N failing runs (default 1)\n"
        "  --break NAME      negative test: break this part of the environment\n"
        "  --expect NAME     succeed if a violation of this property is found\n"
        "  --conditions LIST use the library in these ways, instead of those of the seed; or none\n"
        "  --rare N          fail if a kind of fault occurs in fewer than N percent of the runs,\n"
        "                    or another counted event in fewer than N/5 percent\n"
        "  --quiet           print no statistics\n"
        "  --self-test       test the linearizability checker");
}

bool number(const char *text, uint64_t *value) {
    char *end = nullptr;
    *value = strtoull(text, &end, 0);
    return end != text && *end == '\0';
}

int self_test() {
    unsigned linearizable = 0;
    const unsigned histories = 200000;
    unsigned wrong = driver::linear::self_test(histories, &linearizable);
    printf("%u random histories, %u linearizable, %u judged wrongly\n", histories, linearizable,
           wrong);
    return wrong == 0 && linearizable > 0 && linearizable < histories ? 0 : 1;
}

/* Returns how many arguments it took, 0: none of these. */
int take_value(sim::Options &o, const char *name, const char *value) {
    struct {
        const char *name;
        uint64_t *value;
    } const numbers[] = {
        {"--runs", &o.runs},   {"--from", &o.from},
        {"--jobs", &o.jobs},   {"--seconds", &o.seconds},
        {"--steps", &o.steps}, {"--failures", &o.failures},
        {"--rare", &o.rare},   {"--svg-seconds", &o.svg_seconds},
    };
    for (const auto &n : numbers) {
        if (strcmp(name, n.name) == 0) {
            return number(value, n.value) ? 2 : 0;
        }
    }
    if (strcmp(name, "--seed") == 0) {
        o.runs = 1;
        o.single = true;
        return number(value, &o.from) ? 2 : 0;
    }
    if (strcmp(name, "--svg") == 0) {
        o.svg = value;
        return 2;
    }
    if (strcmp(name, "--trace-file") == 0) {
        o.trace_file = value;
        return 2;
    }
    if (strcmp(name, "--expect") == 0) {
        o.expect = value;
        return 2;
    }
    if (strcmp(name, "--conditions") == 0) {
        o.conditions_given = true;
        return sim::parse_conditions(value, &o.conditions) ? 2 : 0;
    }
    if (strcmp(name, "--break") == 0) {
        return sim::parse(value, &o.broken) ? 2 : 0;
    }
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    sim::Options o;
    for (int i = 1; i < argc;) {
        int took = 0;
        if (strcmp(argv[i], "--trace") == 0) {
            o.trace = true;
            took = 1;
        } else if (strcmp(argv[i], "--quiet") == 0) {
            o.quiet = true;
            took = 1;
        } else if (strcmp(argv[i], "--digest") == 0) {
            o.digest = true;
            took = 1;
        } else if (strcmp(argv[i], "--self-test") == 0) {
            return self_test();
        } else if (strcmp(argv[i], "--help") == 0) {
            usage();
            return 0;
        } else if (i + 1 < argc) {
            took = take_value(o, argv[i], argv[i + 1]);
        }
        if (took == 0) {
            usage();
            return 2;
        }
        i += took;
    }
    return sim::run(o);
}
