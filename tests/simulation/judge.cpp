/* SPDX-License-Identifier: MIT */
#include "judge.hpp"

#include "server.hpp"

#include <algorithm>

namespace sim {

void Judge::appended(const Server &s, raft_index index, const Entry &e, raft_term prev_term,
                     bool made) {
    if (e.term > s.face.term || (made && e.term != s.face.term)) {
        throw Violation("log terms", format("%s holds entry %llu of term %llu in term %llu",
                                            s.name(), index, e.term, s.face.term));
    }
    auto [it, fresh] = born_.try_emplace(key(e.term, index), Born{e.payload, prev_term, s.id});
    const Born &b = it->second;
    if (fresh) {
        if (!made) {
            throw Violation("log matching", format("%s holds entry %llu/%llu that nobody made",
                                                   s.name(), index, e.term));
        }
        return;
    }
    if (b.payload != e.payload &&
        (b.payload->type != e.payload->type || b.payload->bytes != e.payload->bytes)) {
        throw Violation("log matching", format("entry %llu/%llu of %s differs from that of %s",
                                               index, e.term, s.name(), name_of(b.maker)));
    }
    if (b.prev_term != prev_term) {
        throw Violation("log matching",
                        format("before entry %llu/%llu %s holds term %llu, %s held %llu", index,
                               e.term, s.name(), prev_term, name_of(b.maker), b.prev_term));
    }
    if (made && index != 1) {
        throw Violation("leader append-only",
                        format("%s made entry %llu/%llu again", s.name(), index, e.term));
    }
}

void Judge::commit_new(const Server &s, raft_index from, raft_index to, bool led,
                       const Conf &before) {
    raft_term term = s.term_at(to);
    if (to > 1) {
        if (!led) {
            throw Violation("commit by a quorum",
                            format("%s does not lead but is first to commit %llu", s.name(), to));
        }
        if (term != s.face.term) {
            throw Violation("commit of own term",
                            format("leader %s of term %llu commits %llu of term %llu", s.name(),
                                   s.face.term, to, term));
        }
        auto holds = [&](raft_id id) { return servers_[id - 1]->disk.holds(to, term); };
        if (!quorum(before, holds) && !quorum(s.face.conf, holds)) {
            throw Violation("commit by a quorum",
                            format("%s commits %llu/%llu without a quorum of durable logs of %s",
                                   s.name(), to, term, describe(s.face.conf).c_str()));
        }
    }
    for (raft_index i = std::max(from, top()) + 1; i <= to; i++) {
        const Entry &e = s.log.at(i);
        committed_.push_back({e.term, s.face.term, 0, e.payload});
        stats_.add(S_COMMIT);
        if (e.payload->type == RAFT_CHANGE) {
            Conf conf = decode(e.payload->bytes.data(), e.payload->bytes.size());
            stats_.add(S_CHANGE_DONE);
            configurations_[i] = std::move(conf);
        }
    }
    for (const Server *other : servers_) {
        if (other->up && other->face.leads() && other->face.term > s.face.term) {
            check_completeness(*other);
        }
    }
}

void Judge::committed(const Server &s, raft_index from, raft_index to, bool led,
                      const Conf &before) {
    if (to > top()) {
        commit_new(s, from, to, led, before);
    }
    /* What a snapshot covers cannot be looked at any more: then only its end. */
    raft_index i = s.log.has(from + 1) ? from + 1 : std::max(s.log.first, from + 1);
    if (s.snap != nullptr && s.snap->index <= to && s.snap->index > from) {
        i = std::min(i, s.snap->index);
    }
    for (; i <= to; i++) {
        raft_term term = s.term_at(i);
        if (term != 0 && term != committed_[i - 1].term) {
            throw Violation("state machine safety",
                            format("%s commits %llu/%llu, but %llu/%llu was committed", s.name(), i,
                                   term, i, committed_[i - 1].term));
        }
    }
}

void Judge::applied(const Server &s, raft_index index, uint64_t digest) {
    if (index == 0 || index > top()) {
        throw Violation("state machine safety",
                        format("%s applied %llu, which is not committed", s.name(), index));
    }
    Committed &c = committed_[index - 1];
    if (c.digest == 0) {
        c.digest = digest;
    } else if (c.digest != digest) {
        throw Violation("state machine safety",
                        format("state of %s at %llu differs from another's", s.name(), index));
    }
}

void Judge::check_completeness(const Server &leader) const {
    size_t n = committed_.size();
    while (n > 0 && committed_[n - 1].by >= leader.face.term) {
        n--;
    }
    if (n > 0 && leader.term_at(n) != committed_[n - 1].term && leader.face.snapshot < n) {
        throw Violation(
            "leader completeness",
            format("leader %s of term %llu lacks %zu/%llu, committed in term %llu", leader.name(),
                   leader.face.term, n, committed_[n - 1].term, committed_[n - 1].by));
    }
}

void Judge::elected(const Server &s) {
    auto [it, fresh] = leaders_.try_emplace(s.face.term, s.id);
    if (!fresh) {
        throw Violation("election safety", format("%s and %s both lead term %llu", s.name(),
                                                  name_of(it->second), s.face.term));
    }
    voted(s.id, s.face.term, s.id);
    auto granted = [&](raft_id id) {
        auto v = votes_.find(key(s.face.term, id));
        return v != votes_.end() && v->second == s.id;
    };
    if (!quorum(s.face.conf, granted)) {
        throw Violation("election by a quorum",
                        format("%s leads term %llu without a quorum of votes of %s", s.name(),
                               s.face.term, describe(s.face.conf).c_str()));
    }
    check_completeness(s);
}

void Judge::voted(raft_id voter, raft_term term, raft_id candidate) {
    auto [it, fresh] = votes_.try_emplace(key(term, voter), candidate);
    if (!fresh && it->second != candidate) {
        throw Violation("one vote per term",
                        format("%s votes for %s in term %llu, and voted for %s", name_of(voter),
                               name_of(candidate), term, name_of(it->second)));
    }
}

void Judge::acknowledged(raft_id server, raft_term term, raft_index index) {
    raft_index &most = acked_[key(term, server)];
    most = std::max(most, index);
}

void Judge::spoke(raft_id server, raft_term term) {
    if (term < spoken_[server]) {
        throw Violation("monotonic", format("%s speaks in term %llu after %llu", name_of(server),
                                            term, spoken_[server]));
    }
    spoken_[server] = term;
}

void Judge::matched(const Server &leader, raft_id peer, raft_index match) const {
    auto it = acked_.find(key(leader.face.term, peer));
    raft_index most = peer == leader.id ? leader.face.stored : it != acked_.end() ? it->second : 0;
    if (match > most) {
        throw Violation("match index",
                        format("leader %s of term %llu has %s match up to %llu, which "
                               "acknowledged %llu in this term",
                               leader.name(), leader.face.term, name_of(peer), match, most));
    }
}

void Judge::forget_unseen(raft_id server, raft_term durable_term) {
    for (auto it = leaders_.upper_bound(durable_term); it != leaders_.end();) {
        it = it->second == server ? leaders_.erase(it) : std::next(it);
    }
    std::erase_if(born_, [&](const auto &b) {
        return b.second.maker == server && b.first >> 32 > durable_term;
    });
    std::erase_if(votes_, [&](const auto &v) {
        return (v.first & UINT32_MAX) == server && v.first >> 32 > durable_term;
    });
}

void Judge::recovered(const Server &s, raft_index last) {
    const Disk &disk = s.disk;
    raft_index kept = std::min<raft_index>(top(), last);
    while (kept > 0 && !disk.holds(kept, committed_term(kept))) {
        kept--;
    }
    stats_.add(S_RECOVER_LOST, top() - kept);
    committed_.resize(kept);
    configurations_.erase(configurations_.upper_bound(kept), configurations_.end());
    recovered_at_ = last;
    leaders_.erase(leaders_.upper_bound(disk.term), leaders_.end());
    std::erase_if(born_, [&](const auto &b) { return b.first >> 32 > disk.term; });
    std::erase_if(acked_, [&](const auto &a) { return a.first >> 32 > disk.term; });
    /* Whoever keeps its disk keeps its votes, too. */
    for (const Server *other : servers_) {
        if (other->gone) {
            forget(other->id);
        } else if (other->disk.snapshot != nullptr && other->disk.snapshot->index > kept) {
            throw Violation("recovery",
                            format("%s is recovered without entry %llu, which %s has "
                                   "applied",
                                   s.name(), other->disk.snapshot->index, other->name()));
        }
    }
}

void Judge::forget(raft_id server) {
    std::erase_if(votes_, [&](const auto &v) { return (v.first & UINT32_MAX) == server; });
    spoken_[server] = 0;
    /* What others still know of it stays: nothing of that is unseen. */
    for (auto &[term, leader] : leaders_) {
        leader = leader == server ? 0 : leader;
    }
    for (auto &[place, born] : born_) {
        born.maker = born.maker == server ? 0 : born.maker;
    }
}

const Conf *Judge::committed_conf(raft_index index) const {
    auto it = configurations_.upper_bound(index);
    return it == configurations_.begin() ? nullptr : &std::prev(it)->second;
}

raft_id Judge::leader_of(raft_term term) const {
    auto it = leaders_.find(term);
    return it == leaders_.end() ? 0 : it->second;
}

} // namespace sim
