/* SPDX-License-Identifier: MIT */
/* Tests of the store's rooms, without a server. What fails ends the program. */
#ifndef KV_TESTS_ROOMS_H
#define KV_TESTS_ROOMS_H

#include <stdio.h>
#include <stdlib.h>

#include "log.h"

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

/* The same numbers in every run. */
unsigned random_below(unsigned n);

/* An entry with this payload, in a block of its own. */
struct log_entry entry_of(raft_term term, int type, const char *text);

/* Run the tests of rooms_disk.c in a scratch directory. */
void test_disk(void);
extern char *scratch;
void remove_tree(const char *path);

/* rooms_journal.c */
void test_journal(void);

#endif
