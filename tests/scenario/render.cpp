/* SPDX-License-Identifier: MIT */
#include "render.hpp"

#include <cstdio>

#include "drawing.hpp"

namespace story {

namespace {

class Line {
public:
    Line &operator()(const char *name, unsigned long long v) {
        out += std::string(" ") + name + "=" + std::to_string(v);
        return *this;
    }
    Line &at(const char *name, raft_index index, raft_term term) {
        out += std::string(" ") + name + "=" + std::to_string(index) + "/" + std::to_string(term);
        return *this;
    }
    Line &text(const char *name, const std::string &v) {
        out += std::string(" ") + name + "=" + v;
        return *this;
    }
    Line &flag(const char *name, bool v) {
        if (v) {
            out += std::string(" ") + name;
        }
        return *this;
    }
    std::string out;
};

std::string render_address(const char *a) { return a == nullptr ? "null" : a; }

std::string hex(const void *base, size_t len) {
    std::string out;
    for (size_t i = 0; i < len; ++i) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", static_cast<const unsigned char *>(base)[i]);
        out += two;
    }
    return out;
}

void digest_peer(struct raft *r, raft_id id, Line &out) {
    raft_index match = 0;
    struct raft_progress p {};
    int status = 0;
    int rv = raft_match_index(r, id, &match);
    out("peer", id)("rv", static_cast<unsigned>(rv))("match", rv == 0 ? match : 0);
    rv = raft_progress(r, id, &p);
    out("rv", static_cast<unsigned>(rv));
    if (rv == 0) {
        out("mode", static_cast<unsigned>(p.mode))("match", p.match)("next", p.next);
        out("contact", p.last_contact)("features", p.features)("capacity", p.capacity);
    }
    rv = raft_catch_up(r, id, &status);
    out("rv", static_cast<unsigned>(rv))("catch_up", rv == 0 ? static_cast<unsigned>(status) : 0);
    out.out += "\n";
}

} // namespace

std::string digest(struct raft *r) {
    Line out;
    raft_id leader = 0;
    const char *address = nullptr;
    raft_leader(r, &leader, &address);
    out("id", r->id)("term", raft_current_term(r))("vote", raft_voted_for(r));
    out("state", static_cast<unsigned>(raft_state(r)))("commit", raft_commit_index(r));
    out("timeout", raft_timeout(r))("first", raft_first_index(r))("last", raft_last_index(r));
    out("stored", raft_last_stored(r))("snapshot", raft_snapshot_index(r));
    out("role", static_cast<unsigned>(raft_role(r) + 1))("transferee", raft_transferee(r));
    out("leader", leader).text("at", render_address(address));
    out.out += "\n";
    for (raft_id id = 0; id <= 9; ++id) {
        digest_peer(r, id, out);
    }
    const raft_index first = raft_first_index(r) < 4 ? 0 : raft_first_index(r) - 4;
    for (raft_index i = first; i <= raft_last_index(r) + 2; ++i) {
        raft_configuration conf{};
        raft_index conf_index = 0;
        int rv = raft_configuration_at(r, i, &conf, &conf_index);
        out("index", i)("term", raft_term_of(r, i))("rv", static_cast<unsigned>(rv));
        if (rv == 0) {
            out("since", conf_index).text("conf", "[" + render(conf) + "]");
        }
        out.out += "\n";
    }
    return out.out;
}

std::string render(const raft_message &m) {
    Line out;
    out("peer", m.server_id).text("at", render_address(m.server_address));
    switch (m.type) {
        case RAFT_APPEND_ENTRIES: {
            const auto &a = m.append_entries;
            out.out += " AppendEntries";
            out("v", a.version)("term", a.term).at("prev", a.prev_log_index, a.prev_log_term);
            out("commit", a.leader_commit)("n", a.n_entries)("round", a.version >= 1 ? a.round : 0);
            break;
        }
        case RAFT_APPEND_ENTRIES_RESULT: {
            const auto &a = m.append_entries_result;
            out.out += " AppendEntriesResult";
            out("v", a.version)("term", a.term)("rejected", a.rejected)("last", a.last_log_index);
            out("features", a.features)("capacity", a.capacity);
            if (a.version >= 3) {
                out("round", a.round)("snapshot", a.snapshot_index)("offset", a.snapshot_offset);
            }
            break;
        }
        case RAFT_REQUEST_VOTE: {
            const auto &a = m.request_vote;
            out.out += a.pre_vote ? " RequestPreVote" : " RequestVote";
            out("v", a.version)("term", a.term)("candidate", a.candidate_id);
            out.at("last", a.last_log_index, a.last_log_term).flag("disrupt", a.disrupt_leader);
            break;
        }
        case RAFT_REQUEST_VOTE_RESULT: {
            const auto &a = m.request_vote_result;
            out.out += a.pre_vote ? " PreVoteResult" : " VoteResult";
            out("v", a.version)("term", a.term).flag("granted", a.vote_granted);
            out("features", a.features)("capacity", a.capacity);
            break;
        }
        case RAFT_INSTALL_SNAPSHOT: {
            const auto &a = m.install_snapshot;
            out.out += " InstallSnapshot";
            out("v", a.version)("term", a.term).at("snapshot", a.last_index, a.last_term);
            out.text("conf", "[" + render(a.conf) + "]")("since", a.conf_index);
            out("offset", a.offset)("bytes", a.data.len).flag("last", a.last);
            break;
        }
        case RAFT_TIMEOUT_NOW: {
            const auto &a = m.timeout_now;
            out.out += " TimeoutNow";
            out("v", a.version)("term", a.term).at("last", a.last_log_index, a.last_log_term);
            break;
        }
        default:
            out("type", static_cast<unsigned>(m.type));
    }
    return out.out;
}

std::string flag_names(unsigned flags) {
    static const char *const names[] = {"TERM",   "VOTE",    "ENTRIES", "SNAPSHOT", "MESSAGES",
                                        "STATE",  "COMMIT",  "TIMEOUT", "CONF",     "READS",
                                        "LEADER", "CATCHUP", "TRANSFER"};
    std::string out;
    for (unsigned bit = 0; bit < 32; ++bit) {
        if (flags & (1u << bit)) {
            out += (out.empty() ? "" : "|") + (bit < 13 ? names[bit] : std::to_string(bit));
        }
    }
    return out.empty() ? "nothing" : out;
}

std::string render(const raft_update &u) {
    Line out;
    out.out = flag_names(u.flags);
    if (u.flags & RAFT_UPDATE_ENTRIES) {
        out.out += "\n    log from " + std::to_string(u.entries.index);
        out("ticket", u.entries.write)("n", u.entries.n);
        for (unsigned i = 0; i < u.entries.n; ++i) {
            const raft_entry &e = u.entries.batch[i];
            out.out += "\n      entry";
            out("term", e.term)("type", static_cast<unsigned>(e.type));
            out.text("payload", hex(e.buf.base, e.buf.len)).flag("own", e.batch == nullptr);
        }
    }
    if (u.flags & RAFT_UPDATE_SNAPSHOT) {
        out.out += "\n    chunk";
        out.at("snapshot", u.snapshot.metadata.index, u.snapshot.metadata.term);
        out.text("conf", "[" + render(u.snapshot.metadata.configuration) + "]");
        out("since", u.snapshot.metadata.configuration_index)("offset", u.snapshot.offset);
        out("bytes", u.snapshot.chunk.len).flag("last", u.snapshot.last);
    }
    if (u.flags & RAFT_UPDATE_MESSAGES) {
        for (unsigned i = 0; i < u.messages.n; ++i) {
            out.out += "\n    to" + render(u.messages.batch[i]);
        }
    }
    if (u.flags & RAFT_UPDATE_READS) {
        for (unsigned i = 0; i < u.reads.n; ++i) {
            const raft_read &read = u.reads.batch[i];
            out.out += "\n    read";
            out("id", read.id)("index", read.index)("status", static_cast<unsigned>(read.status));
        }
    }
    return out.out;
}

} // namespace story
