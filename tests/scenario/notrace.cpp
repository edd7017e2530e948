/* SPDX-License-Identifier: MIT */
/* Promise 4: a step that fails is as if it had never been called. */
#include <algorithm>

#include "catch.hpp"
#include "render.hpp"
#include "server.hpp"

namespace story {

namespace {

class Twin {
public:
    explicit Twin(const std::vector<Past> &past) {
        for (const Past &p : past) {
            if (p.event == nullptr) {
                p.setter(&r);
            } else {
                raft_update update;
                REQUIRE(raft_step(&r, p.event->at(p.time, p.capacity), &update) == 0);
            }
        }
    }
    ~Twin() { raft_close(&r); }
    Twin(const Twin &) = delete;
    Twin &operator=(const Twin &) = delete;

    std::string live(const EventPtr &event, raft_time now) {
        raft_update update;
        int rv = raft_step(&r, event->at(now, 100), &update);
        return event->text + " -> " + std::to_string(rv) + " " + (rv == 0 ? render(update) : "") +
               "\n" + digest(&r);
    }

    struct raft r {};
};

/* A life that touches every chapter: what is still due, a new leader, an election, a
 * won one, entries, a read, a membership change. */
std::vector<EventPtr> later_life(struct raft *r) {
    const raft_term t = raft_current_term(r);
    const raft_index last = raft_last_index(r);
    const raft_id self = r->id;
    const raft_id peer = self == 2 ? 1 : 2;
    const Position end{last, raft_term_of(r, last)};
    std::vector<EventPtr> life{
        event::timeout(),
        event::submit(2),
        event::read(77),
        event::persisted(last),
        event::receive(draft(peer, self, AppendEntries{.term = t, .prev = end, .log = ""})),
        event::receive(draft(peer, self, RequestVote{.term = t + 3, .last = {last + 9, t + 2}})),
        event::receive(draft(
            peer, self, RequestVote{.term = t + 4, .last = {last + 9, t + 3}, .disrupt = true})),
        event::timeout(),
        event::persisted(last + 2),
        event::timeout(),
    };
    for (raft_term ahead = 1; ahead < 8; ++ahead) {
        for (raft_id id = 1; id <= 5; ++id) {
            if (id != self) {
                life.push_back(event::receive(draft(
                    id, self,
                    VoteResult{.term = t + ahead, .granted = true, .pre_vote = ahead % 2 == 0})));
            }
        }
        life.push_back(event::timeout());
    }
    life.push_back(event::submit(1));
    life.push_back(event::reconfigure("1 2"));
    life.push_back(event::timeout());
    return life;
}

} // namespace

void check_no_trace(const std::vector<Past> &past, int code, const EventPtr &event, raft_time now,
                    const std::string &expected_digest) {
    Twin touched(past);
    Twin untouched(past);
    REQUIRE(digest(&touched.r) == expected_digest); /* same events, same state */
    raft_update update;
    /* Neither its time nor its capacity may be remembered. */
    INFO(event->text);
    REQUIRE(step_checked(&touched.r, event->at(now + 37, 7), &update) == code);
    REQUIRE(update.flags == 0);
    REQUIRE(digest(&touched.r) == digest(&untouched.r));
    for (const EventPtr &next : later_life(&untouched.r)) {
        if (next->e.type == RAFT_TIMEOUT && raft_timeout(&untouched.r) != ~raft_time{0}) {
            now = std::max(now, raft_timeout(&untouched.r));
        }
        std::string a = touched.live(next, now);
        std::string b = untouched.live(next, now);
        if (a != b) {
            FAIL("after a refused " << event->text << " life goes on differently:\n"
                                    << a << "\ninstead of\n"
                                    << b);
        }
    }
}

} // namespace story
