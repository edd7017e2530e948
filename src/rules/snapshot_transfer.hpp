/* SPDX-License-Identifier: MIT */
/* The leader's side of a snapshot that is sent in chunks, or as a whole to a peer that does not
 * take chunks (§5.1).
 *
 * A chunk is sent once the one before it is acknowledged. It is sent again only if it was not
 * acknowledged for the snapshot timeout, or after the caller reported the peer unreachable; other
 * answers of the peer say nothing about it, because they may take a faster connection. A transfer
 * that makes progress goes on when the leader takes a newer snapshot: the caller keeps the old one,
 * and the log is kept from there on. */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::snapshot_transfer {

/* Send the next chunk. False: it cannot be sent yet, because the peer's features are not known: it
 * was not heard in this term, is silent, or was reported unreachable, and may come back as an older
 * version. Needs one message. */
[[nodiscard]] bool send_chunk(Change &change, Peer &p);

/* A peer in snapshot mode answered: send the next chunk, or one that was lost. Needs one
 * message. */
void on_answer(Change &change, Peer &p, const raft_append_entries_result &r);

/* A chunk that was not acknowledged in time is sent again, from the newest snapshot, when the peer
 * answers next: the answer tells how much it has. */
void give_up_if_late(const Server &s, Peer &p);

/* The leader took a newer snapshot: peers whose transfer has not begun, or makes no progress, get
 * that one. */
void use_newest(Server &s);

/* The snapshots that are sent end at this index or a higher one. 0: there is no snapshot. */
raft_index oldest(const Server &s);

} // namespace libraft::snapshot_transfer
