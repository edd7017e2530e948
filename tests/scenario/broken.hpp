/* SPDX-License-Identifier: MIT */
#pragma once

#include <string>

#include "../driver/judge.hpp"

namespace scenario {

/* The name of the promise that is broken; "": none. */
template <class Act>
std::string broken(Act act) {
    try {
        act();
    } catch (const driver::Violation &v) {
        return v.property;
    }
    return "";
}

} // namespace scenario
