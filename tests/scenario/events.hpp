/* SPDX-License-Identifier: MIT */
/* Events and messages as values, so that a scenario can keep, repeat and falsify them. */
#pragma once

#include <functional>
#include <optional>

#include "../driver/message.hpp"

namespace scenario {

using namespace driver;

constexpr unsigned all_features = RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT;

/* The contents of every snapshot at a position, wherever it was taken. */
std::string snapshot_contents(Position at);

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

/* Drafts of messages: what a figure would write beside an arrow. `at` is the sender's address; the
 * default is "s" and its ID. */
struct AppendEntries {
    raft_term term = 0;
    Position prev{};
    const char *log = "";
    raft_index commit = 0;
    unsigned long long round = 0;
    unsigned char version = 1;
    bool sleep = false;
    const char *at = nullptr;
};
struct AppendResult {
    raft_term term = 0;
    raft_index rejected = 0;
    raft_index last = 0;
    unsigned long long round = 0;
    unsigned short features =
        RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT;
    unsigned short capacity = 0xffff;
    raft_index snapshot = 0;
    unsigned long long offset = 0;
    unsigned char version = 3;
    const char *at = nullptr;
};
struct RequestVote {
    raft_term term = 0;
    Position last{};
    bool pre_vote = false;
    bool disrupt = false;
    unsigned char version = 2;
    const char *at = nullptr;
};
struct VoteResult {
    raft_term term = 0;
    bool granted = false;
    bool pre_vote = false;
    unsigned short features =
        RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT;
    unsigned short capacity = 0xffff;
    unsigned char version = 2;
    const char *at = nullptr;
};
struct InstallSnapshot {
    raft_term term = 0;
    Position last{};
    const char *conf = "1 2 3";
    raft_index conf_index = 1;
    unsigned long long offset = 0;
    size_t bytes = SIZE_MAX;           /* at most, of snapshot_contents(last) from `offset` on */
    std::optional<std::string> data{}; /* other contents */
    std::optional<bool> done{};        /* by default: true if the contents end there */
    unsigned char version = 1;
    const char *at = nullptr;
};
struct TimeoutNow {
    raft_term term = 0;
    Position last{};
    unsigned char version = 0;
    const char *at = nullptr;
};

Message draft(raft_id from, raft_id to, const AppendEntries &);
Message draft(raft_id from, raft_id to, const AppendResult &);
Message draft(raft_id from, raft_id to, const RequestVote &);
Message draft(raft_id from, raft_id to, const VoteResult &);
Message draft(raft_id from, raft_id to, const InstallSnapshot &);
Message draft(raft_id from, raft_id to, const TimeoutNow &);

/* An event, with everything that it points to. */
class Event {
public:
    explicit Event(raft_event_type type) { e.type = type; }

    /* The struct to step; it points to what this object lends. */
    raft_event *at(raft_time time, unsigned short capacity);
    void spoil() { loan_.spoil(); } /* after the step */
    std::string text() const;

    raft_event e{};
    std::optional<Message> message;
    std::vector<Entry> entries;
    Configuration conf;
    std::optional<Snapshot> snapshot;            /* of RAFT_START */
    std::function<void(raft_event &)> falsify{}; /* applied last: makes an illegal event */

private:
    Loan loan_;
};

namespace event {
Event receive(Message message);
Event timeout();
Event submit(unsigned n);
Event submit(std::vector<Entry> entries);
Event change(const Configuration &conf); /* a RAFT_CHANGE in a RAFT_SUBMIT */
Event catch_up(raft_id id);
Event transfer(raft_id id);
Event bootstrap(const Configuration &conf);
Event reconfigure(const Configuration &conf);
Event force(const Configuration &conf); /* the same, forced */
Event recover(const Configuration &conf);
Event read(unsigned long long id, bool lease = false);
Event unreachable(raft_id id);
Event sent(raft_id id, raft_index index);
Event stored(raft_index index, unsigned long long write);
Event persisted(raft_index index);
Event persisted_snapshot(Position which, size_t offset, bool last);
Event snapshot(raft_index index, unsigned trailing);
Event configuration(raft_index index);
Event start(const Draw &draw); /* what is drawn, and nothing by default */
Event falsified(Event event, std::function<void(raft_event &)> falsify);
} // namespace event

} // namespace scenario
