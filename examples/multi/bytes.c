/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 1024 * 1024 }; /* an empty buffer that is larger gives its memory back */

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("raft-multi: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _Exit(1);
}

void *resize(void *old, size_t size) {
    void *new = realloc(old, size);
    if (new == NULL) {
        die("out of memory");
    }
    return new;
}

char *put_space(struct bytes *b, size_t n) {
    if (b->cap - b->len < n) {
        b->cap = b->len + n > 2 * b->cap ? b->len + n : 2 * b->cap;
        b->data = resize(b->data, b->cap);
    }
    b->len += n;
    return b->data + b->len - n;
}

void put(struct bytes *b, const void *data, size_t n) {
    if (n > 0) {
        memcpy(put_space(b, n), data, n);
    }
}

void put_int(struct bytes *b, uint64_t value, size_t width) {
    store_int(put_space(b, width), value, width);
}

void bytes_drop(struct bytes *b, size_t n) {
    b->len -= n;
    if (b->len > 0) {
        memmove(b->data, b->data + n, b->len);
    } else if (b->cap > KEPT) {
        bytes_free(b);
    }
}

void bytes_free(struct bytes *b) {
    free(b->data);
    *b = (struct bytes){NULL, 0, 0};
}

void store_int(char *to, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++) {
        to[i] = (char)(unsigned char)(value >> (8 * i));
    }
}

uint64_t load_int(const char *from, size_t width) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value |= (uint64_t)(unsigned char)from[i] << (8 * i);
    }
    return value;
}

const char *get(struct cursor *c, size_t n) {
    if (c->bad || bytes_left(c) < n) {
        c->bad = true;
        return NULL;
    }
    c->at += n;
    return c->at - n;
}

uint64_t get_int(struct cursor *c, size_t width) {
    const char *from = get(c, width);
    return from != NULL ? load_int(from, width) : 0;
}
