/* SPDX-License-Identifier: MIT */
#include "server.hpp"

#include <algorithm>
#include <cstring>

#include "catch.hpp"
#include "checks.hpp"
#include "cluster.hpp"
#include "render.hpp"

namespace story {

std::string snapshot_contents(Position at) {
    return "the state after " + std::to_string(at.index) + " entries, the last of term " +
           std::to_string(at.term);
}

Server::Server(Cluster &cluster, const Draw &draw)
    : id(draw.id), features(draw.features), cluster_(cluster), set_(draw.set) {
    disk.start = draw.start;
    disk.log = draw_log(draw.log, draw.start);
    disk.term = draw.term;
    if (disk.term == 0) {
        disk.term = disk.log.empty() ? draw.snapshot.term : disk.log.back().term;
    }
    disk.vote = draw.vote;
    disk.snapshot = draw.snapshot;
    if (draw.snapshot.index != 0) {
        disk.conf = Members(draw.conf);
        disk.conf_index = draw.conf_index;
        snapshots[draw.snapshot.index] = snapshot_contents(draw.snapshot);
    }
    launch();
}

Server::~Server() { raft_close(&raft); }

void Server::configure(struct raft *r) const {
    raft_seed(r, static_cast<unsigned>(id));
    raft_set_features(r, features);
    if (set_) {
        set_(r);
    }
}

EventPtr Server::start_event() const {
    auto e = std::make_shared<Event>(RAFT_START, "START");
    e->e.start.term = disk.term;
    e->e.start.voted_for = disk.vote;
    e->e.start.start_index = disk.start;
    e->entries = disk.log;
    e->has_snapshot = disk.snapshot.index != 0;
    e->snapshot.index = disk.snapshot.index;
    e->snapshot.term = disk.snapshot.term;
    e->snapshot.configuration_index = disk.conf_index;
    e->conf = disk.conf;
    return e;
}

void Server::launch() {
    REQUIRE(raft_init(&raft, id, address_of(id).c_str()) == 0);
    past_.clear();
    base = disk.log.empty() ? disk.snapshot.index + 1 : disk.start;
    log = disk.log;
    writes.clear();
    chunk.reset();
    incoming.clear();
    answers.clear();
    up = true;
    past_.push_back({nullptr,
                     [this](struct raft *r) {
                         raft_init(r, id, address_of(id).c_str());
                         configure(r);
                     },
                     0, 0});
    configure(&raft);
    step(start_event());
}

void Server::set(std::function<void(struct raft *)> setter) {
    setter(&raft);
    past_.push_back({nullptr, std::move(setter), 0, 0});
}

void Server::step(const EventPtr &event) {
    if (!settling_) {
        seen_ = 0;
    }
    step_once(event);
    settle();
}

void Server::settle() {
    if (settling_ || slow) {
        return;
    }
    settling_ = true;
    while (!slow && (!writes.empty() || chunk)) {
        writes.empty() ? store_chunk() : store();
    }
    settling_ = false;
}

void Server::step_once(const EventPtr &event) {
    if (!up) {
        FAIL("server " << id << " is down");
    }
    View before = View::of(&raft);
    if (event->e.type == RAFT_START) {
        before.term = disk.term;
        before.vote = disk.vote;
    }
    past_.push_back({event, {}, cluster_.now, capacity});
    int rv = step_checked(&raft, event->at(cluster_.now, capacity), &update);
    cluster_.note("s" + std::to_string(id) + " " + event->text + " -> " +
                  (rv == 0 ? render(update) : raft_errmsg(&raft)));
    if (rv != 0) {
        FAIL("server " << id << " refuses " << event->text << ": " << rv << ' '
                       << raft_errmsg(&raft));
    }
    seen_ |= update.flags;
    View after = View::of(&raft);
    check_flags(before, after, update);
    if (after.timeout <= cluster_.now) {
        FAIL("the timeout " << after.timeout << " is not later than now");
    }
    if (after.state == RAFT_LEADER) {
        cluster_.led(*this);
    }
    carry_out(event, before.commit, before.state == RAFT_LEADER);
}

/* The caller's duties, in the order of the contract. */
void Server::carry_out(const EventPtr &event, raft_index commit_before, bool led) {
    if (update.flags & RAFT_UPDATE_VOTED_FOR) {
        disk.term = term();
        disk.vote = vote();
    }
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        take_entries(event->e.type == RAFT_START);
    }
    if (update.flags & RAFT_UPDATE_SNAPSHOT) {
        take_chunk();
    }
    if (event->e.type == RAFT_SNAPSHOT) {
        while (base < raft_first_index(&raft)) { /* drop what no message can name */
            if (!log.empty()) {
                log.erase(log.begin());
            }
            ++base;
        }
    }
    check_log();
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        send(led);
    }
    if (update.flags & RAFT_UPDATE_COMMIT_INDEX) {
        apply(commit_before);
    }
    if (update.flags & RAFT_UPDATE_READS) {
        for (unsigned i = 0; i < update.reads.n; ++i) {
            const raft_read &r = update.reads.batch[i];
            if (!answers.emplace(r.id, r).second) {
                FAIL("read " << r.id << " is answered twice");
            }
        }
    }
}

void Server::take_entries(bool starting) {
    const raft_update_entries &e = update.entries;
    incoming.clear(); /* between two chunks: the leader has given the installation up */
    if (chunk) {
        FAIL("ENTRIES while a snapshot is being installed");
    }
    if (starting && e.n == 0) {
        log.clear(); /* a crash between writing a snapshot and dropping the log */
        base = e.index;
    } else if (e.index > base + log.size() || e.index < base) {
        FAIL("entries at " << e.index << " do not follow the log");
    } else {
        log.resize(e.index - base);
    }
    Write w{e.index, {}, e.write};
    for (unsigned i = 0; i < e.n; ++i) {
        const raft_entry &r = e.batch[i];
        w.entries.push_back(
            {r.term, r.type, std::string(static_cast<const char *>(r.buf.base), r.buf.len)});
    }
    log.insert(log.end(), w.entries.begin(), w.entries.end());
    writes.push_back(std::move(w));
}

void Server::take_chunk() {
    const raft_update_snapshot &s = update.snapshot;
    if (chunk) {
        FAIL("a chunk while another one is being written");
    }
    chunk = Chunk{{s.metadata.index, s.metadata.term},
                  Members(s.metadata.configuration),
                  s.metadata.configuration_index,
                  s.offset,
                  std::string(static_cast<const char *>(s.chunk.base), s.chunk.len),
                  s.last};
}

void Server::send(bool led) {
    for (unsigned i = 0; i < update.messages.n; ++i) {
        check_message(&raft, led, update.messages.batch[i]);
        cluster_.sent(*this, update.messages.batch[i]);
    }
}

void Server::apply(raft_index from) {
    for (raft_index i = std::max(from + 1, base); i <= commit(); ++i) {
        cluster_.committed(*this, i, log.at(i - base));
    }
}

void Server::check_log() {
    if (last() + 1 != base + log.size()) {
        FAIL("the log ends at " << base + log.size() - 1 << ", not at " << last());
    }
    for (size_t i = 0; i < log.size(); ++i) {
        if (raft_term_of(&raft, base + i) != log[i].term) {
            FAIL("the term at " << base + i << " is " << log[i].term);
        }
    }
    if (!trusting && stored() > durable()) {
        FAIL("stored up to " << stored() << ", but durable only up to " << durable());
    }
}

raft_index Server::durable() const {
    raft_index i = disk.log.empty() ? disk.start : std::max(base, disk.start);
    while (i < base + log.size() && i < disk.start + disk.log.size() &&
           log[i - base] == disk.log[i - disk.start]) {
        ++i;
    }
    return std::max(i - 1, disk.snapshot.index);
}

void Server::store() {
    REQUIRE(!writes.empty());
    Write w = writes.front();
    writes.pop_front();
    if (w.entries.empty()) { /* drop all, continue there */
        disk.start = w.index;
        disk.log.clear();
    }
    if (disk.log.empty()) {
        disk.start = w.index;
    }
    disk.log.resize(w.index - disk.start);
    disk.log.insert(disk.log.end(), w.entries.begin(), w.entries.end());
    step(event::stored(w.last(), w.ticket));
}

void Server::store_all() {
    while (!writes.empty()) {
        store();
    }
}

void Server::store_chunk() {
    REQUIRE(chunk);
    Chunk c = *chunk;
    chunk.reset();
    incoming.resize(c.offset);
    incoming += c.data;
    if (c.last) {
        REQUIRE(incoming == snapshot_contents(c.snapshot));
        snapshots[c.snapshot.index] = incoming;
        incoming.clear();
        disk.snapshot = c.snapshot;
        disk.conf = c.conf;
        disk.conf_index = c.conf_index;
        disk.start = base = c.snapshot.index + 1;
        disk.log.clear();
        log.clear();
        writes.clear();
    }
    step(event::persisted_snapshot(c.snapshot, c.offset, c.last));
}

void Server::fail_chunk() {
    REQUIRE(chunk);
    Chunk c = *chunk;
    chunk.reset();
    incoming.clear();
    step(event::persisted_snapshot({0, c.snapshot.term}, c.offset, c.last));
}

void Server::crash(unsigned durable_writes) {
    for (; durable_writes > 0 && !writes.empty(); --durable_writes) {
        Write w = writes.front();
        writes.pop_front();
        disk.log.resize(w.index - disk.start);
        disk.log.insert(disk.log.end(), w.entries.begin(), w.entries.end());
    }
    REQUIRE(raft_close(&raft) == 0);
    up = false;
}

void Server::restart() {
    if (up) {
        crash();
    }
    launch();
}

raft_index Server::submit(unsigned n) {
    raft_index first = last() + 1;
    step(event::submit(n));
    return first;
}

void Server::read(unsigned long long read_id, bool lease) { step(event::read(read_id, lease)); }

void Server::snapshot(raft_index index, unsigned trailing) {
    raft_configuration conf{};
    raft_index conf_index = 0;
    REQUIRE(raft_configuration_at(&raft, index, &conf, &conf_index) == 0);
    disk.snapshot = {index, raft_term_of(&raft, index)};
    disk.conf = Members(conf);
    disk.conf_index = conf_index;
    snapshots[index] = snapshot_contents(disk.snapshot);
    step(event::snapshot(index, trailing));
    while (disk.start < raft_first_index(&raft) && !disk.log.empty()) {
        disk.log.erase(disk.log.begin());
        ++disk.start;
    }
}

void Server::refuses(int code, const EventPtr &event) {
    check_no_trace(past_, code, event, cluster_.now, digest(&raft));
    std::string before = digest(&raft);
    REQUIRE(step_checked(&raft, event->at(cluster_.now, capacity), &update) == code);
    REQUIRE(digest(&raft) == before);
    REQUIRE(std::strlen(raft_errmsg(&raft)) > 0);
}

void Server::ignores(const EventPtr &event) {
    std::string before = digest(&raft);
    step(event);
    REQUIRE(flag_names(flags()) == "nothing");
    REQUIRE(digest(&raft) == before);
}

std::string Server::see() { return digest(&raft); }

raft_id Server::leader() const {
    raft_id l = 0;
    raft_leader(&raft, &l, nullptr);
    return l;
}

raft_index Server::match(raft_id peer) const {
    raft_index m = 0;
    REQUIRE(raft_match_index(&raft, peer, &m) == 0);
    return m;
}

struct raft_progress Server::progress(raft_id peer) const {
    struct raft_progress p {};
    REQUIRE(raft_progress(&raft, peer, &p) == 0);
    return p;
}

int Server::catch_up_status(raft_id peer) const {
    int status = -1;
    REQUIRE(raft_catch_up(&raft, peer, &status) == 0);
    return status;
}

std::string Server::conf() const {
    raft_configuration c{};
    return raft_configuration_at(&raft, last(), &c, nullptr) == 0 ? Members(c).sorted().str() : "";
}

std::string Server::terms() const {
    std::string out;
    for (const Entry &e : log) {
        out += (out.empty() ? "" : " ") + std::to_string(e.term);
    }
    return out;
}

std::optional<raft_read> Server::answer(unsigned long long read_id) const {
    auto found = answers.find(read_id);
    return found == answers.end() ? std::nullopt : std::optional<raft_read>(found->second);
}

} // namespace story
