/* SPDX-License-Identifier: MIT */
/* A client's connection. Its commands take effect and are answered in the order in
 * which they came, though many may be under way: each has a slot, and answers leave
 * when all slots before theirs are filled. A run of writes and a run of reads are
 * never under way together, so that a read sees the writes pipelined before it and
 * none of those behind it. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include <uv.h>

#include "request.h"

struct server;

enum slot_kind { SLOT_LOCAL, SLOT_READ, SLOT_WRITE };

struct slot {
    uint8_t kind;
    bool filled;
    uint32_t len;
    union {
        char small[24];
        char *large;
    } text;
};

struct client {
    struct client *next; /* of all */
    struct client *prev;
    struct client *next_dirty;
    struct client *next_resumed;
    struct server *server;
    uv_tcp_t tcp;
    uv_write_t write;
    struct requests requests;
    bool pending; /* requests.request waits for its turn */
    bool stalled; /* not read from until answers have left */
    bool dirty;
    bool resuming;
    bool writing;
    bool quitting; /* takes no more commands */
    bool closing;
    bool closed;
    struct slot *slots; /* head .. tail - 1 */
    uint64_t head;
    uint64_t tail;
    size_t n_slots; /* a power of two */
    unsigned unfilled;
    unsigned under_way[SLOT_WRITE + 1];
    struct buf out;
    struct buf sending;
};

/* Accept connections on the server's listener. */
void clients_accept(uv_stream_t *listener, int status);

/* Take the slot of a command. */
uint64_t client_expect(struct client *c, enum slot_kind kind);

/* Fill a slot. The client may be gone by then; after that the slot is too. */
void client_reply(struct client *c, uint64_t seq, const char *text, size_t len);

/* Take no more commands and close the connection once all answers have left. */
void client_quit(struct client *c);

/* Let stalled clients go on; false if there were none. */
bool clients_resume(struct server *s);

/* Send what was answered. */
void clients_flush(struct server *s);

#endif
