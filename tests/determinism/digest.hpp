/* SPDX-License-Identifier: MIT */
/* A number that stands for everything a raft has said, made of values only: no pointer, no
 * padding, no byte order enters it. */
#pragma once

#include <raft.h>

#include <cstdint>

namespace determinism {

class Digest {
public:
    void number(uint64_t value) {
        state_ = (state_ ^ value) * 0x9fb21c651e98df25ULL;
        state_ ^= state_ >> 32;
    }
    void integer(int value) { number(static_cast<uint64_t>(static_cast<int64_t>(value))); }
    /* NULL differs from the empty text. */
    void text(const char *value);
    void bytes(const raft_buffer &buffer);

    /* Every field that the flags announce. */
    void update(const raft_update &update);
    /* Every accessor. */
    void answers(struct raft *r);
    void fact(int type, const raft_tracer_info &info);

    uint64_t value() const { return state_; }

private:
    void configuration(const raft_configuration &conf);
    void entries(const raft_update_entries &entries);
    void snapshot(const raft_update_snapshot &snapshot);
    void message(const raft_message &message);
    void append(const raft_message &message);
    void member(const struct raft *r, raft_id id);

    uint64_t state_ = 0x243f6a8885a308d3ULL;
};

} // namespace determinism
