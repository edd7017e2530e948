/* SPDX-License-Identifier: MIT */
/* Linearizable reads (§6.4): is a history of registers linearizable? Every write writes a value of
 * its own, so the write that a read depends on is known, and the answer is exact and cheap (Gibbons
 * and Korach, "Testing shared memories", 1997). */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace driver::linear {

inline constexpr uint32_t kInitial = UINT32_MAX; /* value before the first write */
inline constexpr uint64_t kNever = UINT64_MAX;

struct Call {
    bool write;
    uint32_t value;
    uint64_t invoked;
    uint64_t answered; /* kNever: the fate of a write is unknown */
};

/* One register's calls. Returns what is wrong, empty: nothing. */
std::string check(const std::vector<Call> &calls);

/* The same by trying all orders: for a few calls only, to test the test. */
bool check_exhaustively(const std::vector<Call> &calls);

/* Compares the two on random histories; returns the number of disagreements. */
unsigned self_test(unsigned histories, unsigned *linearizable);

} // namespace driver::linear
