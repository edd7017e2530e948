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

/* Server 2 grants; the term is the current one, or the next for a pre-vote. */
void grant(fuzz::Session &session, bool pre_vote) {
    const uint8_t bytes[] = {0,  0,
                             0,  0,
                             0,  RAFT_REQUEST_VOTE_RESULT - 1,
                             2,  0,
                             2,  static_cast<uint8_t>(pre_vote ? 161 : 160),
                             1,  pre_vote,
                             15, 0,
                             0,  0};
    receive(session, bytes);
}

/* Leader 3 sends entries, or a heartbeat. */
void follow(fuzz::Session &session, uint8_t entries) {
    const uint8_t bytes[] = {0,   0,
                             0,   0,
                             0,   RAFT_APPEND_ENTRIES - 1,
                             3,   0,
                             1,   162,
                             129, 0,
                             144, entries,
                             162, RAFT_COMMAND << 1,
                             0,   RAFT_COMMAND << 1,
                             0,   5};
    receive(session, bytes);
}

/* Leader 3 begins to send a snapshot. */
void install(fuzz::Session &session) {
    const uint8_t bytes[] = {
        0, 0, 0, 0, 0, RAFT_INSTALL_SNAPSHOT - 1, 3, 0, 1, 162, 15, 3, 3, 0, 0, 0, 0, 0,
        0, 1, 8, 0, 0};
    receive(session, bytes);
}

void elect(fuzz::Session &session) {
    session.time_out();
    grant(session, true);
    grant(session, false);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz::Input in(bytes, size);
    fuzz::Session session(1);
    const uint8_t beginning = in.u8();
    if (beginning & 1) {
        session.set_all_features();
    }
    session.start_plainly(3 + (beginning >> 1 & 1U), beginning >> 2 & 3U);
    switch (beginning >> 4 & 7U) {
        case 0:
            break;
        case 1:
            session.time_out();
            break;
        case 2:
            session.time_out();
            grant(session, true);
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
    while (!in.done()) {
        const uint8_t choice = in.u8();
        if (choice < 200) {
            session.receive(in);
        } else if (choice < 245) {
            session.acknowledge(in);
        } else {
            session.time_out();
        }
    }
    return 0;
}
