/* SPDX-License-Identifier: MIT */
/* Events and messages that own what they point to, so that a story can keep,
 * repeat and replay them. */
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drawing.hpp"
#include "raft.h"

namespace story {

/* A message between two servers, with its payload. */
class Message {
public:
    Message(raft_id sender, raft_id receiver) : from(sender), to(receiver) {}
    Message(const Message &) = delete;
    Message &operator=(const Message &) = delete;

    /* Point the struct at what this object owns, addressed to `to` as from `from`. */
    raft_message *incoming();
    std::string str() const;
    const raft_message *operator->() const { return &m; }

    raft_id from;
    raft_id to;
    raft_message m{};
    std::vector<Entry> entries;
    Members conf;
    std::string data;
    std::string address; /* of the sender; set by incoming() when empty */

private:
    std::vector<raft_entry> borrowed_;
};
using MessagePtr = std::shared_ptr<Message>;

/* Drafts of messages: what a figure would write beside an arrow. */
struct AppendEntries {
    raft_term term = 0;
    Position prev{};
    const char *log = "";
    raft_index commit = 0;
    unsigned long long round = 0;
    unsigned char version = 1;
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
};
struct RequestVote {
    raft_term term = 0;
    Position last{};
    bool pre_vote = false;
    bool disrupt = false;
    unsigned char version = 2;
};
struct VoteResult {
    raft_term term = 0;
    bool granted = false;
    bool pre_vote = false;
    unsigned short features =
        RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT;
    unsigned short capacity = 0xffff;
    unsigned char version = 2;
};
struct InstallSnapshot {
    raft_term term = 0;
    Position last{};
    const char *conf = "";
    raft_index conf_index = 1;
    unsigned long long offset = 0;
    std::string data{};
    bool done = true;
    unsigned char version = 1;
};
struct TimeoutNow {
    raft_term term = 0;
    Position last{};
    unsigned char version = 0;
};

MessagePtr draft(raft_id from, raft_id to, const AppendEntries &);
MessagePtr draft(raft_id from, raft_id to, const AppendResult &);
MessagePtr draft(raft_id from, raft_id to, const RequestVote &);
MessagePtr draft(raft_id from, raft_id to, const VoteResult &);
MessagePtr draft(raft_id from, raft_id to, const InstallSnapshot &);
MessagePtr draft(raft_id from, raft_id to, const TimeoutNow &);

/* An event, with everything that it points to. */
class Event {
public:
    explicit Event(raft_event_type type, std::string what);
    Event(const Event &) = delete;
    Event &operator=(const Event &) = delete;

    /* The struct to step, pointing at what this object owns. */
    raft_event *at(raft_time time, unsigned short capacity);

    raft_event e{};
    std::string text;
    MessagePtr message;
    std::vector<Entry> entries;
    Members conf;
    bool has_snapshot = false; /* RAFT_START: pass the metadata */
    raft_snapshot_metadata snapshot{};
    void *cookie = nullptr;
    std::function<void(raft_event &)> spoil; /* applied last: makes a bad event */

private:
    std::vector<raft_entry> borrowed_;
};
using EventPtr = std::shared_ptr<Event>;

namespace event {
EventPtr receive(MessagePtr message);
EventPtr timeout();
EventPtr submit(unsigned n);
EventPtr submit(std::vector<Entry> entries);
EventPtr change(const Members &conf); /* a RAFT_CHANGE in a RAFT_SUBMIT */
EventPtr catch_up(raft_id id);
EventPtr transfer(raft_id id);
EventPtr bootstrap(const Members &conf);
EventPtr reconfigure(const Members &conf);
EventPtr recover(const Members &conf);
EventPtr read(unsigned long long id, bool lease = false);
EventPtr unreachable(raft_id id);
EventPtr stored(raft_index index, unsigned long long write);
EventPtr persisted(raft_index index);
EventPtr persisted_snapshot(Position which, size_t offset, bool last);
EventPtr snapshot(raft_index index, unsigned trailing);
EventPtr configuration(raft_index index);
EventPtr spoiled(EventPtr event, std::function<void(raft_event &)> spoil);
} // namespace event

} // namespace story
