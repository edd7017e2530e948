/* SPDX-License-Identifier: MIT */
/* A cluster in one process: the drivers of its servers, their disks and the network. */
#ifndef HARNESS_H
#define HARNESS_H

#include <raft.h>

#define CHECK(condition) ((condition) ? (void)0 : failed(#condition, __LINE__))
#define NEVER ((1ULL << 63) - 1)

enum { SERVERS = 5, LENGTH = 512, PACKETS = 1024, BATCH = 8, CUT = 4, CHUNK = 7 };

struct snapshot {
    struct raft_snapshot_metadata metadata;
    struct raft_server servers[SERVERS];
    unsigned char bytes[3 * CHUNK]; /* the sum of the state machine, and zeros */
    size_t size;
};

struct server {
    struct raft raft;
    struct raft_tracer tracer;
    bool up;
    raft_term term; /* the disk: this, and what follows */
    raft_id vote;
    raft_index first, last;
    struct raft_entry log[LENGTH]; /* by index */
    struct snapshot snapshot, incoming;
    raft_index applied; /* the state machine */
    unsigned long long sum;
    struct raft_event_stored stored; /* to be acknowledged */
    struct raft_event_persisted_snapshot chunk;
    struct raft_event_configuration configuration;
    struct raft_event_sent sent;
    struct raft_read read; /* the last answer */
    unsigned seen;         /* flags of all updates */
    unsigned traces[64];
};

extern raft_time now;
extern const char *const names[];

/* Print what is wrong, and exit. */
void failed(const char *what, int line);
/* The server with this ID. */
struct server *of(raft_id id);
/* Copy a configuration; the servers go to the given array. */
struct raft_configuration copy(const struct raft_configuration *from,
                               struct raft_server servers[SERVERS]);
/* A tracer's function. */
void emit(struct raft_tracer *t, int type, const void *data);
/* A zeroed event of a type. */
struct raft_event event_of(enum raft_event_type type);
/* Step an event and carry out its update. Returns the error. */
int step(struct server *s, struct raft_event *event);
/* Let time pass. */
void run(raft_time duration);

#endif
