/* SPDX-License-Identifier: MIT */
/* Messages between servers as bytes.
 *
 * A frame is a u32 length, a u32 checksum of what follows, and as many bytes. The
 * first byte is the kind: a Raft message, or one of the handshake. Numbers are
 * little endian and of fixed width; a message's own version byte says which of its
 * last fields count, as raft.h documents. */
#ifndef KV_CODEC_H
#define KV_CODEC_H

#include "log.h"

enum { FRAME_HEAD = 8 };

enum frame_kind {
    FRAME_HELLO = 16,   /* the first frame of the one who connects */
    FRAME_WELCOME = 17, /* the answer; then Raft messages flow, one way */
    FRAME_REFUSED = 18  /* the other answer: a string that says why */
};

#define HELLO_MAGIC 0x31504b52u /* "RKP1" */

/* Who connects to whom. Strings point into the decoded bytes. */
struct hello {
    raft_id from;
    raft_id to;
    const char *cluster;
    const char *address; /* of `from` */
};

/* Each frame is appended to a buffer between these two. */
size_t frame_begin(struct buf *b);
void frame_end(struct buf *b, size_t begun);

/* Is a whole frame at the head of these bytes? 1: yes, *len is that of its content
 * behind the head; 0: not yet (*len is set once known, else 0); -1: it is malformed. */
int frame_check(const char *data, size_t available, size_t *len);

void hello_encode(struct buf *b, const struct hello *hello);
bool hello_decode(const char *data, size_t len, struct hello *hello);

/* Append a message's frame. Entries come from the log, snapshot data from the
 * message. The number of entries sent may be lower than asked for; false: an entry
 * that it should begin with is gone, and nothing was appended. */
bool message_encode(struct buf *b, const struct raft_message *message, struct log *log);

/* Scratch of a decoder, reused from message to message. */
struct decoder {
    struct raft_entry *entries;
    size_t cap;
    struct members members;
};

void decoder_free(struct decoder *d);

/* Decode the content of a frame that lies in `block`; server_id and server_address
 * are left alone. Payloads point into the block, whose reference entries carry as
 * their batch. False: malformed. */
bool message_decode(struct decoder *d, struct block *block, const char *data, size_t len,
                    struct raft_message *message);

#endif
