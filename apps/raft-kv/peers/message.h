/* SPDX-License-Identifier: MIT */
/* Raft messages as the content of frames: FRAME_MESSAGE, then the message in the encoding of
 * docs/reference/wire.rst. The sender's address is left empty: the handshake has told it. */
#ifndef KV_MESSAGE_H
#define KV_MESSAGE_H

#include "frame.h"
#include "log.h"

struct session;

/* Memory for encoding and decoding; reused for every message. */
struct message_memory {
    struct raft_entry *entries;
    size_t cap;
    struct buf payloads; /* of entries that the log does not have in memory */
    struct buf decoded;
};

void message_memory_free(struct message_memory *m);

/* Append the frame of a message from this server, `own_id`, in the form that the session requires,
 * see session_seal(). Entries are taken from the log, snapshot data from the message. If the
 * entries are too large for one message, fewer are appended, and `n_entries` is reduced. False: an
 * entry is not in the log any more; nothing was appended. */
bool message_encode(struct message_memory *memory, struct buf *b, raft_id own_id,
                    struct raft_message *message, struct log *log, struct session *session);

/* Decode the content of a frame that is stored in `block`. Payloads point into the block, and the
 * `batch` of each entry is the block; the rest points into `memory`, until the next call.
 * server_address is empty. False: malformed. */
bool message_decode(struct message_memory *memory, struct block *block, const char *content,
                    size_t len, struct raft_message *message);

#endif
