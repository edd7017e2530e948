/* SPDX-License-Identifier: MIT */
#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _exit(1);
}

void *resize(void *memory, size_t size) {
    void *p = realloc(memory, size + (size == 0));
    return p != NULL ? p : (die("out of memory"), NULL);
}

char *copy_text(const char *text) { return strcpy(resize(NULL, strlen(text) + 1), text); }

char *bytes_add(struct bytes *b, const void *data, size_t len) {
    if (b->size - b->len < len) {
        b->size = 2 * b->size + len;
        b->base = resize(b->base, b->size);
    }
    b->len += len;
    char *at = b->base + b->len - len;
    return data != NULL ? memcpy(at, data, len) : at;
}

void bytes_drop(struct bytes *b, size_t len) {
    b->len -= len;
    memmove(b->base, b->base + len, b->len);
}
