/* SPDX-License-Identifier: MIT */
#include "observe.hpp"

#include <cstdint>
#include <cstring>

namespace proof {
namespace {

class Bytes {
public:
    void number(uint64_t value) {
        char bytes[8];
        memcpy(bytes, &value, sizeof bytes);
        text_.append(bytes, sizeof bytes);
    }
    void string(const char *value) {
        number(value != nullptr);
        if (value != nullptr) {
            text_.append(value, strlen(value) + 1);
        }
    }
    void memory(const void *base, size_t size) {
        number(size);
        if (size > 0) {
            text_.append(static_cast<const char *>(base), size);
        }
    }
    /* Payloads that are handed through are told by their place. */
    void buffer(const raft_buffer &b) {
        number(reinterpret_cast<uintptr_t>(b.base));
        number(b.len);
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void add_configuration(Bytes &out, const raft_configuration &conf) {
    out.number(conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        out.number(conf.servers[i].id);
        out.string(conf.servers[i].address);
        out.number(static_cast<uint64_t>(conf.servers[i].role));
    }
}

void add_entries(Bytes &out, const raft_update_entries &entries) {
    out.number(entries.index);
    out.number(entries.write);
    out.number(entries.n);
    for (unsigned i = 0; i < entries.n; i++) {
        const raft_entry &entry = entries.batch[i];
        out.number(entry.term);
        out.number(entry.type);
        out.number(reinterpret_cast<uintptr_t>(entry.batch));
        if (entry.batch == nullptr) {
            out.memory(entry.buf.base, entry.buf.len);
        } else {
            out.buffer(entry.buf);
        }
    }
}

void add_votes(Bytes &out, const raft_message &message) {
    if (message.type == RAFT_REQUEST_VOTE) {
        const raft_request_vote &m = message.request_vote;
        for (uint64_t value : {uint64_t{m.version}, uint64_t{m.term}, uint64_t{m.candidate_id},
                               uint64_t{m.last_log_index}, uint64_t{m.last_log_term},
                               uint64_t{m.disrupt_leader}, uint64_t{m.pre_vote}}) {
            out.number(value);
        }
    } else {
        const raft_request_vote_result &m = message.request_vote_result;
        for (uint64_t value : {uint64_t{m.version}, uint64_t{m.term}, uint64_t{m.vote_granted},
                               uint64_t{m.pre_vote}, uint64_t{m.features}, uint64_t{m.capacity}}) {
            out.number(value);
        }
    }
}

void add_append(Bytes &out, const raft_message &message) {
    if (message.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &m = message.append_entries;
        for (uint64_t value :
             {uint64_t{m.version}, uint64_t{m.term}, uint64_t{m.prev_log_index},
              uint64_t{m.prev_log_term}, uint64_t{m.leader_commit}, uint64_t{m.n_entries},
              uint64_t{m.entries != nullptr}, uint64_t{m.round}}) {
            out.number(value);
        }
    } else {
        const raft_append_entries_result &m = message.append_entries_result;
        for (uint64_t value :
             {uint64_t{m.version}, uint64_t{m.term}, uint64_t{m.rejected},
              uint64_t{m.last_log_index}, uint64_t{m.features}, uint64_t{m.capacity},
              uint64_t{m.round}, uint64_t{m.snapshot_index}, uint64_t{m.snapshot_offset}}) {
            out.number(value);
        }
    }
}

void add_message(Bytes &out, const raft_message &message) {
    out.number(message.type);
    out.number(message.server_id);
    out.string(message.server_address);
    switch (message.type) {
        case RAFT_REQUEST_VOTE:
        case RAFT_REQUEST_VOTE_RESULT:
            add_votes(out, message);
            break;
        case RAFT_APPEND_ENTRIES:
        case RAFT_APPEND_ENTRIES_RESULT:
            add_append(out, message);
            break;
        case RAFT_INSTALL_SNAPSHOT: {
            const raft_install_snapshot &m = message.install_snapshot;
            out.number(m.version);
            out.number(m.term);
            out.number(m.last_index);
            out.number(m.last_term);
            add_configuration(out, m.conf);
            out.number(m.conf_index);
            out.buffer(m.data);
            out.number(m.offset);
            out.number(m.last);
            break;
        }
        default: {
            const raft_timeout_now &m = message.timeout_now;
            out.number(m.version);
            out.number(m.term);
            out.number(m.last_log_index);
            out.number(m.last_log_term);
        }
    }
}

void add_snapshot(Bytes &out, const raft_update_snapshot &snapshot) {
    out.number(snapshot.metadata.index);
    out.number(snapshot.metadata.term);
    add_configuration(out, snapshot.metadata.configuration);
    out.number(snapshot.metadata.configuration_index);
    out.number(snapshot.offset);
    out.buffer(snapshot.chunk);
    out.number(snapshot.last);
}

void add_reads(Bytes &out, const raft_update_reads &reads) {
    out.number(reads.n);
    for (unsigned i = 0; i < reads.n; i++) {
        const raft_read &read = reads.batch[i];
        out.number(read.id);
        out.number(read.index);
        out.number(static_cast<uint64_t>(read.status));
        out.number(static_cast<uint64_t>(read.reserved0));
        out.number(read.reserved[0]);
        out.number(read.reserved[1]);
    }
}

void add_member(Bytes &out, const struct raft *r, raft_id id) {
    raft_index match = 0;
    int status = 0;
    struct raft_progress progress = {};
    out.number(static_cast<uint64_t>(raft_match_index(r, id, &match)));
    out.number(static_cast<uint64_t>(raft_catch_up(r, id, &status)));
    out.number(static_cast<uint64_t>(raft_progress(r, id, &progress)));
    out.number(match);
    out.number(static_cast<uint64_t>(status));
    out.number(static_cast<uint64_t>(progress.mode));
    out.number(progress.features);
    out.number(progress.capacity);
    out.number(progress.match);
    out.number(progress.next);
    out.number(progress.last_contact);
}

} // namespace

std::string observe(const raft_update &update) {
    Bytes out;
    out.number(update.flags);
    if ((update.flags & RAFT_UPDATE_ENTRIES) != 0) {
        add_entries(out, update.entries);
    }
    if ((update.flags & RAFT_UPDATE_SNAPSHOT) != 0) {
        add_snapshot(out, update.snapshot);
    }
    if ((update.flags & RAFT_UPDATE_MESSAGES) != 0) {
        out.number(update.messages.n);
        for (unsigned i = 0; i < update.messages.n; i++) {
            add_message(out, update.messages.batch[i]);
        }
    }
    if ((update.flags & RAFT_UPDATE_READS) != 0) {
        add_reads(out, update.reads);
    }
    return out.take();
}

std::string answers(struct raft *r) {
    Bytes out;
    raft_id leader = 0;
    const char *address = nullptr;
    raft_leader(r, &leader, &address);
    for (uint64_t value :
         {uint64_t{raft_current_term(r)}, uint64_t{raft_voted_for(r)}, uint64_t{raft_state(r)},
          uint64_t{raft_commit_index(r)}, uint64_t{raft_timeout(r)}, uint64_t{raft_last_index(r)},
          uint64_t{raft_first_index(r)}, uint64_t{raft_last_stored(r)},
          uint64_t{raft_snapshot_index(r)}, static_cast<uint64_t>(raft_role(r)), uint64_t{leader},
          uint64_t{raft_transferee(r)}}) {
        out.number(value);
    }
    out.string(address);
    const raft_index last = raft_last_index(r);
    const raft_index first = last - (last < 64 ? last : 64);
    raft_configuration conf = {};
    for (raft_index i = first; i <= last; i++) {
        raft_index conf_index = 0;
        out.number(raft_term_of(r, i));
        out.number(static_cast<uint64_t>(raft_configuration_at(r, i, &conf, &conf_index)));
        out.number(conf_index);
    }
    if (raft_configuration_at(r, last, &conf, nullptr) == 0) {
        add_configuration(out, conf);
        for (unsigned i = 0; i < conf.n; i++) {
            add_member(out, r, conf.servers[i].id);
        }
    }
    return out.take();
}

} // namespace proof
