/* SPDX-License-Identifier: MIT */
/* Catching a non-voter up in rounds before it is promoted (§4.2.1). */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::catch_up {

/* The match index of a peer rose: is its round over? */
void advanced(Change &change, Peer &p);
/* Give up the catch-up that is running. */
void give_up(Change &change);
/* The same if it takes too long. */
void check(Change &change);

} // namespace libraft::catch_up
