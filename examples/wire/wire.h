/* SPDX-License-Identifier: MIT */
/* The messages of raft.h as bytes, so that servers written in any language can form a cluster.
 *
 * docs/reference/wire.rst describes every byte. Copy this file and wire.c into your program: they
 * need raft.h and the C library. */
#ifndef WIRE_H
#define WIRE_H

#include <raft.h>
#include <stdint.h>

/* Longest message, in bytes. Change it if your entries or snapshot chunks are larger: it bounds the
 * memory that another server can make this one allocate. */
enum { WIRE_MAX = 64 * 1024 * 1024 };

/* Errors of wire_decode() and wire_decode_into(). */
enum wire_error {
    WIRE_MALFORMED = -1, /* not exactly one message of this format; close the connection */
    WIRE_NOMEM = -2      /* out of memory; the message may be dropped, as if it was lost */
};

/* A message that was decoded. */
struct wire_message {
    struct raft_message message; /* ready for RAFT_RECEIVE */
    /* One block, which holds everything that the message points to: the sender's address, entries,
     * payloads, servers, snapshot bytes. Keep it until nothing points there: the library hands
     * payloads and snapshot bytes through to the update of the same step. */
    void *memory;
};

/* How many bytes the message has when it is encoded. `own_address` is where this server accepts
 * connections. 0: it cannot be encoded: it would exceed WIRE_MAX, its address is NULL or has more
 * than 65535 bytes, its type is unknown, or its entries or snapshot bytes are not attached. */
size_t wire_size(const struct raft_message *m, const char *own_address);

/* Write exactly wire_size() bytes, which must not be 0. The message names the sender; the receiver,
 * `m->server_id`, is not written. A version above those of wire.rst is written as the highest one
 * there. */
void wire_encode(const struct raft_message *m, raft_id own_id, const char *own_address, void *out);

/* The length of the message that begins here. 0: fewer than 4 bytes are there, which do not tell.
 * SIZE_MAX: no message has this length; close the connection. */
size_t wire_length(const void *bytes, size_t len);

/* Decode one whole message of wire_length() bytes. Any bytes are safe. Fields that did not arrive
 * are 0. The `batch` of entries is `out->memory`. A version above those of wire.rst is decoded as
 * the highest one there. A message of an unknown type has no fields; the library ignores it.
 * Returns 0, or a wire_error and an empty `out`. */
int wire_decode(const void *bytes, size_t len, struct wire_message *out);

/* Free the memory of a message. An empty one is allowed. */
void wire_free(struct wire_message *m);

/* wire_decode() copies the message once. A program that has it in memory of its own, which it can
 * keep, saves the copy with the following two functions. Most programs do not need them. */

/* How many bytes wire_decode_into() needs besides the message: for the array of entries or servers
 * and for the address. Less than five times `len`. 0: malformed. */
size_t wire_memory(const void *bytes, size_t len);

/* Like wire_decode(), but payloads, snapshot bytes and the servers' addresses remain in `bytes`,
 * and the rest is put into `memory`: wire_memory() bytes that are aligned as those of malloc().
 * Keep both until nothing points there. The `batch` of entries is `memory`. Returns 0 or
 * WIRE_MALFORMED. */
int wire_decode_into(const void *bytes, size_t len, void *memory, struct raft_message *out);

#endif
