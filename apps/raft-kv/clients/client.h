/* SPDX-License-Identifier: MIT */
/* A client connection.
 *
 * Commands take effect and are answered in the order in which they were received, although many
 * may be in flight. Each command has a slot for its reply; a reply is sent once the slots of all
 * earlier commands are filled. Writes and reads of one connection are never in flight at the same
 * time. Therefore a read sees every write pipelined before it and none pipelined after it. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include <raft.h>
#include <uv.h>

#include "about.h"
#include "request.h"

struct server;
struct parked_read;

enum slot_kind { SLOT_LOCAL, SLOT_READ, SLOT_WRITE };

struct slot {
    uint8_t kind;
    bool filled;
    size_t len;
    union {
        char small[24];
        char *large;
    } text;
};

/* What a client may do, see auth.h. */
enum rights { RIGHTS_NONE, RIGHTS_DATA, RIGHTS_ALL };

/* What a client has done when client_watch() last saw progress. */
struct progress {
    raft_time since;
    bool output;      /* it had to read replies; else to send the rest of a command */
    uint64_t bytes;   /* sent or received until then */
    uint64_t command; /* the next command then */
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
    enum rights rights;
    unsigned timeout;    /* ms after which a write or read is answered with an error */
    raft_time connected; /* when */
    raft_time punished; /* a failed AUTH is answered then; no command is executed before. 0: none */
    uint64_t punished_seq;
    bool pending;  /* requests.request is parsed but must wait */
    bool stalled;  /* reading is paused until replies are sent */
    bool starved;  /* in memory_retry() */
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
    struct buf sending;                 /* the rest of a partial write, */
    size_t sent;                        /* of which this many bytes were handed to libuv */
    struct parked_read *parked;         /* reads that wait until replies are sent, reads.c */
    struct parked_read **last_parked;
    size_t slot_bytes;  /* bytes of replies in slots */
    size_t read_bytes;  /* bytes of queued reads */
    size_t write_bytes; /* bytes of waiting writes */
    size_t held;        /* bytes of this client in client_memory.held */
    uint64_t received;  /* bytes */
    uint64_t handed;    /* bytes handed to the socket or to libuv */
    struct progress progress;
};

/* libuv callback: accept a connection on the server's client listener. */
void clients_accept(uv_stream_t *listener, int status);

/* Reserve the reply slot of a command; returns its sequence number. */
uint64_t client_expect(struct client *c, enum slot_kind kind);

/* Fill a slot with the reply. Allowed after the connection was closed; the client may be freed by
 * this call. A client whose replies exceed what may be held is closed. */
void client_reply(struct client *c, uint64_t seq, const char *text, size_t len);

/* Like client_reply() with the content of the buffer. The buffer is empty afterwards; its memory
 * may have been taken instead of copied. */
void client_reply_buf(struct client *c, uint64_t seq, struct buf *b);

/* Bytes of replies that are not sent: those next in order, and those in slots. */
size_t client_unsent(const struct client *c);
static inline size_t client_output(const struct client *c) {
    return client_unsent(c) + c->slot_bytes;
}

/* Accept no more commands and close the connection after the last reply is sent. */
void client_quit(struct client *c);

/* Close the connection at once. Unsent replies are lost. */
void client_close(struct client *c);

/* The address of the client, for the server's log. Valid until the next call. */
const char *client_name(const struct client *c);

/* Resume stalled clients; false if there were none. */
bool clients_resume(struct server *s);

/* Send the replies that are ready. */
void clients_flush(struct server *s);

/* Called every HOUSEKEEPING ms: answer what is overdue and close clients that make no progress. */
void clients_watch(struct server *s);

/* --- for the files of this folder --- */

/* Put the client into the list of those to resume if it waits for something. */
void client_resume(struct client *c);
/* Put the client into the list of those with output. */
void client_dirty(struct client *c);
/* Free the client if it is closed and nothing refers to it. */
void client_free(struct client *c);
/* Free the replies in slots. */
void client_drop_slots(struct client *c);

/* The part of a buffer from this byte on that can be handed to libuv at once. */
uv_buf_t client_piece(const struct buf *b, size_t from);

#endif
