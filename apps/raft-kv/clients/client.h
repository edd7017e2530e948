/* SPDX-License-Identifier: MIT */
/* A client connection.
 *
 * Commands take effect and are answered in the order in which they were received, although many
 * may be in flight. Each command has a slot for its reply; a reply is sent once the slots of all
 * earlier commands are filled. Writes and reads of one connection are never in flight at the same
 * time. Therefore a read sees every write pipelined before it and none pipelined after it. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include <uv.h>

#include "about.h"
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
    struct client *next; /* in the list of all clients */
    struct client *prev;
    struct client *next_dirty;
    struct client *next_resumed;
    struct server *server;
    uv_tcp_t tcp;
    uv_write_t write;
    struct about about;
    struct requests requests;
    bool pending;  /* requests.request is parsed but must wait */
    bool stalled;  /* reading is paused until replies are sent */
    bool dirty;    /* in the list of clients with output */
    bool resuming; /* in the list of clients to resume */
    bool writing;
    bool quitting; /* accepts no more commands; closes after the last reply */
    bool closing;
    bool closed;
    struct slot *slots; /* head .. tail - 1 */
    uint64_t head;
    uint64_t tail;
    size_t n_slots;                     /* a power of two */
    unsigned unfilled;                  /* slots whose reply is pending */
    unsigned in_flight[SLOT_WRITE + 1]; /* unfilled slots by kind */
    struct buf out;                     /* replies to be sent */
    struct buf sending;                 /* the rest of a partial write */
};

/* libuv callback: accept a connection on the server's client listener. */
void clients_accept(uv_stream_t *listener, int status);

/* Reserve the reply slot of a command; returns its sequence number. */
uint64_t client_expect(struct client *c, enum slot_kind kind);

/* Fill a slot with the reply. Allowed after the connection was closed; the client may be freed by
 * this call. */
void client_reply(struct client *c, uint64_t seq, const char *text, size_t len);

/* Accept no more commands and close the connection after the last reply is sent. */
void client_quit(struct client *c);

/* Resume stalled clients; false if there were none. */
bool clients_resume(struct server *s);

/* Send the replies that are ready. */
void clients_flush(struct server *s);

#endif
