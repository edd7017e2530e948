/* SPDX-License-Identifier: MIT */
/* One server of a scenario: the driver, moved by hand. */
#pragma once

#include <map>

#include "../driver/driver.hpp"
#include "../driver/failure_check.hpp"
#include "events.hpp"

namespace scenario {

class Cluster;

class Server : public Driver {
public:
    Server(Cluster &cluster, const Draw &draw);

    /* Step an event that must succeed; carry out its update. */
    void step(Event event);
    /* Step an event that must fail with `code` and change nothing: no accessor's answer, no later
     * step. */
    void refuses(int code, Event event);
    template <typename Draft>
    void refuses(int code, raft_id from, const Draft &d) {
        refuses(code, event::receive(draft(from, id, d)));
    }
    /* Step an event that must succeed and change nothing at all. */
    void ignores(const Event &event);

    template <typename Draft>
    void receive(raft_id from, const Draft &d) {
        const Message m = draft(from, id, d);
        play(m);
        step(event::receive(m));
    }
    template <typename Draft>
    void receive(std::initializer_list<raft_id> from, const Draft &d) {
        for (raft_id id : from) {
            receive(id, d);
        }
    }
    void timeout() { step(event::timeout()); }
    /* Returns the index of the first of the new entries. */
    raft_index submit(unsigned n = 1);
    void reconfigure(const Configuration &conf) { step(event::reconfigure(conf)); }
    void force(const Configuration &conf) { step(event::force(conf)); }
    void change(const Configuration &conf) { step(event::change(conf)); }
    void bootstrap(const Configuration &conf) { step(event::bootstrap(conf)); }
    void read(unsigned long long read_id, bool lease = false) { step(event::read(read_id, lease)); }
    void transfer(raft_id to) { step(event::transfer(to)); }
    void catch_up(raft_id who) { step(event::catch_up(who)); }
    void take_snapshot(raft_index index, unsigned trailing = 0);
    void set(const std::function<void(struct raft *)> &setter); /* a setting while running */

    /* The disk: by hand when `slow`, else acknowledged after each step. */
    void store(); /* the oldest write becomes durable and is acknowledged */
    void store_all();
    void fail_chunk();

    void crash(unsigned durable_writes = 0); /* these many unacknowledged ones survive */
    void restart();

    /* What it shows. */
    raft_term term() const { return raft_current_term(handle()); }
    raft_id vote() const { return raft_voted_for(handle()); }
    enum raft_state state() { return raft_state(handle()); }
    bool leads() { return state() == RAFT_LEADER; }
    raft_index commit() const { return raft_commit_index(handle()); }
    raft_index last() const { return raft_last_index(handle()); }
    raft_index stored() const { return raft_last_stored(handle()); }
    raft_time deadline() const { return raft_timeout(handle()); }
    raft_id leader() const { return view.leader; }
    std::string leader_at() const; /* "2 at s2", "none" */
    raft_index match(raft_id peer) const;
    struct raft_peer progress(raft_id peer) const;
    int catch_up_status(raft_id peer) const;
    std::string conf() const;  /* the latest, as drawn; "" if none */
    std::string terms() const; /* the log's terms: "1 1 2" */
    std::string see();         /* everything, as text */
    /* Everything that the last step, and the acknowledgements of its writes, announced. */
    unsigned flags() const { return seen_; }
    bool flag(unsigned f) const { return (seen_ & f) != 0; }
    std::optional<raft_read> answer(unsigned long long read_id) const;

    raft_update update{}; /* of the last step; valid until the next */
    bool slow = false;
    unsigned features;             /* of its message codec; takes effect at the next restart */
    unsigned short capacity = 100; /* of its disk, told with every event */
    std::map<unsigned long long, raft_read> answers;

protected:
    int step(raft_event &e) override;
    int call(raft_event &e, raft_update &u) override;
    void judged(const raft_event &e, const raft_update &u) override;
    void write(Write w) override;
    size_t choose_bytes(size_t left) override;
    void send(std::unique_ptr<Message> message) override;
    void restore(const Snapshot &s) override;
    void answered(const raft_read &r) override;

private:
    void play(const Message &m);
    void launch();
    void settle();

    Cluster &cluster_;
    std::function<void(struct raft *)> set_;
    FailureCheck failures_;
    std::string stepped_; /* the event, as text */
    unsigned seen_ = 0;
};

/* All accessors' answers and updates as text: what renders alike cannot be told apart. */
std::string answers_of(struct raft *r);
std::string text_of(const raft_update &u);
std::string flag_names(unsigned flags);

/* A raft outside any cluster: initialised, not started. */
struct Lone {
    explicit Lone(raft_id id = 1);
    ~Lone() { raft_close(&r); }
    Lone(const Lone &) = delete;
    Lone &operator=(const Lone &) = delete;
    int step(Event event, raft_time now = 1000);
    struct raft r {};
    raft_update update{};
};

} // namespace scenario
