/* SPDX-License-Identifier: MIT */
#include "judge.hpp"

#include <algorithm>

namespace driver {
namespace {

/* A first commit beyond this leaves what is before it unknown. */
constexpr raft_index kFar = 1 << 20;

} // namespace

void Judge::remove(const Driver *server) { std::erase(servers_, server); }

const Driver *Judge::find(raft_id id) const {
    for (const Driver *s : servers_) {
        if (s->id == id) {
            return s;
        }
    }
    return nullptr;
}

void Judge::appended(const Driver &s, raft_index index, const Entry &e, raft_term prev_term,
                     bool made) {
    if (e.term > s.view.term || (made && e.term != s.view.term)) {
        throw Violation("log terms", format("%s holds entry %llu of term %llu in term %llu",
                                            s.name(), index, e.term, s.view.term));
    }
    if (!checks_logs) {
        return;
    }
    auto [it, fresh] = born_.try_emplace({e.term, index}, Born{e.payload, prev_term, s.id});
    Born &b = it->second;
    if (fresh) {
        if (!made && complete_) {
            throw Violation("log matching", format("%s holds entry %llu/%llu that no server made",
                                                   s.name(), index, e.term));
        }
        return;
    }
    if (!Entry(e.term, b.payload).same_payload(e)) {
        throw Violation("log matching", format("entry %llu/%llu of %s differs from that of server "
                                               "%llu",
                                               index, e.term, s.name(), b.maker));
    }
    if (b.prev_term != prev_term && (complete_ || (b.prev_term != 0 && prev_term != 0))) {
        throw Violation("log matching",
                        format("before entry %llu/%llu %s holds term %llu, server %llu held %llu",
                               index, e.term, s.name(), prev_term, b.maker, b.prev_term));
    }
    if (made && index != 1) {
        throw Violation("leader append-only",
                        format("%s made entry %llu/%llu again", s.name(), index, e.term));
    }
}

void Judge::loaded(const Driver &s) {
    for (size_t i = 0; !complete_ && i < s.log.entries.size(); i++) {
        const raft_index index = s.log.first + i;
        appended(s, index, s.log.entries[i], s.term_at(index - 1), false);
    }
}

void Judge::commit_new(const Driver &s) {
    const raft_index from = s.before.commit, to = s.view.commit;
    const raft_term term = s.term_at(to);
    /* What a server starts with, it has not committed now. */
    const bool led = (s.view.leads() || (s.before.leads() && s.before.term == s.view.term)) &&
                     (complete_ || s.event_type != RAFT_START);
    if (to > 1 && (led || complete_)) {
        if (!led) {
            throw Violation("commit by a quorum",
                            format("%s does not lead but is first to commit %llu", s.name(), to));
        }
        if (term != s.view.term) {
            throw Violation("commit of own term",
                            format("leader %s of term %llu commits %llu of term %llu", s.name(),
                                   s.view.term, to, term));
        }
        auto holds = [&](raft_id id) {
            const Driver *server = find(id);
            return server == nullptr ? !complete_
                                     : !server->checks_storage || server->disk.holds(to, term);
        };
        if (!quorum(s.before.conf, holds) && !quorum(s.view.conf, holds)) {
            throw Violation("commit by a quorum",
                            format("%s commits %llu/%llu without a quorum of durable logs of [%s]",
                                   s.name(), to, term, s.view.conf.str().c_str()));
        }
    }
    base_ = committed_.empty() && to > kFar ? to - 1 : base_;
    for (raft_index i = top() + 1; i <= to; i++) {
        if (i <= from || !s.log.has(i)) { /* a start or a snapshot brought it */
            committed_.push_back({s.term_at(i), s.view.term, 0, nullptr});
            continue;
        }
        const Entry &e = s.log.at(i);
        committed_.push_back({e.term, s.view.term, 0, e.payload});
        entries_committed++;
        if (e.type() == RAFT_CHANGE) {
            changes_committed++;
            configurations_[i] = decode(e.bytes());
        }
    }
    for (const Driver *other : servers_) {
        if (other->up && other->view.leads() && other->view.term > s.view.term) {
            check_completeness(*other);
        }
    }
}

void Judge::committed(const Driver &s) {
    const raft_index from = s.before.commit, to = s.view.commit;
    if (to > top()) {
        commit_new(s);
    }
    /* What a snapshot covers cannot be looked at any more: then only its end. */
    raft_index i = s.log.has(from + 1) ? from + 1 : std::max(s.log.first, from + 1);
    if (s.snapshot != nullptr && s.snapshot->index <= to && s.snapshot->index > from) {
        i = std::min(i, s.snapshot->index);
    }
    for (i = std::max(i, base_ + 1); i <= to; i++) {
        const raft_term term = s.term_at(i);
        const Committed &c = at(i);
        if (term != 0 && c.term != 0 && term != c.term) {
            throw Violation("state machine safety",
                            format("%s commits %llu/%llu, but %llu/%llu was committed", s.name(), i,
                                   term, i, c.term));
        }
        if (c.payload != nullptr && s.log.has(i) &&
            !Entry(c.term, c.payload).same_payload(s.log.at(i))) {
            throw Violation("state machine safety",
                            format("%s commits another payload at %llu", s.name(), i));
        }
    }
}

void Judge::applied(const Driver &s, raft_index index, uint64_t state) {
    if (index <= base_ || index > top()) {
        throw Violation("state machine safety",
                        format("%s applied %llu, which is not committed", s.name(), index));
    }
    Committed &c = committed_[static_cast<size_t>(index - base_ - 1)];
    if (c.digest == 0) {
        c.digest = state;
    } else if (c.digest != state) {
        throw Violation("state machine safety",
                        format("state of %s at %llu differs from another's", s.name(), index));
    }
}

void Judge::check_completeness(const Driver &leader) const {
    raft_index n = top();
    while (n > base_ && (at(n).by >= leader.view.term || at(n).term == 0)) {
        n--;
    }
    if (n > base_ && leader.term_at(n) != at(n).term && leader.view.snapshot < n) {
        throw Violation("leader completeness",
                        format("leader %s of term %llu lacks %llu/%llu, committed in term %llu",
                               leader.name(), leader.view.term, n, at(n).term, at(n).by));
    }
}

void Judge::elected(const Driver &s) {
    auto [it, fresh] = leaders_.try_emplace(s.view.term, s.id);
    if (!fresh) {
        throw Violation("election safety", format("%s and server %llu both lead term %llu",
                                                  s.name(), it->second, s.view.term));
    }
    voted(s.id, s.view.term, s.id);
    auto granted = [&](raft_id id) {
        auto v = votes_.find({s.view.term, id});
        return v != votes_.end() ? v->second == s.id : find(id) == nullptr && !complete_;
    };
    if (!quorum(s.view.conf, granted)) {
        throw Violation("election by a quorum",
                        format("%s leads term %llu without a quorum of votes of [%s]", s.name(),
                               s.view.term, s.view.conf.str().c_str()));
    }
    check_completeness(s);
}

void Judge::voted(raft_id voter, raft_term term, raft_id candidate) {
    auto [it, fresh] = votes_.try_emplace({term, voter}, candidate);
    if (!fresh && it->second != candidate) {
        throw Violation("one vote per term",
                        format("server %llu votes for %llu in term %llu, and voted for %llu", voter,
                               candidate, term, it->second));
    }
}

void Judge::spoke(raft_id server, raft_term term) {
    raft_term &latest = spoken_[server];
    if (term < latest) {
        throw Violation("monotonic",
                        format("server %llu speaks in term %llu after %llu", server, term, latest));
    }
    latest = term;
}

void Judge::left(const Message &message) {
    const raft_message &m = message.m;
    if (!is_pre_vote(m)) {
        spoke(message.from, term_of(m));
    }
    if (m.type == RAFT_REQUEST_VOTE_RESULT) {
        const raft_request_vote_result &r = m.request_vote_result;
        if (r.vote_granted && !r.pre_vote) {
            voted(message.from, r.term, message.to);
        }
    } else if (m.type == RAFT_APPEND_ENTRIES_RESULT && m.append_entries_result.rejected == 0) {
        const raft_append_entries_result &r = m.append_entries_result;
        raft_index &most = acked_[{r.term, message.from}];
        most = std::max(most, r.last_log_index);
    }
}

void Judge::acknowledging(const Driver &s, const raft_append_entries_result &r) const {
    const Driver *leader = find(leader_of(r.term));
    if (r.rejected != 0 || leader == nullptr || leader == &s || !leader->up ||
        !leader->view.leads() || leader->view.term != r.term) {
        return;
    }
    const raft_term mine = s.term_at(r.last_log_index), its = leader->term_at(r.last_log_index);
    if (mine != 0 && its != 0 && mine != its) {
        throw Violation("messages", format("%s acknowledges %llu/%llu to its leader, which holds "
                                           "term %llu there",
                                           s.name(), r.last_log_index, mine, its));
    }
}

void Judge::matched(const Driver &leader, raft_id peer, raft_index match) const {
    const raft_index acked = acknowledged(peer, leader.view.term);
    const raft_index most = peer == leader.id                       ? leader.view.stored
                            : acked != 0 || find(peer) || complete_ ? acked
                                                                    : match;
    if (match > most) {
        throw Violation("match index",
                        format("leader %s of term %llu has server %llu match up to %llu, which "
                               "acknowledged %llu in this term",
                               leader.name(), leader.view.term, peer, match, most));
    }
}

void Judge::forget_unseen(raft_id server, raft_term durable_term) {
    for (auto it = leaders_.upper_bound(durable_term); it != leaders_.end();) {
        it = it->second == server ? leaders_.erase(it) : std::next(it);
    }
    std::erase_if(born_, [&](const auto &b) {
        return b.second.maker == server && b.first.first > durable_term;
    });
    std::erase_if(votes_, [&](const auto &v) {
        return v.first.second == server && v.first.first > durable_term;
    });
}

void Judge::forget(raft_id server) {
    std::erase_if(votes_, [&](const auto &v) { return v.first.second == server; });
    spoken_[server] = 0;
    /* What others still know of it stays: nothing of that is unseen. */
    for (auto &[term, leader] : leaders_) {
        leader = leader == server ? 0 : leader;
    }
    for (auto &[place, born] : born_) {
        born.maker = born.maker == server ? 0 : born.maker;
    }
}

void Judge::lost_data(raft_id server) {
    forget(server);
    for (auto it = acked_.begin(); it != acked_.end();) {
        if (it->first.second == server) {
            raft_index &most = acked_before_loss_[it->first];
            most = std::max(most, it->second);
            it = acked_.erase(it);
        } else {
            ++it;
        }
    }
}

void Judge::noticed_loss(const Driver &leader, raft_id server) {
    acked_before_loss_.erase({leader.view.term, server});
}

raft_index Judge::acknowledged(raft_id server, raft_term term) const {
    auto it = acked_.find({term, server});
    auto before = acked_before_loss_.find({term, server});
    return std::max(it != acked_.end() ? it->second : 0,
                    before != acked_before_loss_.end() ? before->second : 0);
}

raft_index Judge::recovered(const Driver &s, raft_index last,
                            const std::function<bool(raft_id)> &lost) {
    raft_index kept = std::min<raft_index>(top(), last);
    while (kept > base_ && !s.disk.holds(kept, committed_term(kept))) {
        kept--;
    }
    const raft_index forgotten = top() - kept;
    committed_.resize(static_cast<size_t>(kept - base_));
    configurations_.erase(configurations_.upper_bound(kept), configurations_.end());
    const raft_term term = s.disk.term;
    leaders_.erase(leaders_.upper_bound(term), leaders_.end());
    std::erase_if(born_, [&](const auto &b) { return b.first.first > term; });
    std::erase_if(acked_, [&](const auto &a) { return a.first.first > term; });
    /* A server that keeps its disk keeps its votes, too. */
    for (const Driver *other : servers_) {
        if (lost(other->id)) {
            forget(other->id);
        } else if (other->disk.snapshot != nullptr && other->disk.snapshot->index > kept) {
            throw Violation("recovery",
                            format("%s is recovered without entry %llu, which %s has "
                                   "applied",
                                   s.name(), other->disk.snapshot->index, other->name()));
        }
    }
    return forgotten;
}

const Configuration *Judge::committed_conf(raft_index index) const {
    auto it = configurations_.upper_bound(index);
    return it == configurations_.begin() ? nullptr : &std::prev(it)->second;
}

raft_id Judge::leader_of(raft_term term) const {
    auto it = leaders_.find(term);
    return it == leaders_.end() ? 0 : it->second;
}

} // namespace driver
