/* SPDX-License-Identifier: MIT */
/* Servers in one process, for the programs of the guides. As in quickstart.c, the clock is a
 * variable, disks are arrays and the network is a queue; messages take some time to arrive. What a
 * guide is about is in its own program, which replaces the functions in `struct hooks`. */
#ifndef CLUSTER_H
#define CLUSTER_H

#include "check.h"

#include <raft.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SERVERS = 6, LOG_MAX = 1024, PAYLOAD_MAX = 128, ADDRESS_MAX = 32 };

/* A log entry as it is stored on disk. */
struct record {
    raft_term term;
    enum raft_entry_type type;
    unsigned len;
    char bytes[PAYLOAD_MAX];
};

/* A snapshot as it is stored on disk. The state machine adds up the bytes of all commands. */
struct snapshot {
    struct raft_snapshot_metadata metadata;
    struct raft_server members[MAX_SERVERS];
    char addresses[MAX_SERVERS][ADDRESS_MAX];
    unsigned long long sum;
};

struct server {
    struct raft raft;
    raft_id id;
    char address[ADDRESS_MAX];
    bool runs;
    raft_term term;    /* "on disk": current term */
    raft_id voted_for; /* "on disk": vote in that term */
    raft_index first;  /* "on disk": first and last entry of the log, and the log itself */
    raft_index last;
    struct record log[LOG_MAX + 1];
    struct snapshot snapshot; /* "on disk": no snapshot if its index is 0 */
    raft_index applied;       /* last entry given to the state machine */
    unsigned long long sum;   /* the state machine */
};

/* A message in transit. */
struct packet {
    raft_id from, to;
    char from_address[ADDRESS_MAX], to_address[ADDRESS_MAX];
    raft_time arrives;
    struct raft_message message; /* type 0: a message of the program's own, see `word` */
    struct record *records;      /* the entries of an AppendEntries */
    struct snapshot snapshot;    /* of an InstallSnapshot */
    char *bytes;                 /* of an InstallSnapshot, if hooks.chunk attaches them; or NULL */
    unsigned long long word[3];
};

/* What a program replaces. A member that is NULL has a default. */
struct hooks {
    void (*configure)(struct server *s); /* setters, before RAFT_START */
    void (*send)(struct server *s, const struct raft_update_messages *messages);
    void (*carried_out)(struct server *s); /* the update is finished */
    void (*store)(struct server *s, raft_index index, const struct raft_entry *entry);
    void (*attach)(struct server *s, struct packet *packet); /* entries or snapshot are attached */
    bool (*accepts)(struct server *s, const struct packet *packet);
    void (*received)(struct server *s, const struct packet *packet); /* a message of its own */
    void (*read_answered)(struct server *s, const struct raft_read *read);
    void (*applied)(struct server *s, raft_index index);
    raft_time (*clock)(const struct server *s); /* what this server's clock shows; else `now` */
    /* Snapshots with bytes of the program's own. Attach bytes to an InstallSnapshot; write what an
     * update brings, and acknowledge it; restore the state machine from the latest snapshot. */
    void (*chunk)(struct server *s, struct packet *packet);
    void (*install)(struct server *s, const struct raft_update_snapshot *update);
    void (*restore)(struct server *s);
};

extern raft_time now;
extern raft_time latency; /* of a message, in milliseconds */
extern struct hooks hooks;
extern struct server servers[MAX_SERVERS];

/* Start `n` servers, which found a cluster, and wait for a leader. */
struct server *cluster_start(unsigned n);
/* Close all servers. */
void cluster_stop(void);
/* Start a server from its disk. */
void server_start(struct server *s, raft_id id, const char *address);
/* Kill a server; its disk stays. */
void server_kill(struct server *s);
/* Step an event and carry out the update. Returns what raft_step() returns. */
int step(struct server *s, struct raft_event *event);
/* Pass on what happens in the next milliseconds. */
void run(raft_time msecs);
/* The leader with the highest term; NULL: there is none. */
struct server *find_leader(void);
/* A server that is not this one. */
struct server *other_server(const struct server *s);
/* Submit a command on a leader. Returns its index. */
raft_index submit(struct server *leader, const char *command);
/* Submit a command, and wait until the leader has applied it and can answer the client. */
void submit_and_wait(struct server *leader, const char *command);
/* Change the members to these, and give the change a second. */
void change_members(struct server *leader, const struct raft_server *members, unsigned n);
/* Send a message. Entries are copied from the log of the sender. */
void post(struct server *s, const struct raft_message *message);
/* Send a message of the program's own. */
void post_word(struct server *s, raft_id to, const unsigned long long word[3]);
/* Store the metadata of a snapshot, configuration included. */
void save_metadata(struct server *s, const struct raft_snapshot_metadata *metadata);
/* Store an entry with its payload. */
void store_whole(struct server *s, raft_index index, const struct raft_entry *entry);

#endif
