/* SPDX-License-Identifier: MIT */
/* Any sequence of messages, to a server in each of the states that it can be in. */
#include "session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

namespace {

/* A message, as the input bytes from which Borrowed::message() makes it. */
template <size_t N>
void receive(fuzz::Session &session, const uint8_t (&bytes)[N]) {
    fuzz::Input in(bytes, N);
    session.receive(in);
}

/* A server grants; the term is the current one, or the next for a pre-vote. */
void grant(fuzz::Session &session, uint8_t from, bool pre_vote) {
    const uint8_t bytes[] = {0,    0,
                             0,    0,
                             0,    RAFT_REQUEST_VOTE_RESULT - 1,
                             from, 0,
                             2,    static_cast<uint8_t>(pre_vote ? 161 : 160),
                             1,    pre_vote,
                             15,   0,
                             0,    0};
    receive(session, bytes);
}

/* Leader 3 sends entries, or a heartbeat. */
void follow(fuzz::Session &session, uint8_t entries) {
    const uint8_t bytes[] = {0,   0,
                             0,   0,
                             0,   RAFT_APPEND_ENTRIES - 1,
                             3,   0,
                             1,   160,
                             130, 0,
                             145, entries,
                             160, RAFT_COMMAND << 1,
                             0,   RAFT_COMMAND << 1,
                             0,   5};
    receive(session, bytes);
    EXPECT(session.view().leader == 3);
}

/* Leader 3 begins to send a snapshot. */
void install(fuzz::Session &session) {
    const uint8_t bytes[] = {
        0, 0, 0, 0, 0, RAFT_INSTALL_SNAPSHOT - 1, 3, 0, 1, 160, 15, 3, 3, 0, 0, 0, 0, 0,
        0, 1, 8, 0, 0};
    receive(session, bytes);
    EXPECT(session.view().leader == 3);
}

void elect(fuzz::Session &session) {
    session.time_out();
    for (bool pre_vote : {true, false}) {
        for (uint8_t from : {2, 3}) {
            grant(session, from, pre_vote);
        }
    }
    EXPECT(session.view().leads());
}

/* Everything is stored, and the others have answered for longer than the idle timeout. */
void let_leader_sleep(fuzz::Session &session, unsigned servers) {
    fuzz::Input stored(nullptr, 0);
    session.acknowledge(stored);
    for (unsigned heartbeats = 0; heartbeats < 4 && !session.view().asleep(); heartbeats++) {
        for (raft_id id = 2; id <= servers; id++) {
            session.receive(session.correct_answer(id));
        }
        session.time_out();
    }
    EXPECT(session.view().asleep());
}

void let_follower_sleep(fuzz::Session &session) {
    session.receive(session.correct_sleep(3));
    EXPECT(session.view().asleep());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz::Input in(bytes, size);
    fuzz::Session session(1);
    const uint8_t beginning = in.u8();
    if (beginning & 1) {
        session.set_all_features();
    }
    const bool sleeps = (beginning & 128) != 0;
    if (sleeps) {
        session.set_all_features();
        session.set_idle_timeout(100);
    }
    const unsigned servers = 3 + (beginning >> 1 & 1U);
    session.start_plainly(servers, beginning >> 2 & 3U);
    switch (beginning >> 4 & 7U) {
        case 0:
            break;
        case 1:
            session.time_out();
            break;
        case 2:
            session.time_out();
            grant(session, 2, true);
            break;
        case 3:
        case 4:
            elect(session);
            break;
        case 5:
            follow(session, 2);
            break;
        case 6:
            install(session);
            break;
        default:
            follow(session, 0);
    }
    if (sleeps && session.view().leads()) {
        let_leader_sleep(session, servers);
    } else if (sleeps && session.view().leader == 3 && (beginning >> 4 & 7U) == 7) {
        let_follower_sleep(session);
    }
    while (!in.done()) {
        const uint8_t choice = in.u8();
        if (choice < 200) {
            session.receive(in);
        } else if (choice < 240) {
            session.acknowledge(in);
        } else if (choice < 245) {
            (void)session.step(session.event(RAFT_WAKE, in));
        } else {
            session.time_out();
        }
    }
    return 0;
}
