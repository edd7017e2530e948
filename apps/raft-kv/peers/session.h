/* SPDX-License-Identifier: MIT */
/* How frames travel on one connection between servers.
 *
 * Without a secret they travel as frame.h describes. With one, the first two frames of each side
 * exchange keys:
 *
 *   FRAME_KEY    SESSION_MAGIC, a new public key (X25519), 32 random bytes
 *   FRAME_PROOF  the header of a stream (secretstream), and the stream's first message, empty
 *
 * The connecting server sends its FRAME_KEY first. When a server has both, it computes a key for
 * each direction: a keyed hash (BLAKE2b) of the direction, of the point that both servers derive
 * from the public keys, and of both FRAME_KEYs. The key of the hash comes from the secret. So a
 * server without the secret fails at the first FRAME_PROOF, and a secret that is disclosed later
 * does not reveal what was sent before.
 *
 * The content of each later frame is the next message of its direction's stream. It is encrypted
 * (XChaCha20-Poly1305) and 17 bytes longer. The checksum in the frame's head is 0, and the head is
 * authenticated with the content. A frame that was altered, repeated, moved, sent back, or that
 * follows one that was left out, cannot be opened. */
#ifndef KV_SESSION_H
#define KV_SESSION_H

#include <sodium.h>

#include "frame.h"
#include "secret.h"

enum { SESSION_PUBLIC = crypto_scalarmult_BYTES + 32 /* bytes of a public key and random bytes */ };

enum session_state {
    SESSION_PLAIN, /* there is no secret */
    SESSION_KEY,   /* the other server's FRAME_KEY is expected; frames are sent as without secret */
    SESSION_PROOF, /* its FRAME_PROOF is expected; frames that are sent are encrypted */
    SESSION_OPEN,
    SESSION_FAILED
};

struct session {
    enum session_state state;
    bool connects; /* this server has made the connection */
    const struct secret *secret;
    unsigned char own[SESSION_PUBLIC]; /* as in the FRAME_KEY that was sent */
    unsigned char own_secret[crypto_scalarmult_SCALARBYTES];
    unsigned char in_key[crypto_secretstream_xchacha20poly1305_KEYBYTES]; /* for FRAME_PROOF */
    crypto_secretstream_xchacha20poly1305_state out;
    crypto_secretstream_xchacha20poly1305_state in;
};

/* Begin. `secret` may be NULL and must remain valid. If this server has made the connection, its
 * FRAME_KEY is appended to `out`, which may be NULL otherwise. */
void session_begin(struct session *s, const struct secret *secret, bool connects, struct buf *out);

/* Erase the keys. */
void session_end(struct session *s);

/* True while received frames are for session_exchange(). */
bool session_exchanges(const struct session *s);

/* Take a whole frame (see frame_length()) while session_exchanges(). What must be sent is appended
 * to `out`. Returns NULL, or why the connection must be closed. */
const char *session_exchange(struct session *s, const char *frame, size_t len, struct buf *out);

/* End the frame that began at `begun`, in the form that the session requires. frame_end() may have
 * been called for it. Frames must be sent in the order of these calls, without gaps. If `s` is
 * NULL, the frame is ended as without a secret. */
void session_seal(struct session *s, struct buf *b, size_t begun);

/* Seal frames that were ended as without a secret. */
void session_seal_all(struct session *s, struct buf *b);

/* The content of a whole frame that was received. With a secret it is decrypted to `to`, which has
 * `*len` bytes; else, or in SESSION_KEY, it is part of the frame. `*len` becomes its length. NULL:
 * the frame is damaged or not authentic. */
const char *session_open(struct session *s, const char *frame, size_t *len, char *to);

#endif
