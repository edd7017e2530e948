/* SPDX-License-Identifier: MIT */
/* Frames between servers.
 *
 * A frame is a u32 length, a u32 checksum of the content, and the content. The first byte of the
 * content is the kind: a Raft message type (codec.h) or a kind of handshake frame. Integers are
 * little endian and of fixed width. */
#ifndef KV_FRAME_H
#define KV_FRAME_H

#include <raft.h>

#include "bytes.h"

enum { FRAME_HEAD = 8 };

enum frame_kind {
    FRAME_HELLO = 16,      /* first frame of the connecting server */
    FRAME_WELCOME = 17,    /* accepted: Raft messages follow, in one direction */
    FRAME_REFUSED = 18,    /* refused: a string with the reason */
    FRAME_PING = 19,       /* asks for a FRAME_PONG; both have no content but their kind */
    FRAME_PONG = 20,       /* the answer, on the same connection */
    FRAME_READ_INDEX = 21, /* a question to the leader, see read_index.h */
    FRAME_READ_ANSWER = 22 /* the answer, on the same connection */
};

#define HELLO_MAGIC 0x31504b52u /* "RKP1" */

/* The handshake. In a decoded one the strings point into the decoded bytes. */
struct hello {
    raft_id from;
    raft_id to;
    const char *cluster;
    const char *address; /* of `from` */
};

/* Append a frame: frame_begin(), append the content, frame_end(). */
size_t frame_begin(struct buf *b);
void frame_end(struct buf *b, size_t begun);

/* Check for a frame at the beginning of `data`. 1: it is complete, and *len is the length of its
 * content. 0: it is incomplete, and *len is that length if already known, else 0. -1: malformed. */
int frame_check(const char *data, size_t available, size_t *len);

/* Append a frame that consists of its kind, such as FRAME_PING. */
void frame_put(struct buf *b, enum frame_kind kind);

void hello_encode(struct buf *b, const struct hello *hello);
bool hello_decode(const char *data, size_t len, struct hello *hello);

#endif
