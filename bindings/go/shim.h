/* SPDX-License-Identifier: MIT */
/* What the package needs in C. A handle is in memory of C, and so is all that it points to. */
#ifndef RAFTCORE_SHIM_H
#define RAFTCORE_SHIM_H

#include <raft.h>
#include <stdint.h>
#include <stdlib.h>

struct shim_record {
    int type;
    struct raft_tracer_info info;
};

struct shim_handle {
    struct raft raft;
    struct raft_event event;
    struct raft_update update;
    struct raft_tracer tracer;
    struct shim_record *records; /* what the tracer got in this step */
    size_t n_records, capacity;
};

int shim_step(struct shim_handle *h);
int shim_trace(struct shim_handle *h, int enabled);
void shim_free(struct shim_handle *h);

#endif
