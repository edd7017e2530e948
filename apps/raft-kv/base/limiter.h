/* SPDX-License-Identifier: MIT */
/* Limits how often the same line is logged. Other servers and clients can cause some lines as often
 * as they like. Lines count as the same if they have the same format string. */
#ifndef KV_LIMITER_H
#define KV_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LIMITER_LINES = 10,     /* with the same format in LIMITER_PERIOD: */
    LIMITER_PERIOD = 10000, /* ms. Further ones are counted, not logged */
    LIMITER_PLACES = 128,   /* format strings that are remembered */
    LIMITER_TEXT = 200      /* bytes of the last text that are remembered */
};

struct limiter_place {
    const char *format; /* NULL: free */
    uint64_t begun;     /* the period */
    unsigned lines;     /* passed in this period */
    uint64_t left_out;  /* after them */
    int level;
    char last[LIMITER_TEXT]; /* the last text that was left out */
};

struct limiter {
    struct limiter_place places[LIMITER_PLACES];
};

/* The lines that were left out in a period that is over. */
struct limiter_rest {
    uint64_t n; /* 0: none */
    int level;
    char last[LIMITER_TEXT];
};

/* True if this line is to be logged. `now` is in ms. If lines were left out of the period before,
 * `rest` tells them, and they must be logged first. */
bool limiter_pass(struct limiter *l, const char *format, int level, const char *text, uint64_t now,
                  struct limiter_rest *rest);

/* Find a period that is over and left lines out; false: there is none. Call until it is false. */
bool limiter_next(struct limiter *l, uint64_t now, struct limiter_rest *rest);

#endif
