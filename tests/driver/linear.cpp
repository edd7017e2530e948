/* SPDX-License-Identifier: MIT */
#include "linear.hpp"

#include "random.hpp"

#include <algorithm>
#include <unordered_map>

namespace driver::linear {
namespace {

/* All calls of one value. In every linearization they are adjacent, the write first. Their zone is
 * the time between the first answer and the last invocation. */
struct Cluster {
    uint32_t value;
    bool written = false;
    uint64_t write_invoked = 0;
    uint64_t first_answer = kNever;
    uint64_t last_invocation = 0;
    uint64_t first_read_answer = kNever;
    bool read = false;

    bool forward() const { return first_answer < last_invocation; }
    uint64_t low() const { return std::min(first_answer, last_invocation); }
    uint64_t high() const { return std::max(first_answer, last_invocation); }
};

std::vector<Cluster> gather(const std::vector<Call> &calls) {
    std::unordered_map<uint32_t, Cluster> by_value;
    Cluster &initial = by_value[kInitial];
    initial.written = true;
    initial.first_answer = 0;
    for (const Call &c : calls) {
        Cluster &cluster = by_value[c.value];
        if (c.write) {
            cluster.written = true;
            cluster.write_invoked = c.invoked;
        } else {
            cluster.read = true;
            cluster.first_read_answer = std::min(cluster.first_read_answer, c.answered);
        }
        cluster.first_answer = std::min(cluster.first_answer, c.answered);
        cluster.last_invocation = std::max(cluster.last_invocation, c.invoked);
    }
    std::vector<Cluster> clusters;
    for (auto &[value, cluster] : by_value) {
        cluster.value = value;
        /* A write with an unknown fate that no read returned need not have happened. */
        if (cluster.read || cluster.first_answer != kNever) {
            clusters.push_back(cluster);
        }
    }
    std::sort(clusters.begin(), clusters.end(), [](const Cluster &a, const Cluster &b) {
        return a.low() != b.low() ? a.low() < b.low() : a.value < b.value;
    });
    return clusters;
}

std::string name(uint32_t value) {
    return value == kInitial ? "the initial value" : "value " + std::to_string(value);
}

} // namespace

std::string check(const std::vector<Call> &calls) {
    std::vector<Cluster> clusters = gather(calls);
    const Cluster *last = nullptr; /* forward zone that reaches farthest */
    for (const Cluster &c : clusters) {
        if (!c.written) {
            return name(c.value) + " was read but never written";
        }
        if (c.read && c.first_read_answer < c.write_invoked) {
            return name(c.value) + " was read before it was written";
        }
        if (last != nullptr && (c.forward() ? c.low() < last->high() : c.high() < last->high())) {
            return name(c.value) + " (" + std::to_string(c.low()) + " to " +
                   std::to_string(c.high()) + ") falls within the time of " + name(last->value) +
                   " (" + std::to_string(last->low()) + " to " + std::to_string(last->high()) + ")";
        }
        if (c.forward()) {
            last = &c;
        }
    }
    return "";
}

namespace {

bool search(const std::vector<Call> &calls, unsigned done, uint32_t value) {
    uint64_t first_answer = kNever;
    bool all = true;
    for (size_t i = 0; i < calls.size(); i++) {
        if ((done >> i & 1) == 0) {
            first_answer = std::min(first_answer, calls[i].answered);
            all = all && calls[i].answered == kNever;
        }
    }
    if (all) {
        return true;
    }
    for (size_t i = 0; i < calls.size(); i++) {
        const Call &c = calls[i];
        if (done >> i & 1 || c.invoked > first_answer || (!c.write && c.value != value)) {
            continue;
        }
        if (search(calls, done | 1U << i, c.write ? c.value : value)) {
            return true;
        }
    }
    return false;
}

} // namespace

bool check_exhaustively(const std::vector<Call> &calls) { return search(calls, 0, kInitial); }

unsigned self_test(unsigned histories, unsigned *linearizable) {
    unsigned wrong = 0;
    *linearizable = 0;
    for (unsigned h = 0; h < histories; h++) {
        Random r(h);
        size_t n = r.between(1, 8);
        std::vector<uint64_t> times(2 * n);
        for (size_t i = 0; i < times.size(); i++) {
            times[i] = i + 1;
        }
        for (size_t i = times.size(); i > 1; i--) {
            std::swap(times[i - 1], times[r.below(i)]);
        }
        std::vector<Call> calls;
        uint32_t written = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t a = std::min(times[2 * i], times[2 * i + 1]);
            uint64_t b = std::max(times[2 * i], times[2 * i + 1]);
            bool write = r.percent(45);
            uint32_t value = write           ? written++
                             : r.percent(20) ? kInitial
                                             : static_cast<uint32_t>(r.below(written + 1));
            calls.push_back({write, value, a, write && r.percent(15) ? kNever : b});
        }
        bool expected = check_exhaustively(calls);
        *linearizable += expected;
        wrong += expected != check(calls).empty();
    }
    return wrong;
}

} // namespace driver::linear
