/* SPDX-License-Identifier: MIT */
/* The encoding of messages. A packet carries the messages of all groups of one host to another host
 * that arose in one turn of the loop; a packet without messages says that the host is alive. */
#ifndef MULTI_WIRE_H
#define MULTI_WIRE_H

#include "disk.h"

/* The head of a packet: length of what follows the first 8 bytes (4 bytes), checksum of that (4),
 * sender (4), receiver (4). */
enum { PACKET_HEAD = 16, PACKET_MAX = 16 * 1024 * 1024 };

/* Fill in the head of the packet that begins at offset `at` of the buffer and ends at its end. */
void packet_close(struct bytes *b, size_t at, raft_id from, raft_id to);

/* Look for a whole packet at the beginning of `len` bytes. Returns its length, 0 if more bytes are
 * needed, or -1 if it is damaged or not for `to`. */
long packet_check(const char *data, size_t len, raft_id to, raft_id *from);

/* Append a message of a group. Entries come from its log, a snapshot's state from `snapshot`.
 * Returns false, and appends nothing, if these do not have what the message asks for. */
bool message_encode(struct bytes *b, uint32_t group, const struct raft_message *m,
                    const struct log *log, const struct snapshot *snapshot);

/* Memory for what a decoded message refers to. It is reused for the next message. */
struct decoder {
    struct raft_entry *entries;
    size_t cap;
    struct raft_server servers[16];
    void *cookie; /* for the entries; not NULL */
};

/* Read a message, without the fields that say who sent it. Returns false if it is malformed. */
bool message_decode(struct decoder *d, struct cursor *c, uint32_t *group, struct raft_message *m);

#endif
