/* SPDX-License-Identifier: MIT */
/* Servers of a group that rests sleep: they have no deadline and send nothing. See
 * raft_set_idle_timeout().
 *
 *            nothing was asked for the idle timeout, everything
 *            is committed, and all members have everything
 *   +-------+ -----------------------------------------> +----------------+
 *   | awake |                                            | falling asleep |
 *   +-------+ <----------------------------------------- +----------------+
 *       ^        something was asked, or it may not sleep        |
 *       |                                                        | all sleepers have echoed a
 *       |   an event or message that wakes     +--------+        | round that sends them to sleep
 *       +------------------------------------- | asleep | <------+
 *                                              +--------+
 *
 * That is a leader. A follower is awake or asleep: it falls asleep when the leader says so. */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::sleeping {

/* Was nothing asked of this leader for the idle timeout? */
inline bool is_idle(const Server &s, raft_time now) {
    const uint32_t timeout = s.settings->idle_timeout;
    return timeout != 0 && s.tracker->asked_at + timeout <= now;
}

/* A heartbeat begins, in a round of its own. Decide whether it sends the group to sleep. (A group
 * that rests does not begin so many rounds in a millisecond that this one would have none.) */
void decide(Server &s);
/* A heartbeat of a leader, which tells a sleeper to sleep if that was decided. */
void send_heartbeat(Change &change, Peer &p);
/* A sleeping leader asks the members in doubt whether they are back. */
[[nodiscard]] int ask_members_in_doubt(Step &step);

/* Does an AppendEntries tell this follower to sleep, when it has nothing to do? */
bool is_told_to_sleep(const Server &s, const raft_append_entries &ae);
/* A message of the leader was carried out. If it told this follower to sleep, and the follower has
 * everything, it sleeps. */
void obey(Server &s, const raft_append_entries &ae);

/* Does an event wake this server, which sleeps, if it is accepted? */
bool wakes(const Server &s, const raft_event &event);
/* How many messages waking up may need. */
uint64_t messages_for_waking(const Server &s);
/* Wake up. What follows sees a server that is awake. */
void wake(Change &change);

/* What a server knew before a step. */
struct Before {
    raft_term term;
    raft_id leader;
    uint64_t leader_round;
    bool series_ends; /* an answer shows that a member may be awake that was told to sleep */
};
Before before(const Server &s, const raft_event &event);
/* An event was carried out. A server that it woke tells the others; a leader notes what was asked,
 * and falls asleep if everything is ready. */
void finish(Change &change, const raft_event &event, const Before &before, bool woken);

} // namespace libraft::sleeping
