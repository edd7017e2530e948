/* SPDX-License-Identifier: MIT */
#include "long_log.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

constexpr unsigned kLong = 1000000;
constexpr unsigned kFewTerms = 100;

void look_up(Count &count, unsigned entries, unsigned terms) {
    LongLog log(entries, terms);
    log.start();
    log.receive_empty(entries); /* the term and the leader become known */
    constexpr unsigned kMessages = 1000;
    uint64_t random = 1;
    count.begin();
    for (unsigned i = 0; i < kMessages; i++) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        log.receive_empty(2 + (random >> 33) % (entries - 1));
    }
    count.end(kMessages);
}

void restart(Count &count, unsigned entries, unsigned terms) {
    LongLog log(entries, terms);
    count.begin();
    log.start();
    count.end(entries);
}

} // namespace

void add_log_workloads(std::vector<Workload> *workloads) {
    for (unsigned terms = 1; terms <= kLong / 10; terms *= 10) {
        workloads->push_back({"lookup/terms=" + std::to_string(terms), terms == kLong / 10,
                              [=](Count &c) { look_up(c, kLong, terms); }});
    }
    for (unsigned entries = 1000; entries <= kLong; entries *= 10) {
        workloads->push_back({"lookup/entries=" + std::to_string(entries), false,
                              [=](Count &c) { look_up(c, entries, kFewTerms); }});
    }
    for (unsigned entries = 1000; entries <= kLong; entries *= 10) {
        workloads->push_back({"restart/entries=" + std::to_string(entries), entries == kLong,
                              [=](Count &c) { restart(c, entries, 1); }});
    }
    workloads->push_back({"restart/terms=" + std::to_string(kLong / 10), false,
                          [](Count &c) { restart(c, kLong, kLong / 10); }});
}

} // namespace bench
