/* SPDX-License-Identifier: MIT */
#include "cluster.hpp"

#include "encode.hpp"
#include "library.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

[[noreturn]] void die(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    abort();
}

raft_event make_event(enum raft_event_type type, raft_time now) {
    raft_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    event.time = now;
    return event;
}

} // namespace

Cluster::Cluster(const Options &options) : options_(options), nodes_(options.servers) {
    payload_.assign(kPayload, 'x');
    configuration_ = encode_voters(options.servers);
    std::vector<raft_server> servers;
    for (unsigned i = 0; i < options.servers; i++) {
        nodes_[i].address = "127.0.0.1:" + std::to_string(9001 + i);
        nodes_[i].log.reserve(options.log_room);
        servers.push_back({i + 1, nodes_[i].address.c_str(), RAFT_VOTER});
    }
    for (unsigned i = 0; i < options.servers; i++) {
        Node &node = nodes_[i];
        Inside inside(i);
        if (raft_init(&node.r, i + 1, node.address.c_str()) != 0 ||
            raft_seed(&node.r, i + 1) != 0 ||
            (options.max_inflight != 0 &&
             raft_set_max_inflight_entries(&node.r, options.max_inflight) != 0) ||
            (options.idle_timeout != 0 &&
             (raft_set_features(&node.r, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_SLEEP) != 0 ||
              raft_set_idle_timeout(&node.r, options.idle_timeout) != 0))) {
            die("init", raft_errmsg(&node.r));
        }
        node.timeout = raft_timeout(&node.r);
    }
    for (unsigned i = 0; i < options.servers; i++) {
        raft_event event = make_event(RAFT_START, now_);
        load(nodes_[i], &event.start);
        step(i, event);
        if (options.terms == 0 && (i == 0 || options.bootstrap_all)) {
            event = make_event(RAFT_BOOTSTRAP, now_);
            event.bootstrap.conf = {servers.data(), options.servers};
            step(i, event);
        }
    }
}

Cluster::~Cluster() {
    for (unsigned i = 0; i < nodes_.size(); i++) {
        Inside inside(i);
        raft_close(&nodes_[i].r);
    }
}

/* Fill in the log that is on the disk. */
void Cluster::load(Node &node, raft_event_start *start) {
    for (raft_term term = 1; term <= options_.terms; term++) {
        node.log.push_back({term, RAFT_COMMAND, {payload_.data(), payload_.size()}, {&payload_}});
    }
    if (!node.log.empty()) {
        node.log[0].type = RAFT_CHANGE;
        node.log[0].buf = {configuration_.data(), configuration_.size()};
        start->term = options_.terms;
        start->start_index = 1;
        start->entries = node.log.data();
        start->n_entries = options_.terms;
    }
}

unsigned Cluster::earliest() {
    unsigned first = 0;
    for (unsigned i = 1; i < nodes_.size(); i++) {
        if (nodes_[i].timeout < nodes_[first].timeout) {
            first = i;
        }
    }
    return first;
}

void Cluster::settle() {
    for (;;) {
        for (unsigned i = 0; i < nodes_.size(); i++) {
            if (nodes_[i].state == RAFT_LEADER) {
                leader_ = i;
                acknowledge_writes();
                heartbeat();
                require_committed(nodes_[i].log.size());
                return;
            }
        }
        const unsigned i = earliest();
        now_ = nodes_[i].timeout;
        raft_event event = make_event(RAFT_TIMEOUT, now_);
        step(i, event);
        deliver();
    }
}

void Cluster::submit(unsigned n) {
    submission_.assign(n, {0, RAFT_COMMAND, {payload_.data(), payload_.size()}, {payload_.data()}});
    raft_event event = make_event(RAFT_SUBMIT, now_);
    event.submit.entries = submission_.data();
    event.submit.n = n;
    const size_t before = queue_.size();
    step(leader_, event);
    size_t told = 0;
    for (size_t i = before; i < queue_.size(); i++) {
        const raft_message &m = queue_[i].message;
        told += m.type == RAFT_APPEND_ENTRIES && m.append_entries.n_entries == n;
    }
    if (told != nodes_.size() - 1) {
        die("submit", "entries were not sent at once");
    }
}

void Cluster::heartbeat() {
    now_ = nodes_[leader_].timeout;
    raft_event event = make_event(RAFT_TIMEOUT, now_);
    step(leader_, event);
    deliver();
}

bool Cluster::asleep() const {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [](const Node &node) { return node.timeout == INT64_MAX; });
}

void Cluster::wake(unsigned node) {
    raft_event event = make_event(RAFT_WAKE, now_);
    step(node, event);
}

void Cluster::deliver_once() {
    arriving_.swap(queue_);
    for (Envelope &envelope : arriving_) {
        receive(envelope);
    }
    arriving_.clear();
}

void Cluster::deliver() {
    while (!queue_.empty()) {
        deliver_once();
    }
}

void Cluster::deliver_by_link() {
    while (!queue_.empty()) {
        std::stable_sort(queue_.begin(), queue_.end(), [](const Envelope &a, const Envelope &b) {
            return a.from != b.from ? a.from < b.from : a.to < b.to;
        });
        deliver_once();
    }
}

void Cluster::receive(Envelope &envelope) {
    raft_event event = make_event(RAFT_RECEIVE, now_);
    event.receive.message = &envelope.message;
    step(envelope.to, event);
}

void Cluster::step(unsigned i, raft_event &event) {
    raft_update update;
    Node &node = nodes_[i];
    int rv;
    {
        Inside inside(i);
        rv = raft_step(&node.r, &event, &update);
    }
    if (rv != 0) {
        die("step", raft_errmsg(&node.r));
    }
    carry_out(i, update);
    if ((update.flags & RAFT_UPDATE_ENTRIES) == 0 || update.entries.n == 0) {
        return;
    }
    if (options_.hold_disk && node.state == RAFT_LEADER) {
        writes_.push_back(update.entries);
    } else {
        acknowledge(i, update.entries);
    }
}

void Cluster::acknowledge(unsigned i, const raft_update_entries &write) {
    const raft_index last = write.index + write.n - 1;
    raft_event event = make_event(options_.tickets ? RAFT_STORED : RAFT_PERSISTED_ENTRIES, now_);
    if (options_.tickets) {
        event.stored.index = last;
        event.stored.write = write.write;
    } else {
        event.persisted_entries.index = last;
    }
    step(i, event);
}

void Cluster::acknowledge_writes() {
    for (const raft_update_entries &write : writes_) {
        acknowledge(leader_, write);
    }
    writes_.clear();
}

void Cluster::carry_out(unsigned i, raft_update &update) {
    Node &node = nodes_[i];
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        store(node, update.entries);
    }
    if (update.flags & (RAFT_UPDATE_SNAPSHOT | RAFT_UPDATE_READS)) {
        die("update", "a snapshot or a read without a request");
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        for (unsigned m = 0; m < update.messages.n; m++) {
            send(i, update.messages.batch[m]);
        }
    }
    consult(node, update.flags);
}

void Cluster::store(Node &node, const raft_update_entries &entries) {
    if (entries.index - 1 + entries.n > options_.log_room || entries.index > node.log.size() + 1) {
        die("store", "entries do not fit");
    }
    node.log.resize(entries.index - 1);
    node.log.insert(node.log.end(), entries.batch, entries.batch + entries.n);
    for (size_t k = node.log.size() - entries.n; k < node.log.size(); k++) {
        raft_entry &entry = node.log[k];
        if (entry.batch == nullptr) {
            const char *bytes = static_cast<const char *>(entry.buf.base);
            copies_.emplace_back(bytes, bytes + entry.buf.len);
            entry.buf.base = copies_.back().data();
        }
    }
}

void Cluster::send(unsigned from, raft_message &message) {
    queue_.push_back({from, static_cast<unsigned>(message.server_id - 1), message});
    raft_message &sent = queue_.back().message;
    sent.server_id = from + 1;
    sent.server_address = nodes_[from].address.c_str();
    if (sent.type == RAFT_APPEND_ENTRIES && sent.append_entries.n_entries > 0) {
        sent.append_entries.entries = &nodes_[from].log[sent.append_entries.prev_log_index];
    }
}

/* Call the accessors that the flags oblige a caller to call. */
void Cluster::consult(Node &node, unsigned flags) {
    if (flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        (void)raft_current_term(&node.r);
        (void)raft_voted_for(&node.r);
    }
    if (flags & RAFT_UPDATE_STATE) {
        node.state = raft_state(&node.r);
    }
    if (flags & RAFT_UPDATE_COMMIT_INDEX) {
        node.commit = raft_commit_index(&node.r);
    }
    if (flags & RAFT_UPDATE_TIMEOUT) {
        node.timeout = raft_timeout(&node.r);
    }
    if (flags & RAFT_UPDATE_CONFIGURATION) {
        raft_configuration conf;
        if (raft_configuration_at(&node.r, raft_last_index(&node.r), &conf, nullptr) != 0) {
            die("consult", "no configuration");
        }
    }
    if (flags & RAFT_UPDATE_LEADER) {
        raft_id id;
        const char *address;
        raft_leader(&node.r, &id, &address);
    }
}

void Cluster::require_committed(raft_index index) {
    for (const Node &node : nodes_) {
        if (node.log.size() < index || (&node == &leader() && node.commit < index)) {
            die("check", "an entry is not committed or not replicated");
        }
    }
}

} // namespace bench
