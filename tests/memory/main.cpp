/* SPDX-License-Identifier: MIT */
/* Failing memory: for every k, the k-th allocation of every step fails. The step must say
 * RAFT_NOMEM, change nothing at all, and do the same as ever when it is tried again. The
 * same for every other error code of every event. */
#include "failing.hpp"
#include "stories.hpp"
#include "trial.hpp"

#include <raft.h>

#include <cstring>

namespace {

/* Every code that the header promises, by event; RAFT_NOMEM where a step can allocate. */
constexpr struct {
    int event;
    int code;
} kPromised[] = {
    {RAFT_START, RAFT_INVALID},
    {RAFT_START, RAFT_CORRUPT},
    {RAFT_START, RAFT_MALFORMED},
    {RAFT_START, RAFT_NOMEM},
    {RAFT_RECEIVE, RAFT_INVALID},
    {RAFT_RECEIVE, RAFT_MALFORMED},
    {RAFT_RECEIVE, RAFT_CORRUPT},
    {RAFT_RECEIVE, RAFT_NOMEM},
    {RAFT_PERSISTED_ENTRIES, RAFT_NOMEM},
    {RAFT_PERSISTED_SNAPSHOT, RAFT_NOMEM},
    {RAFT_CONFIGURATION, RAFT_INVALID},
    {RAFT_SNAPSHOT, RAFT_INVALID},
    {RAFT_TIMEOUT, RAFT_INVALID},
    {RAFT_TIMEOUT, RAFT_NOMEM},
    {RAFT_SUBMIT, RAFT_NOTLEADER},
    {RAFT_SUBMIT, RAFT_NOSPACE},
    {RAFT_SUBMIT, RAFT_BUSY},
    {RAFT_SUBMIT, RAFT_CANTCHANGE},
    {RAFT_SUBMIT, RAFT_MALFORMED},
    {RAFT_SUBMIT, RAFT_BADROLE},
    {RAFT_SUBMIT, RAFT_INVALID},
    {RAFT_SUBMIT, RAFT_TOOBIG},
    {RAFT_SUBMIT, RAFT_NOMEM},
    {RAFT_CATCH_UP, RAFT_NOTLEADER},
    {RAFT_CATCH_UP, RAFT_BADID},
    {RAFT_CATCH_UP, RAFT_BADROLE},
    {RAFT_CATCH_UP, RAFT_BUSY},
    {RAFT_CATCH_UP, RAFT_NOMEM},
    {RAFT_TRANSFER, RAFT_NOTLEADER},
    {RAFT_TRANSFER, RAFT_BADID},
    {RAFT_TRANSFER, RAFT_BADROLE},
    {RAFT_TRANSFER, RAFT_NOTFOUND},
    {RAFT_TRANSFER, RAFT_BUSY},
    {RAFT_TRANSFER, RAFT_NOMEM},
    {RAFT_BOOTSTRAP, RAFT_CANTBOOTSTRAP},
    {RAFT_BOOTSTRAP, RAFT_BADID},
    {RAFT_BOOTSTRAP, RAFT_DUPLICATEID},
    {RAFT_BOOTSTRAP, RAFT_DUPLICATEADDRESS},
    {RAFT_BOOTSTRAP, RAFT_BADROLE},
    {RAFT_BOOTSTRAP, RAFT_INVALID},
    {RAFT_BOOTSTRAP, RAFT_NOMEM},
    {RAFT_RECONFIGURE, RAFT_NOTLEADER},
    {RAFT_RECONFIGURE, RAFT_CANTCHANGE},
    {RAFT_RECONFIGURE, RAFT_BADID},
    {RAFT_RECONFIGURE, RAFT_DUPLICATEID},
    {RAFT_RECONFIGURE, RAFT_DUPLICATEADDRESS},
    {RAFT_RECONFIGURE, RAFT_BADROLE},
    {RAFT_RECONFIGURE, RAFT_INVALID},
    {RAFT_RECONFIGURE, RAFT_TOOBIG},
    {RAFT_RECONFIGURE, RAFT_NOMEM},
    {RAFT_READ, RAFT_NOTLEADER},
    {RAFT_READ, RAFT_BUSY},
    {RAFT_READ, RAFT_NOMEM},
    {RAFT_STORED, RAFT_INVALID},
    {RAFT_STORED, RAFT_NOMEM},
    {RAFT_RECOVER, RAFT_INVALID},
    {RAFT_RECOVER, RAFT_BUSY},
    {RAFT_RECOVER, RAFT_BADID},
    {RAFT_RECOVER, RAFT_DUPLICATEID},
    {RAFT_RECOVER, RAFT_DUPLICATEADDRESS},
    {RAFT_RECOVER, RAFT_BADROLE},
    {RAFT_RECOVER, RAFT_NOMEM},
    /* And each event once without an error. */
    {RAFT_START, 0},
    {RAFT_RECEIVE, 0},
    {RAFT_PERSISTED_ENTRIES, 0},
    {RAFT_PERSISTED_SNAPSHOT, 0},
    {RAFT_CONFIGURATION, 0},
    {RAFT_SNAPSHOT, 0},
    {RAFT_TIMEOUT, 0},
    {RAFT_SUBMIT, 0},
    {RAFT_CATCH_UP, 0},
    {RAFT_TRANSFER, 0},
    {RAFT_BOOTSTRAP, 0},
    {RAFT_RECONFIGURE, 0},
    {RAFT_READ, 0},
    {RAFT_UNREACHABLE, 0},
    {RAFT_STORED, 0},
    {RAFT_RECOVER, 0},
};

} // namespace

extern "C" {
extern const char __executable_start;
/* Never called: sites.py must notice a place that allocates and was not reached. */
void *unreached_site(size_t size);
void *unreached_site(size_t size) {
    char *block = static_cast<char *>(malloc(size));
    if (block != nullptr) {
        block[0] = 1; /* so that this is no tail call */
    }
    return block;
}
}

int main(int argc, char **argv) {
    for (auto story :
         {trial::setting, trial::founding, trial::following, trial::installing, trial::restarting,
          trial::campaigning, trial::leading, trial::changing_members, trial::changing_jointly,
          trial::refusing_starts, trial::refusing_messages, trial::refusing_requests,
          trial::refusing_changes, trial::refusing_at_limits}) {
        const long blocks = failing::live();
        story();
        REQUIRE(failing::live() == blocks);
    }
    const trial::Tally &tally = trial::tally();
    int missing = 0;
    for (const auto &promised : kPromised) {
        if (tally.outcomes.count({promised.event, promised.code}) == 0) {
            printf("never seen: event %d with code %d\n", promised.event, promised.code);
            missing++;
        }
    }
    printf(
        "%u steps, %u failed allocations at %zu places, at most %u in one step; "
        "%zu pairs of event and code\n",
        tally.steps, tally.failures, failing::places().size(), tally.deepest,
        tally.outcomes.size());
    if (argc > 1 && strcmp(argv[1], "--places") == 0) { /* absolute, and in the file */
        for (uintptr_t place : failing::places()) {
            printf("place %zx %zx\n", static_cast<size_t>(place),
                   static_cast<size_t>(place - reinterpret_cast<uintptr_t>(&__executable_start)));
        }
    }
    return missing != 0;
}
