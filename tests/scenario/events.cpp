/* SPDX-License-Identifier: MIT */
#include "events.hpp"

#include <cstring>

#include "render.hpp"

namespace story {

namespace {
char cookie_target; /* never read: only its address matters */

MessagePtr blank(raft_id from, raft_id to, raft_message_type type) {
    auto m = std::make_shared<Message>(from, to);
    m->m.type = type;
    return m;
}

EventPtr blank(raft_event_type type, std::string what) {
    return std::make_shared<Event>(type, std::move(what));
}
} // namespace

raft_message *Message::incoming() {
    if (address.empty()) {
        address = address_of(from);
    }
    m.server_id = from;
    m.server_address = address.c_str();
    if (m.type == RAFT_APPEND_ENTRIES) {
        borrowed_ = borrow(entries, &cookie_target);
        m.append_entries.entries = borrowed_.data();
        m.append_entries.n_entries = static_cast<unsigned>(borrowed_.size());
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        m.install_snapshot.conf = conf.c_struct();
        m.install_snapshot.data = {data.data(), data.size()};
    }
    return &m;
}

std::string Message::str() const {
    /* What the library named it by is gone by now. */
    raft_message shown = m;
    shown.server_address = address.c_str();
    Members members = conf;
    if (m.type == RAFT_INSTALL_SNAPSHOT) {
        shown.install_snapshot.conf = members.c_struct();
    }
    return render(shown);
}

MessagePtr draft(raft_id from, raft_id to, const AppendEntries &d) {
    auto m = blank(from, to, RAFT_APPEND_ENTRIES);
    m->entries = draw_log(d.log, d.prev.index + 1);
    m->m.append_entries = {d.version, d.term, d.prev.index, d.prev.term, d.commit,
                           nullptr,   0,      d.round};
    return m;
}

MessagePtr draft(raft_id from, raft_id to, const AppendResult &d) {
    auto m = blank(from, to, RAFT_APPEND_ENTRIES_RESULT);
    m->m.append_entries_result = {d.version,  d.term,  d.rejected, d.last,  d.features,
                                  d.capacity, d.round, d.snapshot, d.offset};
    return m;
}

MessagePtr draft(raft_id from, raft_id to, const RequestVote &d) {
    auto m = blank(from, to, RAFT_REQUEST_VOTE);
    m->m.request_vote = {d.version, d.term, from, d.last.index, d.last.term, d.disrupt, d.pre_vote};
    return m;
}

MessagePtr draft(raft_id from, raft_id to, const VoteResult &d) {
    auto m = blank(from, to, RAFT_REQUEST_VOTE_RESULT);
    m->m.request_vote_result = {d.version, d.term, d.granted, d.pre_vote, d.features, d.capacity};
    return m;
}

MessagePtr draft(raft_id from, raft_id to, const InstallSnapshot &d) {
    auto m = blank(from, to, RAFT_INSTALL_SNAPSHOT);
    m->conf = Members(d.conf);
    m->data = d.data;
    m->m.install_snapshot = {d.version,    d.term, d.last.index, d.last.term, {},
                             d.conf_index, {},     d.offset,     d.done};
    return m;
}

MessagePtr draft(raft_id from, raft_id to, const TimeoutNow &d) {
    auto m = blank(from, to, RAFT_TIMEOUT_NOW);
    m->m.timeout_now = {d.version, d.term, d.last.index, d.last.term};
    return m;
}

Event::Event(raft_event_type type, std::string what) : text(std::move(what)) { e.type = type; }

raft_event *Event::at(raft_time time, unsigned short capacity) {
    e.time = time;
    e.capacity = capacity;
    borrowed_ = borrow(entries, cookie == nullptr ? &cookie_target : cookie);
    auto n = static_cast<unsigned>(borrowed_.size());
    switch (e.type) {
        case RAFT_START:
            e.start.entries = borrowed_.data();
            e.start.n_entries = n;
            snapshot.configuration = conf.c_struct();
            e.start.metadata = has_snapshot ? &snapshot : nullptr;
            break;
        case RAFT_RECEIVE:
            e.receive.message = message == nullptr ? nullptr : message->incoming();
            break;
        case RAFT_SUBMIT:
            e.submit.entries = borrowed_.data();
            e.submit.n = n;
            break;
        case RAFT_BOOTSTRAP:
            e.bootstrap.conf = conf.c_struct();
            break;
        case RAFT_RECONFIGURE:
            e.reconfigure.conf = conf.c_struct();
            break;
        case RAFT_RECOVER:
            e.recover.conf = conf.c_struct();
            break;
        default:
            break;
    }
    if (spoil) {
        spoil(e);
    }
    return &e;
}

namespace event {

EventPtr receive(MessagePtr message) {
    auto e = blank(RAFT_RECEIVE, "RECEIVE " + message->str());
    e->message = std::move(message);
    return e;
}

EventPtr timeout() { return blank(RAFT_TIMEOUT, "TIMEOUT"); }

EventPtr submit(unsigned n) {
    static unsigned long long serial;
    std::vector<Entry> entries;
    for (unsigned i = 0; i < n; ++i) {
        entries.push_back({0, RAFT_COMMAND, "command " + std::to_string(++serial)});
    }
    return submit(std::move(entries));
}

EventPtr submit(std::vector<Entry> entries) {
    auto e = blank(RAFT_SUBMIT, "SUBMIT " + std::to_string(entries.size()));
    e->entries = std::move(entries);
    return e;
}

EventPtr change(const Members &conf) {
    return submit(std::vector<Entry>{{0, RAFT_CHANGE, conf.encode()}});
}

EventPtr catch_up(raft_id id) {
    auto e = blank(RAFT_CATCH_UP, "CATCH_UP " + std::to_string(id));
    e->e.catch_up.server_id = id;
    return e;
}

EventPtr transfer(raft_id id) {
    auto e = blank(RAFT_TRANSFER, "TRANSFER " + std::to_string(id));
    e->e.transfer.server_id = id;
    return e;
}

namespace {
EventPtr with_members(raft_event_type type, const char *name, const Members &conf) {
    auto e = blank(type, name + (" [" + conf.str() + "]"));
    e->conf = conf;
    return e;
}
} // namespace

EventPtr bootstrap(const Members &conf) { return with_members(RAFT_BOOTSTRAP, "BOOTSTRAP", conf); }

EventPtr reconfigure(const Members &conf) {
    return with_members(RAFT_RECONFIGURE, "RECONFIGURE", conf);
}

EventPtr recover(const Members &conf) { return with_members(RAFT_RECOVER, "RECOVER", conf); }

EventPtr read(unsigned long long id, bool lease) {
    auto e = blank(RAFT_READ, "READ " + std::to_string(id) + (lease ? " lease" : ""));
    e->e.read = {id, lease};
    return e;
}

EventPtr unreachable(raft_id id) {
    auto e = blank(RAFT_UNREACHABLE, "UNREACHABLE " + std::to_string(id));
    e->e.unreachable.server_id = id;
    return e;
}

EventPtr stored(raft_index index, unsigned long long write) {
    auto e =
        blank(RAFT_STORED, "STORED " + std::to_string(index) + " ticket " + std::to_string(write));
    e->e.stored = {index, write};
    return e;
}

EventPtr persisted(raft_index index) {
    auto e = blank(RAFT_PERSISTED_ENTRIES, "PERSISTED_ENTRIES " + std::to_string(index));
    e->e.persisted_entries.index = index;
    return e;
}

EventPtr persisted_snapshot(Position which, size_t offset, bool last) {
    auto e = blank(RAFT_PERSISTED_SNAPSHOT, "PERSISTED_SNAPSHOT " + std::to_string(which.index) +
                                                "/" + std::to_string(which.term) + " +" +
                                                std::to_string(offset) + (last ? " last" : ""));
    e->e.persisted_snapshot.metadata.index = which.index;
    e->e.persisted_snapshot.metadata.term = which.term;
    e->e.persisted_snapshot.offset = offset;
    e->e.persisted_snapshot.last = last;
    return e;
}

EventPtr snapshot(raft_index index, unsigned trailing) {
    auto e = blank(RAFT_SNAPSHOT,
                   "SNAPSHOT " + std::to_string(index) + " keep " + std::to_string(trailing));
    e->e.snapshot.metadata.index = index;
    e->e.snapshot.trailing = trailing;
    return e;
}

EventPtr configuration(raft_index index) {
    auto e = blank(RAFT_CONFIGURATION, "CONFIGURATION " + std::to_string(index));
    e->e.configuration.index = index;
    return e;
}

EventPtr spoiled(EventPtr event, std::function<void(raft_event &)> spoil) {
    event->text += " (spoiled)";
    event->spoil = std::move(spoil);
    return event;
}

} // namespace event

} // namespace story
