/* SPDX-License-Identifier: MIT */
#include "state/installation.hpp"

namespace libraft {

void release(Installation *i) {
    i->~Installation();
    free(i);
}

} // namespace libraft
