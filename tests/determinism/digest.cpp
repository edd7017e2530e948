/* SPDX-License-Identifier: MIT */
#include "digest.hpp"

namespace determinism {

void Digest::text(const char *value) {
    number(value != nullptr);
    for (; value != nullptr && *value != '\0'; value++) {
        number(static_cast<unsigned char>(*value));
    }
    number(256);
}

void Digest::bytes(const raft_buffer &buffer) {
    number(buffer.len);
    for (size_t i = 0; i < buffer.len; i++) {
        number(static_cast<const unsigned char *>(buffer.base)[i]);
    }
}

void Digest::configuration(const raft_configuration &conf) {
    number(conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        number(conf.servers[i].id);
        text(conf.servers[i].address);
        integer(conf.servers[i].role);
    }
}

void Digest::entries(const raft_update_entries &entries) {
    number(entries.index);
    number(entries.write);
    number(entries.n);
    for (unsigned i = 0; i < entries.n; i++) {
        const raft_entry &entry = entries.batch[i];
        number(entry.term);
        number(entry.type);
        number(reinterpret_cast<uintptr_t>(entry.batch)); /* our cookies are small numbers */
        bytes(entry.buf);
    }
}

void Digest::snapshot(const raft_update_snapshot &snapshot) {
    number(snapshot.metadata.index);
    number(snapshot.metadata.term);
    configuration(snapshot.metadata.configuration);
    number(snapshot.metadata.configuration_index);
    number(snapshot.offset);
    bytes(snapshot.chunk);
    number(snapshot.last);
}

void Digest::append(const raft_message &message) {
    if (message.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &m = message.append_entries;
        number(m.version);
        number(m.term);
        number(m.prev_log_index);
        number(m.prev_log_term);
        number(m.leader_commit);
        number(m.entries != nullptr);
        number(m.n_entries);
        number(m.round);
    } else {
        const raft_append_entries_result &m = message.append_entries_result;
        number(m.version);
        number(m.term);
        number(m.rejected);
        number(m.last_log_index);
        number(m.features);
        number(m.capacity);
        number(m.round);
        number(m.snapshot_index);
        number(m.snapshot_offset);
    }
}

void Digest::message(const raft_message &message) {
    number(message.type);
    number(message.server_id);
    text(message.server_address);
    switch (message.type) {
        case RAFT_REQUEST_VOTE: {
            const raft_request_vote &m = message.request_vote;
            number(m.version);
            number(m.term);
            number(m.candidate_id);
            number(m.last_log_index);
            number(m.last_log_term);
            number(m.disrupt_leader);
            number(m.pre_vote);
            break;
        }
        case RAFT_REQUEST_VOTE_RESULT: {
            const raft_request_vote_result &m = message.request_vote_result;
            number(m.version);
            number(m.term);
            number(m.vote_granted);
            number(m.pre_vote);
            number(m.features);
            number(m.capacity);
            break;
        }
        case RAFT_INSTALL_SNAPSHOT: {
            const raft_install_snapshot &m = message.install_snapshot;
            number(m.version);
            number(m.term);
            number(m.last_index);
            number(m.last_term);
            configuration(m.conf);
            number(m.conf_index);
            bytes(m.data);
            number(m.offset);
            number(m.last);
            break;
        }
        case RAFT_TIMEOUT_NOW: {
            const raft_timeout_now &m = message.timeout_now;
            number(m.version);
            number(m.term);
            number(m.last_log_index);
            number(m.last_log_term);
            break;
        }
        default:
            append(message);
    }
}

void Digest::update(const raft_update &update) {
    number(update.flags);
    if ((update.flags & RAFT_UPDATE_ENTRIES) != 0) {
        entries(update.entries);
    }
    if ((update.flags & RAFT_UPDATE_SNAPSHOT) != 0) {
        snapshot(update.snapshot);
    }
    if ((update.flags & RAFT_UPDATE_MESSAGES) != 0) {
        number(update.messages.n);
        for (unsigned i = 0; i < update.messages.n; i++) {
            message(update.messages.batch[i]);
        }
    }
    if ((update.flags & RAFT_UPDATE_READS) != 0) {
        number(update.reads.n);
        for (unsigned i = 0; i < update.reads.n; i++) {
            const raft_read &read = update.reads.batch[i];
            number(read.id);
            number(read.index);
            integer(read.status);
            integer(read.reserved0);
            number(read.reserved[0]);
            number(read.reserved[1]);
        }
    }
}

void Digest::member(const struct raft *r, raft_id id) {
    raft_index match = 0;
    int status = 0;
    struct raft_progress progress = {};
    integer(raft_match_index(r, id, &match));
    integer(raft_catch_up(r, id, &status));
    integer(raft_progress(r, id, &progress));
    number(match);
    integer(status);
    integer(progress.mode);
    number(progress.features);
    number(progress.capacity);
    number(progress.match);
    number(progress.next);
    number(progress.last_contact);
    for (unsigned long long word : progress.reserved) {
        number(word);
    }
}

void Digest::answers(struct raft *r) {
    raft_id leader = 0;
    const char *address = nullptr;
    raft_leader(r, &leader, &address);
    number(leader);
    text(address);
    number(raft_current_term(r));
    number(raft_voted_for(r));
    number(raft_state(r));
    number(raft_commit_index(r));
    number(raft_timeout(r));
    number(raft_last_index(r));
    number(raft_first_index(r));
    number(raft_last_stored(r));
    number(raft_snapshot_index(r));
    integer(raft_role(r));
    number(raft_transferee(r));
    text(raft_errmsg(r));
    const raft_index last = raft_last_index(r);
    raft_configuration conf = {};
    for (raft_index i = last - (last < 6 ? last : 6); i <= last; i++) {
        raft_index conf_index = 0;
        number(raft_term_of(r, i));
        integer(raft_configuration_at(r, i, &conf, &conf_index));
        number(conf_index);
    }
    if (raft_configuration_at(r, last, &conf, nullptr) == 0) {
        configuration(conf);
        for (unsigned i = 0; i < conf.n; i++) {
            member(r, conf.servers[i].id);
        }
    }
}

void Digest::fact(int type, const raft_tracer_info &info) {
    integer(type);
    integer(info.version);
    integer(info.code);
    number(info.time);
    number(info.server);
    number(info.peer);
    number(info.term);
    number(info.index);
    text(info.text);
}

} // namespace determinism
