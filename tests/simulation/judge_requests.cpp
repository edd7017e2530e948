/* SPDX-License-Identifier: MIT */
/* Promises about messages, snapshots, transfers and reads over several steps since the boot. */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {

/* A message respects the settings, and its version is one that its receiver understands. */
void Server::check_limits(const raft_message &m) const {
    auto require = [&](bool condition, const char *why) {
        if (!condition) {
            throw Violation("messages", format("%s to %s: %s: %s", name(), name_of(m.server_id),
                                               why, describe(m).c_str()));
        }
    };
    require(m.server_id > 0 && m.server_id <= sim_.plan.servers, "no such destination");
    const Server &peer = sim_.server(m.server_id);
    /* A feature that the peer has ceased to announce may be used until the next answer, as long as
     * its codec knows it. */
    bool changes = sim_.plan.callers.has(C_FEATURES) || sim_.plan.callers.has(C_SLEEP);
    auto understood = [&](unsigned feature) {
        unsigned codec_needed = feature == RAFT_FEATURE_SLEEP ? kSleeping : kOurs;
        return (changes ? peer.codec >= codec_needed : peer.announces(feature)) &&
               announces(feature);
    };
    if (m.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &a = m.append_entries;
        require(tuning_.message_entries == 0 || a.n_entries <= tuning_.message_entries,
                "more entries than allowed");
        require(a.n_entries <= tuning_.inflight, "more in flight than allowed");
        require(a.version == 0 || understood(RAFT_FEATURE_ROUNDS), "version not understood");
        require(a.version < 2 || understood(RAFT_FEATURE_SLEEP), "version 2 not understood");
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        require(m.install_snapshot.version == 0 || understood(RAFT_FEATURE_CHUNKS),
                "version not understood");
        check_resumption(m);
    }
}

void Server::keep_promises(const raft_event &e, const raft_update &u) {
    if (e.type == RAFT_START) {
        past_.heard = e.time; /* starting counts as hearing from a leader */
    }
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    for (const raft_message &m : messages_of(u)) {
        check_limits(m);
        if (m.type == RAFT_APPEND_ENTRIES_RESULT && came != nullptr) {
            check_answer_to_leader(*came, m.append_entries_result);
        } else if (m.type == RAFT_TIMEOUT_NOW) {
            past_.timeout_now_term = view.term;
        }
    }
    keep_sleep_promises(e, u);
    keep_election_promises(e, u);
    keep_leader_promises(e, u);
    check_transfer_ends(e);
    check_lease_read(e, u);
}

/* Every leader has the committed entries, so a server does not reject them, except while a chunk of
 * a snapshot is being written. */
void Server::check_answer_to_leader(const raft_message &request,
                                    const raft_append_entries_result &r) const {
    if (request.type == RAFT_APPEND_ENTRIES && r.rejected != 0 && r.rejected <= view.commit &&
        term_of(request) == view.term && !chunk_outstanding) {
        throw Violation("append", format("%s, which has committed %llu, refuses %s", name(),
                                         view.commit, describe(request).c_str()));
    }
}

/* A chunk begins at 0 or within what the receiver was sent of this snapshot. */
void Server::check_resumption(const raft_message &m) const {
    const raft_install_snapshot &is = m.install_snapshot;
    const auto &given = sim_.server(m.server_id).given;
    auto known = given.find(is.last_index);
    unsigned long long bytes = known != given.end() ? known->second : 0;
    if (is.version >= 1 && is.offset > bytes) {
        throw Violation("install",
                        format("%s sends %s snapshot %llu from %llu, of which it was "
                               "sent %llu",
                               name(), name_of(m.server_id), is.last_index, is.offset, bytes));
    }
}

/* A transfer is aborted after an election timeout. */
void Server::check_transfer_ends(const raft_event &e) {
    bool same = before.leads() && view.leads() && view.transferee == before.transferee;
    if (view.transferee == 0 || !same) {
        past_.transfer_since = latest;
        return;
    }
    bool due = e.type == RAFT_TIMEOUT && e.time >= before.timeout;
    if (due && latest - past_.transfer_since >= plan_.election_timeout) {
        throw Violation("transfer",
                        format("%s still transfers leadership to %s after %llu ms", name(),
                               name_of(view.transferee), latest - past_.transfer_since));
    }
}

/* A lease read that is answered in the step that asks for it needs a lease. */
void Server::check_lease_read(const raft_event &e, const raft_update &u) const {
    for (const raft_read &read : reads_of(u)) {
        /* others may have been confirmed by a round */
        if (e.type == RAFT_READ && e.read.lease && read.id == e.read.id && read.status == 0) {
            check_lease();
        }
    }
}

} // namespace sim
