/* SPDX-License-Identifier: MIT */
/* Failing memory: each allocation of each step fails. The step must return RAFT_NOMEM and change
 * nothing, and must do the same as without the failure when it is repeated. A step with any
 * other error code must change nothing either. */
#include "../observe/failing_memory.hpp"
#include "sequences.hpp"
#include "tested_raft.hpp"

#include "../observe/record.hpp"

#include <raft.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

/* The codes that the header promises for each event, and RAFT_NOMEM where a step can allocate. All
 * of them must happen, and no others. */
const struct {
    int event;
    std::initializer_list<int> codes;
} kPromised[] = {
    {RAFT_START, {0, RAFT_INVALID, RAFT_CORRUPT, RAFT_MALFORMED, RAFT_NOMEM}},
    {RAFT_RECEIVE, {0, RAFT_INVALID, RAFT_MALFORMED, RAFT_CORRUPT, RAFT_NOMEM}},
    {RAFT_PERSISTED_ENTRIES, {0, RAFT_NOMEM}},
    {RAFT_PERSISTED_SNAPSHOT, {0, RAFT_NOMEM}},
    {RAFT_CONFIGURATION, {0, RAFT_INVALID}},
    {RAFT_SNAPSHOT, {0, RAFT_INVALID}},
    {RAFT_TIMEOUT, {0, RAFT_INVALID, RAFT_NOMEM}},
    {RAFT_SUBMIT,
     {0, RAFT_NOTLEADER, RAFT_NOSPACE, RAFT_BUSY, RAFT_CANTCHANGE, RAFT_MALFORMED, RAFT_BADID,
      RAFT_BADROLE, RAFT_NOCONNECTION, RAFT_INVALID, RAFT_TOOBIG, RAFT_NOMEM}},
    {RAFT_CATCH_UP, {0, RAFT_NOTLEADER, RAFT_BADID, RAFT_BADROLE, RAFT_BUSY, RAFT_NOMEM}},
    {RAFT_TRANSFER,
     {0, RAFT_NOTLEADER, RAFT_BADID, RAFT_BADROLE, RAFT_NOCONNECTION, RAFT_NOTFOUND, RAFT_BUSY,
      RAFT_NOMEM}},
    {RAFT_BOOTSTRAP,
     {0, RAFT_CANTBOOTSTRAP, RAFT_BADID, RAFT_DUPLICATEID, RAFT_DUPLICATEADDRESS, RAFT_BADROLE,
      RAFT_INVALID, RAFT_NOMEM}},
    {RAFT_RECONFIGURE,
     {0, RAFT_NOTLEADER, RAFT_CANTCHANGE, RAFT_BADID, RAFT_DUPLICATEID, RAFT_DUPLICATEADDRESS,
      RAFT_BADROLE, RAFT_NOCONNECTION, RAFT_INVALID, RAFT_TOOBIG, RAFT_NOMEM}},
    {RAFT_READ, {0, RAFT_NOTLEADER, RAFT_BUSY, RAFT_NOMEM}},
    {RAFT_STORED, {0, RAFT_INVALID, RAFT_NOMEM}},
    {RAFT_RECOVER,
     {0, RAFT_INVALID, RAFT_BUSY, RAFT_BADID, RAFT_DUPLICATEID, RAFT_DUPLICATEADDRESS, RAFT_BADROLE,
      RAFT_TOOBIG, RAFT_NOMEM}},
    {RAFT_UNREACHABLE, {0}},
    {RAFT_SENT, {0, RAFT_INVALID, RAFT_NOMEM}},
    {RAFT_CAMPAIGN, {0, RAFT_INVALID, RAFT_BUSY, RAFT_NOMEM}},
    {RAFT_WAKE, {0, RAFT_INVALID, RAFT_NOMEM}},
};

} // namespace

extern "C" {
extern const char __executable_start;
/* Never called: sites.py must report that this call never failed. */
void *unreached_site(size_t size);
void *unreached_site(size_t size) {
    char *block = static_cast<char *>(malloc(size));
    if (block != nullptr) {
        block[0] = 1; /* so that the call is not a tail call */
    }
    return block;
}
}

int main(int argc, char **argv) {
    for (auto sequence :
         {memory::setting, memory::founding, memory::following, memory::installing,
          memory::restarting, memory::campaigning, memory::leading, memory::sending,
          memory::giving_up, memory::sleeping, memory::changing_members, memory::changing_jointly,
          memory::failing_starts, memory::failing_messages, memory::failing_requests,
          memory::failing_changes, memory::failing_unforced, memory::failing_at_limits}) {
        const long blocks = failing_memory::live();
        sequence();
        REQUIRE(failing_memory::live() == blocks);
    }
    const memory::Tally &tally = memory::tally();
    int missing = 0;
    for (const auto &[event, codes] : kPromised) {
        for (int code : codes) {
            if (tally.outcomes.count({event, code}) == 0) {
                printf("never happened: event %s with code %d\n",
                       observe::name_of_event(static_cast<unsigned>(event)), code);
                missing++;
            }
        }
        for (const auto &[outcome, times] : tally.outcomes) {
            if (outcome.first == event &&
                std::find(codes.begin(), codes.end(), outcome.second) == codes.end()) {
                printf("not promised: event %s with code %d, %u times\n",
                       observe::name_of_event(static_cast<unsigned>(event)), outcome.second, times);
                missing++;
            }
        }
    }
    printf(
        "%u steps, %u failed allocations at %zu places, at most %u in one step; "
        "%zu pairs of event and code\n",
        tally.steps, tally.failures, failing_memory::places().size(), tally.deepest,
        tally.outcomes.size());
    if (argc > 1 &&
        strcmp(argv[1], "--places") == 0) { /* absolute addresses, and offsets in the file */
        for (uintptr_t place : failing_memory::places()) {
            printf("place %zx %zx\n", static_cast<size_t>(place),
                   static_cast<size_t>(place - reinterpret_cast<uintptr_t>(&__executable_start)));
        }
    }
    return missing != 0;
}
