/* SPDX-License-Identifier: MIT */
/* A growable buffer, a bounds-checked reader of little-endian integers, and the ways to end. */
#ifndef MULTI_BYTES_H
#define MULTI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Print why the process cannot continue, and exit with status 1. What is durable is recovered at
 * the next start. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As realloc(); the process ends if memory runs out. */
void *resize(void *old, size_t size);

/* A growable buffer. A zeroed one is empty. */
struct bytes {
    char *data;
    size_t len;
    size_t cap;
};

/* Append `n` bytes, and return where they are. put_space() leaves them to the caller to fill. */
char *put_space(struct bytes *b, size_t n);
void put(struct bytes *b, const void *data, size_t n);
void put_int(struct bytes *b, uint64_t value, size_t width);

/* Remove the first `n` bytes. A large buffer that is empty then gives its memory back. */
void bytes_drop(struct bytes *b, size_t n);
void bytes_free(struct bytes *b);

void store_int(char *to, uint64_t value, size_t width);
uint64_t load_int(const char *from, size_t width);

/* A reader. A read beyond the end sets `bad`, and returns 0 or NULL. */
struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

const char *get(struct cursor *c, size_t n);
uint64_t get_int(struct cursor *c, size_t width);

static inline size_t bytes_left(const struct cursor *c) { return (size_t)(c->end - c->at); }

#endif
