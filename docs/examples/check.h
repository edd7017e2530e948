/* SPDX-License-Identifier: MIT */
/* What the programs of the guides check themselves with. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) \
    ((condition)         \
         ? (void)0       \
         : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), exit(1)))

#endif
