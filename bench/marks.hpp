/* SPDX-License-Identifier: MIT */
/* Marks in the instruction count: instructions between begin() and end() are added to a figure. A
 * name may be used many times. Without callgrind the marks do nothing. */
#pragma once

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#endif

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

namespace bench {

/* One figure: operations and their cost. */
class Count {
public:
    explicit Count(std::string name) : name_(std::move(name)) {}

    void begin() {
        began_ = now();
#ifdef HAVE_CALLGRIND
        CALLGRIND_ZERO_STATS;
#endif
    }

    void end(uint64_t operations) {
#ifdef HAVE_CALLGRIND
        CALLGRIND_DUMP_STATS_AT(name_.c_str());
#endif
        nanoseconds_ += now() - began_;
        operations_ += operations;
    }

    /* A line of JSON. The nanoseconds are of CPU, the driver's own work included: they are
     * reported, never judged. */
    void print() const {
        printf("{\"name\": \"%s\", \"operations\": %llu, \"ns\": %.1f}\n", name_.c_str(),
               static_cast<unsigned long long>(operations_),
               nanoseconds_ / static_cast<double>(operations_));
        fflush(stdout);
    }

private:
    static double now() {
        timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
    }

    std::string name_;
    uint64_t operations_ = 0;
    double nanoseconds_ = 0;
    double began_ = 0;
};

} // namespace bench
