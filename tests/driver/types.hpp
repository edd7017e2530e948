/* SPDX-License-Identifier: MIT */
/* What a caller of the library holds: entries, logs, configurations, snapshots. All of them are
 * values: a copy stays valid whatever happens to the original. */
#pragma once

#include <raft.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace driver {

/* A promise of Raft or of the library is broken; `property` names it. */
struct Violation : std::runtime_error {
    std::string property;
    Violation(std::string name, const std::string &detail)
        : std::runtime_error(name + ": " + detail), property(std::move(name)) {}
};

#if defined(__GNUC__)
#define DRIVER_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define DRIVER_PRINTF(a, b)
#endif

/* printf into a string. */
std::string format(const char *pattern, ...) DRIVER_PRINTF(1, 2);

/* ------------------------------------------------------------------ entries -- */

inline constexpr uint32_t kNoMark = UINT32_MAX;

/* What an entry carries. It is made once and never changed. Its address is the cookie
 * (raft_entry.batch) that travels with the entry, so equal addresses mean one entry. */
struct Payload {
    raft_entry_type type;
    uint32_t mark; /* the test's own, such as the number of a client's operation */
    std::string bytes;
};

/* Keeps payloads, at fixed addresses, as long as it exists. */
class Payloads {
public:
    const Payload *make(raft_entry_type type, std::string_view bytes, uint32_t mark = kNoMark) {
        all_.push_back({type, mark, std::string(bytes)});
        return &all_.back();
    }

private:
    std::deque<Payload> all_;
};
/* One for the whole program. */
Payloads &payloads();

struct Entry {
    raft_term term = 0;
    const Payload *payload = nullptr;

    Entry() = default;
    Entry(raft_term of_term, const Payload *of_payload) : term(of_term), payload(of_payload) {}
    /* Its payload exists as long as the program. */
    Entry(raft_term of_term, raft_entry_type of_type, std::string_view of_bytes)
        : term(of_term), payload(payloads().make(of_type, of_bytes)) {}

    raft_entry_type type() const { return payload->type; }
    const std::string &bytes() const { return payload->bytes; }
    /* Carry something else from now on. */
    void set(raft_entry_type of_type, std::string_view of_bytes) {
        payload = payloads().make(of_type, of_bytes);
    }
    void set_bytes(std::string_view of_bytes) { set(type(), of_bytes); }
    bool same_payload(const Entry &other) const {
        return payload == other.payload || (type() == other.type() && bytes() == other.bytes());
    }
    bool operator==(const Entry &other) const { return term == other.term && same_payload(other); }
};

/* Index and term of an entry. */
struct Position {
    raft_index index = 0;
    raft_term term = 0;
};

/* Consecutive entries. */
struct Log {
    raft_index first = 1; /* index of the first entry, or of the next one */
    std::vector<Entry> entries;

    bool empty() const { return entries.empty(); }
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
    bool operator==(const Log &) const = default;
};

/* A log drawn as text: "1[1 2 3] 1 2b 2" is an entry of term 1 that sets the members, a command
 * of term 1, a barrier and a command of term 2. Commands have the same payload wherever the same
 * term stands at the same index (log matching), so the index of the first entry is needed. */
std::vector<Entry> draw_log(std::string_view drawing, raft_index first = 1);

/* ----------------------------------------------------------- configurations -- */

/* The one copy of an address: equal addresses are equal pointers, valid for ever. */
const char *intern(const char *address);
/* The default address of a server: "s7" of server 7. */
const char *address_of(raft_id id);

struct Member {
    raft_id id;
    int role;
    const char *address; /* interned */
    bool operator==(const Member &) const = default;
};

/* The members of a cluster, in the order of the library's. */
struct Configuration {
    std::vector<Member> members;

    Configuration() = default;
    explicit Configuration(std::vector<Member> of) : members(std::move(of)) {}
    explicit Configuration(const raft_configuration &conf);
    /* Drawn: "1 2 3 4s 5p" has voters 1 to 3, standby 4 and spare 5. Roles in a joint
     * configuration: o outgoing, i incoming, t voter to standby, u voter to spare. */
    Configuration(std::string_view drawing);
    Configuration(const char *drawing) : Configuration(std::string_view(drawing)) {}

    void add(raft_id id, int role, const char *address = nullptr);
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
    bool joint() const;
    unsigned voters() const;
    /* The same, field for field, without making a copy of it. */
    bool is(const raft_configuration &conf) const;
    Configuration sorted() const; /* by ID */
    /* Drawn; an address that is not the default follows "@". */
    std::string str() const;
    bool operator==(const Configuration &) const = default;
};

/* The payload of a RAFT_CHANGE entry (contract, section 7), written and read independently of the
 * library. decode() throws a Violation if it is malformed. */
std::string encode(const Configuration &conf);
Configuration decode(std::string_view payload);

inline bool votes_in_old(int role) {
    return role == RAFT_VOTER || role == RAFT_VOTER_OUTGOING || role == RAFT_VOTER_TO_STANDBY ||
           role == RAFT_VOTER_TO_SPARE;
}
inline bool votes_in_new(int role) { return role == RAFT_VOTER || role == RAFT_VOTER_INCOMING; }
inline bool votes(int role) { return votes_in_old(role) || votes_in_new(role); }

/* Does a majority of each voter set satisfy this? */
template <typename F>
bool quorum(const Configuration &conf, F satisfies) {
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

/* ---------------------------------------------------------------- snapshots -- */

struct Snapshot {
    raft_index index = 0;
    raft_term term = 0;
    Configuration conf;
    raft_index conf_index = 0;
    std::string data;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

} // namespace driver
