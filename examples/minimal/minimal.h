/* SPDX-License-Identifier: MIT */
/* A replicated map. The files, in the order of the tutorial: map.c is the state machine, log.c the
 * disk, transport.c the network, loop.c does what the library asks for, clients.c has the commands,
 * snapshot.c and members.c what their names say, main.c the arguments. */
#ifndef MINIMAL_H
#define MINIMAL_H

#include <uv.h>

#include "log.h"
#include "map.h"

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

/* A connection: to another server, or one that a server or a client has opened. */
struct link {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write; /* one at a time; it sends `sending` */
    raft_id id;       /* the server that this one sends to; else 0 */
    char *address;    /* where that server is */
    bool connected, from_server, closing;
    struct bytes in, out, sending;
    /* A client has one command at a time. Its next lines wait in `in`. */
    enum { NOTHING, COMMIT, READ_INDEX, APPLIED, MEMBERSHIP } awaits;
    raft_index index;          /* of its write or read */
    raft_term term;            /* of its write */
    unsigned long long number; /* of its read */
    char *argument; /* the key to read, or the address of the server to add; NULL: remove it */
    raft_id member; /* the server to add or remove */
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
    struct map map;
    unsigned long long reads;
    uv_tcp_t listener;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_idle_t idle;
    struct link *links;
};

/* transport.c */
void transport_listen(struct server *s);
void transport_send(struct server *s, const struct raft_message *m, bool complete);
void transport_flush(struct server *s);
void transport_close(struct link *l);
char *transport_line(struct link *l, size_t *len); /* a client's next line, or NULL; then drop it */

/* loop.c */
int step(struct server *s, struct raft_event *event);
void must_step(struct server *s, struct raft_event *event);
void server_run(struct server *s, const char *dir, raft_id id, struct raft_configuration *founders);

/* clients.c */
void clients_read(struct server *s, const struct raft_read *read);
bool clients_run(struct server *s); /* at most a line of each; true: there may be more to do */
void reply(struct link *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
void refuse(struct server *s, struct link *l, int error);

/* snapshot.c */
void snapshot_take(struct server *s);
void snapshot_receive(struct server *s, const struct raft_update_snapshot *u);
void snapshot_install(struct server *s);

/* members.c */
void members_change(struct server *s, struct link *l);

#endif
