/* SPDX-License-Identifier: MIT */
/* Any sequence of events, from any settings and any disk. */
#include "session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz::Input in(bytes, size);
    fuzz::Session session(1);
    const uint8_t beginning = in.u8();
    if (beginning & 1) {
        session.set_all_features();
    }
    for (unsigned i = 0; i < (beginning >> 1 & 3U); i++) {
        session.change_setting(in);
    }
    if (beginning & 8) {
        session.start(in);
    } else {
        session.start_plainly(1U + (beginning >> 4 & 3U), beginning >> 6);
    }
    while (!in.done()) {
        session.any_event(in);
    }
    return 0;
}
