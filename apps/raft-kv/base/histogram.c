/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <string.h>

/* Durations below 2 * HISTOGRAM_STEPS have a bucket each. Above, the leading bits of a duration
 * choose the bucket. */
static unsigned bucket_of(uint64_t duration) {
    unsigned shift = 0;
    while (duration >> shift >= 2 * HISTOGRAM_STEPS) {
        shift++;
    }
    unsigned bucket = shift * HISTOGRAM_STEPS + (unsigned)(duration >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The longest duration in a bucket. */
static uint64_t bucket_end(unsigned bucket) {
    if (bucket < 2 * HISTOGRAM_STEPS) {
        return bucket;
    }
    unsigned shift = bucket / HISTOGRAM_STEPS - 1;
    uint64_t lead = bucket - shift * HISTOGRAM_STEPS;
    return ((lead + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t duration, uint64_t now) {
    uint64_t number = now / HISTOGRAM_SLICE_MS;
    struct histogram_slice *slice = &h->slices[number % HISTOGRAM_SLICES];
    if (slice->number != number) {
        memset(slice, 0, sizeof *slice);
        slice->number = number;
    }
    h->total++;
    h->last = duration;
    slice->n++;
    slice->sum += duration;
    slice->max = duration > slice->max ? duration : slice->max;
    slice->buckets[bucket_of(duration)]++;
}

struct histogram_summary histogram_read(const struct histogram *h, uint64_t now) {
    uint64_t number = now / HISTOGRAM_SLICE_MS;
    struct histogram_summary s = {0};
    uint64_t buckets[HISTOGRAM_BUCKETS] = {0};
    uint64_t sum = 0;
    for (unsigned i = 0; i < HISTOGRAM_SLICES; i++) {
        const struct histogram_slice *slice = &h->slices[i];
        if (slice->number + HISTOGRAM_SLICES <= number) {
            continue;
        }
        s.n += slice->n;
        sum += slice->sum;
        s.max = slice->max > s.max ? slice->max : s.max;
        for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
            buckets[b] += slice->buckets[b];
        }
    }
    s.mean = s.n > 0 ? sum / s.n : 0;
    uint64_t above = s.n / 100; /* so many may take longer */
    for (unsigned b = HISTOGRAM_BUCKETS; b-- > 0;) {
        if (buckets[b] > above) {
            s.p99 = bucket_end(b) < s.max ? bucket_end(b) : s.max;
            break;
        }
        above -= buckets[b];
    }
    return s;
}
