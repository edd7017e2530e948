/* SPDX-License-Identifier: MIT */
/* What each step of one server promises, whatever the others do. Each function throws a Violation
 * if its promise is broken. Sections are those of the dissertation (Ongaro, 2014), or of the
 * contract where it says so. */
#pragma once

#include "driver.hpp"

namespace driver {

/* Of an update that observe::fill() has filled before the step: only the flags and the members that
 * they announce are written (contract, section 5). */
void check_untouched(const raft_update &u);
/* A flag is set if and only if what it names changed (contract, section 5). */
void check_flags(const View &before, const View &after, const raft_event &e, const raft_update &u);
/* A deadline that has passed stays until RAFT_TIMEOUT or what it waits for; after RAFT_TIMEOUT it
 * lies in the future; a RAFT_TIMEOUT that comes too early changes nothing. `now` is the highest
 * time so far: time that runs backwards stands still (contract, section 4). */
void check_timeout(const View &before, const View &after, const raft_event &e, const raft_update &u,
                   raft_time now);
/* May this leader fall asleep on the answer that it receives? */
bool may_fall_asleep(const View &before, const View &after, const raft_event &e);
/* Does an update contain a message for each member that this leader replicates to? */
bool tells_all_members(const View &v, const raft_update &u);
/* Who may fall asleep; what wakes a server that sleeps, what does not, and what it sends (raft.h,
 * raft_set_idle_timeout()). It votes for nobody who has no permission (§4.2.3, §6.4.1). */
void check_sleep(const View &before, const View &after, const raft_event &e, const raft_update &u);
/* The same by what the driver knows to be pending. */
void check_sleep(const Driver &s, const raft_event &e);
/* The term and the commit index never fall (§3.3, figure 3.1). */
void check_monotonic(const View &before, const View &after);
/* At most one vote in a term (§3.4). */
void check_vote(const View &before, const View &after);
/* Only a start, a snapshot and an installation change where the log begins (§5.1). */
void check_first_index(const View &before, const View &after, const raft_event &e,
                       const raft_update &u);
/* Nothing counts as stored that is not durable (§10.2.1). */
void check_stored(const Driver &s);
/* A failed step has no flags, says why, and changes no accessor's answer (contract, promise 4). */
void check_failed(const View &before, raft *r, const raft_event &e, const raft_update &u, int rc);

/* A message says what is so, and asks for nothing that the caller cannot have: by the accessors
 * alone (figures 3.1 and 5.3, §3.10). `before`: the leader of a step that ends its leadership may
 * still send. */
void check_message(const raft *r, const View &before, const View &after, const raft_message &m);
/* The same by the driver's log, disk and snapshots, and that the address is right (§4.1). */
void check_message(const Driver &s, const raft_message &m);
/* raft_leader() tells the latest known address of the leader (contract, section 2). */
void check_leader_address(const Driver &s);

/* At most one change is uncommitted, and none comes before an entry of the leader's own term is
 * committed (§4.1 and the correction of it); a joint configuration is committed before it is left
 * (§4.3). Entry `index` is the change. */
void check_change(const Driver &s, raft_index index);
/* The latest configuration of the log is in force (§4.1). */
void check_configuration(const Driver &s);

} // namespace driver
