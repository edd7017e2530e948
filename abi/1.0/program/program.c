/* SPDX-License-Identifier: MIT */
/* A program that uses the whole interface and checks the results. A release keeps these files, and
 * their machine code, in abi/X.Y; both must work with every later library of the same soname. So
 * the program checks only what abi/README.md promises: it relies neither on the order or number of
 * messages, nor on the time at which something happens, nor on texts. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

enum { ELECTION = 500 };

/* A configuration with a role for each server; a space is no member. */
static struct raft_configuration members(const char *roles) {
    static struct raft_server servers[SERVERS];
    struct raft_configuration conf = {servers, 0};
    for (raft_id id = 1; *roles != '\0'; id++, roles++) {
        if (*roles != ' ') {
            struct raft_server *s = &servers[conf.n++];
            s->id = id;
            s->address = names[id];
            s->role = *roles == 'v' ? RAFT_VOTER : *roles == 's' ? RAFT_STANDBY : RAFT_SPARE;
        }
    }
    return conf;
}

static int step_type(struct server *s, enum raft_event_type type) {
    struct raft_event event = event_of(type);
    return step(s, &event);
}

/* Initialize a server, call every setter, and load what is on its disk. */
static void start(struct server *s, raft_id id) {
    struct raft_event event = event_of(RAFT_START);
    struct raft *r = &s->raft;
    CHECK(raft_init(r, 0, "") == RAFT_BADID && (int)raft_state(r) == RAFT_UNAVAILABLE);
    CHECK(raft_role(r) == -1 && raft_init(r, id, names[id]) == 0 && r->id == id);
    s->tracer = (struct raft_tracer){s, 1, emit};
    CHECK(raft_set_tracer(r, &s->tracer) == 0);
    CHECK(raft_seed(r, 7) == 0);
    CHECK(raft_set_heartbeat_timeout(r, 2 * ELECTION) == 0 && step(s, &event) == RAFT_INVALID);
    CHECK(raft_set_heartbeat_timeout(r, ELECTION / 10) == 0);
    CHECK(raft_set_election_timeout(r, ELECTION) == 0);
    CHECK(raft_set_install_snapshot_timeout(r, 2000) == 0);
    CHECK(raft_set_pre_vote(r, 1) == 0);
    CHECK(raft_set_max_catch_up_rounds(r, 20) == 0);
    CHECK(raft_set_max_catch_up_round_duration(r, 3000) == 0);
    CHECK(raft_set_max_inflight_entries(r, 64) == 0);
    CHECK(raft_set_max_message_entries(r, BATCH) == 0);
    CHECK(raft_set_max_uncommitted_entries(r, 0) == 0);
    CHECK(raft_set_election_delay(r, (unsigned)id) == 0);
    CHECK(raft_set_eager_commit(r, 1) == 0);
    CHECK(raft_set_idle_timeout(r, 0) == 0);
    CHECK(raft_set_capacity_threshold(r, 10) == 0);
    CHECK(raft_set_features(r, 1U << 31) == RAFT_INVALID && raft_errmsg(r)[0] != '\0');
    CHECK(raft_set_features(r, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT |
                                   RAFT_FEATURE_SLEEP) == 0);
    event.start.term = s->term;
    event.start.voted_for = s->vote;
    event.start.metadata = s->snapshot.metadata.index == 0 ? NULL : &s->snapshot.metadata;
    event.start.start_index = s->first;
    event.start.entries = &s->log[s->first];
    event.start.n_entries = (unsigned)(s->last + 1 - s->first);
    CHECK(step(s, &event) == 0 && raft_current_term(r) == s->term);
    s->up = true;
}

/* Stop a server; its disk stays. Its state machine begins anew. */
static void stop(struct server *s) {
    CHECK(raft_close(&s->raft) == 0 && s->raft.id == 0 && s->raft.impl == NULL);
    s->up = false;
    s->applied = 0;
    s->sum = 0;
    memset(&s->stored, 0, sizeof s->stored);
    memset(&s->chunk, 0, sizeof s->chunk);
    memset(&s->sent, 0, sizeof s->sent);
    memset(&s->configuration, 0, sizeof s->configuration);
}

/* Wait until the servers agree on a leader, which is to be the one with this ID; 0: any. */
static struct server *leader(raft_id wanted) {
    for (unsigned tries = 0; tries < 200; tries++) {
        struct server *found = NULL;
        bool agree = true;
        for (raft_id id = 1; id <= SERVERS; id++) {
            found = of(id)->up && raft_state(&of(id)->raft) == RAFT_LEADER ? of(id) : found;
        }
        for (raft_id id = 1; found != NULL && id <= SERVERS; id++) {
            raft_id known;
            const char *address;
            raft_leader(&of(id)->raft, &known, &address);
            agree = agree && (!of(id)->up || raft_role(&of(id)->raft) == -1 ||
                              raft_role(&of(id)->raft) == RAFT_SPARE || known == found->raft.id);
            CHECK(known == 0 || strcmp(address, names[known]) == 0);
        }
        if (found != NULL && agree && (wanted == 0 || found->raft.id == wanted)) {
            CHECK(raft_voted_for(&found->raft) == found->raft.id);
            return found;
        }
        run(100);
    }
    failed("a leader was elected", __LINE__);
    return NULL;
}

/* Submit entries; returns the error. */
static int submit(struct server *s, unsigned n, const char *text) {
    struct raft_entry entries[50];
    struct raft_event event = event_of(RAFT_SUBMIT);
    memset(entries, 0, sizeof entries);
    for (unsigned i = 0; i < n; i++) {
        entries[i].type = RAFT_COMMAND;
        entries[i].buf.base = (void *)text;
        entries[i].buf.len = strlen(text);
        entries[i].batch = (void *)text;
    }
    event.submit.entries = entries;
    event.submit.n = n;
    return step(s, &event);
}

/* Wait until every member that receives the log has applied everything, with the same result. */
static void agree(struct server *s) {
    run(10 * ELECTION);
    CHECK(raft_commit_index(&s->raft) == raft_last_index(&s->raft));
    for (raft_id id = 1; id <= SERVERS; id++) {
        struct server *other = of(id);
        if (!other->up || raft_role(&other->raft) == -1 || raft_role(&other->raft) == RAFT_SPARE) {
            continue;
        }
        CHECK(other->applied == s->applied && other->sum == s->sum);
        CHECK(raft_last_stored(&other->raft) == raft_last_index(&s->raft));
        CHECK(raft_term_of(&other->raft, s->applied) == raft_term_of(&s->raft, s->applied));
        CHECK(raft_current_term(&other->raft) == raft_current_term(&s->raft));
        if (other != s) {
            struct raft_peer peer;
            raft_index match;
            CHECK(raft_match_index(&s->raft, id, &match) == 0 && match == s->applied);
            CHECK(raft_progress(&s->raft, id, &peer) == 0 && peer.mode == RAFT_PROGRESS_PIPELINE);
            CHECK(peer.match == match && peer.next == match + 1 && peer.capacity == 100);
            CHECK(peer.features & RAFT_FEATURE_ROUNDS && peer.last_contact + ELECTION > now);
            CHECK(peer.snapshot_index == 0 && peer.data_losses == 0);
            CHECK(raft_match_index(&other->raft, id, &match) == RAFT_NOTLEADER);
        }
    }
}

/* Change the members, and wait until that is committed. */
static void reconfigure(struct server *s, const char *roles) {
    struct raft_event event = event_of(RAFT_RECONFIGURE);
    struct raft_configuration conf;
    raft_index at;
    event.reconfigure.conf = members(roles);
    CHECK(step(s, &event) == 0);
    agree(s);
    CHECK(raft_configuration_at(&s->raft, raft_last_index(&s->raft), &conf, &at) == 0);
    CHECK(at <= s->applied && conf.n == event.reconfigure.conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        const struct raft_server *wanted = &event.reconfigure.conf.servers[i];
        CHECK(conf.servers[i].id == wanted->id && conf.servers[i].role == wanted->role);
    }
}

/* A read with each method. */
static void query(struct server *s) {
    for (unsigned lease = 0; lease < 2; lease++) {
        struct raft_event event = event_of(RAFT_READ);
        event.read.id = now + lease;
        event.read.lease = lease;
        CHECK(step(s, &event) == 0);
        CHECK(!lease || s->read.id == event.read.id);
        run(ELECTION);
        CHECK(s->read.id == event.read.id && s->read.status == 0 && s->read.index == s->applied);
    }
}

/* Tell the library that the state machine's present state is a snapshot. */
static void take_snapshot(struct server *s) {
    struct raft_event event = event_of(RAFT_SNAPSHOT);
    struct raft_snapshot_metadata *m = &s->snapshot.metadata;
    struct raft_configuration conf;
    m->index = s->applied;
    m->term = raft_term_of(&s->raft, m->index);
    CHECK(raft_configuration_at(&s->raft, m->index, &conf, &m->configuration_index) == 0);
    m->configuration = copy(&conf, s->snapshot.servers);
    s->snapshot.size = sizeof s->snapshot.bytes;
    memcpy(s->snapshot.bytes, &s->sum, sizeof s->sum);
    event.snapshot.metadata.index = m->index;
    event.snapshot.trailing = 2;
    CHECK(step(s, &event) == 0 && raft_snapshot_index(&s->raft) == m->index);
    CHECK(raft_oldest_snapshot_index(&s->raft) == m->index);
    CHECK(raft_first_index(&s->raft) <= m->index + 1 && raft_term_of(&s->raft, 1) == 0);
}

/* Make a standby a voter. */
static void promote(struct server *s, raft_id id, const char *roles) {
    struct raft_event event = event_of(RAFT_CATCH_UP);
    int status = -1;
    event.catch_up.server_id = id;
    CHECK(step(s, &event) == 0);
    run(ELECTION);
    CHECK(raft_catch_up(&s->raft, id, &status) == 0 && status == RAFT_CATCH_UP_FINISHED);
    reconfigure(s, roles);
    CHECK(raft_role(&of(id)->raft) == RAFT_VOTER);
}

/* The group falls asleep and wakes up. */
static void rest(struct server *s) {
    for (raft_id id = 1; id <= SERVERS; id++) {
        CHECK(!of(id)->up || raft_set_idle_timeout(&of(id)->raft, 4 * ELECTION) == 0);
    }
    run(60 * ELECTION);
    CHECK(raft_timeout(&s->raft) == NEVER && s->traces[RAFT_TRACE_ASLEEP] > 0);
    CHECK(step_type(s, RAFT_WAKE) == 0 && raft_timeout(&s->raft) < NEVER);
    for (raft_id id = 1; id <= SERVERS; id++) {
        CHECK(!of(id)->up || raft_set_idle_timeout(&of(id)->raft, 0) == 0);
    }
    leader(0);
}

static void bootstrap(void) {
    for (raft_id id = 1; id <= SERVERS; id++) {
        struct raft_event event = event_of(RAFT_BOOTSTRAP);
        of(id)->first = 1;
        start(of(id), id);
        event.bootstrap.conf = members("vvv");
        CHECK(id > 3 || step(of(id), &event) == 0);
    }
    run(1);
    CHECK(step_type(of(1), RAFT_CAMPAIGN) == RAFT_BUSY);
    now += ELECTION;
    CHECK(step_type(of(1), RAFT_CAMPAIGN) == 0);
    leader(1);
}

int main(void) {
    struct raft_event event;
    struct server *s = of(1);
    CHECK(raft_version(NULL) >= RAFT_VERSION);
    bootstrap();
    CHECK(submit(s, 3, "a") == 0 && submit(of(2), 1, "b") == RAFT_NOTLEADER);
    agree(s);
    query(s);

    /* Limits. */
    CHECK(raft_set_capacity_threshold(&s->raft, 1000) == 0);
    CHECK(submit(s, 1, "c") == RAFT_NOSPACE);
    CHECK(raft_set_capacity_threshold(&s->raft, 0) == 0);
    CHECK(raft_set_max_uncommitted_entries(&s->raft, 5) == 0 && submit(s, 6, "d") == RAFT_BUSY);
    CHECK(raft_set_max_uncommitted_entries(&s->raft, 0) == 0);

    /* A server misses entries that are then replaced by a snapshot. */
    stop(of(3));
    CHECK(submit(s, 50, "e") == 0);
    run(10 * ELECTION);
    take_snapshot(s);
    CHECK(submit(s, 9, "f") == 0);
    start(of(3), 3);
    agree(s);
    CHECK(of(3)->seen & RAFT_UPDATE_SNAPSHOT && of(3)->traces[RAFT_TRACE_SNAPSHOT] > 1);
    CHECK(raft_snapshot_index(&of(3)->raft) == s->snapshot.metadata.index);

    /* Members: a standby that becomes a voter, another leader, and a joint change. */
    reconfigure(s, "vvvsp");
    promote(s, 4, "vvvvp");
    event = event_of(RAFT_TRANSFER);
    event.transfer.server_id = 2;
    CHECK(step(s, &event) == 0 && raft_transferee(&s->raft) == 2);
    s = leader(2);
    CHECK(of(1)->seen & RAFT_UPDATE_TRANSFER && of(1)->seen & RAFT_UPDATE_CATCH_UP);
    agree(s);
    reconfigure(s, "sv v ");
    CHECK(s->traces[RAFT_TRACE_CONFIGURATION] > 1 && raft_role(&s->raft) == RAFT_VOTER);
    rest(s);

    /* A restart from a snapshot, and the loss of a majority. */
    s = leader(0);
    stop(of(1));
    start(of(1), 1);
    CHECK(submit(s, 1, "g") == 0);
    agree(s);
    query(s);
    stop(of(1));
    stop(of(2));
    event = event_of(RAFT_RECOVER);
    event.recover.conf = members("   v");
    s = of(4);
    run(4 * ELECTION);
    CHECK(raft_state(&s->raft) != RAFT_LEADER && step(s, &event) == 0);
    s = leader(4);
    CHECK(submit(s, 1, "h") == 0);
    agree(s);
    for (unsigned type = RAFT_TRACE_EVENT; type <= RAFT_TRACE_COMMIT; type++) {
        CHECK(s->traces[type] + of(3)->traces[type] > 0);
    }
    for (raft_id id = 1; id <= SERVERS; id++) {
        stop(of(id));
    }
    printf("%u commands and changes were replicated\n", (unsigned)s->last);
    return 0;
}
