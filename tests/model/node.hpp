/* SPDX-License-Identifier: MIT */
/* One server of a small world: the real core, its disk, and what is being written to it.
 * Each distinct state exists once, and each step from it is taken once: the core is
 * deterministic, so the world may reuse the outcome. */
#pragma once

#include "chain.hpp"
#include "clone.hpp"
#include "digest.hpp"

#include <map>
#include <unordered_map>

namespace model {

using NodeId = uint32_t;
using PacketId = uint32_t;

constexpr unsigned kServers = 3;
constexpr unsigned kMostReads = 2;
/* A snapshot has two chunks of a byte, or is sent whole. */
constexpr unsigned kChunks = 2;

/* Short, so that ages are few. */
constexpr unsigned kElectionTimeout = 2;
/* What a caller's own entry carries in `batch`. Larger than any chain. */
inline void *const kSubmitted = reinterpret_cast<void *>(uintptr_t{UINT32_MAX});

const char *address_of(raft_id id);
[[noreturn]] void give_up(const char *what);

/* What a caller may do wrong, on purpose: the rules must then be seen to break. */
enum class Defect {
    kNone,
    kForgetVote,
    kForgetTerm,
    kLoseAcknowledged,
    kReadAtOnce,      /* takes a read for answered when it is asked */
    kStrangeShortWay, /* the short way of a step ends elsewhere than the long one */
    kRecoverStale,    /* recovers the wrong survivor */
};

struct Bounds {
    const char *name;
    unsigned servers;     /* that exist */
    unsigned voters;      /* of them in the first configuration: a bit set */
    unsigned standbys;    /* likewise */
    unsigned term;        /* highest */
    unsigned entries;     /* longest log */
    unsigned messages;    /* most in flight at once */
    unsigned crashes;     /* in all */
    unsigned submissions; /* in all */
    unsigned duplicates;  /* messages delivered and kept, in all */
    unsigned changes;     /* of the membership, in all */
    unsigned next_voters; /* after the change: a bit set */
    unsigned transfers;   /* in all */
    unsigned timeouts;    /* of leaders, in all; with pre-votes, of all: no term bounds them */
    bool pre_vote;
    unsigned losses;                        /* messages to these servers get lost, too: a bit set */
    unsigned commits;                       /* entries that some state must have committed */
    unsigned snapshots = 0;                 /* taken, in all */
    unsigned reads = 0;                     /* asked for, in all; at most kMostReads */
    unsigned lost = 0;                      /* servers that are lost for good, once: a bit set */
    unsigned features = RAFT_FEATURE_JOINT; /* that all announce */
};

/* An operation on a server. */
enum class Kind : uint8_t {
    kTimeout,  /* its deadline has come */
    kPatience, /* it has not heard from a leader for an election timeout, but does not act */
    kDeliver,  /* argument: the packet */
    kPersist,  /* its oldest write reaches the disk and is acknowledged */
    kCrash,    /* and restart; argument: how many of its writes reached the disk */
    kSubmit,
    kChange,
    kTransfer, /* argument: to whom */
    kRead,     /* argument: its ID */
    kSnapshot, /* of all that is committed and on disk; the log before it goes */
    kLose,     /* servers, for good */
    kRecover,  /* argument: the new voters, a bit set */
    kKinds
};

struct Write {
    enum Kind : uint32_t { kEntries, kChunk, kLastChunk, kWhole };
    bool installs() const { return kind == kLastChunk || kind == kWhole; }
    Chain log;    /* once it is on disk; of a chunk: what the whole snapshot covers */
    uint32_t age; /* of entries: the ticket, counted back from the latest */
    Kind kind = kEntries;
    bool operator==(const Write &) const = default;
};

struct Node {
    libraft::Server *core = nullptr;
    Chain log = 0;
    Chain disk = 0;
    Chain snapshot = 0;        /* on disk: what it covers */
    raft_index disk_first = 1; /* oldest entry of the log on disk */
    Chain incoming = 0;        /* what the chunks are of that have come so far */
    uint32_t received = 0;     /* how many */
    std::vector<Write> writes; /* oldest first */
    /* What the world asks often. */
    raft_term term = 0;
    raft_id vote = 0;
    Chain committed = 0;
    bool leads = false;
    bool campaigns = false;
    bool has_deadline = false;
    bool can_wait = false;
};

/* A message between servers, its entries attached. */
struct Packet {
    raft_id from;
    raft_id to;
    raft_message message; /* without pointers */
    Chain log;            /* ends with the last entry that it carries, or that a snapshot covers */
};

struct Outcome {
    enum class Code : uint8_t { kDone, kImpossible, kBeyond, kWrong } code = Code::kDone;
    NodeId node = 0;
    std::vector<PacketId> packets;
    std::vector<raft_read> reads; /* answered */
    std::string wrong;            /* kWrong: what was refused, or asked for */
};

class Nodes {
public:
    explicit Nodes(const Bounds &bounds, Defect defect) : bounds_(bounds), defect_(defect) {}
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
    size_t size() const { return nodes_.size(); }
    uint64_t steps() const { return steps_; }

private:
    Outcome compute(const Node &from, Kind kind, uint32_t argument);
    Outcome restart(const Node &from, uint32_t kept);
    Outcome finish(Node node, raft_update &update);
    NodeId intern(Node node);
    PacketId intern(const Packet &packet);
    void take_entries(Node *node, const raft_update_entries &entries);
    std::string take_chunk(Node *node, const raft_update_snapshot &snapshot) const;
    void persist(Node *node, raft_event *event) const;
    void persisted(Node *node, const Write &write) const;
    std::string pack(const Node &node, const raft_message &message, Packet *packet) const;
    std::string pack_install(const Node &node, const raft_install_snapshot &message,
                             Packet *packet) const;
    std::vector<raft_entry> unpack(Chain log, raft_index after) const;
    std::vector<raft_server> configuration_of(Chain log) const;
    Node boot(Node disk, raft_id id, raft_update *update);

    const Bounds bounds_;
    const Defect defect_;
    Chains chains_;
    std::vector<Node> nodes_;
    std::vector<Packet> packets_;
    std::map<proof::Digest, NodeId> node_ids_;
    std::unordered_map<std::string, PacketId> packet_ids_;
    /* By kind: (node, argument). */
    std::unordered_map<uint64_t, Outcome> outcomes_[static_cast<size_t>(Kind::kKinds)];
    uint64_t steps_ = 0;
};

} // namespace model
