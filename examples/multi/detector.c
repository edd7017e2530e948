/* SPDX-License-Identifier: MIT */
#include "detector.h"

void detector_start(struct detector *d, raft_time now) {
    for (raft_id i = 0; i <= MAX_HOSTS; i++) {
        d->heard[i] = now;
        d->gone[i] = false;
    }
}

void detector_heard(struct detector *d, raft_id host, raft_time now) { d->heard[host] = now; }

enum verdict detector_judge(struct detector *d, raft_id host, raft_time now) {
    bool gone = now - d->heard[host] > MISSED * BEAT;
    if (gone == d->gone[host]) {
        return UNCHANGED;
    }
    d->gone[host] = gone;
    return gone ? GONE : BACK;
}
