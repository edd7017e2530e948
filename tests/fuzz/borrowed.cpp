/* SPDX-License-Identifier: MIT */
#include "borrowed.hpp"

#include <string>

namespace fuzz {
namespace {

/* Payloads that are handed through must never be read: these addresses cannot be. */
void *untouchable(uint8_t which) { return reinterpret_cast<void *>(uintptr_t{8} * (which + 1)); }

char cookie;

unsigned char version(Input &in) {
    const uint8_t choice = in.u8();
    return choice < 200 ? choice % 5 : choice;
}

} // namespace

const char *Borrowed::address(Input &in, raft_id id) {
    const uint8_t choice = in.u8();
    if (choice >= 250) {
        return nullptr;
    }
    std::string text = "host" + std::to_string(id % 8);
    if (choice >= 240) {
        text = choice >= 246 ? "" : std::string(choice * 4U, 'x');
    }
    char *copy = array<char>(text.size() + 1);
    memcpy(copy, text.c_str(), text.size() + 1);
    return copy;
}

/* Mostly servers 1 to n with sensible roles. */
raft_configuration Borrowed::configuration(Input &in) {
    const uint8_t shape = in.u8();
    const unsigned n = shape < 240 ? shape % 8 : shape - 200U;
    raft_configuration conf = {array<raft_server>(n), n};
    for (unsigned i = 0; i < n; i++) {
        raft_server &server = conf.servers[i];
        const uint8_t how = in.u8();
        server.id = how < 230 ? i + 1 : in.u64() % 256;
        server.role = how < 128 ? int{RAFT_VOTER} : how < 224 ? how % 8 : int(in.u32());
        server.address = address(in, server.id);
    }
    if (shape == 255) {
        conf.servers = nullptr;
    }
    return conf;
}

raft_buffer Borrowed::encoded(const raft_configuration &conf) {
    std::string bytes(1, '\1');
    const auto number = [&](uint64_t value) {
        for (unsigned i = 0; i < 8; i++) {
            bytes += static_cast<char>(value >> (8 * i));
        }
    };
    number(conf.n);
    for (unsigned i = 0; i < conf.n && conf.servers != nullptr; i++) {
        const raft_server &server = conf.servers[i];
        number(server.id);
        bytes += server.address != nullptr ? server.address : "";
        bytes += '\0';
        bytes += static_cast<char>(server.role);
    }
    bytes.resize((bytes.size() + 7) / 8 * 8);
    char *block = array<char>(bytes.size());
    memcpy(block, bytes.data(), bytes.size());
    return {block, bytes.size()};
}

raft_entry Borrowed::entry(Input &in, struct raft *r, raft_term term) {
    raft_entry entry = {};
    const uint8_t choice = in.u8();
    entry.term = choice & 1 ? in.number(r) : term;
    const unsigned type = choice >> 1 & 7;
    put_raw(&entry.type, type < 4 ? type : type == 4 ? in.u32() : unsigned{RAFT_COMMAND});
    uint32_t stored_type;
    memcpy(&stored_type, &entry.type, sizeof stored_type);
    entry.batch = choice & 16 ? nullptr : &cookie;
    if (stored_type == RAFT_CHANGE) {
        entry.buf = encoded(configuration(in));
        const uint8_t damage = in.u8();
        if (damage >= 128 && entry.buf.len > 0) {
            static_cast<char *>(entry.buf.base)[in.u16() % entry.buf.len] ^=
                static_cast<char>(damage);
        } else if (damage >= 64) {
            char *shorter = array<char>(damage - 64U);
            memcpy(shorter, entry.buf.base,
                   entry.buf.len < damage - 64U ? entry.buf.len : damage - 64U);
            entry.buf = {shorter, damage - 64U};
        } else if (damage == 63) {
            entry.buf.base = nullptr;
        }
    } else if (entry.batch == nullptr) {
        entry.buf = {array<char>(8), 8}; /* comes back as if the library had made it */
    } else {
        entry.buf = {untouchable(choice), in.u8()};
    }
    return entry;
}

raft_entry *Borrowed::entries(Input &in, struct raft *r, unsigned n) {
    raft_entry *list = array<raft_entry>(n);
    raft_term term = n > 0 ? in.number(r) : 0;
    for (unsigned i = 0; i < n; i++) {
        list[i] = entry(in, r, term);
        term = list[i].term;
    }
    return list;
}

raft_snapshot_metadata Borrowed::metadata(Input &in, struct raft *r) {
    raft_snapshot_metadata m = {};
    m.index = in.number(r);
    m.term = in.number(r);
    m.configuration = configuration(in);
    m.configuration_index = in.number(r);
    return m;
}

void Borrowed::votes(Input &in, struct raft *r, raft_message *m) {
    if (m->type == RAFT_REQUEST_VOTE) {
        raft_request_vote &v = m->request_vote;
        v.version = version(in);
        v.term = in.number(r);
        v.candidate_id = in.one_in(16) ? in.u8() : m->server_id;
        v.last_log_index = in.number(r);
        v.last_log_term = in.number(r);
        put_raw(&v.disrupt_leader, in.u8());
        put_raw(&v.pre_vote, in.u8());
    } else if (m->type == RAFT_REQUEST_VOTE_RESULT) {
        raft_request_vote_result &v = m->request_vote_result;
        v.version = version(in);
        v.term = in.number(r);
        put_raw(&v.vote_granted, in.u8());
        put_raw(&v.pre_vote, in.u8());
        v.features = in.u16();
        v.capacity = in.u16();
    } else {
        raft_timeout_now &t = m->timeout_now;
        t.version = version(in);
        t.term = in.number(r);
        t.last_log_index = in.number(r);
        t.last_log_term = in.number(r);
    }
}

void Borrowed::appends(Input &in, struct raft *r, raft_message *m) {
    if (m->type == RAFT_APPEND_ENTRIES) {
        raft_append_entries &a = m->append_entries;
        a.version = version(in);
        a.term = in.number(r);
        a.prev_log_index = in.number(r);
        a.prev_log_term = in.u8() < 128 ? raft_term_of(r, a.prev_log_index) : in.number(r);
        a.leader_commit = in.number(r);
        const uint8_t n = in.u8();
        a.n_entries = n < 200 ? n % 8 : n;
        a.entries = n == 255 ? nullptr : entries(in, r, a.n_entries);
        a.round = in.number(r);
        /* `sleep` stays as message() has filled it: 0, or bits that are no bool. */
    } else {
        raft_append_entries_result &a = m->append_entries_result;
        a.version = version(in);
        a.term = in.number(r);
        a.rejected = in.u8() < 128 ? 0 : in.number(r);
        a.last_log_index = in.number(r);
        a.features = in.u16();
        a.capacity = in.u16();
        a.round = in.number(r);
        a.snapshot_index = in.number(r);
        a.snapshot_offset = in.number(r);
    }
}

void Borrowed::install(Input &in, struct raft *r, raft_message *m) {
    raft_install_snapshot &i = m->install_snapshot;
    i.version = version(in);
    i.term = in.number(r);
    i.last_index = in.number(r);
    i.last_term = in.number(r);
    i.conf = configuration(in);
    i.conf_index = in.number(r);
    const uint8_t data = in.u8();
    i.data = {data == 255 ? nullptr : untouchable(data),
              data < 128 ? data : static_cast<size_t>(in.number(r))};
    i.offset = in.u8() < 64 ? 0 : in.number(r);
    put_raw(&i.last, in.u8());
}

raft_message *Borrowed::message(Input &in, struct raft *r) {
    raft_message *m = array<raft_message>(1);
    memset(m, in.u8() < 128 ? 0 : 0xa5,
           sizeof *m); /* fields that are not filled may hold anything */
    const uint8_t type = in.u8();
    put_raw(&m->type, type < 240 ? 1U + type % 6U : in.u32());
    const uint8_t from = in.u8();
    m->server_id = from < 250 ? from % 8 : in.u64();
    m->server_address = address(in, m->server_id);
    uint32_t known;
    memcpy(&known, &m->type, sizeof known);
    switch (known) {
        case RAFT_REQUEST_VOTE:
        case RAFT_REQUEST_VOTE_RESULT:
        case RAFT_TIMEOUT_NOW:
            votes(in, r, m);
            break;
        case RAFT_APPEND_ENTRIES:
        case RAFT_APPEND_ENTRIES_RESULT:
            appends(in, r, m);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            install(in, r, m);
            break;
        default:
            break;
    }
    return m;
}

} // namespace fuzz
