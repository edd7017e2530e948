/* SPDX-License-Identifier: MIT */
#include "snapshot.hpp"

#include "append.hpp"
#include "message.hpp"
#include "roles.hpp"

#include <algorithm>

namespace libraft::snapshot {
namespace {

/* The fields of an InstallSnapshot that its version has. */
struct Chunk {
    explicit Chunk(const raft_install_snapshot &is)
        : offset(is.version >= 1 ? is.offset : 0), last(is.version < 1 || load_bool(is.last)) {}
    uint64_t offset;
    bool last;
};

/* An installation that may begin, owned until it does. */
struct Arrival {
    Arrival() = default;
    Arrival(const Arrival &) = delete;
    Arrival &operator=(const Arrival &) = delete;
    ~Arrival() {
        if (install != nullptr) {
            configuration::release(install->configuration);
            free(install);
        }
    }
    Install *install = nullptr;
    Install *take() {
        Install *taken = install;
        install = nullptr;
        return taken;
    }
};

[[nodiscard]] int check_message(Step &step, const raft_message &m, const Chunk &chunk) {
    const Server &s = step.server;
    const raft_install_snapshot &is = m.install_snapshot;
    if (!message::valid_term(is.term)) {
        return message::malformed(step, "InstallSnapshot: term out of range");
    }
    if (is.last_index == 0 || !message::valid_position(is.last_index, is.last_term, is.term)) {
        return message::malformed(step, "InstallSnapshot: impossible last position");
    }
    if (is.conf_index == 0 || is.conf_index > is.last_index) {
        return message::malformed(step, "InstallSnapshot: impossible configuration index");
    }
    if (is.data.base == nullptr && is.data.len > 0) {
        return message::malformed(step, "InstallSnapshot: no data");
    }
    if (chunk.offset > kLimit || chunk.offset > SIZE_MAX - is.data.len ||
        (is.data.len == 0 && !chunk.last)) {
        return message::malformed(step, "InstallSnapshot: impossible chunk");
    }
    if (message::contradicts_leader(s, m, is.term)) {
        return message::malformed(step, "InstallSnapshot: two leaders in one term");
    }
    const raft_term known = s.trail.term_of(is.last_index);
    if (is.term >= s.term && is.last_index <= s.commit && known != 0 && known != is.last_term) {
        return step.fail(RAFT_CORRUPT, "a leader contradicts a committed entry");
    }
    switch (configuration::validate(is.conf, true)) {
        case 0:
            return 0;
        case RAFT_NOMEM:
            return step.no_memory();
        default:
            return message::malformed(step, "InstallSnapshot: an invalid configuration");
    }
}

bool is_same(const Install &i, const raft_install_snapshot &is) {
    return i.index == is.last_index && i.term == is.last_term && i.leader_term == is.term &&
           !i.superseded;
}

[[nodiscard]] bool prepare_install(const raft_install_snapshot &is, Arrival *arrival) {
    auto *i = static_cast<Install *>(malloc(sizeof(Install)));
    if (i == nullptr) {
        return false;
    }
    *i = {is.last_index, is.last_term, is.term, nullptr, 0, 0, false, false, false, 0};
    arrival->install = i;
    i->configuration = configuration::copy(is.conf, is.conf_index);
    return i->configuration != nullptr;
}

/* Hand the chunk to the caller. */
void write_chunk(Step &step, const raft_install_snapshot &is, const Chunk &chunk) {
    Install &i = *step.server.install;
    i.outstanding = true;
    i.writing = is.data.len;
    i.last = chunk.last;
    step.flags |= RAFT_UPDATE_SNAPSHOT;
    raft_update_snapshot &update = step.update.snapshot;
    update.metadata = {i.index, i.term, i.configuration->view(), i.configuration->index};
    update.offset = static_cast<size_t>(chunk.offset);
    update.chunk = is.data;
    update.last = chunk.last;
}

/* Say how much of which snapshot is durable, so that the leader can resume (§5.1). */
void answer_with(Step &step, raft_index index, uint64_t offset) {
    append::acknowledge_leader(step);
    if (step.out.n_messages > 0) {
        raft_append_entries_result &r =
            step.out.messages[step.out.n_messages - 1].append_entries_result;
        r.snapshot_index = r.version >= 3 ? index : 0;
        r.snapshot_offset = r.version >= 3 ? offset : 0;
    }
}

/* The snapshot is durable: it replaces the log (§5.1, figure 5.3). */
void finish_install(Step &step) {
    Server &s = step.server;
    Install *i = s.install;
    s.install = nullptr;
    step.remember();
    while (s.configuration != nullptr) {
        Configuration *c = s.configuration;
        s.configuration = c->previous;
        step.retire(c);
    }
    s.valid_from = s.writes + 1; /* what is still being written belongs to the old log */
    s.trail.reset(i->index, i->term);
    s.snapshot_index = i->index;
    s.last_stored = i->index;
    s.commit = std::max(s.commit, i->index);
    s.matched = i->index; /* committed: every leader has it */
    roles::push_configuration(step, i->configuration);
    free(i);
}

} // namespace

int on_install_snapshot(Step &step, const raft_message &m) {
    Server &s = step.server;
    const raft_install_snapshot &is = m.install_snapshot;
    const Chunk chunk(is);
    int rv = check_message(step, m, chunk);
    if (rv != 0) {
        return rv;
    }
    Need need;
    message::plan_answer(s, m, &need);
    if (is.term < s.term) {
        if (!step.reserve(need)) {
            return step.no_memory();
        }
        append::answer(step, m.server_id, message::answer_address(step, m), is.last_index,
                       s.trail.last());
        return 0;
    }
    /* The log has all that the snapshot covers: nothing to install. */
    const bool had = is.last_index <= s.commit || s.trail.term_of(is.last_index) == is.last_term;
    const bool continues = s.install != nullptr && is_same(*s.install, is);
    const bool waits = s.install != nullptr && s.install->outstanding;
    const bool begins = !had && !continues && !waits && chunk.offset == 0;
    roles::LeaderName name;
    Arrival arrival;
    if (!roles::prepare_leader(s, m, is.term, &name) ||
        (begins && !prepare_install(is, &arrival)) || !step.reserve(need)) {
        return step.no_memory();
    }
    roles::follow(step, is.term, is.version, name);
    if (had) {
        s.matched = std::max(s.matched, is.last_index);
        if (!waits) {
            s.abandon_install();
        }
        append::acknowledge_leader(step);
    } else if (waits) {
        if (!continues) {
            /* Its acknowledgement could not be told from this one's: wait for it. */
            s.install->superseded = true;
            s.install->wanted = is.last_index;
        }
    } else if (begins) {
        s.abandon_install();
        s.install = arrival.take();
        write_chunk(step, is, chunk);
    } else if (continues && chunk.offset == s.install->offset) {
        write_chunk(step, is, chunk);
    } else {
        answer_with(step, is.last_index, continues ? s.install->offset : 0);
    }
    return 0;
}

int on_persisted(Step &step) {
    Server &s = step.server;
    const raft_event_persisted_snapshot &event = step.event.persisted_snapshot;
    Install *i = s.install;
    if (i == nullptr) {
        return 0;
    }
    if (event.metadata.index == 0) {
        s.abandon_install();
        roles::rearm_election_timer(s);
        return 0;
    }
    if (!i->outstanding || event.metadata.index != i->index || event.metadata.term != i->term ||
        event.offset != i->offset || load_bool(event.last) != i->last) {
        return 0;
    }
    Need need;
    need.messages = 1;
    if (!step.reserve(need) || (i->last && !step.keep_leader_address(s.leader_address))) {
        return step.no_memory();
    }
    i->outstanding = false;
    i->offset += i->writing;
    if (i->last) {
        finish_install(step);
        append::acknowledge_leader(step);
    } else if (i->superseded) {
        const raft_index wanted = i->wanted;
        s.abandon_install();
        answer_with(step, wanted, 0);
    } else {
        append::acknowledge_leader(step);
    }
    return 0;
}

int on_taken(Step &step) {
    Server &s = step.server;
    const raft_event_snapshot &event = step.event.snapshot;
    const raft_index index = event.metadata.index;
    if (index > s.commit) {
        return step.fail(RAFT_INVALID, "a snapshot of entries that are not committed");
    }
    if (index <= s.snapshot_index) {
        return step.fail(RAFT_INVALID, "a snapshot that is not newer than the last");
    }
    if (s.configuration->previous != nullptr && !step.keep_leader_address(s.leader_address)) {
        return step.no_memory();
    }
    s.snapshot_index = index;
    s.last_stored = std::max(s.last_stored, index); /* durable as part of the snapshot */
    const raft_index kept = std::min<raft_index>(event.trailing, index);
    s.trail.compact(index - kept + 1);
    if (s.tracker != nullptr && s.tracker->has_departing()) {
        return 0; /* the addresses of servers being removed are in older configurations */
    }
    /* The configuration in force at the snapshot is the oldest that can be asked for. */
    Configuration *c = s.configuration;
    while (c->index > index) {
        c = c->previous;
    }
    while (c->previous != nullptr) {
        Configuration *older = c->previous;
        c->previous = older->previous;
        step.retire(older);
    }
    roles::resolve_leader_address(step);
    return 0;
}

} // namespace libraft::snapshot
