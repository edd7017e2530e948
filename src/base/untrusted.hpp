/* SPDX-License-Identifier: MIT */
/* Values that come from outside: the limit on numbers, and loads that assume nothing. */
#pragma once

#include <cstdint>
#include <cstring>

namespace libraft {

/* Indexes, terms and times above this limit are refused where they enter the library, so that
 * arithmetic on them cannot overflow. */
inline constexpr unsigned long long kLimit = 1ULL << 62;

/* An incoming bool or enum may hold any bit pattern. Loading it as its declared type would be
 * undefined behaviour, so it is read as an integer. */
inline bool load_bool(const bool &value) {
    unsigned char byte;
    static_assert(sizeof byte == sizeof value);
    memcpy(&byte, &value, sizeof byte);
    return byte != 0;
}

template <class Enum>
uint32_t load_enum(const Enum &value) {
    uint32_t number;
    static_assert(sizeof number == sizeof value);
    memcpy(&number, &value, sizeof number);
    return number;
}

} // namespace libraft
