/* SPDX-License-Identifier: MIT */
/* Structs are taken apart with structured bindings. They stop compiling when a struct gains or
 * loses a member, so no member can be forgotten here. */
#include "fields.hpp"

#include <cstring>

namespace observe {
namespace {

/* Bytes that a caller handed in, or that are attached to a message. */
void add_payload(Record *r, const char *name, const raft_buffer &buffer, Payloads payloads) {
    const auto &[base, length] = buffer;
    if (payloads == Payloads::kPlaces) {
        r->place(name, base);
        r->add("length", length);
    } else {
        r->bytes(name, base, length);
    }
}

void add_entry(Record *r, const raft_entry &entry, Payloads payloads) {
    /* An entry cannot be taken apart, because its cookie is a union. */
    static_assert(sizeof(raft_entry) == 2 * 8 + sizeof(raft_buffer) + 8 || sizeof(void *) == 4);
    const raft_term term = entry.term;
    const raft_entry_type type = entry.type;
    const raft_buffer &buf = entry.buf;
    const void *batch = entry.batch;
    r->add("term", term);
    r->add("type", type);
    if (payloads == Payloads::kContents) {
        r->add("cookie", batch != nullptr);
    } else {
        r->add_own("cookie", reinterpret_cast<uintptr_t>(batch));
    }
    /* The library's own payloads must be readable. */
    add_payload(r, "payload", buf, batch == nullptr ? Payloads::kContents : payloads);
}

void add_entries(Record *r, const raft_update_entries &entries, Payloads payloads) {
    const auto &[index, batch, n, write] = entries;
    r->group("entries from", index);
    r->add("write", write);
    r->add("n", n);
    for (unsigned i = 0; i < n; i++) {
        r->group("entry", index + i);
        add_entry(r, batch[i], payloads);
    }
}

void add_snapshot(Record *r, const raft_update_snapshot &snapshot, Payloads payloads) {
    const auto &[metadata, offset, chunk, last] = snapshot;
    const auto &[index, term, configuration, configuration_index] = metadata;
    r->group("snapshot", index);
    r->add("term", term);
    r->add("configuration_index", configuration_index);
    r->add("offset", offset);
    r->add("last", last);
    add_payload(r, "chunk", chunk, payloads);
    record(r, configuration);
}

void add_reads(Record *r, const raft_update_reads &reads) {
    const auto &[batch, n] = reads;
    for (unsigned i = 0; i < n; i++) {
        const auto &[id, index, status, reserved0, reserved] = batch[i];
        r->group_of_own("read", id);
        r->add("index", index);
        r->add("status", status);
        r->add("reserved0", reserved0);
        r->add("reserved[0]", reserved[0]);
        r->add("reserved[1]", reserved[1]);
    }
}

void add(Record *r, const raft_append_entries &message, Payloads payloads) {
    const auto &[version, term, prev_log_index, prev_log_term, leader_commit, entries, n_entries,
                 round, sleep] = message;
    r->add("version", version);
    r->add("term", term);
    r->add("prev_log_index", prev_log_index);
    r->add("prev_log_term", prev_log_term);
    r->add("leader_commit", leader_commit);
    r->add("entries", entries != nullptr);
    r->add("n_entries", n_entries);
    r->add("round", round);
    r->add("sleep", version >= 2 && sleep);
    for (unsigned i = 0; entries != nullptr && i < n_entries; i++) {
        r->group("attached entry", prev_log_index + 1 + i);
        add_entry(r, entries[i], payloads);
    }
}

void add(Record *r, const raft_append_entries_result &message) {
    const auto &[version, term, rejected, last_log_index, features, capacity, round, snapshot_index,
                 snapshot_offset] = message;
    r->add("version", version);
    r->add("term", term);
    r->add("rejected", rejected);
    r->add("last_log_index", last_log_index);
    r->add("features", features);
    r->add("capacity", capacity);
    r->add("round", round);
    r->add("snapshot_index", snapshot_index);
    r->add("snapshot_offset", snapshot_offset);
}

void add(Record *r, const raft_request_vote &message) {
    const auto &[version, term, candidate_id, last_log_index, last_log_term, disrupt_leader,
                 pre_vote] = message;
    r->add("version", version);
    r->add("term", term);
    r->add_own("candidate_id", candidate_id);
    r->add("last_log_index", last_log_index);
    r->add("last_log_term", last_log_term);
    r->add("disrupt_leader", disrupt_leader);
    r->add("pre_vote", pre_vote);
}

void add(Record *r, const raft_request_vote_result &message) {
    const auto &[version, term, vote_granted, pre_vote, features, capacity] = message;
    r->add("version", version);
    r->add("term", term);
    r->add("vote_granted", vote_granted);
    r->add("pre_vote", pre_vote);
    r->add("features", features);
    r->add("capacity", capacity);
}

void add(Record *r, const raft_install_snapshot &message, Payloads payloads) {
    const auto &[version, term, last_index, last_term, conf, conf_index, data, offset, last] =
        message;
    r->add("version", version);
    r->add("term", term);
    r->add("last_index", last_index);
    r->add("last_term", last_term);
    r->add("conf_index", conf_index);
    r->add("offset", offset);
    r->add("last", last);
    add_payload(r, "data", data, payloads);
    record(r, conf);
}

void add(Record *r, const raft_timeout_now &message) {
    const auto &[version, term, last_log_index, last_log_term] = message;
    r->add("version", version);
    r->add("term", term);
    r->add("last_log_index", last_log_index);
    r->add("last_log_term", last_log_term);
}

} // namespace

void record(Record *r, const raft_configuration &configuration) {
    const auto &[servers, n] = configuration;
    r->add("servers", n);
    for (unsigned i = 0; i < n; i++) {
        const auto &[id, address, role] = servers[i];
        r->add_own("id", id);
        r->add("address", address);
        r->add("role", role);
    }
}

void record(Record *r, const raft_message &message, Payloads payloads) {
    r->add("type", message.type, Kind::kMessage);
    r->add_own("server_id", message.server_id);
    r->add("server_address", message.server_address);
    switch (message.type) {
        case RAFT_APPEND_ENTRIES:
            add(r, message.append_entries, payloads);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            add(r, message.append_entries_result);
            break;
        case RAFT_REQUEST_VOTE:
            add(r, message.request_vote);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            add(r, message.request_vote_result);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            add(r, message.install_snapshot, payloads);
            break;
        case RAFT_TIMEOUT_NOW:
            add(r, message.timeout_now);
            break;
        default:
            break; /* the type alone tells that it is wrong */
    }
}

void record(Record *r, const raft_update &update, Payloads payloads) {
    const auto &[flags, entries, snapshot, messages, reads, reserved] = update;
    r->add("flags", flags, Kind::kFlags);
    if ((flags & RAFT_UPDATE_ENTRIES) != 0) {
        add_entries(r, entries, payloads);
    }
    if ((flags & RAFT_UPDATE_SNAPSHOT) != 0) {
        add_snapshot(r, snapshot, payloads);
    }
    if ((flags & RAFT_UPDATE_MESSAGES) != 0) {
        for (unsigned i = 0; i < messages.n; i++) {
            r->group("message", i + 1);
            record(r, messages.batch[i], payloads);
        }
    }
    if ((flags & RAFT_UPDATE_READS) != 0) {
        add_reads(r, reads);
    }
}

void record(Record *r, const raft_tracer_info &fact, int type) {
    const auto &[version, code, time, server, peer, term, index, text, reserved] = fact;
    r->group("fact", static_cast<uint64_t>(type));
    r->add("version", version);
    r->add("code", code);
    r->add("time", time);
    r->add_own("server", server);
    r->add_own("peer", peer);
    r->add("term", term);
    r->add("index", index);
    r->add("text", text);
    for (unsigned long long word : reserved) {
        r->add("reserved", word);
    }
}

namespace {
constexpr int kFilling = 0xa5;

template <class T>
bool filled(const T &member) {
    T pattern;
    memset(static_cast<void *>(&pattern), kFilling, sizeof pattern);
    return memcmp(static_cast<const void *>(&member), static_cast<void *>(&pattern),
                  sizeof pattern) == 0;
}
} // namespace

void fill(raft_update *update) { memset(static_cast<void *>(update), kFilling, sizeof *update); }

const char *written_unannounced(const raft_update &update) {
    const auto &[flags, entries, snapshot, messages, reads, reserved] = update;
    if ((flags & RAFT_UPDATE_ENTRIES) == 0 && !filled(entries)) {
        return "entries";
    }
    if ((flags & RAFT_UPDATE_SNAPSHOT) == 0 && !filled(snapshot)) {
        return "snapshot";
    }
    if ((flags & RAFT_UPDATE_MESSAGES) == 0 && !filled(messages)) {
        return "messages";
    }
    if ((flags & RAFT_UPDATE_READS) == 0 && !filled(reads)) {
        return "reads";
    }
    return filled(reserved) ? nullptr : "reserved";
}

} // namespace observe
