/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "histogram.h"
#include "limiter.h"
#include "unit.h"

static const char a[] = "a %d";
static const char b[] = "b %d";

/* Lines with the same format are limited; each period begins anew and tells what was left out. */
void test_limiter(void) {
    static struct limiter l;
    struct limiter_rest rest;
    for (int i = 0; i < LIMITER_LINES; i++) {
        CHECK(limiter_pass(&l, a, 1, "a", 1000, &rest) && rest.n == 0);
    }
    CHECK(!limiter_pass(&l, a, 1, "a left out", 1500, &rest) && rest.n == 0);
    CHECK(limiter_pass(&l, b, 1, "b", 1500, &rest) && rest.n == 0);
    CHECK(!limiter_pass(&l, a, 2, "the last a", 999 + LIMITER_PERIOD, &rest));
    CHECK(!limiter_next(&l, 999 + LIMITER_PERIOD, &rest)); /* the period is not over */
    CHECK(limiter_next(&l, 1000 + LIMITER_PERIOD, &rest));
    CHECK(rest.n == 2 && rest.level == 2 && strcmp(rest.last, "the last a") == 0);
    CHECK(!limiter_next(&l, 1000 + LIMITER_PERIOD, &rest)); /* told once */
    for (int i = 0; i < LIMITER_LINES + 3; i++) {
        bool pass = limiter_pass(&l, a, 1, "a", 20000, &rest);
        CHECK(pass == (i < LIMITER_LINES) && rest.n == 0);
    }
    CHECK(limiter_pass(&l, a, 1, "a", 20000 + LIMITER_PERIOD, &rest) && rest.n == 3);
    CHECK(!limiter_next(&l, 50000, &rest));
}

/* With more formats than places, a place that counts lines is kept. */
void test_limiter_places(void) {
    static struct limiter l;
    static char formats[2 * LIMITER_PLACES];
    struct limiter_rest rest;
    for (int i = 0; i <= LIMITER_LINES; i++) {
        limiter_pass(&l, a, 1, "a", 0, &rest);
    }
    for (int i = 0; i < 2 * LIMITER_PLACES; i++) {
        CHECK(limiter_pass(&l, &formats[i], 1, "x", 1 + (uint64_t)i, &rest) && rest.n == 0);
    }
    CHECK(limiter_next(&l, LIMITER_PERIOD, &rest) && rest.n == 1 && strcmp(rest.last, "a") == 0);
}

void test_advice(void) {
    static const int errors[] = {EACCES, EPERM,  EROFS,  ENOTDIR, EISDIR, ENOENT, ELOOP,
                                 EMFILE, ENFILE, ENOSPC, EDQUOT,  EFBIG,  EIO};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "IO error: %s: While opening /x", strerror(errors[i]));
        CHECK(file_advice(errors[i]) != NULL);
        CHECK(file_advice_of(text) == file_advice(errors[i]));
    }
    CHECK(file_advice(0) == NULL && file_advice_of("Corruption: bad block") == NULL);
}

void test_histogram(void) {
    static struct histogram h;
    CHECK(histogram_read(&h, 500000).n == 0);
    for (uint64_t i = 1; i <= 1000; i++) {
        histogram_add(&h, i * 100, 500000);
    }
    struct histogram_summary s = histogram_read(&h, 500000);
    CHECK(s.n == 1000 && s.mean == 50050 && s.max == 100000);
    CHECK(s.p99 >= 99000 && s.p99 <= 100000);
    /* Ten slow ones of 1,010 are within the last hundredth, eleven are not. */
    for (int i = 0; i < 10; i++) {
        histogram_add(&h, 1u << 30, 509000);
    }
    s = histogram_read(&h, 509000);
    CHECK(s.n == 1010 && s.max == 1u << 30 && s.p99 >= 99000 && s.p99 < 120000);
    histogram_add(&h, 1u << 30, 515000);
    s = histogram_read(&h, 515000);
    CHECK(s.p99 == 1u << 30 && h.total == 1011 && h.last == 1u << 30);
    /* The first slice ends at 510000 and is a minute old at 560000. */
    CHECK(histogram_read(&h, 559999).n == 1011);
    s = histogram_read(&h, 560000);
    CHECK(s.n == 1 && s.mean == 1u << 30);
    histogram_add(&h, 7, 560001); /* takes the place of the first slice */
    s = histogram_read(&h, 560001);
    CHECK(s.n == 2 && s.p99 == 1u << 30 && h.last == 7);
    CHECK(histogram_read(&h, 10000000).n == 0);
}

/* Each duration is in a bucket whose end is not smaller, and larger by an eighth at most. */
void test_histogram_buckets(void) {
    for (uint64_t d = 0; d < 1ull << 36; d = d + d / 13 + 1) {
        struct histogram h = {0};
        histogram_add(&h, d, 0);
        h.slices[0].max = UINT64_MAX; /* p99 is the end of the bucket */
        uint64_t p99 = histogram_read(&h, 0).p99;
        CHECK(p99 >= d && p99 <= d + d / 8);
    }
    struct histogram h = {0};
    histogram_add(&h, UINT64_MAX, 0);
    CHECK(histogram_read(&h, 0).max == UINT64_MAX);
}
