/* SPDX-License-Identifier: MIT */
#include "checks.hpp"

#include <cstring>

#include "catch.hpp"
#include "drawing.hpp"
#include "render.hpp"
#include "server.hpp"

namespace story {

View View::of(struct raft *r) {
    View v;
    v.term = raft_current_term(r);
    v.vote = raft_voted_for(r);
    v.state = raft_state(r);
    v.commit = raft_commit_index(r);
    v.timeout = raft_timeout(r);
    v.transferee = raft_transferee(r);
    const char *address = nullptr;
    raft_leader(r, &v.leader, &address);
    v.leader_address = address == nullptr ? "" : address;
    raft_configuration conf{};
    raft_index index = 0;
    if (raft_configuration_at(r, raft_last_index(r), &conf, &index) == 0) {
        v.conf = std::to_string(index) + ":" + render(conf);
        for (unsigned i = 0; i < conf.n; ++i) {
            int status = 0;
            if (raft_catch_up(r, conf.servers[i].id, &status) == 0) {
                v.catch_ups[conf.servers[i].id] = status;
            }
        }
    }
    return v;
}

namespace {
void expect(bool ok, const std::string &what, const raft_update &update) {
    if (!ok) {
        FAIL(what << " in an update of " << render(update));
    }
}

/* Of a server that is no member, or that nobody leads, there is no catch-up. */
bool catch_up_changed(View before, View after) {
    for (const auto &[id, status] : before.catch_ups) {
        after.catch_ups.emplace(id, int{RAFT_CATCH_UP_NONE});
    }
    for (const auto &[id, status] : after.catch_ups) {
        before.catch_ups.emplace(id, int{RAFT_CATCH_UP_NONE});
    }
    return before.catch_ups != after.catch_ups;
}
} // namespace

void check_flags(const View &before, const View &after, const raft_update &update) {
    auto iff = [&](unsigned flag, bool changed) {
        bool set = (update.flags & flag) != 0;
        expect(set == changed,
               flag_names(flag) + (set ? " is set without" : " is missing after") + " a change",
               update);
    };
    const bool new_term = before.term != after.term;
    iff(RAFT_UPDATE_CURRENT_TERM, new_term);
    iff(RAFT_UPDATE_VOTED_FOR, new_term || before.vote != after.vote);
    iff(RAFT_UPDATE_STATE, before.state != after.state);
    iff(RAFT_UPDATE_COMMIT_INDEX, before.commit != after.commit);
    iff(RAFT_UPDATE_TIMEOUT, before.timeout != after.timeout);
    iff(RAFT_UPDATE_CONFIGURATION, before.conf != after.conf);
    iff(RAFT_UPDATE_LEADER,
        before.leader != after.leader || before.leader_address != after.leader_address);
    iff(RAFT_UPDATE_TRANSFER, before.transferee != after.transferee);
    if (before.state == RAFT_LEADER && after.state == RAFT_LEADER) {
        iff(RAFT_UPDATE_CATCH_UP, catch_up_changed(before, after));
    }
    expect(after.term >= before.term, "the term falls", update);
    expect(after.commit >= before.commit, "the commit index falls", update);
    expect(after.term > before.term || before.vote == 0 || after.vote == before.vote,
           "a second vote in one term", update);
    expect((update.flags >> 13) == 0, "unknown flags", update);
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        expect(update.messages.n > 0, "MESSAGES with none", update);
    }
    if (update.flags & RAFT_UPDATE_READS) {
        expect(update.reads.n > 0, "READS with none", update);
    }
}

void check_message(struct raft *r, bool led, const raft_message &m) {
    auto must = [&](bool ok, const char *what) {
        if (!ok) {
            FAIL(what << ": message" << render(m));
        }
    };
    must(m.server_id != 0 && m.server_address != nullptr, "no destination");
    must(m.server_id != r->id, "a message to itself");
    raft_configuration conf{};
    if (raft_configuration_at(r, raft_last_index(r), &conf, nullptr) == 0) {
        for (unsigned i = 0; i < conf.n; ++i) {
            if (conf.servers[i].id == m.server_id) {
                must(std::strcmp(conf.servers[i].address, m.server_address) == 0,
                     "not the member's address");
            }
        }
    }
    if (m.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &a = m.append_entries;
        must(a.entries == nullptr, "entries are the caller's to attach");
        must(a.term == raft_current_term(r), "wrong term");
        must(led || raft_state(r) == RAFT_LEADER, "not the leader");
        must(a.prev_log_index + a.n_entries <= raft_last_index(r), "entries past the end");
        must(a.n_entries == 0 || a.prev_log_index + 1 >= raft_first_index(r), "compacted entries");
        must(raft_term_of(r, a.prev_log_index) == a.prev_log_term, "wrong previous term");
        must(a.leader_commit <= raft_commit_index(r), "a commit index that is not known");
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        const raft_install_snapshot &s = m.install_snapshot;
        must(s.last_index == raft_snapshot_index(r), "not the latest snapshot");
        must(raft_term_of(r, s.last_index) == s.last_term, "wrong snapshot term");
        must(s.conf.n > 0 && s.conf_index > 0 && s.conf_index <= s.last_index, "no configuration");
        must(s.data.len == 0, "data is the caller's to attach");
    } else if (m.type == RAFT_APPEND_ENTRIES_RESULT) {
        const raft_append_entries_result &a = m.append_entries_result;
        must(a.term == raft_current_term(r), "wrong term");
        must(a.rejected != 0 || a.last_log_index <= raft_last_stored(r), "more than is stored");
    }
}

int step_checked(struct raft *r, raft_event *event, raft_update *update) {
    raft_update pattern;
    std::memset(static_cast<void *>(&pattern), 0xa5, sizeof pattern);
    std::memcpy(static_cast<void *>(update), &pattern, sizeof pattern);
    int rv = raft_step(r, event, update);
    auto untouched = [&](unsigned flag, const void *now, const void *then, size_t size) {
        if (!(update->flags & flag) && std::memcmp(now, then, size) != 0) {
            FAIL("a member without its flag was written: " << flag_names(flag));
        }
    };
    if (rv != 0 && update->flags != 0) {
        FAIL("a failed step sets flags: " << flag_names(update->flags));
    }
    untouched(RAFT_UPDATE_ENTRIES, &update->entries, &pattern.entries, sizeof pattern.entries);
    untouched(RAFT_UPDATE_SNAPSHOT, &update->snapshot, &pattern.snapshot, sizeof pattern.snapshot);
    untouched(RAFT_UPDATE_MESSAGES, &update->messages, &pattern.messages, sizeof pattern.messages);
    untouched(RAFT_UPDATE_READS, &update->reads, &pattern.reads, sizeof pattern.reads);
    if (std::memcmp(update->reserved, pattern.reserved, sizeof pattern.reserved) != 0) {
        FAIL("reserved space was written");
    }
    return rv;
}

} // namespace story
