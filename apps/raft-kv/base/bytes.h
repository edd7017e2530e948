/* SPDX-License-Identifier: MIT */
/* Memory: growable buffers, reference-counted blocks, and a bounds-checked reader of little-endian
 * integers. If an allocation fails, the process ends with a message. */
#ifndef KV_BYTES_H
#define KV_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *xmalloc(size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);

/* Make room for element `n` of an array: returns the array, moved and `*cap` doubled if it was
 * full. */
void *array_grow(void *array, size_t n, size_t *cap, size_t element_size);

/* A growable buffer. A zero-initialized buffer is empty. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_grow(struct buf *b, size_t more);
void buf_free(struct buf *b);

/* Reserve space for `n` bytes at the end. The caller fills it and then adds to `len`. */
static inline char *buf_room(struct buf *b, size_t n) {
    if (b->cap - b->len < n) {
        buf_grow(b, n);
    }
    return b->data + b->len;
}

static inline void buf_put(struct buf *b, const void *data, size_t n) {
    if (n > 0) {
        memcpy(buf_room(b, n), data, n);
        b->len += n;
    }
}

static inline void store_le(void *to, uint64_t value, size_t width) {
    unsigned char *p = to;
    for (size_t i = 0; i < width; i++) {
        p[i] = (unsigned char)(value >> (8 * i));
    }
}

static inline uint64_t load_le(const void *from, size_t width) {
    const unsigned char *p = from;
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value |= (uint64_t)p[i] << (8 * i);
    }
    return value;
}

static inline void buf_put_int(struct buf *b, uint64_t value, size_t width) {
    store_le(buf_room(b, width), value, width);
    b->len += width;
}

/* Append a string: u16 length, the bytes (at most 65535, a longer text is cut), a NUL. */
void buf_put_string(struct buf *b, const char *text);
/* Append formatted text without a NUL, at most 1 KiB of it. */
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *format, ...);

/* A reference-counted block of memory. The counter is not atomic: only the event loop's thread may
 * take and drop references. */
struct block {
    unsigned refs;
    size_t len;
    size_t cap;
    char data[];
};

struct block *block_new(size_t cap);
void block_free(struct block *b);

static inline struct block *block_ref(struct block *b) {
    b->refs++;
    return b;
}

static inline void block_unref(struct block *b) {
    if (b != NULL && --b->refs == 0) {
        block_free(b);
    }
}

/* A bounds-checked reader. A read beyond the end sets `bad` and returns 0 or NULL. */
struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

const char *cursor_bytes(struct cursor *c, size_t n);
uint64_t cursor_int(struct cursor *c, size_t width);
const char *cursor_string(struct cursor *c);

static inline size_t cursor_left(const struct cursor *c) { return (size_t)(c->end - c->at); }

/* CRC-32C of `data`. `crc` is the checksum of the bytes before it, or 0. Uses the processor's
 * instruction if it has one (crc32c.c). */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* The same, computed with tables. */
uint32_t crc32c_tables(uint32_t crc, const void *data, size_t len);

#endif
