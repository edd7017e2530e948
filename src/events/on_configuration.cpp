/* SPDX-License-Identifier: MIT */
/* RAFT_CONFIGURATION: accepted for source compatibility with C-Raft. The library knows by itself
 * when a configuration is committed. */
#include "events/events.hpp"

namespace libraft {

int on_configuration(Step &step) {
    return step.event.configuration.index <= step.server.commit
               ? 0
               : step.fail(RAFT_INVALID, "the configuration is not committed");
}

} // namespace libraft
