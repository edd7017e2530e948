/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <stdlib.h>

#include "report.h"

void *xrealloc(void *old, size_t size) {
    void *memory = realloc(old, size > 0 ? size : 1);
    if (memory == NULL) {
        die("out of memory");
    }
    return memory;
}

void *xmalloc(size_t size) { return xrealloc(NULL, size); }

char *xstrdup(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(xmalloc(size), text, size);
}

void *array_grow(void *array, size_t n, size_t *cap, size_t element_size) {
    if (n < *cap) {
        return array;
    }
    *cap = *cap > 0 ? *cap * 2 : 16;
    return xrealloc(array, *cap * element_size);
}

void buf_grow(struct buf *b, size_t more) {
    size_t cap = b->cap > 0 ? b->cap : 256;
    while (cap - b->len < more) {
        cap *= 2;
    }
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
}

void buf_free(struct buf *b) {
    free(b->data);
    *b = (struct buf){0};
}

void buf_put_string(struct buf *b, const char *text) {
    size_t len = strlen(text);
    if (len > UINT16_MAX) {
        len = UINT16_MAX;
    }
    buf_put_int(b, len, 2);
    buf_put(b, text, len);
    buf_put_int(b, 0, 1);
}

struct block *block_new(size_t cap) {
    struct block *b = xmalloc(sizeof *b + cap);
    b->refs = 1;
    b->len = 0;
    b->cap = cap;
    return b;
}

void block_free(struct block *b) { free(b); }

const char *cursor_bytes(struct cursor *c, size_t n) {
    if (c->bad || cursor_left(c) < n) {
        c->bad = true;
        return NULL;
    }
    const char *at = c->at;
    c->at += n;
    return at;
}

uint64_t cursor_int(struct cursor *c, size_t width) {
    const char *at = cursor_bytes(c, width);
    return at != NULL ? load_le(at, width) : 0;
}

const char *cursor_string(struct cursor *c) {
    size_t len = (size_t)cursor_int(c, 2);
    const char *text = cursor_bytes(c, len + 1);
    if (text != NULL && (text[len] != '\0' || memchr(text, '\0', len) != NULL)) {
        c->bad = true;
        return NULL;
    }
    return text;
}

static uint32_t crc_tables[8][256];

__attribute__((constructor)) static void crc_prepare(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
        }
        crc_tables[0][i] = crc;
    }
    for (int t = 1; t < 8; t++) {
        for (int i = 0; i < 256; i++) {
            uint32_t below = crc_tables[t - 1][i];
            crc_tables[t][i] = (below >> 8) ^ crc_tables[0][below & 0xff];
        }
    }
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len) {
    const unsigned char *p = data;
    crc = ~crc;
    for (; len >= 8; p += 8, len -= 8) { /* slicing-by-8: eight independent lookups */
        uint32_t low = crc ^ (uint32_t)load_le(p, 4);
        crc = crc_tables[7][low & 0xff] ^ crc_tables[6][(low >> 8) & 0xff] ^
              crc_tables[5][(low >> 16) & 0xff] ^ crc_tables[4][low >> 24] ^ crc_tables[3][p[4]] ^
              crc_tables[2][p[5]] ^ crc_tables[1][p[6]] ^ crc_tables[0][p[7]];
    }
    for (; len > 0; p++, len--) {
        crc = (crc >> 8) ^ crc_tables[0][(crc ^ *p) & 0xff];
    }
    return ~crc;
}
