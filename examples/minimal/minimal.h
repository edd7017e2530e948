/* SPDX-License-Identifier: MIT */
/* A replicated map: log.c is the disk, transport.c the network, loop.c does what the library asks
 * for, and main.c has the map and its commands. Copy all, and replace main.c by your own. */
#ifndef MINIMAL_H
#define MINIMAL_H

#include <stdbool.h>
#include <uv.h>

#include "../wire/wire.h"

enum {
    SNAPSHOT_AFTER = 256,     /* applied entries after which a snapshot is taken */
    TRAILING = 64,            /* entries that are kept then for members that are a little behind */
    UNACKNOWLEDGED_MAX = 256, /* entries on their way to one member */
    UNCOMMITTED_MAX = 1024,   /* entries; beyond it, writes are refused */
    LINE_LIMIT = 4096,        /* bytes of a client's line */
    CLIENT_LIMIT = 256 << 10, /* bytes that a client has sent before its turn; then it is closed */
    MAP_LIMIT = 4 << 20,      /* bytes; beyond it, writes are refused */
    BUFFER_LIMIT = 16 << 20, /* bytes that wait for another server; then its connection is closed */
    LINK_TIMEOUT_MS = 2000   /* bytes that are not acknowledged so long end a connection */
};

struct bytes {
    char *base;
    size_t len, size;
};

/* The log with term, vote and snapshot: in memory, and in one file. */
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

/* A connection: to another server, or one that a server or a client has opened. */
struct link {
    uv_tcp_t tcp;
    uv_connect_t connect;
    raft_id id;    /* the server that this one sends to; else 0 */
    char *address; /* where that server is */
    bool connected, from_server, closing;
    struct bytes in, out;
    /* A client has one command at a time. Its next lines wait in `in`. */
    enum { NOTHING, COMMIT, READ_INDEX, APPLIED, MEMBERSHIP } awaits;
    raft_index index;          /* of its write or read */
    raft_term term;            /* of its write */
    unsigned long long number; /* of its read */
    char *argument;            /* the key to read, or the address of the server to add */
    raft_id added;
    bool catching_up;
    struct link *next;
};

struct server {
    struct raft raft;
    const char *address;
    struct log log;
    unsigned long long write;     /* ticket of entries that are not acknowledged; 0: none */
    struct wire_message received; /* a snapshot that is not in the file yet */
    raft_index applied;
    uv_tcp_t listener;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_idle_t idle;
    struct link *links;
    struct bytes map; /* key, NUL, value, NUL, and so on */
    unsigned long long reads;
};

/* log.c */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *resize(void *memory, size_t size);
char *copy_text(const char *text);
char *bytes_add(struct bytes *b, const void *data, size_t len); /* data NULL: only make room */
void bytes_drop(struct bytes *b, size_t len);                   /* from the beginning */
void log_open(struct log *l, const char *dir, raft_id id);
raft_index log_last(const struct log *l);
struct raft_entry *log_range(const struct log *l, raft_index index, raft_index n); /* or NULL */
void log_vote(struct log *l, raft_term term, raft_id vote);
void log_write(struct log *l, const struct raft_update_entries *u);
void log_sync(struct log *l);
void log_drop(struct log *l, raft_index first); /* forget the entries before `first` */
void log_rewrite(struct log *l);                /* replace the file, durably */
void snapshot_copy(struct wire_message *to, const struct raft_install_snapshot *s);

/* transport.c */
void transport_listen(struct server *s);
void transport_send(struct server *s, const struct raft_message *m, bool complete);
void transport_flush(struct server *s);
void transport_close(struct link *l);

/* loop.c */
int step(struct server *s, struct raft_event *event);
void server_run(struct server *s, const char *dir, raft_id id, struct raft_configuration *founders);

/* main.c */
void map_apply(struct server *s, const struct raft_entry *e);
void map_restore(struct server *s, const struct raft_buffer *data);
void clients_read(struct server *s, const struct raft_read *read);
bool clients_run(struct server *s); /* at most a line of each; true: there may be more to do */

#endif
