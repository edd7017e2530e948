/* SPDX-License-Identifier: MIT */
/* The file of --trace-file: JSON, one fact a line. docs/playground/engine/trace.js reads it. Times
 * are in microseconds. The first line has the format's version. */
#include "trace.hpp"

namespace sim {
namespace {

constexpr int kFormat = 1;

const char *const kStates[] = {"unavailable", "follower", "candidate", "leader"};
const char *const kRoles[] = {"standby",       "voter",          "spare",       "voterOutgoing",
                              "voterIncoming", "voterToStandby", "voterToSpare"};
const char *const kMessages[] = {"",
                                 "appendEntries",
                                 "appendEntriesResult",
                                 "requestVote",
                                 "requestVoteResult",
                                 "installSnapshot",
                                 "timeoutNow"};

/* Empty for what has no name. */
template <size_t n>
const char *name(const char *const (&names)[n], int value) {
    return value >= 0 && static_cast<size_t>(value) < n ? names[value] : "";
}

unsigned long long number(uint64_t x) { return x; }

std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return out + "\"";
}

} // namespace

void Trace::server(Time at, raft_id id, const View &view, bool asleep) {
    std::string members;
    for (const Member &m : view.conf.members) {
        members +=
            format("%s{\"id\":%llu,\"address\":%s,\"role\":\"%s\"}", members.empty() ? "" : ",",
                   m.id, quoted(m.address).c_str(), name(kRoles, m.role));
    }
    Kept now = {
        format("\"state\":\"%s\",\"term\":%llu,\"votedFor\":%llu,\"leader\":%llu,"
               "\"commitIndex\":%llu,\"firstIndex\":%llu,\"lastIndex\":%llu,\"lastStored\":%llu,"
               "\"snapshotIndex\":%llu,\"asleep\":%s",
               name(kStates, view.state), view.term, view.vote, view.leader, view.commit,
               view.first, view.last, view.stored, view.snapshot, asleep ? "true" : "false"),
        format("\"configuration\":{\"index\":%llu,\"servers\":[", view.conf_index) + members +
            "]}"};
    Kept &before = kept_[id];
    if (now.answers == before.answers && now.members == before.members) {
        return;
    }
    std::string text = now.answers;
    if (now.members != before.members) {
        text += "," + now.members;
    }
    facts_.push_back({Fact::SERVER, at, at, id, 0, 0, 0, text});
    before = now;
}

bool Trace::write(const char *path, uint64_t seed, unsigned servers) const {
    FILE *f = fopen(path, "w");
    if (f == nullptr) {
        return false;
    }
    fprintf(f, "{\"kind\":\"raft-sim\",\"version\":%d,\"seed\":%llu,\"servers\":%u}\n", kFormat,
            number(seed), servers);
    for (const Fact &fact : facts_) {
        static const char *const kinds[] = {"",     "",     "message", "lost",     "crash",
                                            "boot", "note", "server",  "violation"};
        if (fact.kind == Fact::ROLE || fact.kind == Fact::COMMIT) {
            continue;
        }
        bool message = fact.kind == Fact::MESSAGE || fact.kind == Fact::LOST;
        std::string who =
            message ? format("\"sent\":%llu,\"from\":%llu,\"to\":%llu,\"type\":\"%s\"",
                             number(fact.at), fact.id, fact.to, name(kMessages, fact.code))
                    : format("\"server\":%llu", fact.id);
        std::string what = fact.kind == Fact::SERVER ? fact.text : "\"text\":" + quoted(fact.text);
        fprintf(f, "{\"kind\":\"%s\",\"at\":%llu,%s,%s}\n", kinds[fact.kind], number(fact.until),
                who.c_str(), what.c_str());
    }
    return fclose(f) == 0;
}

} // namespace sim
