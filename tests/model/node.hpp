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

/* What a caller may do wrong, on purpose: the rules must then be seen to break. */
enum class Defect { kNone, kForgetVote, kForgetTerm, kLoseAcknowledged };

struct Bounds {
    const char *name;
    unsigned servers;      /* that exist */
    unsigned voters;       /* of them in the first configuration: a bit set */
    unsigned standbys;     /* likewise */
    unsigned term;         /* highest */
    unsigned entries;      /* longest log */
    unsigned messages;     /* most in flight at once */
    unsigned crashes;      /* in all */
    unsigned submissions;  /* in all */
    unsigned duplicates;   /* messages delivered and kept, in all */
    unsigned changes;      /* of the membership, in all */
    unsigned next_voters;  /* after the change: a bit set */
    unsigned transfers;    /* in all */
    unsigned timeouts;     /* of leaders, in all; with pre-votes, of all: no term bounds them */
    bool pre_vote;
    bool losses;           /* messages get lost, too */
    unsigned commits;      /* entries that some state must have committed */
};

/* An operation on a server. */
enum class Kind : uint8_t {
    kTimeout,   /* its deadline has come */
    kPatience,  /* it has not heard from a leader for an election timeout, but does not act */
    kDeliver,   /* argument: the packet */
    kPersist,   /* its oldest write reaches the disk and is acknowledged */
    kCrash,     /* and restart; argument: how many of its writes reached the disk */
    kSubmit,
    kChange,
    kTransfer, /* argument: to whom */
};

struct Write {
    Chain log; /* once it is on disk */
    uint32_t age; /* its ticket, counted back from the latest */
    bool operator==(const Write &) const = default;
};

struct Node {
    libraft::Server *core = nullptr;
    Chain log = 0;
    Chain disk = 0;
    std::vector<Write> writes; /* oldest first */
    /* What the world asks often. */
    raft_term term = 0;
    raft_id vote = 0;
    Chain committed = 0;
    bool leads = false;
    bool has_deadline = false;
    bool can_wait = false;
};

/* A message between servers, its entries attached. */
struct Packet {
    raft_id from;
    raft_id to;
    raft_message message; /* without pointers */
    Chain log;            /* ends with the last entry that it carries */
};

struct Outcome {
    enum class Code : uint8_t { kDone, kImpossible, kBeyond, kWrong } code = Code::kDone;
    NodeId node = 0;
    std::vector<PacketId> packets;
    int error = 0; /* kWrong: what the step returned */
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
    size_t size() const { return nodes_.size(); }
    uint64_t steps() const { return steps_; }

private:
    Outcome compute(const Node &from, Kind kind, uint32_t argument);
    Outcome restart(const Node &from, uint32_t kept);
    Outcome finish(Node node, raft_update &update);
    NodeId intern(Node node);
    PacketId intern(const Packet &packet);
    void take_entries(Node *node, const raft_update_entries &entries);
    void pack(const Node &node, const raft_message &message, Packet *packet) const;
    std::vector<raft_entry> unpack(Chain log, raft_index after) const;
    Node boot(raft_id id, Chain disk, raft_term term, raft_id vote, raft_update *update);

    const Bounds bounds_;
    const Defect defect_;
    Chains chains_;
    std::vector<Node> nodes_;
    std::vector<Packet> packets_;
    std::map<proof::Digest, NodeId> node_ids_;
    std::unordered_map<std::string, PacketId> packet_ids_;
    std::unordered_map<uint64_t, Outcome> outcomes_[8]; /* by kind: (node, argument) */
    uint64_t steps_ = 0;
};

} // namespace model
