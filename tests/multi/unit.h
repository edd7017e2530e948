/* SPDX-License-Identifier: MIT */
#ifndef MULTI_TESTS_UNIT_H
#define MULTI_TESTS_UNIT_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

/* A pseudo-random number below `n`; the sequence is the same in every run. */
unsigned random_below(unsigned n);

void test_wire(void); /* unit_wire.c */
void test_disk(void); /* unit_disk.c */

#endif
