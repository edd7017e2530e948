/* SPDX-License-Identifier: MIT */
/* What the servers of a world hold: payloads, logs, configurations, snapshots. */
#pragma once

#include <raft.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace sim {

using Time = uint64_t; /* microseconds of the world */

/* How old a server's message codec is: as first published; one that knows pre-votes, but does not
 * mark the answers to them; today's published one; with our fields. */
enum Vintage : unsigned { kFirst, kUnmarked, kPublished, kOurs };

inline constexpr unsigned kMaxServers = 9;
inline constexpr unsigned kKeys = 4;
inline constexpr unsigned kPorts = 3; /* addresses that a server may have */
inline constexpr uint32_t kNoOp = UINT32_MAX;
inline constexpr Time kMs = 1000;
inline constexpr Time kSecond = 1000 * kMs;

/* A broken promise of the library (or of a part sabotaged on purpose). */
struct Violation : std::runtime_error {
    std::string property;
    Violation(std::string name, const std::string &detail)
        : std::runtime_error(name + ": " + detail), property(std::move(name)) {}
};

#if defined(__GNUC__)
#define SIM_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define SIM_PRINTF(a, b)
#endif

std::string format(const char *pattern, ...) SIM_PRINTF(1, 2);

/* Bytes of an entry. Made once, by whoever made the entry, and never changed:
 * its address is the cookie that travels with the entry. */
struct Payload {
    raft_entry_type type;
    uint32_t op; /* of the clients' history */
    std::vector<unsigned char> bytes;
};

struct Entry {
    raft_term term;
    const Payload *payload;
};

/* Consecutive entries. */
struct Log {
    raft_index first = 1;
    std::vector<Entry> entries;

    raft_index last() const { return first + entries.size() - 1; }
    bool has(raft_index i) const { return i >= first && i - first < entries.size(); }
    const Entry &at(raft_index i) const { return entries[static_cast<size_t>(i - first)]; }

    void truncate(raft_index from) {
        if (from <= first) {
            entries.clear();
        } else if (from <= last()) {
            entries.resize(static_cast<size_t>(from - first));
        }
    }
    void drop_before(raft_index i) {
        if (i > last()) {
            reset(i);
        } else if (i > first) {
            entries.erase(entries.begin(), entries.begin() + static_cast<long>(i - first));
            first = i;
        }
    }
    void reset(raft_index next) {
        entries.clear();
        first = next;
    }
};

struct Member {
    raft_id id;
    int role;
    unsigned port = 0; /* which of its addresses */
    bool operator==(const Member &) const = default;
};

/* A configuration, kept in the order of the library's. */
struct Conf {
    std::vector<Member> members;

    const Member *find(raft_id id) const {
        for (const Member &m : members) {
            if (m.id == id) {
                return &m;
            }
        }
        return nullptr;
    }
    int role_of(raft_id id) const {
        const Member *m = find(id);
        return m != nullptr ? m->role : -1;
    }
    bool joint() const {
        for (const Member &m : members) {
            if (m.role > RAFT_SPARE) {
                return true;
            }
        }
        return false;
    }
    unsigned voters() const {
        unsigned n = 0;
        for (const Member &m : members) {
            n += m.role == RAFT_VOTER;
        }
        return n;
    }
    bool operator==(const Conf &) const = default;
};

inline bool votes_in_old(int role) {
    return role == RAFT_VOTER || role == RAFT_VOTER_OUTGOING || role == RAFT_VOTER_TO_STANDBY ||
           role == RAFT_VOTER_TO_SPARE;
}
inline bool votes_in_new(int role) { return role == RAFT_VOTER || role == RAFT_VOTER_INCOMING; }
inline bool votes(int role) { return votes_in_old(role) || votes_in_new(role); }

/* Does a majority of each voter set satisfy this? */
template <typename F>
bool quorum(const Conf &conf, F satisfies) {
    unsigned old_n = 0, old_yes = 0, new_n = 0, new_yes = 0;
    for (const Member &m : conf.members) {
        bool yes = satisfies(m.id);
        old_n += votes_in_old(m.role);
        old_yes += votes_in_old(m.role) && yes;
        new_n += votes_in_new(m.role);
        new_yes += votes_in_new(m.role) && yes;
    }
    return old_yes > old_n / 2 && (!conf.joint() || new_yes > new_n / 2);
}

const char *name_of(raft_id id);
const char *address_of(raft_id id, unsigned port);
/* Which of the server's addresses that is, -1: none. */
int port_of(raft_id id, const char *address);
std::string describe(const Conf &conf);

/* The documented payload of a RAFT_CHANGE entry, written and read independently of
 * the library. */
std::vector<unsigned char> encode(const Conf &conf);
Conf decode(const void *base, size_t len);

Conf copy(const raft_configuration &conf);

/* The caller's state machine: some registers. */
struct Machine {
    raft_index applied = 0;
    uint64_t digest = 0; /* of everything applied */
    uint32_t values[kKeys] = {kNoOp, kNoOp, kNoOp, kNoOp};

    void mix(uint64_t x) {
        digest = (digest ^ x) * 0x9e3779b97f4a7c15U;
        digest ^= digest >> 29;
    }
};

struct Snapshot {
    raft_index index = 0;
    raft_term term = 0;
    Conf conf;
    raft_index conf_index = 0;
    std::string data; /* a Machine, then padding */
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

} // namespace sim
