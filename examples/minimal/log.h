/* SPDX-License-Identifier: MIT */
/* The log with term, vote and snapshot: in memory, and in one file. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

#include "base.h"
#include "wire.h"

struct log {
    const char *dir;
    int fd;
    raft_id id;
    raft_term term;
    raft_id vote;
    struct wire_message snapshot; /* an InstallSnapshot; memory is NULL: there is none */
    raft_index first;             /* the index of entries[0] */
    struct raft_entry *entries;
    unsigned n;
    struct bytes batch; /* what log_sync() writes */
};

void log_open(struct log *l, const char *dir, raft_id id);
raft_index log_last(const struct log *l);
struct raft_entry *log_range(const struct log *l, raft_index index, raft_index n); /* or NULL */
void log_vote(struct log *l, raft_term term, raft_id vote);
void log_write(struct log *l, const struct raft_update_entries *u);
void log_sync(struct log *l);
void log_drop(struct log *l, raft_index first); /* forget the entries before `first` */
void log_rewrite(struct log *l);                /* replace the file, durably */
void snapshot_copy(struct wire_message *to, const struct raft_install_snapshot *s);

#endif
