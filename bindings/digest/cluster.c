/* SPDX-License-Identifier: MIT */
/* The scenario of README.md.
 *
 * usage: cluster TRANSCRIPT       write the transcript
 *        cluster --bench STEPS    print the time of a step */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 16, COMMAND_MAX = 24, FOREVER = 100000 };
static const raft_time NEVER = (1ULL << 63) - 1;

static unsigned command; /* number of the next one */

static struct raft *raft_of(int id) { return &servers[id].raft; }

static int is_up(int id) { return servers[id].running && !servers[id].cut; }

/* The leader of the highest term among the servers that are up; 0: none. */
static int leader(void) {
    int best = 0;
    for (int i = 1; i <= SERVERS; i++) {
        if (is_up(i) && raft_state(raft_of(i)) == RAFT_LEADER &&
            (best == 0 || raft_current_term(raft_of(i)) > raft_current_term(raft_of(best)))) {
            best = i;
        }
    }
    return best;
}

/* Conditions for pump(). */
static int quiet(int unused) {
    (void)unused;
    return network_is_empty();
}

static int committed(int id) {
    return raft_commit_index(raft_of(id)) == raft_last_index(raft_of(id));
}

/* `id`, or any server if it is 0, leads and has committed everything. */
static int led(int id) {
    int l = leader();
    return l != 0 && (id == 0 || l == id) && committed(l);
}

/* All servers have applied what `id` has. */
static int level(int id) {
    for (int i = 1; i <= SERVERS; i++) {
        if (is_up(i) && servers[i].applied != raft_last_index(raft_of(id))) {
            return 0;
        }
    }
    return 1;
}

static int caught_up(int id) {
    int status;
    expect(raft_catch_up(raft_of(id), 4, &status), 0);
    return status == RAFT_CATCH_UP_FINISHED;
}

/* The last answer to a read can be served. */
static int answered(int id) {
    const struct server *s = &servers[id];
    return s->n_reads > 0 && s->applied >= s->reads[(s->n_reads - 1) % READS_MAX].index;
}

/* The running server with the earliest deadline. */
static int next_due(void) {
    int next = 0;
    for (int i = 1; i <= SERVERS; i++) {
        if (servers[i].running &&
            (next == 0 || raft_timeout(raft_of(i)) < raft_timeout(raft_of(next)))) {
            next = i;
        }
    }
    return next;
}

static int asleep(int unused) {
    (void)unused;
    return network_is_empty() && raft_timeout(raft_of(next_due())) == NEVER;
}

/* Deliver messages, and advance the clock when there are none, until the condition holds. */
static void pump(int (*condition)(int), int id) {
    for (int turns = 0; turns < FOREVER; turns++) {
        if (condition(id)) {
            return;
        }
        if (!network_is_empty()) {
            deliver();
            continue;
        }
        int next = next_due();
        raft_time due = raft_timeout(raft_of(next));
        if (due == NEVER) {
            die("no server has a deadline");
        }
        now = due > now ? due : now;
        struct raft_event event = {.type = RAFT_TIMEOUT};
        expect(step(&servers[next], &event), 0);
    }
    die("the condition never holds");
}

static int submit(int id, unsigned n) {
    struct raft_entry entries[BATCH_MAX] = {{0}};
    char texts[BATCH_MAX][COMMAND_MAX];
    for (unsigned i = 0; i < n; i++, command++) {
        int len = snprintf(texts[i], sizeof texts[i], "cmd-%u", command);
        entries[i].type = RAFT_COMMAND;
        entries[i].cookie = i + 1;
        if (command % 500 != 499) { /* every 500th payload is empty */
            entries[i].buf.base = texts[i];
            entries[i].buf.len = (size_t)len;
        }
    }
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = entries;
    event.submit.n = n;
    return step(&servers[id], &event);
}

/* `rounds` times ten commands. */
static void load(int id, int rounds) {
    for (int i = 0; i < rounds; i++) {
        expect(submit(id, 10), 0);
        pump(quiet, 0);
    }
    pump(level, id);
}

static void add_member(struct members *members, int id, int role) {
    struct raft_server *s = &members->servers[members->n++];
    char address[8];
    int len = snprintf(address, sizeof address, "%d", id);
    s->id = (raft_id)id;
    s->address = (char *)copy_bytes(address, (size_t)len + 1).base;
    s->role = role;
}

static int bootstrap(int id, struct members *members) {
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    event.bootstrap.conf = configuration_of(members);
    return step(&servers[id], &event);
}

static int reconfigure(int id, struct members *members) {
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    event.reconfigure.conf = configuration_of(members);
    return step(&servers[id], &event);
}

static int recover(int id, struct members *members) {
    struct raft_event event = {.type = RAFT_RECOVER};
    event.recover.conf = configuration_of(members);
    return step(&servers[id], &event);
}

static int catch_up(int id, raft_id server_id) {
    struct raft_event event = {.type = RAFT_CATCH_UP};
    event.catch_up.server_id = server_id;
    return step(&servers[id], &event);
}

static int transfer(int id, raft_id server_id) {
    struct raft_event event = {.type = RAFT_TRANSFER};
    event.transfer.server_id = server_id;
    return step(&servers[id], &event);
}

static int read_at(int id, u64 name, bool lease) {
    struct raft_event event = {.type = RAFT_READ};
    event.read.id = name;
    event.read.lease = lease;
    return step(&servers[id], &event);
}

static int simple(int id, enum raft_event_type type) {
    struct raft_event event = {.type = type};
    return step(&servers[id], &event);
}

/* Voters 1 to `n`, except that the last one has the given role. */
static struct members voters(int n, int last_role) {
    struct members members = {.n = 0};
    for (int i = 1; i <= n; i++) {
        add_member(&members, i, i == n ? last_role : RAFT_VOTER);
    }
    return members;
}

static void found_cluster(void) {
    struct members members = voters(3, RAFT_VOTER);
    line("x start\n");
    for (int i = 1; i <= 3; i++) {
        start_server(i);
    }
    expect(bootstrap(1, &members), 0);
    free_members(&members);
    pump(led, 0);
}

static void add_server_4(int l) {
    struct members members = voters(4, RAFT_STANDBY);
    line("x add\n");
    start_server(4);
    expect(reconfigure(l, &members), 0);
    pump(committed, l);
    expect(catch_up(l, 4), 0);
    pump(caught_up, l);
    members.servers[3].role = RAFT_VOTER;
    expect(reconfigure(l, &members), 0);
    free_members(&members);
    pump(committed, l);
    pump(level, l);
}

/* Server f misses entries that only snapshots have. */
static void install_at(int f, int l) {
    line("x lag %d\n", f);
    servers[f].cut = 1;
    load(l, 10);
    for (int i = 1; i <= SERVERS; i++) {
        if (i != f) {
            take_snapshot(&servers[i]);
        }
    }
    servers[f].cut = 0;
    pump(level, l);
    line("x installed %llu\n", raft_snapshot_index(raft_of(f)));
}

/* Returns the new leader. The old one loses a read and three entries. */
static int replace_leader(int l) {
    line("x replace\n");
    servers[l].cut = 1;
    expect(read_at(l, 101, false), 0);
    expect(submit(l, 3), 0);
    pump(led, 0);
    int n = leader();
    expect(submit(n, 5), 0);
    pump(committed, n);
    servers[l].cut = 0;
    pump(level, n);
    return n;
}

static void read_twice(int id) {
    struct server *s = &servers[id];
    line("x read %d\n", id);
    for (int lease = 0; lease <= 1; lease++) {
        u64 name = 102 + (u64)lease;
        s->n_reads = 0;
        expect(read_at(id, name, lease != 0), 0);
        pump(answered, id);
        line("x %llu %zu\n", name, s->state.len);
    }
}

static void line_progress(int l, int id) {
    struct raft_peer peer;
    expect(raft_progress(raft_of(l), (raft_id)id, &peer), 0);
    line_peer((raft_id)id, &peer);
}

/* Events that the scenario does not need otherwise. */
static void more_events(int l) {
    struct raft_event event = {.type = RAFT_UNREACHABLE};
    line("x events\n");
    event.unreachable.server_id = 4;
    expect(step(&servers[l], &event), 0);
    line_progress(l, 4);
    memset(&event, 0, sizeof event);
    event.type = RAFT_CONFIGURATION;
    event.configuration.index = 1;
    expect(step(&servers[l], &event), 0);
    memset(&event, 0, sizeof event);
    event.type = RAFT_PERSISTED_ENTRIES;
    event.persisted_entries.index = raft_last_stored(raft_of(l));
    expect(step(&servers[l], &event), 0);
    expect(catch_up(l, 0), 0);
    struct members members = {.n = 0};
    add_member(&members, 1, 99);
    expect(reconfigure(l, &members), RAFT_BADROLE);
    free_members(&members);
    pump(level, l);
}

static void set_idle_timeout(unsigned msecs) {
    for (int i = 1; i <= SERVERS; i++) {
        expect(raft_set_idle_timeout(raft_of(i), msecs), 0);
    }
}

/* The group sleeps, is woken by one that does not lead, and by a command. */
static void sleep_and_wake(int l) {
    line("x sleep\n");
    set_idle_timeout(500);
    pump(asleep, 0);
    line("x asleep %llu\n", now);
    expect(simple(l == 1 ? 2 : 1, RAFT_WAKE), 0);
    pump(asleep, 0);
    line("x wake\n");
    expect(submit(l, 1), 0);
    pump(level, l);
    set_idle_timeout(0);
}

/* All but server s are lost. */
static void recover_at(int s) {
    struct members members = {.n = 0};
    line("x recover %d\n", s);
    for (int i = 1; i <= SERVERS; i++) {
        if (i != s) {
            stop_server(i);
        }
    }
    add_member(&members, s, RAFT_VOTER);
    expect(recover(s, &members), 0);
    free_members(&members);
    pump(led, s);
    expect(submit(s, 1), 0);
    pump(level, s);
}

static void scenario(void) {
    found_cluster();
    int l = leader(), f = l == 1 ? 2 : 1;
    line("x submit %d\n", l);
    load(l, 100);
    line("x errors\n");
    expect(submit(f, 1), RAFT_NOTLEADER);
    expect(submit(l, 0), RAFT_INVALID);
    expect(transfer(l, 9), RAFT_BADID);
    expect(simple(f, RAFT_CAMPAIGN), RAFT_BUSY);
    add_server_4(l);
    install_at(f, l);
    int n = replace_leader(l);
    read_twice(n);
    line("x transfer\n");
    expect(transfer(n, (raft_id)f), 0);
    pump(led, f);
    line("x restart %d\n", n);
    stop_server(n);
    start_server(n);
    pump(level, f);
    more_events(f);
    line("x sent\n");
    servers[f].limit = 4;
    load(f, 3);
    servers[f].limit = 0;
    for (int i = 1; i <= SERVERS; i++) {
        line_progress(f, i);
    }
    sleep_and_wake(f);
    recover_at(f == 1 ? 2 : 1);
    for (int i = 1; i <= SERVERS; i++) {
        line("z %d %llu %zu\n", i, servers[i].applied, servers[i].state.len);
        expect(raft_close(raft_of(i)), 0);
        free_server(&servers[i]);
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--bench") == 0) {
        bench(strtoul(argv[2], NULL, 10));
    } else if (argc == 2) {
        open_transcript(argv[1]);
        scenario();
        close_transcript();
    } else {
        die("usage: cluster TRANSCRIPT | --bench STEPS");
    }
    return 0;
}
