/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
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

void buf_printf(struct buf *b, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_put(b, text, len < (int)sizeof text ? (size_t)len : sizeof text - 1);
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
