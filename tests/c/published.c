/* SPDX-License-Identifier: MIT */
/* A driver as one writes it from the published pages of C-Raft's core API (algorithm, events,
 * messages, types): only names and types from there, and only what they promise. It must compile
 * without a warning, as C and as C++; docs/guide/porting.rst lists what it must then change. The
 * values of the published type codes are checked as well. */
#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
#define IS(a, b) static_assert((a) == (b), #a)
#else
#define IS(a, b) _Static_assert((a) == (b), #a)
#endif

IS(RAFT_START, 1);
IS(RAFT_RECEIVE, 2);
IS(RAFT_PERSISTED_ENTRIES, 3);
IS(RAFT_PERSISTED_SNAPSHOT, 4);
IS(RAFT_CONFIGURATION, 5);
IS(RAFT_SNAPSHOT, 6);
IS(RAFT_TIMEOUT, 7);
IS(RAFT_SUBMIT, 8);
IS(RAFT_CATCH_UP, 9);
IS(RAFT_TRANSFER, 10);
IS(RAFT_APPEND_ENTRIES, 1);
IS(RAFT_APPEND_ENTRIES_RESULT, 2);
IS(RAFT_REQUEST_VOTE, 3);
IS(RAFT_REQUEST_VOTE_RESULT, 4);
IS(RAFT_INSTALL_SNAPSHOT, 5);
IS(RAFT_TIMEOUT_NOW, 6);
IS(RAFT_COMMAND, 1);
IS(RAFT_BARRIER, 2);
IS(RAFT_CHANGE, 3);
IS(RAFT_FOLLOWER, 1);
IS(RAFT_CANDIDATE, 2);
IS(RAFT_LEADER, 3);

static raft_time now; /* milliseconds */
static raft_index applied;
static unsigned sent;

/* The fields of each message, as a codec reads them. */
static unsigned long long codec(const struct raft_message *m) {
    const char *address = m->server_address;
    unsigned long long sum = m->server_id + (address != NULL ? strlen(address) : 0);
    switch (m->type) {
        case RAFT_APPEND_ENTRIES: {
            const struct raft_append_entries *p = &m->append_entries;
            return sum + p->version + p->term + p->prev_log_index + p->prev_log_term +
                   p->leader_commit + p->n_entries;
        }
        case RAFT_APPEND_ENTRIES_RESULT: {
            const struct raft_append_entries_result *p = &m->append_entries_result;
            return sum + p->version + p->term + p->rejected + p->last_log_index + p->features +
                   p->capacity;
        }
        case RAFT_REQUEST_VOTE: {
            const struct raft_request_vote *p = &m->request_vote;
            return sum + p->version + p->term + p->candidate_id + p->last_log_index +
                   p->last_log_term + p->disrupt_leader + p->pre_vote;
        }
        case RAFT_REQUEST_VOTE_RESULT: {
            const struct raft_request_vote_result *p = &m->request_vote_result;
            return sum + p->version + p->term + p->vote_granted;
        }
        case RAFT_INSTALL_SNAPSHOT: {
            const struct raft_install_snapshot *p = &m->install_snapshot;
            return sum + p->version + p->term + p->last_index + p->last_term + p->conf_index +
                   p->conf.n + p->data.len;
        }
        case RAFT_TIMEOUT_NOW: {
            const struct raft_timeout_now *p = &m->timeout_now;
            return sum + p->version + p->term + p->last_log_index + p->last_log_term;
        }
        default:
            return sum;
    }
}

static int step(struct raft *raft, struct raft_event *event) {
    struct raft_update update;
    int error;
    event->time = now;
    error = raft_step(raft, event, &update);
    if (error != 0) {
        return error;
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        unsigned i;
        for (i = 0; i < update.messages.n; i++) {
            sent += codec(&update.messages.batch[i]) > 0;
        }
    }
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        struct raft_event persisted;
        memset(&persisted, 0, sizeof persisted);
        persisted.type = RAFT_PERSISTED_ENTRIES;
        persisted.persisted_entries.index = update.entries.index + update.entries.n - 1;
        error = step(raft, &persisted);
    }
    applied = raft_commit_index(raft);
    return error;
}

#define CHECK(x)                                        \
    if (!(x)) {                                         \
        fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
        return 1;                                       \
    }

int main(void) {
    /* A configuration of one voter, encoded as C-Raft does: format 1, number, and for each server
     * ID, address and role. */
    static unsigned char conf[24] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, '1', 0, 1};
    struct raft raft;
    struct raft_event event;
    struct raft_entry entry;
    enum raft_state state;
    CHECK(raft_init(&raft, 1, "1") == 0);

    memset(&entry, 0, sizeof entry);
    entry.term = 1;
    entry.type = RAFT_CHANGE;
    entry.buf.base = conf;
    entry.buf.len = sizeof conf;
    entry.batch = conf;
    memset(&event, 0, sizeof event);
    event.type = RAFT_START;
    event.capacity = 0;
    event.start.term = 1;
    event.start.voted_for = 0;
    event.start.metadata = NULL;
    event.start.start_index = 1;
    event.start.entries = &entry;
    event.start.n_entries = 1;
    CHECK(step(&raft, &event) == 0);
    state = raft_state(&raft);
    if (state != RAFT_LEADER) {
        now = raft_timeout(&raft);
        memset(&event, 0, sizeof event);
        event.type = RAFT_TIMEOUT;
        CHECK(step(&raft, &event) == 0);
    }
    CHECK(raft_state(&raft) == RAFT_LEADER && raft_current_term(&raft) >= 1);
    CHECK(raft_voted_for(&raft) == 1 || raft_current_term(&raft) == 1);

    entry.type = RAFT_COMMAND;
    memset(&event, 0, sizeof event);
    event.type = RAFT_SUBMIT;
    event.submit.entries = &entry;
    event.submit.n = 1;
    CHECK(step(&raft, &event) == 0);
    CHECK(applied >= 2 && applied == raft_commit_index(&raft));
    CHECK(raft.id == 1 && sent == 0);
    raft_close(&raft);
    return 0;
}
