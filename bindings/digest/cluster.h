/* SPDX-License-Identifier: MIT */
/* The digest program in C, the reference for other languages: see README.md in this folder. */
#ifndef CLUSTER_H
#define CLUSTER_H

#include <raft.h>
#include <stddef.h>

enum { SERVERS = 4, MEMBERS_MAX = 8, CHUNK = 1000, READS_MAX = 8 };

typedef unsigned long long u64;

/* Bytes on the heap. */
struct bytes {
    unsigned char *base;
    size_t len;
};

/* An entry on disk. */
struct record {
    raft_term term;
    enum raft_entry_type type;
    struct bytes payload;
};

struct members {
    struct raft_server servers[MEMBERS_MAX];
    unsigned n;
};

/* A snapshot on disk, or one that is being received. */
struct snapshot {
    raft_index index; /* 0: none */
    raft_term term;
    struct members members;
    raft_index members_index;
    struct bytes data;
};

struct server {
    struct raft raft;
    int id;
    char address[8];
    int running;
    int cut;        /* no message reaches it or leaves it */
    unsigned limit; /* if not 0: entries that one message may have; the rest is not sent */
    /* On disk. */
    raft_term term;
    raft_id vote;
    raft_index first; /* index of log[0] */
    struct record *log;
    size_t n;
    struct snapshot snapshot, incoming;
    /* The state machine, and the answers to reads. */
    raft_index applied;
    struct bytes state;
    struct raft_read reads[READS_MAX];
    unsigned n_reads;
};

extern struct server servers[SERVERS + 1]; /* servers[0] is not used */
extern raft_time now;

/* storage.c */
void die(const char *what);
void expect(int code, int wanted);
void *allocate(size_t size);
void append_bytes(struct bytes *to, const void *base, size_t len);
struct bytes copy_bytes(const void *base, size_t len);
void copy_members(struct members *to, const struct raft_configuration *from);
void free_members(struct members *members);
struct raft_configuration configuration_of(struct members *members);
void free_snapshot(struct snapshot *snapshot);
void remove_records(struct server *s, size_t at, size_t n);
struct raft_entry *entries_of(const struct record *records, size_t n);
void free_server(struct server *s);

/* server.c */
void start_server(int id);
void stop_server(int id);
int step(struct server *s, struct raft_event *event);
void take_snapshot(struct server *s);
int network_is_empty(void);
void deliver(void);

/* transcript.c: write lines of the transcript. */
void open_transcript(const char *path);
void close_transcript(void);
void line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void line_update(const struct server *s, enum raft_event_type type, int code, unsigned flags);
void line_entries(const struct raft_update_entries *entries);
void line_snapshot(const struct raft_update_snapshot *snapshot);
void line_message(const struct raft_message *message);
void line_peer(raft_id id, const struct raft_peer *peer);
extern struct raft_tracer tracer;

/* bench.c: print the time of a step. */
void bench(unsigned long steps);

#endif
