/* SPDX-License-Identifier: MIT */
/* RAFT_START: restart from what is on disk (§3.8). */
#include "events/events.hpp"
#include "rules/changes.hpp"
#include "rules/election_start.hpp"
#include "rules/elections.hpp"
#include "rules/message_checks.hpp"
#include "state/tracker.hpp"

#include <utility>

namespace libraft {
namespace {

/* What is on disk: checked, not yet the server's state. */
struct Disk {
    raft_index first = 1;               /* of the entries that count */
    uint64_t runs = 0;                  /* of equal terms in the log */
    unsigned changes = 0;               /* entries that are configurations */
    bool discard = false;               /* the log ends before the snapshot, or contradicts it */
    Owner<Configuration> configuration; /* latest first */
};

[[nodiscard]] int corrupt(Step &step, const char *why) { return step.fail(RAFT_CORRUPT, why); }

void push(Disk *disk, Owner<Configuration> c) {
    c->previous = disk->configuration.take();
    disk->configuration = std::move(c);
}

/* Insert the configuration of an entry that the snapshot covers, unless it is the snapshot's own.
 * The log can still bring it to another server. */
void insert(Disk *disk, Owner<Configuration> c) {
    Configuration *after = disk->configuration.get();
    if (c->index >= after->index) {
        return;
    }
    c->previous = after->previous;
    after->previous = c.take();
}

[[nodiscard]] int check_snapshot(Step &step, const raft_event_start &e, Disk *disk) {
    const raft_snapshot_metadata &m = *e.metadata;
    if (m.index == 0 || m.index > kLimit || m.term == 0 || m.term > e.term) {
        return corrupt(step, "snapshot: the index or the term is out of range");
    }
    if (m.configuration_index > m.index) {
        return corrupt(step, "snapshot: the configuration's index is out of range");
    }
    switch (configuration::validate(m.configuration, configuration::Roles::kJoint)) {
        case 0:
            break;
        case RAFT_NOMEM:
            return step.no_memory();
        default:
            return step.fail(RAFT_MALFORMED, "snapshot: the configuration is invalid");
    }
    /* If the caller did not record the configuration's index, the snapshot's stands for it. */
    const raft_index since = m.configuration_index != 0 ? m.configuration_index : m.index;
    Owner<Configuration> c(configuration::copy(m.configuration, since));
    if (!c) {
        return step.no_memory();
    }
    push(disk, std::move(c));
    return 0;
}

/* Terms rise, types are known. */
[[nodiscard]] int check_entries(Step &step, const raft_event_start &e, Disk *disk) {
    raft_term term = 0;
    for (unsigned i = 0; i < e.n_entries; i++) {
        const raft_entry &entry = e.entries[i];
        if (entry.term != term) {
            if (entry.term < term) {
                return corrupt(step, "log: an entry has a lower term than the entry before it");
            }
            term = entry.term;
            disk->runs++;
        }
        const uint32_t type = load_enum(entry.type);
        if (!message::is_entry_type(type)) {
            return step.fail(RAFT_MALFORMED, "log: an entry has an unknown type");
        }
        disk->changes += type == RAFT_CHANGE;
    }
    if (term > e.term) {
        return corrupt(step, "log: an entry has a higher term than the current one");
    }
    /* unreachable: a log without entries is not checked */
    if (e.n_entries > 0 && e.entries[0].term == 0) {
        return corrupt(step, "log: the term of an entry is 0");
    }
    return 0;
}

/* Does the log continue the snapshot, or did a crash leave an old one beside it? */
[[nodiscard]] int check_log(Step &step, const raft_event_start &e, Disk *disk) {
    const raft_index covered = e.metadata != nullptr ? e.metadata->index : 0;
    disk->first = covered + 1;
    if (e.n_entries == 0) {
        return 0;
    }
    if (e.entries == nullptr) {
        return step.fail(RAFT_INVALID, "log: entries is NULL");
    }
    if (e.start_index == 0 || e.start_index > covered + 1) {
        return corrupt(step, "log: entries are missing after the snapshot");
    }
    int rv = check_entries(step, e, disk);
    if (rv != 0) {
        return rv;
    }
    if (e.start_index == 1 && load_enum(e.entries[0].type) != RAFT_CHANGE) {
        return corrupt(step, "log: entry 1 is not a configuration");
    }
    const raft_index last = e.start_index + e.n_entries - 1;
    if (last < covered ||
        (e.start_index <= covered && e.entries[covered - e.start_index].term != e.metadata->term)) {
        disk->discard = true;
        return 0;
    }
    if (e.start_index == covered + 1 && e.metadata != nullptr &&
        e.entries[0].term < e.metadata->term) {
        return corrupt(step, "log: an entry has a lower term than the entry before it");
    }
    disk->first = e.start_index;
    return 0;
}

/* All must be decodable. Those of entries that the snapshot covers come first. */
[[nodiscard]] int decode_changes(Step &step, const raft_event_start &e, Disk *disk) {
    const raft_index covered = e.metadata != nullptr ? e.metadata->index : 0;
    unsigned left = disk->changes;
    for (unsigned i = 0; left > 0; i++) {
        if (load_enum(e.entries[i].type) != RAFT_CHANGE) {
            continue;
        }
        left--;
        const raft_index index = e.start_index + i;
        Owner<Configuration> c;
        int rv = configuration::decode(e.entries[i].buf, index, &c);
        if (rv != 0) {
            return rv == RAFT_NOMEM
                       ? step.no_memory()
                       : step.fail(RAFT_MALFORMED, "log: a configuration cannot be decoded");
        }
        if (disk->discard) {
            continue;
        }
        if (index > covered) {
            push(disk, std::move(c));
        } else {
            insert(disk, std::move(c));
        }
    }
    return 0;
}

[[nodiscard]] int check(Step &step, const raft_event_start &e, Disk *disk) {
    if (const char *why = step.server.settings->contradiction(); why != nullptr) {
        return step.fail(RAFT_INVALID, why);
    }
    if (e.term == 0 && (e.voted_for != 0 || e.metadata != nullptr || e.n_entries != 0)) {
        return corrupt(step, "the term is 0, but there is a vote, a snapshot or a log");
    }
    if (e.term > kLimit) {
        return corrupt(step, "the term is out of range");
    }
    int rv = e.metadata != nullptr ? check_snapshot(step, e, disk) : 0;
    if (rv == 0) {
        rv = check_log(step, e, disk);
    }
    return rv != 0 ? rv : decode_changes(step, e, disk);
}

/* A sole voter elects itself at once. But if it is not known that the change which made it the
 * sole voter is committed, another server may rely on a lease (§6.4.1): then it waits like any
 * other server. */
bool elects_itself(const Server &s) {
    return s.sole_voter && s.configuration_committed() && election_start::may_campaign(s);
}

void load_log(Server &s, const raft_event_start &e, const Disk &disk) {
    if (e.metadata != nullptr) {
        s.snapshot_index = s.commit = e.metadata->index;
        if (disk.first == s.snapshot_index + 1) {
            s.log.reset(s.snapshot_index, e.metadata->term);
        }
    }
    if (e.n_entries > 0 && !disk.discard) {
        if (disk.first <= s.snapshot_index) {
            s.log.reset(disk.first - 1, 0); /* the term before the first entry is not known */
        }
        for (unsigned i = 0; i < e.n_entries;) {
            const unsigned begin = i;
            const raft_term term = e.entries[begin].term;
            while (i < e.n_entries && e.entries[i].term == term) {
                i++;
            }
            s.log.append(term, i - begin);
        }
        /* unreachable: without a snapshot a log begins at 1 */
        if (e.metadata == nullptr && disk.first == 1) {
            s.commit = 1; /* the configuration that founds a cluster is committed (§4.4) */
        }
    }
    s.last_stored = s.log.last();
}

void load(Change &change, const raft_event_start &e, Disk *disk) {
    Server &s = change.server;
    change.remember_disk(e.term, e.voted_for);
    s.term = e.term;
    s.voted_for = e.voted_for;
    s.pre_vote_terms = s.settings->pre_vote ? 0 : kDoubtfulTerms;
    load_log(s, e, *disk);
    s.configuration = disk->configuration.take();
    changes::configuration_changed(change);
    s.heard_at = s.now;
    s.started = true;
    election_start::restart(s);
}

} // namespace

int on_start(Step &step) {
    const Server &s = step.server;
    const raft_event_start &e = step.event.start;
    if (s.started) {
        return step.fail(RAFT_INVALID, "RAFT_START was stepped already");
    }
    Disk disk;
    const int rv = check(step, e, &disk);
    if (rv != 0) {
        return rv;
    }
    Need need;
    need.runs = (e.metadata != nullptr) + disk.runs; /* of the snapshot, and of the entries */
    elections::Preparation preparation;
    const Configuration *latest = disk.configuration.get();
    const bool sole_voter = latest != nullptr && latest->has_sole_voter(s.id);
    Change *change = !sole_voter || elections::prepare(s, latest, &preparation, &need)
                         ? step.reserve(need)
                         : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    load(*change, e, &disk);
    if (disk.discard) {
        change->begin_entries(s.snapshot_index + 1);
    }
    if (elects_itself(s)) {
        elections::campaign(*change, preparation);
    }
    return 0;
}

} // namespace libraft
