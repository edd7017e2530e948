/* SPDX-License-Identifier: MIT */
#include "server.hpp"

#include <algorithm>

#include "../driver/judge_step.hpp"
#include "../observe/answers.hpp"
#include "../observe/fields.hpp"
#include "catch.hpp"
#include "cluster.hpp"

namespace scenario {

std::string answers_of(struct raft *r) { return observe::text(observe::Answers(r)); }

std::string text_of(const raft_update &u) {
    observe::Record record;
    observe::record(&record, u, observe::Payloads::kContents);
    return record.text();
}

std::string flag_names(unsigned flags) { return observe::names_of_flags(flags); }

Lone::Lone(raft_id id) { REQUIRE(raft_init(&r, id, driver::address_of(id)) == 0); }

int Lone::step(Event event, raft_time now) { return raft_step(&r, event.at(now, 1), &update); }

Server::Server(Cluster &cluster, const Draw &draw)
    : Driver(draw.id, payloads(), &cluster.judge),
      features(draw.features),
      cluster_(cluster),
      set_(draw.set) {
    disk.log.first = draw.start;
    disk.log.entries = draw_log(draw.log, draw.start);
    disk.term = draw.term;
    if (disk.term == 0) {
        disk.term = disk.log.empty() ? draw.snapshot.term : disk.log.entries.back().term;
    }
    disk.vote = draw.vote;
    if (draw.snapshot.index != 0) {
        disk.snapshot = std::make_shared<Snapshot>(
            Snapshot{draw.snapshot.index, draw.snapshot.term, Configuration(draw.conf),
                     draw.conf_index, snapshot_contents(draw.snapshot)});
    }
    launch();
}

void Server::launch() {
    REQUIRE(init() == 0);
    raft_seed(handle(), static_cast<unsigned>(id));
    raft_set_features(handle(), features);
    if (set_) {
        set_(handle());
    }
    answers.clear();
    failures_.forget();
    seen_ = 0;
    REQUIRE(start() == 0);
    settle();
}

void Server::set(const std::function<void(struct raft *)> &setter) {
    setter(handle());
    if (failures_.prepared()) {
        setter(failures_.clone());
    }
    view.capture(handle());
}

/* ------------------------------------------------------------------- stepping -- */

int Server::call(raft_event &e, raft_update &u) {
    const int rc = Driver::call(e, u);
    if (rc == 0) {
        failures_.succeeded(e, u, *handle());
    }
    return rc;
}

void Server::judged(const raft_event &, const raft_update &u) {
    update = u;
    seen_ |= u.flags;
    check_log(view.last);
}

int Server::step(raft_event &e) {
    if (!up) {
        FAIL("server " << id << " is down");
    }
    e.time = cluster_.now;
    e.capacity = capacity;
    const int rc = Driver::step(e);
    cluster_.note(std::string(name()) + " " +
                  (stepped_.empty() ? observe::name_of_event(e.type) : stepped_) + " -> " +
                  (rc == 0 ? text_of(update) : raft_errmsg(handle())));
    return rc;
}

void Server::step(Event event) {
    seen_ = 0;
    stepped_ = event.text();
    raft_event *e = event.at(cluster_.now, capacity);
    const int rc = step(*e);
    event.spoil();
    if (rc != 0) {
        FAIL(name() << " refuses " << stepped_ << ": " << rc << ' ' << raft_errmsg(handle()));
    }
    stepped_.clear();
    settle();
}

/* What is said in the name of a server of the cluster counts as said by it. */
void Server::play(const Message &m) {
    if (cluster_.runs(m.from)) {
        judge->left(m);
    }
}

void Server::settle() {
    while (!slow && !disk.queue.empty()) {
        REQUIRE(finish_write() == 0);
    }
}

void Server::refuses(int code, Event event) {
    failures_.prepare(*handle());
    /* Neither its time nor its capacity may be remembered. */
    for (raft_time later : {0, 37}) {
        raft_event *e = event.at(cluster_.now + later, later == 0 ? capacity : 7);
        INFO(event.text());
        REQUIRE(Driver::step(*e) == code);
        failures_.failed(*handle());
    }
}

void Server::ignores(const Event &event) {
    const std::string was = see();
    step(event);
    const unsigned always = event.e.type == RAFT_TIMEOUT ? unsigned{RAFT_UPDATE_TIMEOUT} : 0;
    REQUIRE(flag_names(flags()) == flag_names(always));
    REQUIRE(see() == was);
}

raft_index Server::submit(unsigned n) {
    const raft_index first = last() + 1;
    step(event::submit(n));
    return first;
}

/* ------------------------------------------------------------------- carrying out -- */

void Server::write(Write w) {
    const bool acknowledged = w.kind == Write::ENTRIES || w.kind == Write::CHUNK;
    if (acknowledged || !disk.queue.empty()) {
        Driver::write(std::move(w));
    } else {
        disk.apply(w);
    }
}

size_t Server::choose_bytes(size_t left) { return std::min(left, cluster_.chunk_size); }

void Server::send(std::unique_ptr<Message> message) {
    judge->left(*message);
    cluster_.sent(std::move(*message));
}

void Server::restore(const Snapshot &s) { REQUIRE(s.data == snapshot_contents({s.index, s.term})); }

void Server::answered(const raft_read &r) { answers.emplace(r.id, r); }

void Server::store() {
    REQUIRE(!disk.queue.empty());
    seen_ = 0;
    REQUIRE(finish_write() == 0);
    settle();
}

void Server::store_all() {
    while (!disk.queue.empty()) {
        store();
    }
}

void Server::fail_chunk() {
    REQUIRE(chunk_outstanding);
    disk.queue.front().fails = true;
    store();
}

void Server::take_snapshot(raft_index index, unsigned trailing) {
    disk.snapshot = make_snapshot(index, snapshot_contents({index, term_at(index)}));
    seen_ = 0;
    REQUIRE(snapshot_taken(disk.snapshot, trailing) == 0);
    settle();
}

void Server::crash(unsigned durable_writes) {
    size_t kept = 0;
    for (size_t i = 0; i < disk.queue.size() && i < durable_writes; ++i) {
        kept += 1 + disk.queue[i].entries.size();
    }
    Driver::crash(kept);
}

void Server::restart() {
    if (up) {
        crash();
    }
    launch();
}

/* ------------------------------------------------------------------------ showing -- */

std::string Server::see() { return answers_of(handle()); }

std::string Server::leader_at() const {
    raft_id id = 0;
    const char *at = nullptr;
    raft_leader(handle(), &id, &at);
    return id == 0 ? "none" : std::to_string(id) + " at " + (at == nullptr ? "no address" : at);
}

raft_index Server::match(raft_id peer) const {
    raft_index m = 0;
    REQUIRE(raft_match_index(handle(), peer, &m) == 0);
    return m;
}

struct raft_peer Server::progress(raft_id peer) const {
    struct raft_peer p {};
    REQUIRE(raft_progress(handle(), peer, &p) == 0);
    return p;
}

int Server::catch_up_status(raft_id peer) const {
    int status = -1;
    REQUIRE(raft_catch_up(handle(), peer, &status) == 0);
    return status;
}

std::string Server::conf() const { return view.conf.sorted().str(); }

std::string Server::terms() const {
    std::string out;
    for (const Entry &e : log.entries) {
        out += (out.empty() ? "" : " ") + std::to_string(e.term);
    }
    return out;
}

std::optional<raft_read> Server::answer(unsigned long long read_id) const {
    auto found = answers.find(read_id);
    return found == answers.end() ? std::nullopt : std::optional<raft_read>(found->second);
}

} // namespace scenario
