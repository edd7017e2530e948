/* SPDX-License-Identifier: MIT */
/* Logs as chains: one number represents an entry and all entries before it. So two logs agree up to
 * an index if and only if their numbers at that index are equal. */
#pragma once

#include <raft.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace model {

using Chain = uint32_t; /* 0: the empty log */

struct Link {
    Chain previous;
    uint32_t payload; /* of a configuration, else 0 */
    raft_index index;
    raft_term term;
    uint32_t type;
    uint32_t origin; /* the server whose leadership created the entry */
    bool operator==(const Link &) const = default;
};

class Chains {
public:
    Chains() : links_(1) {}

    Chain append(Chain to, raft_term term, uint32_t type, uint32_t payload, uint32_t origin);
    const Link &link(Chain c) const { return links_[c]; }
    raft_index last(Chain c) const { return links_[c].index; }
    /* The chain up to an index; 0 also if it is shorter. */
    Chain at(Chain c, raft_index index) const;
    bool is_prefix(Chain shorter, Chain longer) const {
        return at(longer, last(shorter)) == shorter;
    }

    uint32_t payload(std::string bytes);
    const std::string &bytes(uint32_t payload) const { return *payloads_[payload - 1]; }

private:
    std::vector<Link> links_;
    std::unordered_map<std::string, Chain> known_;
    std::unordered_map<std::string, uint32_t> payload_ids_;
    std::vector<const std::string *> payloads_;
};

/* The first violation of log matching (§3.5) by two logs: an index where their terms are equal,
 * but the entries up to there are not. 0: none. */
raft_index mismatch(const Chains &chains, Chain a, Chain b);

} // namespace model
