/* SPDX-License-Identifier: MIT */
#include "session.hpp"

#include "../driver/judge_step.hpp"
#include "../observe/failing_memory.hpp"
#include "../observe/fields.hpp"
#include "legal.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace fuzz {

using observe::Answers;

void broken(int line, const char *what) {
    fprintf(stderr, "line %d: failed: %s\n", line, what);
    abort();
}

namespace {

/* Fails, and prints the words, if there are any. */
void expect_none(const std::string &words, const char *what) {
    if (!words.empty()) {
        fprintf(stderr, "%s: %s\n", what, words.c_str());
        broken(__LINE__, what);
    }
}

} // namespace

Session::Session(raft_id id) {
    const std::string address = "host" + std::to_string(id);
    EXPECT(raft_init(&first_, id, address.c_str()) == 0);
    EXPECT(raft_init(&second_[0], id, address.c_str()) == 0);
    make_callers();
    view_.capture(&first_);
}

Session::~Session() {
    EXPECT(raft_close(&first_) == 0);
    EXPECT(raft_close(&second_[place_]) == 0);
}

/* What a successful step promises. */
void Session::judge(const raft_event &event, const raft_update &update) {
    const driver::View before = view_;
    view_.capture(&first_);
    view_.due_to_wake = before.due_to_wake && view_.timeout == before.timeout;
    EXPECT(legal(event, first_.id, before.last == 0 ? 0 : before.term));
    if (event.type != RAFT_START) { /* its flags are relative to what the event gave */
        driver::check_flags(before, view_, event, update);
        driver::check_vote(before, view_);
        driver::check_first_index(before, view_, event, update);
    }
    driver::check_monotonic(before, view_);
    driver::check_untouched(update);
    latest_ = std::max<raft_time>(latest_, event.time);
    driver::check_timeout(before, view_, event, update, latest_);
    driver::check_sleep(before, view_, event, update);
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        EXPECT(update.entries.index + update.entries.n == view_.last + 1);
        EXPECT(update.entries.index > view_.snapshot);
    }
    for (unsigned i = 0; update.flags & RAFT_UPDATE_MESSAGES && i < update.messages.n; i++) {
        driver::check_message(&first_, before, view_, update.messages.batch[i]);
    }
}

void Session::note(const raft_update &update) {
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        write_ = update.entries.write;
    }
    if (update.flags & RAFT_UPDATE_SNAPSHOT) {
        const raft_update_snapshot &s = update.snapshot;
        chunk_ = {s.metadata.index, s.metadata.term, s.offset, s.last};
    }
    for (const raft_message &m : driver::messages_of(update)) {
        if (m.type == RAFT_APPEND_ENTRIES) {
            round_ = std::max(round_, m.append_entries.round);
        }
    }
}

int Session::step(raft_event event) {
    const Answers before(&first_);
    raft_update a;
    observe::fill(&a);
    int code;
    if (fail_at_ != 0) {
        failing_memory::arm(fail_at_);
        code = raft_step(&first_, &event, &a);
        /* With fewer allocations none failed, and this was the step. */
        if (failing_memory::disarm()) {
            EXPECT(code == RAFT_NOMEM);
            driver::check_failed(view_, &first_, event, a, code);
            expect_none(difference(before, Answers(&first_)), "a step without memory");
            observe::fill(&a);
            code = raft_step(&first_, &event, &a);
        }
    } else {
        code = raft_step(&first_, &event, &a);
    }
    follow(event, code, a);
    EXPECT(code >= 0 && code <= RAFT_TOOMANY && raft_errmsg(&first_) != nullptr);
    if (code == 0) {
        judge(event, a);
        note(a);
    } else {
        driver::check_failed(view_, &first_, event, a, code);
        expect_none(difference(before, Answers(&first_)), "a failed step changed something");
    }
    borrowed.release();
    return code;
}

/* The second raft takes the step that the first has taken. */
void Session::follow(const raft_event &event, int code, const raft_update &a) {
    using observe::Payloads;
    raft_event copy = event;
    raft_update b;
    memset(&b, 0x77, sizeof b);
    struct raft &from = second_[place_];
    place_ = 1 - place_;
    second_[place_] = from;
    memset(&from, 0, sizeof from);
    callers_[1].impl = &second_[place_];
    EXPECT(raft_step(&second_[place_], &copy, &b) == code);
    expect_none(
        observe::recorded(a, Payloads::kPlaces).difference(observe::recorded(b, Payloads::kPlaces)),
        "two updates");
    expect_none(observe::recorded(a, Payloads::kPlaces).beyond_int64(),
                "a number does not fit a signed number");
    expect_none(difference(Answers(&first_), Answers(&second_[place_])), "two rafts");
}

raft_event Session::event(raft_event_type type, Input &in) {
    raft_event e;
    const uint8_t fill = in.u8();
    memset(&e, fill < 128 ? 0 : 0x5a, sizeof e);
    fail_at_ = fill % 8 == 7 ? 1U + fill / 8U % 4U : 0;
    const uint8_t clock = in.u8();
    if (clock < 128) {
        now_ += clock / 4;
    } else if (clock < 200) {
        now_ += 8ULL * (clock - 128);
    } else if (clock < 230) {
        now_ = raft_timeout(&first_) < 1ULL << 62 ? raft_timeout(&first_) : now_;
    }
    e.time = clock < 250 ? now_ : in.number(&first_);
    e.type = type;
    e.capacity = in.u8();
    return e;
}

void Session::start_plainly(unsigned servers, unsigned entries) {
    Input none(nullptr, 0);
    raft_event e = event(RAFT_START, none);
    raft_entry *log = borrowed.array<raft_entry>(entries + 1);
    /* Zeros follow: voters 1, 2, 3... */
    const uint8_t change[] = {RAFT_CHANGE << 1, static_cast<uint8_t>(servers)};
    Input change_bytes(change, sizeof change);
    log[0] = borrowed.entry(change_bytes, &first_, 1);
    for (unsigned i = 1; i <= entries; i++) {
        log[i] = log[0];
        log[i].type = RAFT_COMMAND;
        log[i].term = 1 + i / 3;
    }
    e.start = {3, 0, nullptr, 1, log, entries + 1};
    (void)step(e); /* it fails if settings contradict each other */
}

void Session::start(Input &in) {
    raft_event e = event(RAFT_START, in);
    raft_event_start &s = e.start;
    s.term = in.number(&first_);
    s.voted_for = in.u8() % 8;
    s.metadata = nullptr;
    if (in.u8() >= 128) {
        s.metadata = borrowed.array<raft_snapshot_metadata>(1);
        *s.metadata = borrowed.metadata(in, &first_);
    }
    s.start_index = in.number(&first_);
    const uint8_t n = in.u8();
    s.n_entries = n < 200 ? n % 16 : n;
    s.entries = n == 255 ? nullptr : borrowed.entries(in, &first_, s.n_entries);
    (void)step(e);
}

void Session::receive(Input &in) {
    raft_event e = event(RAFT_RECEIVE, in);
    const uint8_t how = in.u8();
    e.receive.message = how == 255   ? nullptr
                        : how >= 252 ? correct_answer(how - 250U)
                        : how >= 249 ? correct_sleep(how - 247U)
                                     : borrowed.message(in, &first_);
    (void)step(e);
}

raft_message *Session::correct_message(raft_message_type type, raft_id from) {
    Input none(nullptr, 0);
    raft_message *m = borrowed.array<raft_message>(1);
    m->type = type;
    m->server_id = from;
    m->server_address = borrowed.address(none, from);
    return m;
}

raft_message *Session::correct_answer(raft_id from) {
    raft_message *m = correct_message(RAFT_APPEND_ENTRIES_RESULT, from);
    raft_append_entries_result &r = m->append_entries_result;
    r.version = 3;
    r.term = raft_current_term(&first_);
    r.last_log_index = raft_last_index(&first_);
    r.features = kAllFeatures;
    r.round = round_;
    return m;
}

raft_message *Session::correct_sleep(raft_id from) {
    raft_message *m = correct_message(RAFT_APPEND_ENTRIES, from);
    raft_append_entries &a = m->append_entries;
    a.version = 2;
    a.term = raft_current_term(&first_);
    a.prev_log_index = a.leader_commit = raft_last_index(&first_);
    a.prev_log_term = raft_term_of(&first_, a.prev_log_index);
    a.round = 1ULL << 40; /* later than those that the input describes */
    a.sleep = true;
    return m;
}

void Session::receive(raft_message *message) {
    Input none(nullptr, 0);
    raft_event e = event(RAFT_RECEIVE, none);
    e.receive.message = message;
    (void)step(e);
}

void Session::acknowledge(Input &in) {
    const uint8_t choice = in.u8();
    if (choice < 100) {
        raft_event e = event(RAFT_STORED, in);
        e.stored.index = choice < 60 ? raft_last_index(&first_) : in.number(&first_);
        e.stored.write = choice < 90 ? write_ : in.number(&first_);
        (void)step(e);
    } else if (choice < 160) {
        raft_event e = event(RAFT_PERSISTED_ENTRIES, in);
        e.persisted_entries.index = in.number(&first_);
        (void)step(e);
    } else {
        raft_event e = event(RAFT_PERSISTED_SNAPSHOT, in);
        raft_event_persisted_snapshot &p = e.persisted_snapshot;
        p.metadata = {};
        p.metadata.index = chunk_.index;
        p.metadata.term = chunk_.term;
        p.offset = chunk_.offset;
        put_raw(&p.last, chunk_.last);
        if (choice >= 240) {
            p.metadata.index = in.number(&first_);
            p.metadata.term = in.number(&first_);
            p.offset = static_cast<size_t>(in.number(&first_));
            put_raw(&p.last, in.u8());
        }
        (void)step(e);
    }
}

void Session::time_out() {
    Input none(nullptr, 0);
    if (raft_timeout(&first_) < 1ULL << 62) {
        now_ = raft_timeout(&first_);
    }
    (void)step(event(RAFT_TIMEOUT, none));
}

/* Mostly an entry that was sent to that server and is not acknowledged. */
raft_index Session::sent(Input &in, raft_id server) {
    struct raft_peer peer = {};
    const uint8_t choice = in.u8();
    if (choice >= 192 || raft_progress(&first_, server, &peer) != 0 || peer.next <= peer.match) {
        return in.number(&first_);
    }
    return peer.match + choice % (peer.next - peer.match);
}

void Session::any_event(Input &in) {
    const uint8_t choice = in.u8();
    if (choice < 90) {
        receive(in);
    } else if (choice < 130) {
        acknowledge(in);
    } else if (choice < 150) {
        time_out();
    } else if (choice < 160) {
        change_setting(in);
    } else {
        constexpr unsigned kTypes = RAFT_RECOVER - RAFT_CONFIGURATION + 1;
        const unsigned type = choice < 232   ? RAFT_CONFIGURATION + choice % kTypes
                              : choice < 248 ? unsigned{RAFT_SENT}
                              : choice < 252 ? unsigned{RAFT_CAMPAIGN}
                                             : unsigned{RAFT_WAKE};
        raft_event e = event(static_cast<raft_event_type>(type), in);
        switch (e.type) {
            case RAFT_CONFIGURATION:
                e.configuration.index = in.number(&first_);
                break;
            case RAFT_SNAPSHOT:
                e.snapshot.metadata = borrowed.metadata(in, &first_);
                e.snapshot.trailing = in.u8() < 200 ? in.u8() % 8 : in.u32();
                break;
            case RAFT_TIMEOUT:
                break;
            case RAFT_SUBMIT: {
                const uint8_t n = in.u8();
                e.submit.n = n < 250 ? n % 8 : n;
                e.submit.entries = n == 255 ? nullptr : borrowed.entries(in, &first_, e.submit.n);
                break;
            }
            case RAFT_CATCH_UP:
                e.catch_up.server_id = in.u8() % 16; /* 0 gives one up */
                break;
            case RAFT_TRANSFER:
                e.transfer.server_id = in.u8() % 16;
                break;
            case RAFT_BOOTSTRAP:
                e.bootstrap.conf = borrowed.configuration(in);
                break;
            case RAFT_RECONFIGURE:
                e.reconfigure.conf = borrowed.configuration(in);
                put_raw(&e.reconfigure.force, in.u8());
                break;
            case RAFT_READ:
                e.read.id = in.u8();
                put_raw(&e.read.lease, in.u8());
                break;
            case RAFT_UNREACHABLE:
                e.unreachable.server_id = in.u8() % 16;
                break;
            case RAFT_STORED:
                e.stored.index = raft_last_index(&first_);
                e.stored.write = write_;
                break;
            case RAFT_SENT:
                e.sent.server_id = in.u8() % 8;
                e.sent.index = sent(in, e.sent.server_id);
                break;
            case RAFT_CAMPAIGN:
            case RAFT_WAKE:
                break;
            default:
                e.recover.conf = borrowed.configuration(in);
                if (in.one_in(32)) {
                    put_raw(&e.type, in.u32());
                    uint32_t type;
                    memcpy(&type, &e.type, sizeof type);
                    if (type - 1 < RAFT_WAKE) {
                        e.type = RAFT_RECOVER; /* the others need other fields */
                    }
                }
        }
        (void)step(e);
    }
}

} // namespace fuzz
