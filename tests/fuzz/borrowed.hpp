/* SPDX-License-Identifier: MIT */
/* Memory that events borrow. Each piece has a block of exactly its size, and all are freed after
 * the step, so that AddressSanitizer reports a read that is too far or too late. */
#pragma once

#include "input.hpp"

#include <cstdlib>
#include <vector>

namespace fuzz {

class Borrowed {
public:
    Borrowed() = default;
    ~Borrowed() { release(); }
    Borrowed(const Borrowed &) = delete;
    Borrowed &operator=(const Borrowed &) = delete;

    void release() {
        for (void *block : blocks_) {
            free(block);
        }
        blocks_.clear();
    }

    template <class T>
    T *array(size_t n) {
        void *block = calloc(n, sizeof(T));
        if (block == nullptr && n > 0) {
            abort();
        }
        blocks_.push_back(block);
        return static_cast<T *>(block);
    }

    const char *address(Input &in, raft_id id);
    raft_configuration configuration(Input &in);
    raft_entry entry(Input &in, struct raft *r, raft_term term);
    raft_entry *entries(Input &in, struct raft *r, unsigned n);
    raft_message *message(Input &in, struct raft *r);
    raft_snapshot_metadata metadata(Input &in, struct raft *r);

private:
    raft_buffer encoded(const raft_configuration &conf);
    void votes(Input &in, struct raft *r, raft_message *m);
    void appends(Input &in, struct raft *r, raft_message *m);
    void install(Input &in, struct raft *r, raft_message *m);

    std::vector<void *> blocks_;
};

} // namespace fuzz
