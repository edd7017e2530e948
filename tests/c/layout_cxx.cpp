/* SPDX-License-Identifier: MIT */
/* The same assertions, as C++. */
#include "layout.c"
