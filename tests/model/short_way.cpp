/* SPDX-License-Identifier: MIT */
#include "short_way.hpp"

#include "clone.hpp"
#include "digest.hpp"
#include "observe.hpp"
#include "raft.hpp"

#include <cstring>

/* The long way, which the linker leads through here: so it is known who took it. */
int long_way(libraft::Server &server, raft_event &event, raft_update &update) asm(
    "__real__ZN7libraft4stepERNS_6ServerER10raft_eventR11raft_update");
int counted_long_way(libraft::Server &server, raft_event &event, raft_update &update) asm(
    "__wrap__ZN7libraft4stepERNS_6ServerER10raft_eventR11raft_update");

namespace {
uint64_t long_ways = 0;
uint64_t short_ways = 0;
} // namespace

int counted_long_way(libraft::Server &server, raft_event &event, raft_update &update) {
    long_ways++;
    return long_way(server, event, update);
}

namespace proof {
namespace {

/* Room for what a step of a small world hands out: else no fresh copy would take the short way. */
constexpr uint64_t kRoom = 4096;

std::string compare(struct raft *r, const raft_update &update, int code, struct raft *copy,
                    const raft_update &other, int other_code) {
    if (code != other_code) {
        return "codes " + std::to_string(code) + " and " + std::to_string(other_code);
    }
    if (update.flags != other.flags) {
        return "flags " + std::to_string(update.flags) + " and " + std::to_string(other.flags);
    }
    if (observe(update) != observe(other)) {
        return "updates";
    }
    if (digest(server_of(*r), Frame::kExact) != digest(server_of(*copy), Frame::kExact)) {
        return "states";
    }
    return "";
}

} // namespace

int step_both_ways(struct raft *r, raft_event *event, raft_update *update, std::string *difference,
                   bool room, Strange strange) {
    difference->clear();
    libraft::Server &server = server_of(*r);
    if (server.steady == libraft::Steady::kNo || (room && !server.outbox.reserve(kRoom))) {
        return raft_step(r, event, update);
    }
    libraft::Server *other = clone(server);
    raft_event other_event = *event;
    const uint64_t before = long_ways;
    const int code = raft_step(r, event, update);
    if (long_ways == before) {
        raft_update other_update = {};
        const int other_code = long_way(*other, other_event, other_update);
        if (strange == Strange::kLateDeadline) {
            server.deadline++;
        } else if (strange == Strange::kLostMessage && (update->flags & RAFT_UPDATE_MESSAGES)) {
            update->messages.n--;
        }
        struct raft copy = handle(other);
        *difference = compare(r, *update, code, &copy, other_update, other_code);
        short_ways++;
        if (!difference->empty()) {
            *difference = "event " + std::to_string(event->type) +
                          " ends otherwise than the long way: " + *difference;
        }
    }
    destroy(other);
    return code;
}

uint64_t short_steps() { return short_ways; }
uint64_t long_steps() { return long_ways; }

} // namespace proof
