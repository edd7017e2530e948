/* SPDX-License-Identifier: MIT */
#include "events.hpp"

#include "../observe/record.hpp"

namespace scenario {

std::string snapshot_contents(Position at) {
    return "the state after " + std::to_string(at.index) + " entries, the last of term " +
           std::to_string(at.term);
}

namespace {

Message blank(raft_id from, raft_id to, raft_message_type type, const char *at) {
    Message m;
    m.address = intern(at);
    m.from = from;
    m.to = to;
    m.m.type = type;
    return m;
}

} // namespace

Message draft(raft_id from, raft_id to, const AppendEntries &d) {
    Message m = blank(from, to, RAFT_APPEND_ENTRIES, d.at);
    m.entries = draw_log(d.log, d.prev.index + 1);
    m.m.append_entries = {d.version, d.term, d.prev.index, d.prev.term, d.commit,
                          nullptr,   0,      d.round,      d.sleep};
    return m;
}

Message draft(raft_id from, raft_id to, const AppendResult &d) {
    Message m = blank(from, to, RAFT_APPEND_ENTRIES_RESULT, d.at);
    m.m.append_entries_result = {d.version,  d.term,  d.rejected, d.last,  d.features,
                                 d.capacity, d.round, d.snapshot, d.offset};
    return m;
}

Message draft(raft_id from, raft_id to, const RequestVote &d) {
    Message m = blank(from, to, RAFT_REQUEST_VOTE, d.at);
    m.m.request_vote = {d.version, d.term, from, d.last.index, d.last.term, d.disrupt, d.pre_vote};
    return m;
}

Message draft(raft_id from, raft_id to, const VoteResult &d) {
    Message m = blank(from, to, RAFT_REQUEST_VOTE_RESULT, d.at);
    m.m.request_vote_result = {d.version, d.term, d.granted, d.pre_vote, d.features, d.capacity};
    return m;
}

Message draft(raft_id from, raft_id to, const InstallSnapshot &d) {
    Message m = blank(from, to, RAFT_INSTALL_SNAPSHOT, d.at);
    m.conf = Configuration(d.conf);
    const std::string whole = snapshot_contents(d.last);
    m.data = d.data ? *d.data : whole.substr(static_cast<size_t>(d.offset), d.bytes);
    const bool ends = d.data || d.offset + m.data.size() == whole.size();
    m.m.install_snapshot = {d.version,    d.term, d.last.index, d.last.term,          {},
                            d.conf_index, {},     d.offset,     d.done.value_or(ends)};
    return m;
}

Message draft(raft_id from, raft_id to, const TimeoutNow &d) {
    Message m = blank(from, to, RAFT_TIMEOUT_NOW, d.at);
    m.m.timeout_now = {d.version, d.term, d.last.index, d.last.term};
    return m;
}

std::string Event::text() const {
    std::string out = observe::name_of_event(e.type);
    out += message ? " " + describe(message->m) : "";
    out += conf.members.empty() ? "" : " [" + conf.str() + "]";
    return out + (falsify ? " (falsified)" : "");
}

raft_event *Event::at(raft_time time, unsigned short capacity) {
    e.time = time;
    e.capacity = capacity;
    loan_.clear();
    switch (e.type) {
        case RAFT_START:
            loan_.lend(entries.data(), entries.size());
            e.start.entries = loan_.entries.data();
            e.start.n_entries = static_cast<unsigned>(entries.size());
            e.start.metadata = snapshot ? loan_.lend(*snapshot) : nullptr;
            break;
        case RAFT_RECEIVE:
            e.receive.message = message ? loan_.lend(*message) : nullptr;
            break;
        case RAFT_SUBMIT:
            loan_.lend(entries.data(), entries.size());
            e.submit.entries = loan_.entries.data();
            e.submit.n = static_cast<unsigned>(entries.size());
            break;
        case RAFT_BOOTSTRAP:
            e.bootstrap.conf = loan_.lend(conf);
            break;
        case RAFT_RECONFIGURE:
            e.reconfigure.conf = loan_.lend(conf);
            break;
        case RAFT_RECOVER:
            e.recover.conf = loan_.lend(conf);
            break;
        default:
            break;
    }
    if (falsify) {
        falsify(e);
    }
    return &e;
}

namespace event {

namespace {

Event with(raft_event_type type, const Configuration &conf) {
    Event e(type);
    e.conf = conf;
    return e;
}

template <class Fill>
Event with(raft_event_type type, Fill fill) {
    Event e(type);
    fill(e.e);
    return e;
}

} // namespace

Event receive(Message message) {
    Event e(RAFT_RECEIVE);
    e.message = std::move(message);
    return e;
}

Event timeout() { return Event(RAFT_TIMEOUT); }

Event submit(unsigned n) {
    static unsigned long long serial;
    std::vector<Entry> entries;
    for (unsigned i = 0; i < n; ++i) {
        entries.emplace_back(0, RAFT_COMMAND, "command " + std::to_string(++serial));
    }
    return submit(std::move(entries));
}

Event submit(std::vector<Entry> entries) {
    Event e(RAFT_SUBMIT);
    e.entries = std::move(entries);
    return e;
}

Event change(const Configuration &conf) { return submit({Entry(0, RAFT_CHANGE, encode(conf))}); }

Event catch_up(raft_id id) {
    return with(RAFT_CATCH_UP, [&](raft_event &e) { e.catch_up.server_id = id; });
}

Event transfer(raft_id id) {
    return with(RAFT_TRANSFER, [&](raft_event &e) { e.transfer.server_id = id; });
}

Event bootstrap(const Configuration &conf) { return with(RAFT_BOOTSTRAP, conf); }

Event reconfigure(const Configuration &conf) { return with(RAFT_RECONFIGURE, conf); }
Event force(const Configuration &conf) {
    Event event = reconfigure(conf);
    event.e.reconfigure.force = true;
    return event;
}

Event recover(const Configuration &conf) { return with(RAFT_RECOVER, conf); }

Event read(unsigned long long id, bool lease) {
    return with(RAFT_READ, [&](raft_event &e) { e.read = {id, lease}; });
}

Event unreachable(raft_id id) {
    return with(RAFT_UNREACHABLE, [&](raft_event &e) { e.unreachable.server_id = id; });
}

Event sent(raft_id id, raft_index index) {
    return with(RAFT_SENT, [&](raft_event &e) { e.sent = {id, index}; });
}

Event stored(raft_index index, unsigned long long write) {
    return with(RAFT_STORED, [&](raft_event &e) { e.stored = {index, write}; });
}

Event persisted(raft_index index) {
    return with(RAFT_PERSISTED_ENTRIES, [&](raft_event &e) { e.persisted_entries.index = index; });
}

Event persisted_snapshot(Position which, size_t offset, bool last) {
    return with(RAFT_PERSISTED_SNAPSHOT, [&](raft_event &e) {
        e.persisted_snapshot.metadata.index = which.index;
        e.persisted_snapshot.metadata.term = which.term;
        e.persisted_snapshot.offset = offset;
        e.persisted_snapshot.last = last;
    });
}

Event snapshot(raft_index index, unsigned trailing) {
    return with(RAFT_SNAPSHOT, [&](raft_event &e) {
        e.snapshot.metadata.index = index;
        e.snapshot.trailing = trailing;
    });
}

Event configuration(raft_index index) {
    return with(RAFT_CONFIGURATION, [&](raft_event &e) { e.configuration.index = index; });
}

Event start(const Draw &draw) {
    Event e = with(RAFT_START, [&](raft_event &x) {
        x.start.term = draw.term;
        x.start.voted_for = draw.vote;
        x.start.start_index = draw.start;
    });
    e.entries = draw_log(draw.log, draw.start);
    if (draw.snapshot.index != 0 || draw.snapshot.term != 0) {
        e.snapshot = Snapshot{draw.snapshot.index, draw.snapshot.term, draw.conf, draw.conf_index,
                              snapshot_contents(draw.snapshot)};
    }
    return e;
}

Event falsified(Event event, std::function<void(raft_event &)> falsify) {
    event.falsify = std::move(falsify);
    return event;
}

} // namespace event

} // namespace scenario
