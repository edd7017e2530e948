/* SPDX-License-Identifier: MIT */
/* A follower receives a chunk of a snapshot (§5.1). */
#include "events/events.hpp"
#include "rules/answers.hpp"
#include "rules/message_checks.hpp"
#include "rules/transitions.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace libraft {
namespace {

/* The fields of an InstallSnapshot that its version has. */
struct Chunk {
    explicit Chunk(const raft_install_snapshot &is)
        : whole(is.version < 1), offset(whole ? 0 : is.offset), last(whole || load_bool(is.last)) {}
    bool whole;
    uint64_t offset;
    bool last;
};

[[nodiscard]] int check_message(Step &step, const raft_message &m, const Chunk &chunk) {
    const Server &s = step.server;
    const raft_install_snapshot &is = m.install_snapshot;
    if (!message::valid_term(s, is.term)) {
        return message::malformed(step, "InstallSnapshot: the term is out of range");
    }
    if (is.last_index == 0 || !message::valid_position(is.last_index, is.last_term, is.term)) {
        return message::malformed(
            step, "InstallSnapshot: last_index and last_term do not fit each other");
    }
    if (is.conf_index == 0 || is.conf_index > is.last_index) {
        return message::malformed(step,
                                  "InstallSnapshot: the configuration's index is out of range");
    }
    if (is.data.base == nullptr && is.data.len > 0) {
        return message::malformed(step, "InstallSnapshot: data is NULL");
    }
    if (chunk.offset > kLimit || is.data.len > kLimit - chunk.offset ||
        (is.data.len == 0 && !chunk.last)) {
        return message::malformed(
            step, "InstallSnapshot: the chunk is out of range, or empty without being the last");
    }
    if (message::contradicts_leader(s, m, is.term)) {
        return message::malformed(step, "InstallSnapshot: this term has another leader");
    }
    const raft_term known = s.log.term_of(is.last_index);
    if (is.term >= s.term && is.last_index <= s.commit && known != 0 && known != is.last_term) {
        return step.fail(RAFT_CORRUPT, "the message contradicts a committed entry");
    }
    switch (configuration::validate(is.conf, configuration::Roles::kJoint)) {
        case 0:
            return 0;
        case RAFT_NOMEM:
            return step.no_memory();
        default:
            return message::malformed(step, "InstallSnapshot: the configuration is invalid");
    }
}

bool is_same(const Installation &i, const raft_install_snapshot &is) {
    return i.index == is.last_index && i.term == is.last_term && i.leader_term == is.term &&
           !i.superseded;
}

/* Is the message older than the installation under way? A leader never goes back to an older
 * snapshot. */
bool is_outdated(const Server &s, const raft_install_snapshot &is) {
    return s.installation && s.installation->leader_term == is.term &&
           is.last_index < s.installation->index;
}

/* NULL: out of memory. */
Installation *new_installation(const raft_install_snapshot &is) {
    void *memory = malloc(sizeof(Installation));
    if (memory == nullptr) {
        return nullptr;
    }
    Owner<Installation> i(new (memory) Installation);
    i->index = is.last_index;
    i->term = is.last_term;
    i->leader_term = is.term;
    i->configuration.reset(configuration::copy(is.conf, is.conf_index));
    return i->configuration ? i.take() : nullptr;
}

/* Hand the chunk to the caller. */
void write_chunk(Change &change, const raft_install_snapshot &is, const Chunk &chunk) {
    Installation &i = *change.server.installation;
    i.outstanding = true;
    i.writing = is.data.len;
    i.last = chunk.last;
    i.round = change.server.leader_round;
    change.flags |= RAFT_UPDATE_SNAPSHOT;
    raft_update_snapshot &update = change.update.snapshot;
    update.metadata = {i.index, i.term, i.configuration->view(), i.configuration->index};
    update.offset = chunk.offset;
    update.chunk = is.data;
    update.last = chunk.last;
}

/* What a chunk of a snapshot means here. */
struct Plan {
    bool had;       /* the log has everything that the snapshot covers */
    bool continues; /* the snapshot is being installed */
    bool waits;     /* a chunk is being written */
    bool another;   /* it can begin an installation */
    bool begins;    /* it does */
    Owner<Installation> installation;
    known_leader::Address leader_address;
};

void carry_out(Change &change, const raft_install_snapshot &is, const Chunk &chunk, Plan *plan) {
    Server &s = change.server;
    if (plan->had) {
        s.matched = std::max(s.matched, is.last_index);
        if (!plan->waits && !is_outdated(s, is)) {
            s.installation.reset();
        }
        answers::acknowledge(change);
    } else if (plan->waits) {
        if (!plan->continues && plan->another) {
            /* The two acknowledgements could not be told apart: wait for the first. */
            s.installation->superseded = true;
            s.installation->wanted = is.last_index;
        }
    } else if (plan->begins) {
        s.installation = std::move(plan->installation);
        write_chunk(change, is, chunk);
    } else if (plan->continues && chunk.offset == s.installation->offset) {
        write_chunk(change, is, chunk);
    } else {
        answers::acknowledge_snapshot(change, is.last_index,
                                      plan->continues ? s.installation->offset : 0);
    }
}

} // namespace

int on_install_snapshot(Step &step, const raft_message &m) {
    const Server &s = step.server;
    const raft_install_snapshot &is = m.install_snapshot;
    const Chunk chunk(is);
    const int rv = check_message(step, m, chunk);
    if (rv != 0) {
        return rv;
    }
    Need need;
    answers::plan(m, &need);
    if (is.term < s.term) {
        Change *change = step.reserve(need);
        if (change == nullptr) {
            return step.no_memory();
        }
        answers::refuse_term(*change, m, is.last_index);
        return 0;
    }
    Plan plan{};
    plan.had = is.last_index <= s.commit || s.log.term_of(is.last_index) == is.last_term;
    plan.continues = s.installation && is_same(*s.installation, is);
    plan.waits = s.installation && s.installation->outstanding;
    plan.another = chunk.offset == 0 && (chunk.whole || !plan.continues) && !is_outdated(s, is);
    plan.begins = !plan.had && !plan.waits && plan.another;
    if (plan.begins) {
        plan.installation.reset(new_installation(is));
    }
    Change *change = (!plan.begins || plan.installation) &&
                             known_leader::prepare(s, m.server_address, &plan.leader_address)
                         ? step.reserve(need)
                         : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    transitions::follow(*change, m.server_id, is.term, is.version, plan.leader_address);
    change->server.known_commit = std::max(change->server.known_commit, is.last_index);
    carry_out(*change, is, chunk, &plan);
    return 0;
}

} // namespace libraft
