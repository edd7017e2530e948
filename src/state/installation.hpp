/* SPDX-License-Identifier: MIT */
/* A snapshot that is being received in chunks (§5.1). */
#pragma once

#include "base/owner.hpp"
#include "state/configuration.hpp"

#include <raft.h>

#include <cstdint>

namespace libraft {

/* The log stands until the last chunk is durable. */
struct Installation {
    raft_index index = 0;
    raft_term term = 0;
    raft_term leader_term = 0; /* another leader's snapshot may have other bytes: start over */
    Owner<Configuration> configuration;
    uint64_t offset = 0;      /* everything before it is durable */
    uint64_t writing = 0;     /* length of the chunk that is being written */
    uint64_t round = 0;       /* the leader's latest round when the last chunk came */
    bool outstanding = false; /* a chunk is being written */
    bool last = false;        /* and it is the last one */
    bool superseded = false;  /* give the installation up when that chunk is acknowledged... */
    raft_index wanted = 0;    /* ...and then ask for this snapshot */
};

void release(Installation *i);

} // namespace libraft
