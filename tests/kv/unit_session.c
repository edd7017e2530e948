/* SPDX-License-Identifier: MIT */
/* Unit tests of session.c: two ends of a connection, and what may happen to the bytes between
 * them. */
#include "unit.h"

#include "secret.h"
#include "session.h"

/* One server's end. */
struct end {
    struct session session;
    struct buf out; /* to the other end */
    const char *why;
};

static void append_frame(struct end *e, const char *text) {
    size_t begun = frame_begin(&e->out);
    buf_put(&e->out, text, strlen(text));
    session_seal(&e->session, &e->out, begun);
}

/* Length of the frame at the beginning, with its head. */
static size_t frame_size(const struct buf *b) {
    size_t len;
    CHECK(frame_length(b->data, b->len, &len) == 1);
    return FRAME_HEAD + len;
}

static void drop(struct buf *b, size_t n) {
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

/* Give the first frame of `from` to the exchange of `to`. */
static void exchange(struct end *from, struct end *to) {
    size_t size = frame_size(&from->out);
    CHECK(session_exchanges(&to->session));
    to->why = session_exchange(&to->session, from->out.data, size - FRAME_HEAD, &to->out);
    CHECK((to->why != NULL) == (to->session.state == SESSION_FAILED));
    drop(&from->out, size);
}

/* Open one frame of these bytes; NULL: refused. Else the text, valid until the next call. */
static const char *open_bytes(struct end *to, const char *bytes, size_t size) {
    static char text[4096];
    static char opened[4096];
    size_t len = size - FRAME_HEAD;
    const char *content = session_open(&to->session, bytes, &len, opened);
    if (content == NULL) {
        return NULL;
    }
    memcpy(text, content, len);
    text[len] = '\0';
    return text;
}

static const char *open_first(struct end *from, struct end *to) {
    size_t size = frame_size(&from->out);
    const char *text = open_bytes(to, from->out.data, size);
    drop(&from->out, size);
    return text;
}

static struct secret *secret_of(const char *text) { return secret_new(text, strlen(text)); }

static void ends_begin(struct end *a, struct end *b, const struct secret *of_a,
                       const struct secret *of_b) {
    *a = *b = (struct end){.why = NULL};
    session_begin(&a->session, of_a, true, &a->out);
    session_begin(&b->session, of_b, false, NULL);
}

static void ends_free(struct end *a, struct end *b) {
    static const struct session erased;
    session_end(&a->session);
    session_end(&b->session);
    CHECK(memcmp(&a->session, &erased, sizeof erased) == 0);
    buf_free(&a->out);
    buf_free(&b->out);
}

static void open_both(struct end *a, struct end *b, const struct secret *secret) {
    ends_begin(a, b, secret, secret);
    exchange(a, b);
    exchange(b, a);
    exchange(b, a);
    exchange(a, b);
    CHECK(a->session.state == SESSION_OPEN && b->session.state == SESSION_OPEN);
    CHECK(a->out.len == 0 && b->out.len == 0);
    const struct session *sessions[] = {&a->session, &b->session};
    for (unsigned i = 0; i < 2; i++) { /* what is not needed any more is erased */
        CHECK(sodium_is_zero(sessions[i]->own_secret, sizeof sessions[i]->own_secret));
        CHECK(sodium_is_zero(sessions[i]->in_key, sizeof sessions[i]->in_key));
    }
}

static bool contains(const struct buf *b, const char *text) {
    return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

void test_sessions(void) {
    struct secret *secret = secret_of("the secret");
    struct end a;
    struct end b;
    open_both(&a, &b, secret);
    for (unsigned i = 0; i < 1000; i++) {
        char text[2000];
        memset(text, 'x', sizeof text);
        snprintf(text + random_below(1900), 100, "text %u", i);
        append_frame(&a, text);
        CHECK(!contains(&a.out, "text") && strlen(text) < a.out.len);
        CHECK(strcmp(open_first(&a, &b), text) == 0);
        append_frame(&b, text);
        CHECK(strcmp(open_first(&b, &a), text) == 0);
    }
    ends_free(&a, &b);

    /* The same secret, other keys. */
    struct end c;
    struct end d;
    open_both(&a, &b, secret);
    open_both(&c, &d, secret);
    append_frame(&a, "text");
    append_frame(&c, "text");
    CHECK(open_first(&c, &b) == NULL);
    ends_free(&a, &b);
    ends_free(&c, &d);

    /* Without a secret, and frames that were queued before the session is open. */
    ends_begin(&a, &b, NULL, NULL);
    CHECK(a.out.len == 0 && !session_exchanges(&a.session));
    append_frame(&a, "text");
    session_seal_all(&a.session, &a.out);
    CHECK(contains(&a.out, "text"));
    a.out.data[FRAME_HEAD] ^= 1;
    CHECK(open_first(&a, &b) == NULL);
    ends_free(&a, &b);
    open_both(&a, &b, secret);
    for (const char *text = "123"; *text != '\0'; text++) {
        size_t begun = frame_begin(&a.out);
        buf_put(&a.out, text, 1);
        frame_end(&a.out, begun);
    }
    session_seal_all(&a.session, &a.out);
    CHECK(open_first(&a, &b)[0] == '1' && open_first(&a, &b)[0] == '2');
    CHECK(open_first(&a, &b)[0] == '3' && a.out.len == 0);
    ends_free(&a, &b);
    secret_free(secret);
}

/* Each of these is refused: altered bytes, also of the head; a frame that is repeated, left out,
 * moved, sent back or cut. */
void test_session_attacks(void) {
    struct secret *secret = secret_of("the secret");
    struct end a;
    struct end b;
    open_both(&a, &b, secret);
    append_frame(&a, "a text");
    size_t size = a.out.len;
    CHECK(size == FRAME_HEAD + 6 + 17);
    for (size_t bit = 8 * 4; bit < 8 * size; bit++) {
        a.out.data[bit / 8] ^= (char)(1 << bit % 8);
        CHECK(open_bytes(&b, a.out.data, size) == NULL);
        a.out.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t cut = FRAME_HEAD; cut < size; cut++) {
        store_le(a.out.data, cut - FRAME_HEAD, 4);
        CHECK(open_bytes(&b, a.out.data, cut) == NULL);
    }
    store_le(a.out.data, 6 + 17 - 1, 4); /* only the head's length is altered */
    CHECK(open_bytes(&b, a.out.data, size) == NULL);
    store_le(a.out.data, 6 + 17, 4);
    CHECK(open_bytes(&a, a.out.data, size) == NULL); /* sent back */
    append_frame(&a, "another");
    CHECK(open_bytes(&b, a.out.data + size, a.out.len - size) == NULL); /* the first is left out */
    CHECK(strcmp(open_bytes(&b, a.out.data, size), "a text") == 0);
    CHECK(open_bytes(&b, a.out.data, size) == NULL); /* repeated */
    CHECK(strcmp(open_bytes(&b, a.out.data + size, a.out.len - size), "another") == 0);
    ends_free(&a, &b);
    secret_free(secret);
}

/* Random content in frames of the lengths that are expected, or about these. */
void test_session_random_bytes(void) {
    static const unsigned lengths[] = {1 + 4 + 64, 1 + 24 + 17, 1, 17, 18};
    struct secret *secret = secret_of("the secret");
    struct end a;
    struct end b;
    for (unsigned i = 0; i < 3000; i++) {
        ends_begin(&a, &b, secret, secret);
        while (b.why == NULL) {
            a.out.len = 0;
            size_t begun = frame_begin(&a.out);
            unsigned len = lengths[random_below(5)] + (random_below(4) == 0 ? random_below(3) : 0);
            char *content = buf_room(&a.out, len);
            for (unsigned k = 0; k < len; k++) {
                content[k] = (char)random_below(256);
            }
            content[0] = b.session.state == SESSION_KEY ? FRAME_KEY : FRAME_PROOF;
            if (len > 4) {
                store_le(content + 1, 0x31534b52, 4); /* RKS1 */
            }
            a.out.len += len;
            frame_end(&a.out, begun);
            CHECK(b.session.state != SESSION_OPEN);
            CHECK(open_bytes(&b, a.out.data, a.out.len) == NULL || b.session.state == SESSION_KEY);
            exchange(&a, &b);
        }
        ends_free(&a, &b);
    }
    secret_free(secret);
}

/* The exchange of keys: other secrets, altered frames, what is sent back, points of low order. */
void test_session_secrets(void) {
    struct secret *secret = secret_of("the secret");
    struct secret *other = secret_of("the Secret");
    struct end a;
    struct end b;
    ends_begin(&a, &b, secret, other);
    exchange(&a, &b);
    exchange(&b, &a);
    exchange(&b, &a);
    exchange(&a, &b);
    CHECK(a.why != NULL && strstr(a.why, "--secret-file") != NULL);
    CHECK(b.why != NULL && strcmp(a.why, b.why) == 0);
    ends_free(&a, &b);

    for (unsigned step = 0; step < 4; step++) { /* flip a bit in each of the four frames */
        for (unsigned i = 0; i < 100; i++) {
            ends_begin(&a, &b, secret, secret);
            for (unsigned k = 0; k < 4 && a.why == NULL && b.why == NULL; k++) {
                struct end *from = k == 0 || k == 3 ? &a : &b;
                if (k == step) {
                    size_t len = frame_size(&from->out) - FRAME_HEAD;
                    from->out.data[FRAME_HEAD + random_below((unsigned)len)] ^=
                        (char)(1 << random_below(8));
                    store_le(from->out.data + 4, crc32c(0, from->out.data + FRAME_HEAD, len), 4);
                }
                exchange(from, from == &a ? &b : &a);
            }
            CHECK(a.session.state == SESSION_FAILED || b.session.state == SESSION_FAILED);
            ends_free(&a, &b);
        }
    }

    ends_begin(&a, &b, secret, secret);
    exchange(&a, &a); /* its own key comes back */
    CHECK(a.why != NULL);
    ends_free(&a, &b);

    ends_begin(&a, &b, secret, secret);
    exchange(&a, &b);
    exchange(&b, &a);
    CHECK(session_exchange(&a.session, a.out.data, a.out.len - FRAME_HEAD, &b.out) != NULL);
    ends_free(&a, &b); /* its own proof came back */

    ends_begin(&a, &b, secret, secret);
    memset(a.out.data + FRAME_HEAD + 5, 0, crypto_scalarmult_BYTES);
    store_le(a.out.data + 4, crc32c(0, a.out.data + FRAME_HEAD, a.out.len - FRAME_HEAD), 4);
    exchange(&a, &b);
    CHECK(b.why != NULL && strstr(b.why, "public key") != NULL);
    ends_free(&a, &b);
    secret_free(secret);
    secret_free(other);
}
