/* SPDX-License-Identifier: MIT */
/* Disks that no server can have left: START events until one succeeds, then a few more events. */
#include "session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz::Input in(bytes, size);
    fuzz::Session session(1 + in.u8() % 3);
    while (!in.done()) {
        session.start(in);
        session.time_out();
        session.acknowledge(in);
    }
    return 0;
}
