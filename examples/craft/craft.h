/* SPDX-License-Identifier: MIT */
/* The messages of raft.h in the TCP format of C-Raft 0.15, and an extension of it.
 *
 * A connection carries messages in one direction. It begins with a hello: the number 1, the
 * sender's ID, the length of its address, the address. A message is its type, the length of its
 * header, the header, and the payload. All numbers have 8 bytes, little endian.
 *
 * C-Raft 0.15 has no versions and reads the type as 64 bits. With `extended`, byte 2 of the type is
 * the message's version, and a header may have more fields. Use it between servers of libraft. */
#ifndef CRAFT_H
#define CRAFT_H

#include <raft.h>

enum { CRAFT_MAX = 64 << 20, CRAFT_ADDRESS_MAX = 256 };

struct craft_message {
    struct raft_message message; /* without sender: that is in the hello */
    void *memory;                /* what the message points to; keep it as raft.h says, then free */
};

/* Bytes of the hello. If `out` is NULL, nothing is written. */
size_t craft_hello(raft_id id, const char *address, void *out);

/* Read a hello. Returns its length; 0: more bytes are needed; SIZE_MAX: it is none. `address` has
 * CRAFT_ADDRESS_MAX bytes. */
size_t craft_read_hello(const void *bytes, size_t len, raft_id *id, char *address);

/* Bytes of the message. 0: it cannot be sent: a payload is not attached or not a multiple of 8
 * bytes, which would abort the receiver; it is too long; or it is a chunk of a snapshot, which only
 * the extension has. */
size_t craft_size(const struct raft_message *m, bool extended);

/* Write exactly craft_size() bytes. */
void craft_encode(const struct raft_message *m, bool extended, void *out);

/* Length of the message that begins here; 0: more bytes are needed; SIZE_MAX: no message. */
size_t craft_length(const void *bytes, size_t len);

/* Decode one message of craft_length() bytes. Without `extended`, added fields are ignored. Returns
 * 0 or -1: malformed, or out of memory; close the connection. */
int craft_decode(const void *bytes, size_t len, bool extended, struct craft_message *out);

#endif
