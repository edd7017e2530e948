/* SPDX-License-Identifier: MIT */
/* One server of a story: a raft, its disk, and what is on its way to the disk. */
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drawing.hpp"
#include "events.hpp"
#include "raft.h"

namespace story {

class Cluster;

constexpr unsigned all_features = RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT;

/* How a server is drawn. The term defaults to that of the last entry. */
struct Draw {
    raft_id id = 0;
    raft_term term = 0;
    raft_id vote = 0;
    const char *log = "";
    raft_index start = 1; /* index of the first entry of `log` */
    Position snapshot{};  /* with its configuration: */
    const char *conf = "";
    raft_index conf_index = 1;
    unsigned features = all_features;
    std::function<void(struct raft *)> set{}; /* settings before the start */
};

/* What a crash leaves. */
struct Disk {
    raft_term term = 0;
    raft_id vote = 0;
    Position snapshot{};
    Members conf{};
    raft_index conf_index = 0;
    raft_index start = 1;
    std::vector<Entry> log{};
};

/* A write of entries that the disk has not acknowledged. */
struct Write {
    raft_index index;
    std::vector<Entry> entries;
    unsigned long long ticket;
    raft_index last() const { return index + entries.size() - 1; }
};

/* A snapshot chunk that the disk has not acknowledged. */
struct Chunk {
    Position snapshot;
    Members conf;
    raft_index conf_index;
    size_t offset;
    std::string data;
    bool last;
};

/* One thing done to a raft. */
struct Past {
    EventPtr event;
    std::function<void(struct raft *)> setter; /* when there is no event */
    raft_time time;
    unsigned short capacity;
};

class Server {
public:
    Server(Cluster &cluster, const Draw &draw);
    ~Server();
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    /* Step an event that must succeed; carry out its update. */
    void step(const EventPtr &event);
    /* Step an event that must fail with `code`, leaving no trace at all: neither in
     * any accessor, nor in anything that follows. */
    void refuses(int code, const EventPtr &event);
    /* Step an event that must succeed and change nothing at all. */
    void ignores(const EventPtr &event);

    template <typename Draft>
    void receive(raft_id from, const Draft &d) {
        step(event::receive(draft(from, id, d)));
    }
    void timeout() { step(event::timeout()); }
    /* Returns the index of the first of the new entries. */
    raft_index submit(unsigned n = 1);
    void reconfigure(const Members &conf) { step(event::reconfigure(conf)); }
    void change(const Members &conf) { step(event::change(conf)); }
    void bootstrap(const Members &conf) { step(event::bootstrap(conf)); }
    void read(unsigned long long read_id, bool lease = false);
    void transfer(raft_id to) { step(event::transfer(to)); }
    void catch_up(raft_id who) { step(event::catch_up(who)); }
    void snapshot(raft_index index, unsigned trailing = 0);
    void set(std::function<void(struct raft *)> setter); /* a setting while running */

    /* The disk: by hand when `slow`, else acknowledged after each step. */
    void store(); /* the oldest write becomes durable and is acknowledged */
    void store_all();
    void store_chunk();
    void fail_chunk();

    void crash(unsigned durable_writes = 0); /* these many unacknowledged ones survive */
    void restart();

    /* What it shows. */
    raft_term term() const { return raft_current_term(&raft); }
    raft_id vote() const { return raft_voted_for(&raft); }
    enum raft_state state() { return raft_state(&raft); }
    bool leads() { return state() == RAFT_LEADER; }
    raft_index commit() const { return raft_commit_index(&raft); }
    raft_index last() const { return raft_last_index(&raft); }
    raft_index stored() const { return raft_last_stored(&raft); }
    raft_time deadline() const { return raft_timeout(&raft); }
    raft_id leader() const;
    raft_index match(raft_id peer) const;
    struct raft_progress progress(raft_id peer) const;
    int catch_up_status(raft_id peer) const;
    std::string conf() const;  /* the latest, as drawn; "" if none */
    std::string terms() const; /* the log's terms: "1 1 2" */
    std::string see();         /* everything, as text */
    /* Everything that the last step, and the acknowledgements of its writes, announced. */
    unsigned flags() const { return seen_; }
    bool flag(unsigned f) const { return (seen_ & f) != 0; }
    std::optional<raft_read> answer(unsigned long long read_id) const;
    const std::vector<Past> &past() const { return past_; }

    raft_id id;
    struct raft raft {};
    raft_update update{}; /* of the last step; valid until the next */
    bool up = false;
    bool slow = false;
    bool trusting = false;         /* the story acknowledges writes that the disk never saw */
    unsigned features;             /* of its message codec; takes effect at the next restart */
    unsigned short capacity = 100; /* of its disk, told with every event */
    Disk disk;
    raft_index base = 1;    /* index of log.front() */
    std::vector<Entry> log; /* what the disk will hold when all is written */
    std::deque<Write> writes;
    std::optional<Chunk> chunk;
    std::map<raft_index, std::string> snapshots; /* complete ones, by index */
    std::string incoming;                        /* an incomplete one */
    std::map<unsigned long long, raft_read> answers;

private:
    EventPtr start_event() const;
    void configure(struct raft *r) const;
    void launch();
    void carry_out(const EventPtr &event, raft_index commit_before, bool led);
    void take_entries(bool starting);
    void take_chunk();
    void send(bool led);
    void apply(raft_index from);
    void check_log();
    raft_index durable() const;
    void step_once(const EventPtr &event);
    void settle();

    Cluster &cluster_;
    std::function<void(struct raft *)> set_;
    std::vector<Past> past_;
    unsigned seen_ = 0;
    bool settling_ = false;
};

/* The contents of every snapshot at a position, wherever it was taken. */
std::string snapshot_contents(Position at);

/* Plays what a server has lived through into two fresh rafts, steps `event` on one of
 * them, expects `code`, and then lets both live on: they must never differ. */
void check_no_trace(const std::vector<Past> &past, int code, const EventPtr &event, raft_time now,
                    const std::string &expected_digest);

/* Steps `event` on a raft whose memory was filled with a pattern before, and checks
 * that only the announced members of the update were written. */
int step_checked(struct raft *r, raft_event *event, raft_update *update);

} // namespace story
