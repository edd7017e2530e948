/* SPDX-License-Identifier: MIT */
/* A message on its way: a deep copy of what was sent, and the codecs of servers of
 * different age. */
#pragma once

#include "random.hpp"
#include "types.hpp"

namespace sim {

struct Wire {
    raft_id from;
    raft_id to;
    unsigned port; /* the address that its sender had */
    uint64_t number;
    raft_message message; /* its pointers are meaningless: see below */
    std::vector<Entry> entries;
    Conf conf;
    std::string data;
    Time sent;
};

/* What a codec of that vintage leaves of a message. Fields that it does not carry
 * are filled with garbage, as memory that nobody wrote would be. Returns whether it
 * changed the version. */
bool strip(raft_message &m, unsigned vintage, Random &random);

/* A request for a pre-vote or its answer: their terms are nobody's. */
bool is_pre_vote(const raft_message &m);
raft_term term_of(const raft_message &m);

const char *name_of(raft_message_type type);
std::string describe(const raft_message &m);

} // namespace sim
