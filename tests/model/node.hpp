/* SPDX-License-Identifier: MIT */
/* One server of the cluster: the library's raft, its disk and the writes under way. Each distinct
 * node exists once, and each step from it is taken once: the library is deterministic, so the
 * search reuses the outcome. */
#pragma once

#include "../driver/message.hpp"
#include "../observe/state.hpp"
#include "bounds.hpp"
#include "chain.hpp"

#include <map>
#include <unordered_map>

namespace model {

using NodeId = uint32_t;
using PacketId = uint32_t;

/* A snapshot has two chunks of a byte, or is sent whole. */
constexpr unsigned kChunks = 2;

/* Short, so that there are few ages. */
constexpr unsigned kElectionTimeout = 2;
/* What a caller's own entry carries in `batch`. Larger than any chain. */
inline void *const kSubmitted = reinterpret_cast<void *>(uintptr_t{UINT32_MAX});

[[noreturn]] void fail(const char *what);

/* Since when a server hears no leader; a leader: since when it is asleep. */
inline raft_time waits_from(const observe::Clock &clock, bool leads) {
    return leads ? clock.slept_at : clock.heard_at;
}

/* An operation on a server. */
enum class Kind : uint8_t {
    kTimeout,  /* its deadline has come */
    kPatience, /* an election timeout without a leader, or asleep, passes; no timer fires */
    kDeliver,  /* argument: the packet */
    kPersist,  /* its oldest write reaches the disk and is acknowledged */
    kCrash,    /* and restart; argument: how many of its writes reached the disk */
    kSubmit,
    kChange,
    kTransfer,    /* argument: to whom */
    kRead,        /* argument: its ID */
    kSnapshot,    /* of all that is committed and on disk; the log up to it is dropped */
    kSent,        /* argument: to whom the last entry did not leave */
    kUnreachable, /* argument: who */
    kCampaign,
    kSetting, /* pre-votes are turned off, and commit indexes are told at once; argument 1: the
               * server may not sleep any more; 2: it never leads any more */
    kWipe, /* a crash and a restart without the last entry; argument 1: without any but the first */
    kWake,
    kAdvance, /* no timer fires for so many milliseconds; argument: how many */
    kLose,    /* servers, for good */
    kRecover, /* argument: the new voters, a bit set */
    kKinds
};

struct Write {
    enum Kind : uint32_t { kEntries, kChunk, kLastChunk, kWhole };
    bool installs() const { return kind == kLastChunk || kind == kWhole; }
    Chain log;    /* once it is on disk; of a chunk: what the whole snapshot covers */
    uint32_t age; /* of entries: the number of writes since then */
    Kind kind = kEntries;
    unsigned long long ticket = 0; /* of entries; equal nodes may differ in it */
    bool operator==(const Write &other) const {
        return log == other.log && age == other.age && kind == other.kind;
    }
};

struct Node {
    struct raft core = {};
    Chain log = 0;
    Chain disk = 0;
    Chain snapshot = 0;        /* on disk: the entries it covers */
    raft_index disk_first = 1; /* oldest entry of the log on disk */
    Chain incoming = 0;        /* snapshot of the chunks received so far */
    uint32_t received = 0;     /* number of those chunks */
    std::vector<Write> writes; /* oldest first */
    /* Answers of accessors that the search needs often. */
    raft_term term = 0;
    raft_id vote = 0;
    Chain committed = 0;
    bool leads = false;
    bool campaigns = false;
    bool has_deadline = false;
    bool may_campaign = false;
    bool asleep = false;
    raft_term slept_in = 0; /* the last term in which it fell asleep; a restart forgets nothing */
    raft_id leader = 0;     /* that it knows */
    uint64_t remaining = 0; /* until its deadline */
    bool can_wait = false;
    bool noticed_loss = false; /* a leader: a member came back with less than it acknowledged */
    unsigned unsent = 0;       /* a bit set: servers with an entry in flight that may be cut */
};

/* A message between servers, its entries attached. */
struct Packet {
    raft_id from;
    raft_id to;
    raft_message message; /* without its pointers */
    Chain log;            /* ends with the last entry that it carries, or that a snapshot covers */
};

/* What an event points to. */
struct Loan {
    raft_message message;
    std::vector<raft_entry> entries;
    driver::Loan lent;
};

struct Outcome {
    enum class Code : uint8_t { kDone, kImpossible, kBeyond, kWrong } code = Code::kDone;
    NodeId node = 0; /* of kDone and kBeyond */
    std::vector<PacketId> packets;
    std::vector<raft_read> reads; /* answered */
    std::string wrong;            /* kWrong: the broken property */
};

class Nodes {
public:
    explicit Nodes(const Bounds &bounds, Fault fault) : bounds_(bounds), fault_(fault) {}
    ~Nodes();
    Nodes(const Nodes &) = delete;
    Nodes &operator=(const Nodes &) = delete;

    NodeId first(raft_id id);
    const Outcome &step(NodeId from, Kind kind, uint32_t argument);

    const Node &operator[](NodeId id) const { return nodes_[id]; }
    const Packet &packet(PacketId id) const { return packets_[id]; }
    const Chains &chains() const { return chains_; }
    /* Where the configuration in force at the end of a log was set. */
    raft_index configuration_index(Chain log) const;
    const driver::Configuration &configuration_of(Chain log) const;
    size_t size() const { return nodes_.size(); }
    uint64_t steps() const { return steps_; }

private:
    Outcome compute(const Node &from, Kind kind, uint32_t argument);
    Outcome restart(const Node &from, uint32_t kept);
    Outcome wipe(const Node &from, bool all);
    Outcome change_setting(const Node &from, uint32_t which);
    Outcome finish(Node node, raft_update &update);
    static std::string judge_sleep(const Node &before, struct raft *r, const raft_event &e,
                                   const raft_update &update);
    NodeId intern(Node node);
    PacketId intern(const Packet &packet);
    static void note_peers(Node *node);
    void take_entries(Node *node, const raft_update_entries &entries);
    std::string take_chunk(Node *node, const raft_update_snapshot &snapshot) const;
    raft_message receive(const Packet &packet, Loan *loan) const;
    raft_event event_of(Node *node, Kind kind, uint32_t argument, Loan *loan) const;
    void persist(Node *node, raft_event *event) const;
    void persisted(Node *node, const Write &write) const;
    std::string pack(const Node &node, const raft_message &message, Packet *packet) const;
    std::string pack_install(const Node &node, const raft_install_snapshot &message,
                             Packet *packet) const;
    std::vector<raft_entry> unpack(Chain log, raft_index after) const;
    Node boot(Node disk, raft_id id, raft_update *update);

    const Bounds bounds_;
    const Fault fault_;
    Chains chains_;
    std::vector<Node> nodes_;
    std::vector<Packet> packets_;
    std::map<observe::Digest, NodeId> node_ids_;
    std::map<observe::Digest, PacketId> packet_ids_;
    /* By kind: (node, argument). */
    std::unordered_map<uint64_t, Outcome> outcomes_[static_cast<size_t>(Kind::kKinds)];
    mutable std::map<uint32_t, driver::Configuration> decoded_; /* by payload */
    uint64_t steps_ = 0;
};

} // namespace model
