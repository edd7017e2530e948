/* SPDX-License-Identifier: MIT */
#include "node.hpp"

#include "../driver/judge_step.hpp"
#include "../observe/fields.hpp"
#include "../observe/paths.hpp"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace model {

namespace {

/* The generator is seeded anew before each step, so that a timeout is always the same length. It is
 * longer than the time for which a voter refuses votes after it has heard from a leader. */
constexpr unsigned kHeartbeat = 1;
constexpr unsigned kIdle = 1;
constexpr unsigned kSeed = 3;

driver::Configuration members(unsigned voters, unsigned standbys = 0) {
    driver::Configuration conf;
    for (raft_id id = 1; id <= kServers; id++) {
        const unsigned bit = 1U << (id - 1);
        if (((voters | standbys) & bit) != 0) {
            conf.add(id, (voters & bit) != 0 ? RAFT_VOTER : RAFT_STANDBY);
        }
    }
    return conf;
}

raft_event event_at(raft_time time, raft_event_type type) {
    raft_event e = {};
    e.time = time;
    e.type = type;
    return e;
}

} // namespace

void fail(const char *what) {
    fprintf(stderr, "model: %s\n", what);
    abort();
}

Nodes::~Nodes() {
    for (Node &node : nodes_) {
        raft_close(&node.core);
    }
}

/* Start a server from its disk, which is all of the node except its core. */
Node Nodes::boot(Node node, raft_id id, raft_update *update) {
    struct raft r;
    if (raft_init(&r, id, driver::address_of(id)) != 0 || raft_seed(&r, kSeed) != 0 ||
        raft_set_heartbeat_timeout(&r, kHeartbeat) != 0 ||
        raft_set_election_timeout(&r, kElectionTimeout) != 0 ||
        raft_set_install_snapshot_timeout(&r, kElectionTimeout) != 0 ||
        raft_set_pre_vote(&r, bounds_.pre_vote) != 0 ||
        raft_set_idle_timeout(&r, bounds_.sleep > 0 ? kIdle : 0) != 0 ||
        raft_set_election_delay(&r, bounds_.never_lead >> (id - 1) & 1 ? UINT_MAX : 0) != 0 ||
        raft_set_features(&r, bounds_.features) != 0) {
        fail("a server cannot be set up");
    }
    raft_event e = event_at(1, RAFT_START);
    std::vector<raft_entry> entries = unpack(node.disk, node.disk_first - 1);
    e.start = {node.term,       node.vote,      nullptr,
               node.disk_first, entries.data(), static_cast<unsigned>(entries.size())};
    raft_snapshot_metadata metadata = {};
    driver::Loan loan;
    if (node.snapshot != 0) {
        const Link &last = chains_.link(node.snapshot);
        metadata = {last.index, last.term, loan.lend(configuration_of(node.snapshot)),
                    configuration_index(node.snapshot)};
        e.start.metadata = &metadata;
        /* A log that the snapshot does not continue is dropped. */
        if (!chains_.is_prefix(node.snapshot, node.disk)) {
            node.disk = node.snapshot;
            node.disk_first = last.index + 1;
        }
    }
    if (raft_step(&r, &e, update) != 0) {
        fail(raft_errmsg(&r));
    }
    node.core = r;
    node.log = node.disk;
    node.writes.clear();
    node.incoming = 0; /* an unfinished snapshot is lost */
    node.received = 0;
    return node;
}

NodeId Nodes::first(raft_id id) {
    Node node;
    if ((bounds_.voters | bounds_.standbys) >> (id - 1) & 1) {
        node.disk =
            chains_.append(0, 1, RAFT_CHANGE,
                           chains_.payload(encode(members(bounds_.voters, bounds_.standbys))), 0);
        node.term = 1;
    }
    raft_update update = {};
    return finish(boot(std::move(node), id, &update), update).node;
}

const Outcome &Nodes::step(NodeId from, Kind kind, uint32_t argument) {
    auto &known = outcomes_[static_cast<unsigned>(kind)];
    const uint64_t key = uint64_t{from} << 32 | argument;
    const auto found = known.find(key);
    if (found != known.end()) {
        return found->second;
    }
    steps_++;
    /* A copy of the node, for the table of nodes may move. */
    const Node node = nodes_[from];
    Outcome outcome = kind == Kind::kCrash     ? restart(node, argument)
                      : kind == Kind::kWipe    ? wipe(node, argument != 0)
                      : kind == Kind::kSetting ? change_setting(node, argument)
                                               : compute(node, kind, argument);
    return known.emplace(key, std::move(outcome)).first->second;
}

Outcome Nodes::restart(const Node &from, uint32_t kept) {
    Node node = from;
    for (uint32_t i = 0; i < kept; i++) {
        const Write &write = from.writes[i];
        if (write.kind == Write::kEntries) {
            node.disk = write.log;
        } else if (write.installs()) {
            node.snapshot = write.log;
        }
    }
    if (fault_ == Fault::kLoseAcknowledged && chains_.last(node.disk) > 1) {
        node.disk = chains_.link(node.disk).previous;
    }
    if (fault_ == Fault::kForgetTerm) {
        node.term = std::max<raft_term>(1, chains_.link(node.disk).term);
    }
    if (fault_ == Fault::kForgetVote) {
        node.vote = 0;
    }
    raft_update update = {};
    return finish(boot(std::move(node), from.core.id, &update), update);
}

/* The disk lost entries that it had acknowledged; term and vote are kept. */
Outcome Nodes::wipe(const Node &from, bool all) {
    Node node = from;
    node.disk = all ? chains_.at(node.disk, 1) : chains_.link(node.disk).previous;
    raft_update update = {};
    return finish(boot(std::move(node), from.core.id, &update), update);
}

Outcome Nodes::change_setting(const Node &from, uint32_t which) {
    Node node = from;
    node.core = observe::clone(from.core);
    raft_seed(&node.core, kSeed);
    struct raft *r = &node.core;
    const bool done = which == 0 ? raft_set_eager_commit(r, 1) == 0 && raft_set_pre_vote(r, 0) == 0
                      : which == 1 ? raft_set_idle_timeout(r, 0) == 0
                                   : raft_set_election_delay(r, UINT_MAX) == 0;
    if (!done) {
        fail("a setting cannot be changed");
    }
    raft_update update = {};
    Outcome outcome = finish(std::move(node), update);
    const Node &changed = nodes_[outcome.node];
    const bool may_not_sleep = which < 2 || from.leads;
    if (from.asleep && may_not_sleep && (!changed.has_deadline || changed.remaining != 0)) {
        outcome.code = Outcome::Code::kWrong;
        outcome.wrong = "sleep: a server that may not sleep any more is not due";
    }
    return outcome;
}

/* A message as it comes in. */
raft_message Nodes::receive(const Packet &packet, Loan *loan) const {
    raft_message message = packet.message;
    message.server_id = packet.from;
    message.server_address = driver::address_of(packet.from);
    if (message.type == RAFT_APPEND_ENTRIES) {
        loan->entries = unpack(packet.log, message.append_entries.prev_log_index);
        message.append_entries.entries = loan->entries.data();
    } else if (message.type == RAFT_INSTALL_SNAPSHOT) {
        /* The address of the chunk tells of which snapshot it is. */
        raft_install_snapshot &install = message.install_snapshot;
        install.conf = loan->lent.lend(configuration_of(packet.log));
        install.data = {reinterpret_cast<void *>(uintptr_t{packet.log}),
                        install.version >= 1 ? 1 : kChunks};
    }
    return message;
}

raft_event Nodes::event_of(Node *node, Kind kind, uint32_t argument, Loan *loan) const {
    const observe::Clock clock = observe::clock_of(node->core);
    raft_event e = event_at(clock.now, RAFT_TIMEOUT);
    switch (kind) {
        case Kind::kTimeout:
            e.time = clock.deadline;
            break;
        case Kind::kPatience:
            e = event_at(waits_from(clock, node->leads) + kElectionTimeout, RAFT_CONFIGURATION);
            break;
        case Kind::kAdvance:
            e = event_at(clock.now + argument, RAFT_CONFIGURATION);
            break;
        case Kind::kWake:
            e.type = RAFT_WAKE;
            break;
        case Kind::kDeliver:
            loan->message = receive(packets_[argument], loan);
            e.type = RAFT_RECEIVE;
            e.receive.message = &loan->message;
            break;
        case Kind::kPersist:
            persist(node, &e);
            break;
        case Kind::kRead:
            e.type = RAFT_READ;
            e.read.id = argument;
            break;
        case Kind::kSnapshot:
            node->snapshot = node->committed;
            node->disk_first = chains_.last(node->snapshot) + 1;
            e.type = RAFT_SNAPSHOT;
            e.snapshot.metadata.index = chains_.last(node->snapshot);
            break;
        case Kind::kSent: {
            struct raft_peer peer = {};
            (void)raft_progress(&node->core, argument, &peer); /* of a leader's member */
            e.type = RAFT_SENT;
            e.sent = {argument, peer.next - 2};
            break;
        }
        case Kind::kUnreachable:
            e.type = RAFT_UNREACHABLE;
            e.unreachable.server_id = argument;
            break;
        case Kind::kCampaign:
            e.type = RAFT_CAMPAIGN;
            break;
        case Kind::kRecover:
            e.type = RAFT_RECOVER;
            e.recover.conf = loan->lent.lend(members(argument));
            break;
        case Kind::kSubmit:
            loan->entries.push_back({0, RAFT_COMMAND, {nullptr, 0}, {kSubmitted}});
            e.type = RAFT_SUBMIT;
            e.submit = {loan->entries.data(), 1};
            break;
        case Kind::kChange:
            e.type = RAFT_RECONFIGURE;
            e.reconfigure.conf = loan->lent.lend(members(bounds_.next_voters));
            e.reconfigure.force = true; /* whoever is in contact: more is explored */
            break;
        default:
            e.type = RAFT_TRANSFER;
            e.transfer.server_id = argument;
    }
    return e;
}

namespace {

/* The promises of one step; empty if none is broken. */
std::string judge_step(const driver::View &before, struct raft *r, const raft_event &e,
                       const raft_update &update) {
    try {
        driver::View after = before;
        after.capture(r);
        driver::check_untouched(update);
        driver::check_flags(before, after, e, update);
        driver::check_monotonic(before, after);
        driver::check_vote(before, after);
        driver::check_first_index(before, after, e, update);
        driver::check_timeout(before, after, e, update, observe::clock_of(*r).now);
        driver::check_sleep(before, after, e, update);
        for (unsigned i = 0; update.flags & RAFT_UPDATE_MESSAGES && i < update.messages.n; i++) {
            driver::check_message(r, before, after, update.messages.batch[i]);
        }
    } catch (const driver::Violation &violation) {
        return violation.what();
    }
    return "";
}

} // namespace

Outcome Nodes::compute(const Node &from, Kind kind, uint32_t argument) {
    Node node = from;
    node.core = observe::clone(from.core);
    raft_seed(&node.core, kSeed);
    Loan loan;
    raft_event e = event_of(&node, kind, argument, &loan);
    driver::View before;
    before.capture(&node.core);
    before.due_to_wake = from.asleep && from.has_deadline && from.remaining == 0;
    const auto state = [](const struct raft &r) {
        return observe::state(r, observe::Frame::kRelative);
    };
    raft_update update;
    observe::fill(&update);
    std::string difference;
    const bool wrong_path = fault_ == Fault::kWrongFastPath;
    const int error = observe::step_on_both_paths(
        &node.core, &e, &update, &difference, true,
        wrong_path ? observe::Error::kLateDeadline : observe::Error::kNone);
    Outcome outcome;
    if (!difference.empty()) {
        outcome.code = Outcome::Code::kWrong;
        outcome.wrong = "fast path: " + difference;
    } else if (error != 0) {
        const bool asked = kind == Kind::kSubmit || kind == Kind::kChange ||
                           kind == Kind::kTransfer || kind == Kind::kCampaign ||
                           (kind == Kind::kRead && !from.leads);
        outcome.code = asked ? Outcome::Code::kImpossible : Outcome::Code::kWrong;
        const bool same = state(node.core) == state(from.core);
        outcome.code = same ? outcome.code : Outcome::Code::kWrong;
        outcome.wrong = !same ? "acceptance: a step that fails changes the server"
                              : "acceptance: a message of a correct server, or an acknowledgement "
                                "of a correct caller, "
                                "fails with error " +
                                    std::to_string(error);
    } else if (outcome.wrong = judge_step(before, &node.core, e, update); !outcome.wrong.empty()) {
        outcome.code = Outcome::Code::kWrong;
    } else if (outcome.wrong = judge_sleep(node, &node.core, e, update); !outcome.wrong.empty()) {
        outcome.code = Outcome::Code::kWrong;
    }
    if (outcome.code != Outcome::Code::kDone) {
        raft_close(&node.core);
        return outcome;
    }
    if (kind == Kind::kPersist) {
        persisted(&node, from.writes.front());
    }
    outcome = finish(std::move(node), update);
    if (kind == Kind::kRead && fault_ == Fault::kReadAtOnce) {
        outcome.reads.assign(1, {argument, raft_commit_index(&from.core), 0, 0, {0, 0}});
    }
    return outcome;
}

/* The oldest write reaches the disk. */
void Nodes::persist(Node *node, raft_event *event) const {
    const Write write = node->writes.front();
    node->writes.erase(node->writes.begin());
    if (write.kind == Write::kEntries) {
        node->disk = write.log;
        event->type = RAFT_STORED;
        event->stored = {chains_.last(write.log), write.ticket};
        return;
    }
    const Link &last = chains_.link(write.log);
    raft_event_persisted_snapshot &p = event->persisted_snapshot;
    event->type = RAFT_PERSISTED_SNAPSHOT;
    p.metadata.index = last.index;
    p.metadata.term = last.term;
    p.offset = write.kind == Write::kLastChunk ? kChunks - 1 : 0;
    p.last = write.installs();
}

/* The last chunk of a snapshot replaces the log, unless the installation was abandoned. */
void Nodes::persisted(Node *node, const Write &write) const {
    const raft_index index = chains_.last(write.log);
    const struct raft *r = &node->core;
    if (write.installs() && raft_snapshot_index(r) == index && raft_last_index(r) == index) {
        node->snapshot = node->disk = node->log = write.log;
        node->disk_first = chains_.last(write.log) + 1;
    }
}

} // namespace model
