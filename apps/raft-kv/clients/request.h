/* SPDX-License-Identifier: MIT */
/* Parses commands from a client connection: arrays of bulk strings, with the reader of hiredis, and
 * inline commands. */
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include <hiredis/read.h>

#include "bytes.h"

struct argument {
    size_t at;
    size_t len;
};

struct request {
    size_t n;
    size_t cap;
    struct argument *arguments;
    struct buf bytes;  /* the arguments, each followed by a NUL */
    const char *error; /* why the input is malformed */
};

struct requests {
    redisReader *reader;
    struct request request; /* the current command */
    size_t limit;           /* bytes of a command, at most MAX_COMMAND */
};

void requests_init(struct requests *r);
void requests_free(struct requests *r);

/* Bytes of memory in use. */
size_t requests_memory(const struct requests *r);
/* True if a part of a command was received. */
bool requests_unfinished(const struct requests *r);
/* Free the memory of past commands. Not while a command is being executed. */
void requests_trim(struct requests *r);

/* Add received bytes. */
void requests_feed(struct requests *r, const char *data, size_t len);

/* Parse the next command. 1: `request` holds it, with at least one argument. 0: more bytes are
 * needed. -1: the input is malformed, and `request.error` says why. */
int requests_next(struct requests *r);

static inline const char *request_argument(const struct request *q, size_t i) {
    return q->bytes.data + q->arguments[i].at;
}

#endif
