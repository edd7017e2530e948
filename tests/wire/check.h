/* SPDX-License-Identifier: MIT */
/* What the tests of examples/wire share. */
#ifndef WIRE_TESTS_CHECK_H
#define WIRE_TESTS_CHECK_H

#include <wire.h>

#include "../check.h"

enum { TEXT_MAX = 4096 };

/* A text that grows; longer ones than TEXT_MAX are cut. */
struct text {
    char chars[TEXT_MAX];
    size_t len;
};

void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The fields that a message of its version has, as docs/reference/wire-vectors.txt lists them. */
void list_fields(struct text *t, const struct raft_message *m);

/* Decode bytes that end where readable memory ends. */
int decode_guarded(const unsigned char *bytes, size_t len, struct wire_message *out);

/* Check that a message which was decoded is encoded as the same bytes. */
void check_encoding(const struct raft_message *m, const unsigned char *bytes, size_t len);

/* Store the number of bytes in the first four. */
void store_length(unsigned char *bytes, size_t len);

#endif
