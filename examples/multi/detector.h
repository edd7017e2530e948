/* SPDX-License-Identifier: MIT */
/* One failure detector for each other host, in place of one for each group. Every packet from a
 * host shows that it is alive. A host that has nothing to send sends an empty packet once a
 * second. */
#ifndef MULTI_DETECTOR_H
#define MULTI_DETECTOR_H

#include "peers.h"

enum { BEAT = 1000, MISSED = 3 }; /* ms between packets; how many may be missing */

enum verdict { UNCHANGED, GONE, BACK };

struct detector {
    raft_time heard[MAX_HOSTS + 1]; /* when the last packet came from a host */
    bool gone[MAX_HOSTS + 1];
};

/* At the start, every host counts as heard. */
void detector_start(struct detector *d, raft_time now);
void detector_heard(struct detector *d, raft_id host, raft_time now);

/* What has changed about a host since the last call. */
enum verdict detector_judge(struct detector *d, raft_id host, raft_time now);

#endif
