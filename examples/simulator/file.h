/* SPDX-License-Identifier: MIT */
/* The file of a server: records that are appended, and what follows from them. */
#ifndef FILE_H
#define FILE_H

#include <stdint.h>

#include "simulator.h"

enum { LOG_MAX = 1 << 14, PAYLOAD_MAX = 80 };

enum record_kind {
    VOTE = 1,
    TRUNCATE, /* the log, from `index` on */
    ENTRY,
    SNAPSHOT, /* this server's own; `value` is the state machine, the bytes are the members */
    RECEIVED, /* the leader's; the log stays in force until INSTALLED */
    INSTALLED
};

struct record {
    uint64_t sum; /* of the rest; a record that was written in part has another one */
    uint64_t kind, index, term, id, value, conf_index;
    uint64_t type, len;
    unsigned char bytes[PAYLOAD_MAX];
};

struct file {
    struct host *host;
    size_t end;
    bool dirty; /* something is written, and no sync of it has begun */
    raft_term term;
    raft_id voted_for;
    raft_index first, last; /* of the log; `first` is `last` + 1 if it is empty */
    struct record log[LOG_MAX];
    struct record snapshot, received; /* `index` 0: none */
};

/* Read the file of this host. */
void file_read(struct file *f, struct host *host);
void file_vote(struct file *f, raft_term term, raft_id voted_for);
/* Entries that replace the log from their index on; none: a snapshot replaces the whole log. */
void file_entries(struct file *f, const struct raft_update_entries *entries, raft_term term);
void file_snapshot(struct file *f, enum record_kind kind, const struct raft_snapshot_metadata *m,
                   uint64_t value);
/* The received snapshot replaces the log. */
void file_install(struct file *f);
/* The metadata of a snapshot. `servers` and `addresses` have room for SIM_SERVERS. */
struct raft_snapshot_metadata file_metadata(const struct record *snapshot,
                                            struct raft_server *servers, char (*addresses)[8]);

#endif
