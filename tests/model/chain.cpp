/* SPDX-License-Identifier: MIT */
#include "chain.hpp"

#include <algorithm>

namespace model {

Chain Chains::append(Chain to, raft_term term, uint32_t type, uint32_t payload, uint32_t origin) {
    const Link link = {to, payload, links_[to].index + 1, term, type, origin};
    std::string key;
    for (uint64_t part :
         {uint64_t{to}, uint64_t{payload}, uint64_t{term}, uint64_t{type}, uint64_t{origin}}) {
        key.append(reinterpret_cast<const char *>(&part), sizeof part);
    }
    const auto [place, added] = known_.try_emplace(key, static_cast<Chain>(links_.size()));
    if (added) {
        links_.push_back(link);
    }
    return place->second;
}

Chain Chains::at(Chain c, raft_index index) const {
    if (links_[c].index < index) {
        return 0;
    }
    while (links_[c].index > index) {
        c = links_[c].previous;
    }
    return c;
}

uint32_t Chains::payload(std::string bytes) {
    const auto [place, added] =
        payload_ids_.try_emplace(std::move(bytes), static_cast<uint32_t>(payloads_.size()) + 1);
    if (added) {
        payloads_.push_back(&place->first);
    }
    return place->second;
}

raft_index mismatch(const Chains &chains, Chain a, Chain b) {
    const raft_index common = std::min(chains.last(a), chains.last(b));
    a = chains.at(a, common);
    b = chains.at(b, common);
    while (a != b) {
        if (chains.link(a).term == chains.link(b).term) {
            return chains.last(a);
        }
        a = chains.link(a).previous;
        b = chains.link(b).previous;
    }
    return 0;
}

} // namespace model
