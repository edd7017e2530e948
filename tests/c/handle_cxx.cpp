/* SPDX-License-Identifier: MIT */
/* handle.c, compiled as C++. */
#include "handle.c"
