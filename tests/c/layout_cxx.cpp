/* SPDX-License-Identifier: MIT */
/* layout.c, compiled as C++. */
#include "layout.c"
