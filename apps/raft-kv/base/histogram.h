/* SPDX-License-Identifier: MIT */
/* How long something took during the last minute. Durations are in microseconds. */
#ifndef KV_HISTOGRAM_H
#define KV_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_SLICES = 6, /* of the minute; the oldest is dropped when a new one begins */
    HISTOGRAM_SLICE_MS = 10000,
    HISTOGRAM_STEPS = 8, /* buckets for each power of two: an error of an eighth */
    HISTOGRAM_BUCKETS = 40 * HISTOGRAM_STEPS /* up to 2^40 us */
};

struct histogram_slice {
    uint64_t number; /* time / HISTOGRAM_SLICE_MS */
    uint64_t n;
    uint64_t sum;
    uint64_t max;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

struct histogram {
    uint64_t total; /* durations added since the start */
    uint64_t last;
    struct histogram_slice slices[HISTOGRAM_SLICES];
};

struct histogram_summary {
    uint64_t n; /* in the last minute */
    uint64_t mean;
    uint64_t max;
    uint64_t p99; /* 99 % took at most this; too large by an eighth at most */
};

/* `now` is a time in ms that does not run backwards. */
void histogram_add(struct histogram *h, uint64_t duration, uint64_t now);
struct histogram_summary histogram_read(const struct histogram *h, uint64_t now);

#endif
