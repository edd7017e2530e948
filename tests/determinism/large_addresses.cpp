/* SPDX-License-Identifier: MIT */
/* Configurations that a machine of 32 bits cannot copy: their addresses overlap in the caller's
 * memory, so that the copy would have more bytes than a size_t can count. */
#include "large_addresses.hpp"

#include <raft.h>

#include <cstdint>
#include <string>
#include <vector>

namespace determinism {
namespace {

constexpr raft_id kId = 1;

/* Suffixes of one text. The sum of all sizes is a little more than 2^32. */
class Suffixes {
public:
    Suffixes() : text_(4000000, 'x') {
        uint32_t noise = 1;
        for (char &c : text_) { /* different from the beginning, so that comparing is fast */
            noise = noise * 1664525 + 1013904223;
            c = static_cast<char>('a' + (noise >> 28));
        }
        constexpr uint64_t kAll = 1ULL << 32;
        uint64_t size = 0;
        size_t length = text_.size();
        while (size < kAll) {
            const uint64_t left = kAll - size;
            length = left < length ? static_cast<size_t>(left) : length - 1;
            servers_.push_back({kId + servers_.size(), text_.c_str() + text_.size() - length,
                                servers_.empty() ? RAFT_VOTER : RAFT_SPARE});
            size += length + 1 + sizeof(raft_server);
        }
    }
    raft_configuration conf() { return {servers_.data(), static_cast<unsigned>(servers_.size())}; }

private:
    std::string text_;
    std::vector<raft_server> servers_;
};

raft_event event(raft_event_type type) {
    raft_event e = {};
    e.type = type;
    e.time = 1;
    return e;
}

} // namespace

std::string refuse_large_addresses() {
    if (sizeof(size_t) > 4) {
        return ""; /* there, the copy would take 4 GB, and succeed */
    }
    Suffixes suffixes;
    struct raft r {};
    raft_update update;
    if (raft_init(&r, kId, "s1") != 0) {
        return "raft_init() fails";
    }
    std::string failed;
    const auto expect_no_memory = [&](raft_event e, const char *what) {
        const int code = raft_step(&r, &e, &update);
        if (code != RAFT_NOMEM) {
            failed += std::string(what) + " returns " + std::to_string(code) + "; ";
        }
    };
    raft_snapshot_metadata metadata = {9, 2, suffixes.conf(), 1};
    raft_event e = event(RAFT_START);
    e.start.term = 2;
    e.start.metadata = &metadata;
    expect_no_memory(e, "RAFT_START");
    e = event(RAFT_START);
    if (raft_step(&r, &e, &update) != 0) {
        failed += "the start of an empty server fails; ";
    }
    e = event(RAFT_BOOTSTRAP);
    e.bootstrap.conf = suffixes.conf();
    expect_no_memory(e, "RAFT_BOOTSTRAP");
    e = event(RAFT_RECOVER);
    e.recover.conf = suffixes.conf();
    expect_no_memory(e, "RAFT_RECOVER");
    raft_message m = {};
    m.type = RAFT_INSTALL_SNAPSHOT;
    m.server_id = 2;
    m.server_address = "s2";
    m.install_snapshot.term = 2;
    m.install_snapshot.last_index = 9;
    m.install_snapshot.last_term = 2;
    m.install_snapshot.conf = suffixes.conf();
    m.install_snapshot.conf_index = 1;
    e = event(RAFT_RECEIVE);
    e.receive.message = &m;
    expect_no_memory(e, "InstallSnapshot");
    raft_close(&r);
    return failed;
}

} // namespace determinism
