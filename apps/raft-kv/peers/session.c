/* SPDX-License-Identifier: MIT */
#include "session.h"

enum {
    POINT = crypto_scalarmult_BYTES,
    HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    MORE = crypto_secretstream_xchacha20poly1305_ABYTES, /* by which encrypted content is longer */
    KEY_LENGTH = 1 + 4 + SESSION_PUBLIC,                 /* content of FRAME_KEY */
    PROOF_LENGTH = 1 + HEADER + MORE                     /* content of FRAME_PROOF */
};

#define SESSION_MAGIC 0x31534b52u /* "RKS1" */

static unsigned char *bytes(const char *data) { return (unsigned char *)data; }

static void put_key(struct session *s, struct buf *out) {
    crypto_box_keypair(s->own, s->own_secret); /* a key pair for X25519 */
    randombytes_buf(s->own + POINT, SESSION_PUBLIC - POINT);
    size_t begun = frame_begin(out);
    buf_put_int(out, FRAME_KEY, 1);
    buf_put_int(out, SESSION_MAGIC, 4);
    buf_put(out, s->own, SESSION_PUBLIC);
    frame_end(out, begun);
}

void session_begin(struct session *s, const struct secret *secret, bool connects, struct buf *out) {
    memset(s, 0, sizeof *s);
    s->secret = secret;
    s->connects = connects;
    s->state = secret != NULL ? SESSION_KEY : SESSION_PLAIN;
    if (secret != NULL && connects) {
        put_key(s, out);
    }
}

void session_end(struct session *s) { sodium_memzero(s, sizeof *s); }

bool session_exchanges(const struct session *s) {
    return s->state == SESSION_KEY || s->state == SESSION_PROOF;
}

/* --- the exchange of keys ------------------------------------------------ */

/* The key of one direction. */
static void derive(const struct session *s, const unsigned char *point, const unsigned char *other,
                   bool from_connecting, unsigned char *key) {
    static const unsigned char label[] = "raft-kv session 1";
    const unsigned char direction = from_connecting ? 1 : 2;
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, s->secret->key, SECRET_KEY,
                            crypto_secretstream_xchacha20poly1305_KEYBYTES);
    crypto_generichash_update(&hash, label, sizeof label);
    crypto_generichash_update(&hash, &direction, 1);
    crypto_generichash_update(&hash, point, POINT);
    crypto_generichash_update(&hash, s->connects ? s->own : other, SESSION_PUBLIC);
    crypto_generichash_update(&hash, s->connects ? other : s->own, SESSION_PUBLIC);
    crypto_generichash_final(&hash, key, crypto_secretstream_xchacha20poly1305_KEYBYTES);
    sodium_memzero(&hash, sizeof hash);
}

static void put_proof(struct session *s, const unsigned char *key, struct buf *out) {
    size_t begun = frame_begin(out);
    buf_put_int(out, FRAME_PROOF, 1);
    unsigned char *at = bytes(buf_room(out, HEADER + MORE));
    crypto_secretstream_xchacha20poly1305_init_push(&s->out, at, key);
    crypto_secretstream_xchacha20poly1305_push(&s->out, at + HEADER, NULL, NULL, 0, NULL, 0, 0);
    out->len += HEADER + MORE;
    frame_end(out, begun);
}

static const char *take_key(struct session *s, const char *content, size_t len, struct buf *out) {
    unsigned char other[SESSION_PUBLIC];
    unsigned char point[POINT];
    unsigned char key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
    if (len != KEY_LENGTH || content[0] != FRAME_KEY || load_le(content + 1, 4) != SESSION_MAGIC) {
        return "malformed exchange of keys";
    }
    memcpy(other, content + 5, sizeof other);
    if (!s->connects) {
        put_key(s, out);
    }
    if (sodium_memcmp(other, s->own, POINT) == 0 ||
        crypto_scalarmult(point, s->own_secret, other) != 0) {
        return "invalid public key";
    }
    derive(s, point, other, s->connects, key);
    put_proof(s, key, out);
    derive(s, point, other, !s->connects, s->in_key);
    s->state = SESSION_PROOF;
    sodium_memzero(s->own_secret, sizeof s->own_secret);
    sodium_memzero(point, sizeof point);
    sodium_memzero(key, sizeof key);
    return NULL;
}

static const char *take_proof(struct session *s, const char *content, size_t len) {
    unsigned char tag;
    if (len != PROOF_LENGTH || content[0] != FRAME_PROOF) {
        return "malformed exchange of keys";
    }
    const unsigned char *at = bytes(content + 1);
    int error = crypto_secretstream_xchacha20poly1305_init_pull(&s->in, at, s->in_key);
    error = error != 0 ? error
                       : crypto_secretstream_xchacha20poly1305_pull(&s->in, NULL, NULL, &tag,
                                                                    at + HEADER, MORE, NULL, 0);
    sodium_memzero(s->in_key, sizeof s->in_key);
    if (error != 0) {
        return "it cannot be authenticated: has it another --secret-file?";
    }
    s->state = SESSION_OPEN;
    return NULL;
}

const char *session_exchange(struct session *s, const char *frame, size_t len, struct buf *out) {
    const char *why = "damaged frame";
    if (frame_check(frame, FRAME_HEAD + len, &len) == 1) {
        const char *content = frame + FRAME_HEAD;
        why =
            s->state == SESSION_KEY ? take_key(s, content, len, out) : take_proof(s, content, len);
    }
    if (why != NULL) {
        s->state = SESSION_FAILED;
    }
    return why;
}

/* --- frames -------------------------------------------------------------- */

void session_seal(struct session *s, struct buf *b, size_t begun) {
    if (s == NULL || (s->state != SESSION_PROOF && s->state != SESSION_OPEN)) {
        frame_end(b, begun);
        return;
    }
    /* Encrypt behind the frame, then move that to the place of the content. */
    size_t len = b->len - begun - FRAME_HEAD;
    buf_room(b, len + MORE);
    char *frame = b->data + begun;
    store_le(frame, len + MORE, 4);
    store_le(frame + 4, 0, 4);
    crypto_secretstream_xchacha20poly1305_push(&s->out, bytes(b->data + b->len), NULL,
                                               bytes(frame + FRAME_HEAD), len, bytes(frame),
                                               FRAME_HEAD, 0);
    memmove(frame + FRAME_HEAD, b->data + b->len, len + MORE);
    b->len += MORE;
}

void session_seal_all(struct session *s, struct buf *b) {
    struct buf sealed = {0};
    size_t len;
    for (size_t at = 0; s->state != SESSION_PLAIN && at < b->len; at += FRAME_HEAD + len) {
        frame_length(b->data + at, b->len - at, &len);
        size_t begun = sealed.len;
        buf_put(&sealed, b->data + at, FRAME_HEAD + len);
        session_seal(s, &sealed, begun);
    }
    if (s->state != SESSION_PLAIN) {
        buf_free(b);
        *b = sealed;
    }
}

const char *session_open(struct session *s, const char *frame, size_t *len, char *to) {
    if (s->state == SESSION_PLAIN || s->state == SESSION_KEY) {
        return frame_check(frame, FRAME_HEAD + *len, len) == 1 ? frame + FRAME_HEAD : NULL;
    }
    unsigned char tag;
    unsigned long long plain = 0;
    if (s->state != SESSION_OPEN || *len <= MORE ||
        crypto_secretstream_xchacha20poly1305_pull(&s->in, bytes(to), &plain, &tag,
                                                   bytes(frame + FRAME_HEAD), *len, bytes(frame),
                                                   FRAME_HEAD) != 0) {
        return NULL;
    }
    *len = (size_t)plain;
    return to;
}
