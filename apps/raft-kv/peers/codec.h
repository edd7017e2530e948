/* SPDX-License-Identifier: MIT */
/* The Raft messages as the content of frames. Each message carries its version byte, which says
 * which of the optional fields are valid, as raft.h documents. */
#ifndef KV_CODEC_H
#define KV_CODEC_H

#include "frame.h"
#include "log.h"

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
