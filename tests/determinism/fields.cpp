/* SPDX-License-Identifier: MIT */
/* Does the digest see every field? Each is changed alone. */
#include "world.hpp"

#include <cstdio>
#include <vector>

namespace determinism {
namespace {

/* An update with everything in it: one message of each type, two entries, two reads. */
struct Sample {
    char payload[4] = {1, 2, 3, 4};
    char chunk[3] = {5, 6, 7};
    char address[3] = {'a', 'b', 0};
    raft_server servers[2] = {{1, "x", 1}, {2, address, 1}};
    raft_message messages[6] = {};
    raft_entry entries[2] = {{1, RAFT_COMMAND, {payload, 4}, nullptr},
                             {1, RAFT_BARRIER, {}, nullptr}};
    raft_read reads[2] = {};
    raft_update update = {};
    raft_tracer_info info = {1, 2, 3, 4, 5, 6, 7, "text", {}};
    int fact = 1;

    Sample() {
        for (unsigned i = 0; i < 6; i++) {
            messages[i].type = static_cast<raft_message_type>(i + 1);
            messages[i].server_id = 1;
            messages[i].server_address = address;
        }
        messages[4].install_snapshot.conf = {servers, 2};
        messages[4].install_snapshot.data = {chunk, 3};
        update.flags = (1U << 13) - 1;
        update.entries = {1, entries, 2, 1};
        update.snapshot = {{1, 1, {servers, 2}, 1}, 0, {chunk, 3}, false};
        update.messages = {messages, 6};
        update.reads = {reads, 2};
    }
    Sample(const Sample &) = delete;
    Sample &operator=(const Sample &) = delete;

    uint64_t digest() const {
        Digest d;
        d.update(update);
        d.fact(fact, info);
        return d.value();
    }
};

using Change = void (*)(Sample &);

constexpr Change kChanges[] = {
    [](Sample &) {},
    [](Sample &s) { s.update.flags ^= RAFT_UPDATE_STATE; },
    [](Sample &s) { s.update.entries.index++; },
    [](Sample &s) { s.update.entries.n--; },
    [](Sample &s) { s.update.entries.write++; },
    [](Sample &s) { s.entries[1].term++; },
    [](Sample &s) { s.entries[1].type = RAFT_CHANGE; },
    [](Sample &s) { s.entries[1].batch = reinterpret_cast<void *>(uintptr_t{1}); },
    [](Sample &s) { s.entries[0].buf.len--; },
    [](Sample &s) { s.payload[1]++; },
    [](Sample &s) { s.update.snapshot.metadata.index++; },
    [](Sample &s) { s.update.snapshot.metadata.term++; },
    [](Sample &s) { s.update.snapshot.metadata.configuration_index++; },
    [](Sample &s) { s.update.snapshot.metadata.configuration.n--; },
    [](Sample &s) { s.update.snapshot.offset++; },
    [](Sample &s) { s.update.snapshot.chunk.len--; },
    [](Sample &s) { s.update.snapshot.last = true; },
    [](Sample &s) { s.chunk[1]++; },
    [](Sample &s) { s.servers[1].id++; },
    [](Sample &s) { s.servers[1].role++; },
    [](Sample &s) { s.address[1]++; },
    [](Sample &s) { s.update.messages.n--; },
    [](Sample &s) { s.messages[5].server_id++; },
    [](Sample &s) { s.messages[5].server_address = nullptr; },
    [](Sample &s) { s.messages[0].append_entries.version++; },
    [](Sample &s) { s.messages[0].append_entries.term++; },
    [](Sample &s) { s.messages[0].append_entries.prev_log_index++; },
    [](Sample &s) { s.messages[0].append_entries.prev_log_term++; },
    [](Sample &s) { s.messages[0].append_entries.leader_commit++; },
    [](Sample &s) { s.messages[0].append_entries.entries = s.entries; },
    [](Sample &s) { s.messages[0].append_entries.n_entries++; },
    [](Sample &s) { s.messages[0].append_entries.round++; },
    [](Sample &s) { s.messages[1].append_entries_result.version++; },
    [](Sample &s) { s.messages[1].append_entries_result.term++; },
    [](Sample &s) { s.messages[1].append_entries_result.rejected++; },
    [](Sample &s) { s.messages[1].append_entries_result.last_log_index++; },
    [](Sample &s) { s.messages[1].append_entries_result.features++; },
    [](Sample &s) { s.messages[1].append_entries_result.capacity++; },
    [](Sample &s) { s.messages[1].append_entries_result.round++; },
    [](Sample &s) { s.messages[1].append_entries_result.snapshot_index++; },
    [](Sample &s) { s.messages[1].append_entries_result.snapshot_offset++; },
    [](Sample &s) { s.messages[2].request_vote.version++; },
    [](Sample &s) { s.messages[2].request_vote.term++; },
    [](Sample &s) { s.messages[2].request_vote.candidate_id++; },
    [](Sample &s) { s.messages[2].request_vote.last_log_index++; },
    [](Sample &s) { s.messages[2].request_vote.last_log_term++; },
    [](Sample &s) { s.messages[2].request_vote.disrupt_leader = true; },
    [](Sample &s) { s.messages[2].request_vote.pre_vote = true; },
    [](Sample &s) { s.messages[3].request_vote_result.version++; },
    [](Sample &s) { s.messages[3].request_vote_result.term++; },
    [](Sample &s) { s.messages[3].request_vote_result.vote_granted = true; },
    [](Sample &s) { s.messages[3].request_vote_result.pre_vote = true; },
    [](Sample &s) { s.messages[3].request_vote_result.features++; },
    [](Sample &s) { s.messages[3].request_vote_result.capacity++; },
    [](Sample &s) { s.messages[4].install_snapshot.version++; },
    [](Sample &s) { s.messages[4].install_snapshot.term++; },
    [](Sample &s) { s.messages[4].install_snapshot.last_index++; },
    [](Sample &s) { s.messages[4].install_snapshot.last_term++; },
    [](Sample &s) { s.messages[4].install_snapshot.conf.n--; },
    [](Sample &s) { s.messages[4].install_snapshot.conf_index++; },
    [](Sample &s) { s.messages[4].install_snapshot.data.len--; },
    [](Sample &s) { s.messages[4].install_snapshot.offset++; },
    [](Sample &s) { s.messages[4].install_snapshot.last = true; },
    [](Sample &s) { s.messages[5].timeout_now.version++; },
    [](Sample &s) { s.messages[5].timeout_now.term++; },
    [](Sample &s) { s.messages[5].timeout_now.last_log_index++; },
    [](Sample &s) { s.messages[5].timeout_now.last_log_term++; },
    [](Sample &s) { s.update.reads.n--; },
    [](Sample &s) { s.reads[1].id++; },
    [](Sample &s) { s.reads[1].index++; },
    [](Sample &s) { s.reads[1].status++; },
    [](Sample &s) { s.reads[1].reserved0++; },
    [](Sample &s) { s.reads[1].reserved[0]++; },
    [](Sample &s) { s.reads[1].reserved[1]++; },
    [](Sample &s) { s.fact++; },
    [](Sample &s) { s.info.version++; },
    [](Sample &s) { s.info.code++; },
    [](Sample &s) { s.info.time++; },
    [](Sample &s) { s.info.server++; },
    [](Sample &s) { s.info.peer++; },
    [](Sample &s) { s.info.term++; },
    [](Sample &s) { s.info.index++; },
    [](Sample &s) { s.info.text = "tex"; },
};

} // namespace

/* How many changes cannot be told from another, or from none. */
unsigned unseen_fields() {
    std::vector<uint64_t> digests;
    unsigned unseen = 0;
    for (Change change : kChanges) {
        Sample sample;
        change(sample);
        const uint64_t digest = sample.digest();
        for (size_t i = 0; i < digests.size(); i++) {
            if (digests[i] == digest) {
                printf("change %zu cannot be told from change %zu\n", digests.size(), i);
                unseen++;
            }
        }
        digests.push_back(digest);
    }
    printf("%zu changes of one field each\n", digests.size() - 1);
    return unseen;
}

} // namespace determinism
