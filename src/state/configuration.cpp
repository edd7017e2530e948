/* SPDX-License-Identifier: MIT */
#include "state/configuration.hpp"

#include "base/bytes.hpp"
#include "base/invariant.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace libraft {

const raft_server *Configuration::find(raft_id id) const {
    for (const raft_server &server : *this) {
        if (server.id == id) {
            return &server;
        }
    }
    return nullptr;
}

uint8_t Configuration::voter_sets_of(raft_id id) const {
    const raft_server *server = find(id);
    return server != nullptr ? voter_sets(server->role) : uint8_t{0};
}

bool Configuration::has_sole_voter(raft_id id) const {
    if (voter_sets_of(id) != kBothSets) {
        return false;
    }
    unsigned voters = 0;
    for (const raft_server &server : *this) {
        voters += voter_sets(server.role) != 0;
    }
    return voters == 1;
}

namespace configuration {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kHeaderSize = 1 + 8;
constexpr size_t kMinServerSize = 8 + 1 + 1; /* id, empty address, role */
/* Upper limit on members, chosen so that every count derived from it fits in 32 bits. */
constexpr uint64_t kMostServers = UINT32_MAX / 64;

/* Sizes are computed in 64 bits, because a size_t of 32 bits could wrap. NULL: out of memory. */
template <class T>
T *allocate(uint64_t size) {
    return size <= SIZE_MAX ? static_cast<T *>(malloc(static_cast<size_t>(size))) : nullptr;
}

bool is_joint_role(int role) { return role > RAFT_SPARE; }

/* Sorts, because a hostile configuration may be large: n log n, not n squared. */
int find_duplicates(const raft_configuration &conf) {
    if (conf.n < 2) {
        return 0;
    }
    /* Pointers are meant. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    auto **sorted = allocate<const raft_server *>(uint64_t{conf.n} * sizeof(raft_server *));
    if (sorted == nullptr) {
        return RAFT_NOMEM;
    }
    for (unsigned i = 0; i < conf.n; i++) {
        sorted[i] = &conf.servers[i];
    }
    int rv = 0;
    std::sort(sorted, sorted + conf.n,
              [](const raft_server *a, const raft_server *b) { return a->id < b->id; });
    for (unsigned i = 1; i < conf.n; i++) {
        if (sorted[i]->id == sorted[i - 1]->id) {
            rv = RAFT_DUPLICATEID;
        }
    }
    std::sort(sorted, sorted + conf.n, [](const raft_server *a, const raft_server *b) {
        return strcmp(a->address, b->address) < 0;
    });
    for (unsigned i = 1; i < conf.n && rv == 0; i++) {
        if (strcmp(sorted[i]->address, sorted[i - 1]->address) == 0) {
            rv = RAFT_DUPLICATEADDRESS;
        }
    }
    free(sorted);
    return rv;
}

bool has_voters(const raft_configuration &conf) {
    unsigned sets = 0;
    for (unsigned i = 0; i < conf.n; i++) {
        sets |= voter_sets(conf.servers[i].role);
    }
    return sets == kBothSets;
}

/* Collects servers and builds a configuration of them. */
struct Draft {
    explicit Draft(uint64_t capacity)
        : servers(allocate<raft_server>((capacity + 1) * sizeof(raft_server))) {}
    ~Draft() { free(servers); }
    void add(const raft_server &server, int role) {
        servers[n++] = {server.id, server.address, role};
    }
    Configuration *finish(raft_index index) const { return copy({servers, n}, index); }

    raft_server *servers;
    unsigned n = 0;
};

} // namespace

int validate(const raft_configuration &conf, Roles allowed) {
    if (conf.n > 0 && conf.servers == nullptr) {
        return RAFT_INVALID;
    }
    if (conf.n > kMostServers) {
        return RAFT_TOOBIG;
    }
    for (unsigned i = 0; i < conf.n; i++) {
        const raft_server &server = conf.servers[i];
        if (server.id == 0) {
            return RAFT_BADID;
        }
        if (server.address == nullptr) {
            return RAFT_INVALID;
        }
        const int highest = allowed == Roles::kJoint ? int{RAFT_VOTER_TO_SPARE} : int{RAFT_SPARE};
        if (server.role < RAFT_STANDBY || server.role > highest) {
            return RAFT_BADROLE;
        }
    }
    int rv = find_duplicates(conf);
    if (rv != 0) {
        return rv;
    }
    return has_voters(conf) ? 0 : int{RAFT_INVALID};
}

Configuration *copy(const raft_configuration &conf, raft_index index) {
    uint64_t size = sizeof(Configuration) + uint64_t{conf.n} * sizeof(raft_server);
    for (unsigned i = 0; i < conf.n; i++) {
        size += uint64_t{strlen(conf.servers[i].address)} + 1;
    }
    auto *c = allocate<Configuration>(size);
    if (c == nullptr) {
        return nullptr;
    }
    *c = {nullptr, index, conf.n, false};
    Writer addresses(c->servers() + conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        const raft_server &server = conf.servers[i];
        c->servers()[i] = {server.id, static_cast<const char *>(addresses.position()), server.role};
        addresses.string(server.address);
        c->joint = c->joint || is_joint_role(server.role);
    }
    return c;
}

int decode(const raft_buffer &payload, raft_index index, Owner<Configuration> *decoded) {
    Reader reader(payload.base, payload.len);
    uint8_t format = 0;
    uint64_t n = 0;
    if (!reader.u8(&format) || format != kFormat || !reader.u64(&n) ||
        n > reader.left() / kMinServerSize || n > kMostServers) {
        return RAFT_MALFORMED;
    }
    Draft draft(n);
    if (draft.servers == nullptr) {
        return RAFT_NOMEM;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t id = 0;
        const char *address = nullptr;
        uint8_t role = 0;
        if (!reader.u64(&id) || !reader.string(&address) || !reader.u8(&role)) {
            return RAFT_MALFORMED;
        }
        draft.add({id, address, 0}, role);
    }
    if (reader.left() >= 8) { /* padding; C-Raft leaves in it what was in its memory */
        return RAFT_MALFORMED;
    }
    int rv = validate({draft.servers, draft.n}, Roles::kJoint);
    if (rv != 0) {
        return rv == RAFT_NOMEM || rv == RAFT_INVALID ? rv : int{RAFT_MALFORMED};
    }
    decoded->reset(draft.finish(index));
    return *decoded ? 0 : int{RAFT_NOMEM};
}

uint64_t encoded_size(const raft_configuration &conf) {
    uint64_t size = kHeaderSize;
    for (unsigned i = 0; i < conf.n; i++) {
        size += kMinServerSize + strlen(conf.servers[i].address);
    }
    return in_words(size);
}

void encode(const raft_configuration &conf, void *payload) {
    memset(payload, 0, static_cast<size_t>(encoded_size(conf)));
    Writer writer(payload);
    writer.u8(kFormat);
    writer.u64(conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        writer.u64(conf.servers[i].id);
        writer.string(conf.servers[i].address);
        writer.u8(static_cast<uint8_t>(conf.servers[i].role));
    }
}

bool equal(const Configuration &a, const Configuration &b) {
    if (a.n != b.n) {
        return false;
    }
    for (uint32_t i = 0; i < a.n; i++) {
        const raft_server &x = a.servers()[i];
        const raft_server &y = b.servers()[i];
        if (x.id != y.id || x.role != y.role || strcmp(x.address, y.address) != 0) {
            return false;
        }
    }
    return true;
}

bool same_members(const Configuration &a, const raft_configuration &b) {
    if (a.n != b.n) {
        return false;
    }
    for (unsigned i = 0; i < b.n; i++) { /* no two have the same ID */
        const raft_server &y = b.servers[i];
        const raft_server *x = a.find(y.id);
        if (x == nullptr || x->role != y.role || strcmp(x->address, y.address) != 0) {
            return false;
        }
    }
    return true;
}

unsigned voters_changed(const Configuration &from, const Configuration &to) {
    unsigned changed = 0;
    for (const raft_server &server : from) {
        changed += voter_sets(server.role) != 0 && to.voter_sets_of(server.id) == 0;
    }
    for (const raft_server &server : to) {
        changed += voter_sets(server.role) != 0 && from.voter_sets_of(server.id) == 0;
    }
    return changed;
}

Configuration *join(const Configuration &from, const Configuration &to) {
    INVARIANT(!from.joint && !to.joint);
    Draft draft(uint64_t{from.n} + to.n);
    if (draft.servers == nullptr) {
        return nullptr;
    }
    for (const raft_server &server : to) {
        bool voted = from.voter_sets_of(server.id) != 0;
        int role = server.role;
        if (role == RAFT_VOTER && !voted) {
            role = RAFT_VOTER_INCOMING;
        } else if (role == RAFT_STANDBY && voted) {
            role = RAFT_VOTER_TO_STANDBY;
        } else if (role == RAFT_SPARE && voted) {
            role = RAFT_VOTER_TO_SPARE;
        }
        draft.add(server, role);
    }
    for (const raft_server &server : from) {
        if (server.role == RAFT_VOTER && to.find(server.id) == nullptr) {
            draft.add(server, RAFT_VOTER_OUTGOING);
        }
    }
    return draft.finish(0);
}

Configuration *leave(const Configuration &joint) {
    Draft draft(joint.n);
    if (draft.servers == nullptr) {
        return nullptr;
    }
    for (const raft_server &server : joint) {
        switch (server.role) {
            case RAFT_VOTER_OUTGOING:
                break;
            case RAFT_VOTER_INCOMING:
                draft.add(server, RAFT_VOTER);
                break;
            case RAFT_VOTER_TO_STANDBY:
                draft.add(server, RAFT_STANDBY);
                break;
            case RAFT_VOTER_TO_SPARE:
                draft.add(server, RAFT_SPARE);
                break;
            default:
                draft.add(server, server.role);
        }
    }
    return draft.finish(0);
}

} // namespace configuration

void release(Configuration *latest) {
    while (latest != nullptr) {
        Configuration *previous = latest->previous;
        free(latest);
        latest = previous;
    }
}

} // namespace libraft
