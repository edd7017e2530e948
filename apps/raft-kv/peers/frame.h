/* SPDX-License-Identifier: MIT */
/* Frames between servers.
 *
 * A frame is a u32 length, a u32 checksum of the content, and the content, whose first byte is its
 * kind. Integers are little endian and of fixed width. With a secret, most frames are encrypted:
 * see session.h. */
#ifndef KV_FRAME_H
#define KV_FRAME_H

#include <raft.h>

#include "bytes.h"

enum { FRAME_HEAD = 8 };

enum frame_kind {
    FRAME_MESSAGE = 1,      /* a Raft message: see message.h */
    FRAME_HELLO = 16,       /* first frame of the connecting server */
    FRAME_WELCOME = 17,     /* accepted: Raft messages follow, in one direction */
    FRAME_REFUSED = 18,     /* refused: a string with the reason */
    FRAME_PING = 19,        /* asks for a FRAME_PONG; both tell what is synced, see handshake.h */
    FRAME_PONG = 20,        /* the answer, on the same connection */
    FRAME_READ_INDEX = 21,  /* a question to the leader, see read_index.h */
    FRAME_READ_ANSWER = 22, /* the answer, on the same connection */
    FRAME_KEY = 30,         /* the exchange of keys: see session.h */
    FRAME_PROOF = 31
};

/* Append a frame: frame_begin(), append the content, frame_end(). */
size_t frame_begin(struct buf *b);
void frame_end(struct buf *b, size_t begun);

/* Look for a frame at the beginning of `data`. 1: it is whole, and *len is the length of its
 * content. 0: it is incomplete, and *len is that length if already known, else 0. -1: malformed. */
int frame_length(const char *data, size_t available, size_t *len);

/* The same, and -1 if the checksum is wrong. */
int frame_check(const char *data, size_t available, size_t *len);

#endif
