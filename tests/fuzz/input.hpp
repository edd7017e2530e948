/* SPDX-License-Identifier: MIT */
/* The fuzzer's bytes, read as numbers. After the last byte zeros follow. */
#pragma once

#include <raft.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fuzz {

class Input {
public:
    Input(const uint8_t *bytes, size_t size) : next_(bytes), left_(size) {}

    bool done() const { return left_ == 0; }
    uint8_t u8() {
        if (left_ == 0) {
            return 0;
        }
        left_--;
        return *next_++;
    }
    uint16_t u16() { return static_cast<uint16_t>(u8() | u8() << 8); }
    uint32_t u32() { return u16() | static_cast<uint32_t>(u16()) << 16; }
    uint64_t u64() { return u32() | static_cast<uint64_t>(u32()) << 32; }
    /* Most often below `bound`, sometimes beyond. */
    uint8_t below(uint8_t bound) { return static_cast<uint8_t>(u8() % bound); }
    bool one_in(uint8_t n) { return u8() % n == static_cast<unsigned>(n - 1); }

    /* An index or term: small, or near one of the server's own, or at the edge of
     * what is allowed, or anything. */
    uint64_t number(struct raft *r);

private:
    const uint8_t *next_;
    size_t left_;
};

/* Store any bits in a bool or an enum, which C++ must not do by assignment. */
template <class T>
void put_raw(T *field, uint32_t bits) {
    memcpy(field, &bits, sizeof *field);
}

} // namespace fuzz
