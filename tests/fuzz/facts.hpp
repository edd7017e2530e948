/* SPDX-License-Identifier: MIT */
/* What the flags of an update are about, to compare before and after a step. */
#pragma once

#include "session.hpp"

#include <string>

namespace fuzz {

struct Facts {
    explicit Facts(struct raft *r)
        : term(raft_current_term(r)),
          voted_for(raft_voted_for(r)),
          state(raft_state(r)),
          commit(raft_commit_index(r)),
          timeout(raft_timeout(r)),
          transferee(raft_transferee(r)) {
        raft_id id = 0;
        const char *address = nullptr;
        raft_leader(r, &id, &address);
        leader = std::to_string(id) + (address != nullptr ? address : "\1");
        raft_configuration conf = {};
        raft_index index = 0;
        if (raft_configuration_at(r, raft_last_index(r), &conf, &index) == 0) {
            configuration = std::to_string(index);
            for (unsigned i = 0; i < conf.n; i++) {
                const raft_server &server = conf.servers[i];
                configuration += ' ' + std::to_string(server.id) + server.address + '\1' +
                                 std::to_string(server.role);
            }
        }
    }
    raft_term term;
    raft_id voted_for;
    enum raft_state state;
    raft_index commit;
    raft_time timeout;
    raft_id transferee;
    std::string leader;
    std::string configuration;
};

inline void check_flags(const Facts &before, const Facts &after, unsigned flags, bool starting) {
    const auto exact = [=](unsigned flag, bool changed) {
        EXPECT(((flags & flag) != 0) == changed);
    };
    if (!starting) { /* there, relative to what the event gave */
        exact(RAFT_UPDATE_CURRENT_TERM, before.term != after.term);
        exact(RAFT_UPDATE_VOTED_FOR,
              before.term != after.term || before.voted_for != after.voted_for);
        EXPECT(after.term >= before.term);
        EXPECT(after.term > before.term || before.voted_for == 0 ||
               after.voted_for == before.voted_for);
    }
    exact(RAFT_UPDATE_STATE, before.state != after.state);
    exact(RAFT_UPDATE_COMMIT_INDEX, before.commit != after.commit);
    EXPECT(after.commit >= before.commit);
    exact(RAFT_UPDATE_TIMEOUT, before.timeout != after.timeout);
    exact(RAFT_UPDATE_LEADER, before.leader != after.leader);
    exact(RAFT_UPDATE_TRANSFER, before.transferee != after.transferee);
    exact(RAFT_UPDATE_CONFIGURATION, before.configuration != after.configuration);
}

} // namespace fuzz
