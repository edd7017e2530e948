/* SPDX-License-Identifier: MIT */
/* The wire format of messages between servers.
 *
 * A frame is a u32 length, a u32 checksum of the content, and the content. The first byte of the
 * content is the kind: a Raft message type or a kind of handshake frame. Integers are little
 * endian and of fixed width. Each Raft message carries its version byte, which says which of the
 * optional fields are valid, as raft.h documents. */
#ifndef KV_CODEC_H
#define KV_CODEC_H

#include "log.h"

enum { FRAME_HEAD = 8 };

enum frame_kind {
    FRAME_HELLO = 16,   /* first frame of the connecting server */
    FRAME_WELCOME = 17, /* accepted: Raft messages follow, in one direction */
    FRAME_REFUSED = 18, /* refused: a string with the reason */
    FRAME_PING = 19,    /* asks for a FRAME_PONG; both have no content but their kind */
    FRAME_PONG = 20     /* the answer, on the same connection */
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

/* Append the frame of a message. Entries are taken from the log, snapshot data from the message.
 * If the entries are too large for one message, fewer are appended, and `n_entries` is reduced.
 * False: an entry is not in the log any more; nothing was appended. */
bool message_encode(struct buf *b, struct raft_message *message, struct log *log);

/* Memory that decoded messages point to; reused for every message. */
struct decoder {
    struct raft_entry *entries;
    size_t cap;
    struct members members;
};

void decoder_free(struct decoder *d);

/* Decode the content of a frame that is stored in `block`. Payloads point into the block, and the
 * `batch` of each entry is the block. server_id and server_address are not set.
 * False: malformed. */
bool message_decode(struct decoder *d, struct block *block, const char *data, size_t len,
                    struct raft_message *message);

#endif
