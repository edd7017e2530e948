/* SPDX-License-Identifier: MIT */
/* Leadership transfer (§3.10): once the target has everything, it may start its election. */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::transfer {

/* The transfer's target is this peer, perhaps: send it TimeoutNow if it has the whole log. Needs
 * one message. */
void proceed(Change &change, const Peer &p);
/* The leader goes on. If TimeoutNow was sent, the target may win all the same, so that there is no
 * lease for the rest of the term. */
void give_up(Change &change);
/* The same if the target did not win within an election timeout. */
void give_up_if_late(Change &change);

} // namespace libraft::transfer
