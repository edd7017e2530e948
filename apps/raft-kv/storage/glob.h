/* SPDX-License-Identifier: MIT */
/* Patterns as in Redis: `*` any text, `?` one byte, `[abc]` `[a-c]` `[^a]` one byte of a set,
 * `\x` the byte x itself. */
#ifndef KV_GLOB_H
#define KV_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* True if the whole text matches. Adds the number of comparisons to `*work`; at most the product of
 * the lengths. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t len,
                size_t *work);

#endif
