/* SPDX-License-Identifier: MIT */
#ifndef MULTI_TESTS_UNIT_H
#define MULTI_TESTS_UNIT_H

#include "../check.h"

void test_wire(void); /* unit_wire.c */
void test_disk(void); /* unit_disk.c */

#endif
