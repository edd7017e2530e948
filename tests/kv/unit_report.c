/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
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
